package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/detect/sigma"
	"vedette/internal/edge"
	"vedette/internal/event"
	"vedette/internal/ingest"
)

// ruleHit is one line of rules run.
type ruleHit struct {
	Rule   string `json:"rule"`
	Title  string `json:"title"`
	Level  string `json:"level"`
	File   string `json:"file"`
	Record int    `json:"record"`
}

func (r *root) rulesRunCommand() *cobra.Command {
	var o ruleOptions
	var rules []string
	var format string
	cmd := &cobra.Command{
		Use:   "run --rules PATH... FILE...",
		Short: "show the records of log files to rules, one JSON object a line for each that fires",
		Long: "Reads log files in any format that vedette parse knows and shows each record to the rules. Nothing is stored, and\n" +
			"devices are not known: fields that come from the device table are empty.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, set, refused, err := compileRules(rules, &o)
			if err != nil {
				return err
			}
			r.tellRefused(refused)
			files, err := ingest.Files(args)
			if err != nil {
				return err
			}
			return r.runRules(cmd.Context(), set, files, format)
		},
	}
	cmd.Flags().StringArrayVar(&rules, "rules", nil, "files, directories or zip archives of rules; may be given again")
	cmd.Flags().StringVar(&format, "format", "", "the format of the files, when it is not to be recognised")
	if err := cmd.MarkFlagRequired("rules"); err != nil {
		panic(err) // the flag is defined in the line above
	}
	o.flags(cmd)
	return cmd
}

// runRules shows all files to one detector, so that correlations count over
// all of them.
func (r *root) runRules(ctx context.Context, set *sigma.Set, files []string, format string) error {
	out := bufio.NewWriterSize(r.Out, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	levels := make(map[string]string)
	for _, x := range set.Rules() {
		levels[x.ID] = x.Level
	}
	var failed error
	var at counted
	hit := func(f event.Finding) {
		if err := enc.Encode(ruleHit{f.Rule, f.Title, levels[f.Rule], at.file, at.record}); err != nil {
			failed = err
		}
	}
	d := sigma.NewDetector(set, sigma.DetectorOptions{})
	reader := ingest.NewReader(at.formats(edge.Formats()), time.Now)
	var newest time.Time
	for _, path := range files {
		at.file, at.record = path, 0
		rep, err := parseOne(ctx, reader, r.In, path, format, func(e *event.Event) error {
			if when := e.TimeField(); when.After(newest) && !e.MetadataClockSuspect() {
				newest = when
			}
			d.Inspect(e, hit)
			return failed
		})
		if err != nil {
			return err
		}
		r.rejected = r.rejected || rep.Rejected > 0
		for _, why := range rep.Reasons {
			fmt.Fprintf(r.Err, "%s: %d rejected: %s (at byte %v)\n", printable(path), why.Count, printable(why.Reason), why.Offsets)
		}
	}
	d.Tick(newest, true, hit)
	for _, c := range d.Conditions() {
		fmt.Fprintf(r.Err, "vedette: %s (%d)\n", c.Text, c.Count)
	}
	if failed != nil {
		return failed
	}
	return out.Flush()
}

// counted knows which record of which file is being read: records that are
// rejected count, headers do not.
type counted struct {
	file   string
	record int
}

// formats are the formats with the counting put around them.
func (c *counted) formats(list []ingest.Format) []ingest.Format {
	out := make([]ingest.Format, len(list))
	for i, f := range list {
		open := f.Open
		f.Open = func(o ingest.Origin) ingest.Reading {
			reading := open(o)
			record := reading.Record
			reading.Record = func(raw []byte, offset int64, emit func(*event.Event)) error {
				events := 0
				err := record(raw, offset, func(e *event.Event) {
					events++
					emit(e)
				})
				if err != nil || events > 0 {
					c.record++
				}
				return err
			}
			return reading
		}
		out[i] = f
	}
	return out
}
