package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/fault"
)

// checked is what was found out about one document.
type checked struct {
	File   string `json:"file"`
	Rule   string `json:"rule"`
	Title  string `json:"title,omitempty"`
	Status string `json:"status"` // ok or refused
	Reason string `json:"reason,omitempty"`
}

// checkReport is what rules check says with --output json.
type checkReport struct {
	Files   int       `json:"files"`
	OK      int       `json:"ok"`
	Refused int       `json:"refused"`
	Rules   []checked `json:"rules"`
}

func (r *root) rulesCheckCommand() *cobra.Command {
	var o ruleOptions
	cmd := &cobra.Command{
		Use:   "check PATH...",
		Short: "check rules in files, directories and zip archives: what would load, what not and why",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			loaded, set, refused, err := compileRules(args, &o)
			if err != nil {
				return err
			}
			r.rejected = len(refused) > 0
			return r.printChecked(report(loaded, set, refused))
		},
	}
	o.flags(cmd)
	return cmd
}

// report puts together what loaded and what did not. A note about a rule that
// loads is its reason.
func report(loaded *rulefile.Loaded, set *sigma.Set, refused []sigma.Refusal) checkReport {
	rep := checkReport{Files: loaded.Files, Rules: []checked{}}
	notes := make(map[string]string)
	for _, n := range set.Notes() {
		notes[n.File+"\x00"+n.Rule] = n.Reason
	}
	for _, x := range set.Rules() {
		rep.OK++
		rep.Rules = append(rep.Rules, checked{x.File, x.ID, x.Title, "ok", notes[x.File+"\x00"+x.ID]})
	}
	for i := range loaded.Docs {
		if d := &loaded.Docs[i]; d.Kind == rule.Filter {
			rep.OK++
			rep.Rules = append(rep.Rules, checked{d.File, d.ID, d.Title, "ok", notes[d.File+"\x00"+d.ID]})
		}
	}
	for _, f := range refused {
		rep.Refused++
		rep.Rules = append(rep.Rules, checked{place(f), f.Rule, "", "refused", f.Reason})
	}
	return rep
}

// printChecked shows a person what was refused, and everything to a program.
func (r *root) printChecked(rep checkReport) error {
	columns := []string{"file", "rule", "title", "status", "reason"}
	var rows [][]any
	for _, c := range rep.Rules {
		if r.output == "table" && c.Status == "ok" {
			continue
		}
		rows = append(rows, []any{c.File, c.Rule, c.Title, c.Status, c.Reason})
	}
	if r.output != "table" || len(rows) > 0 {
		if err := r.writeRows(columns, rows, func() any { return rep }); err != nil {
			return err
		}
	}
	if r.output == "table" {
		fmt.Fprintf(r.Out, "%d files: %d rules ok, %d refused\n", rep.Files, rep.OK, rep.Refused)
	}
	return nil
}

// maxSmall bounds a file that is read whole.
const maxSmall = 8 << 20

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the person named this file
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "opening %s", path)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err == nil && len(data) > maxSmall {
		err = fmt.Errorf("more than %d MiB", maxSmall>>20)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading %s", path)
	}
	return data, nil
}

func cutPair(s string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(s, "=")
	return strings.Trim(name, "%"), value, ok && name != "" && value != ""
}
