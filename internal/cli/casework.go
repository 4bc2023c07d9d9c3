package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/correlate"
	"vedette/internal/fault"
)

// assignCommand gives an incident to a person.
func (r *root) assignCommand() *cobra.Command {
	var to, why string
	var nobody bool
	cmd := &cobra.Command{
		Use: "assign ID", Short: "take an incident, or give it to somebody; it is told in its history and in the audit journal",
		Example: "  vedette incidents assign 3f2a9c01de\n  vedette incidents assign 3f2a9c01de --to ann --reason \"she knows the press\"\n  vedette incidents assign 3f2a9c01de --nobody",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if nobody {
				to = correlate.Nobody
			}
			return r.decideOn(cmd, api.IncidentDecision{Actor: person(), Action: api.IncidentAssign, Incident: args[0], To: to, Why: why})
		},
	}
	cmd.Flags().StringVar(&to, "to", correlate.Me, "the person's name")
	cmd.Flags().BoolVar(&nobody, "nobody", false, "nobody has it any more")
	cmd.Flags().StringVar(&why, "reason", "", "why; need not be said")
	cmd.MarkFlagsMutuallyExclusive("to", "nobody")
	return cmd
}

// noteCommand writes a note on an incident.
func (r *root) noteCommand() *cobra.Command {
	var text, query string
	cmd := &cobra.Command{
		Use: "note ID", Short: "write a note on an incident; take it back with undo, by the id that show gives",
		Example: "  vedette incidents note 3f2a9c01de --text \"the vendor was on site until noon\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.decideOn(cmd, api.IncidentDecision{Actor: person(), Action: api.IncidentNote, Incident: args[0], Text: text, Query: query})
		},
	}
	cmd.Flags().StringVar(&text, "text", "", "what others should know, at most 4096 bytes")
	cmd.Flags().StringVar(&query, "query", "", "a query to run now; what it answers is kept with the note as evidence")
	_ = cmd.MarkFlagRequired("text") // it exists
	return cmd
}

func (r *root) decideOn(cmd *cobra.Command, d api.IncidentDecision) error {
	return r.with(cmd.Context(), func(b backend) error {
		got, err := b.DecideIncident(cmd.Context(), d)
		if err != nil {
			return err
		}
		return r.printIncident(cmd.Context(), b, got)
	})
}

// exportIncidentCommand writes an incident for people or programs.
func (r *root) exportIncidentCommand() *cobra.Command {
	var format, path string
	cmd := &cobra.Command{
		Use: "export ID", Short: "write an incident as a report for people (md) or for programs (json); the audit journal tells of it",
		Example: "  vedette incidents export 3f2a9c01de --format md --to incident.md",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				f, err := b.ExportIncident(cmd.Context(), api.IncidentExport{Actor: person(), Incident: args[0], Format: format})
				if err != nil {
					return err
				}
				if path == "" {
					_, err = r.Out.Write(f.Data)
					return err
				}
				if err := os.WriteFile(path, f.Data, 0o600); err != nil {
					return fault.Wrap(fault.Unavailable, err, "writing the report")
				}
				fmt.Fprintf(r.Err, "written to %s\n", path)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "md", "md or json")
	cmd.Flags().StringVar(&path, "to", "", "a file, instead of the standard output")
	return cmd
}

// notes are what persons wrote, each on one line.
func notes(list []correlate.Note) []string {
	out := make([]string, len(list))
	for i, n := range list {
		asked := ""
		if n.Result != nil {
			asked = fmt.Sprintf(" [%s: %d rows]", n.Query, n.Result.Total)
		}
		out[i] = fmt.Sprintf("%s  %s: %s%s (undo: vedette incidents undo %s)", cellText(n.At), n.By, strings.ReplaceAll(n.Text, "\n", " / "), asked, n.ID)
	}
	return out
}
