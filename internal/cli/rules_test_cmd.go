package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vedette/content"
	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/edge"
	"vedette/internal/eval/ruletest"
	"vedette/internal/fault"
)

// testReport is what rules test says with --output json.
type testReport struct {
	Rules    int                `json:"rules"`
	Untested int                `json:"untested"`
	Sections int                `json:"sections"`
	Failed   int                `json:"failed"`
	Problems []ruletest.Problem `json:"problems"`
	Results  []ruletest.Result  `json:"results"`
}

func (r *root) rulesTestCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "test rules with the log lines in the .txtar beside each; without a path the built-in ones",
		RunE: func(cmd *cobra.Command, args []string) error {
			rep := testReport{Problems: []ruletest.Problem{}, Results: []ruletest.Result{}}
			if len(args) == 0 {
				if err := rep.run(cmd.Context(), content.Rules(), ""); err != nil {
					return err
				}
			}
			for _, path := range args {
				dir, only, err := ruleFolder(path)
				if err != nil {
					return err
				}
				if err := rep.run(cmd.Context(), dir, only); err != nil {
					return err
				}
			}
			if err := r.printTests(&rep, all); err != nil {
				return err
			}
			if rep.Failed > 0 || len(rep.Problems) > 0 {
				return fault.New(fault.Invalid, "%d of %d sections failed, %d problems", rep.Failed, rep.Sections, len(rep.Problems))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "show the sections that passed too")
	return cmd
}

// ruleFolder is the folder of rules that a path means, and which of its rules
// if it is a file.
func ruleFolder(path string) (dir fs.FS, only string, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, "", fault.Wrap(fault.NotFound, err, "opening %s", path)
	case info.IsDir():
		return os.DirFS(path), "", nil
	}
	base := filepath.Base(path)
	return os.DirFS(filepath.Dir(path)), strings.TrimSuffix(base, filepath.Ext(base)), nil
}

// loadPack reads the rules of a folder to be tested as the product runs them.
func loadPack(dir fs.FS) (*ruletest.Pack, error) {
	return ruletest.Load(dir, ruletest.Options{
		Formats: edge.Formats(), Mapping: content.SigmaMapping(), Expand: content.RuleValues(),
		Before: func() []detect.Detector {
			return []detect.Detector{behave.New(behave.Config{MaxProfiles: 4096, MaxGroups: 128, MaxSeries: 1024})}
		},
	})
}

// run adds the tests of a folder, or of one rule of it.
func (rep *testReport) run(ctx context.Context, dir fs.FS, only string) error {
	pack, err := loadPack(dir)
	if err != nil {
		return err
	}
	for _, p := range pack.Problems {
		if only == "" || strings.TrimSuffix(p.Path, filepath.Ext(p.Path)) == only {
			rep.Problems = append(rep.Problems, p)
		}
	}
	for i := range pack.Entries {
		e := &pack.Entries[i]
		if only != "" && strings.TrimSuffix(e.Path, filepath.Ext(e.Path)) != only {
			continue
		}
		rep.Rules++
		if e.Test == nil {
			rep.Untested++
			continue
		}
		for _, one := range pack.Run(ctx, e) {
			rep.Sections++
			if !one.OK {
				rep.Failed++
			}
			rep.Results = append(rep.Results, one)
		}
	}
	return ctx.Err()
}

// printTests shows a person what failed, and everything to a program.
func (r *root) printTests(rep *testReport, all bool) error {
	columns := []string{"rule", "section", "ok", "events", "raised", "reason"}
	var rows [][]any
	for _, x := range rep.Results {
		if r.output == "table" && x.OK && !all {
			continue
		}
		rows = append(rows, []any{x.Path, x.Section, x.OK, x.Events, strings.Join(x.Raised, " "), x.Reason})
	}
	for _, p := range rep.Problems {
		fmt.Fprintf(r.Err, "%s: %s\n", printable(p.Path), printable(p.Reason))
	}
	if r.output != "table" || len(rows) > 0 {
		if err := r.writeRows(columns, rows, func() any { return rep }); err != nil {
			return err
		}
	}
	if r.output == "table" {
		fmt.Fprintf(r.Out, "%d rules, %d without a test; %d sections, %d failed\n", rep.Rules, rep.Untested, rep.Sections, rep.Failed)
	}
	return nil
}
