package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/copilot"
)

func (r *root) explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "say what an event, finding, incident, rule or query is",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, k := range []struct {
		kind api.ExplainKind
		what string
	}{
		{api.ExplainEvent, "UID"}, {api.ExplainFinding, "UID"}, {api.ExplainIncident, "UID"}, {api.ExplainRule, "ID"}, {api.ExplainQuery, "TEXT"},
	} {
		cmd.AddCommand(&cobra.Command{
			Use:   string(k.kind) + " " + k.what,
			Short: "explain one " + string(k.kind),
			Args:  cobra.MinimumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return r.with(cmd.Context(), func(b backend) error {
					ans, err := b.Explain(cmd.Context(), api.ExplainRequest{Kind: k.kind, What: strings.Join(args, " "), Person: person()})
					if err != nil {
						return err
					}
					return r.printAnswer(ans)
				})
			},
		})
	}
	return cmd
}

// printNotebook writes an investigation as markdown, or as JSON.
func (r *root) printNotebook(b *copilot.Notebook) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(b)
	}
	fmt.Fprintf(r.Out, "# Incident %s: %s\n\nSeverity %s, %s.\n\n## What follows\n\n", printable(b.Incident), printable(b.Title), printable(b.Severity), printable(b.Status))
	r.printSentences(b.Conclusions)
	fmt.Fprint(r.Out, "\n## Steps\n")
	for _, s := range b.Steps {
		by := ""
		if s.By == copilot.ByModel {
			by = " (chosen by the model)"
		}
		fmt.Fprintf(r.Out, "\n### %s %s: %s%s\n\nWhy: %s. Evidence %s.\n\n    vedette query '%s'\n\n", s.ID, s.Tool, printable(s.Argument), by, s.Why, s.Evidence, printable(strings.ReplaceAll(s.Query, "'", `'\''`)))
		r.printSentences(s.Found)
	}
	for _, l := range b.Left {
		fmt.Fprintf(r.Err, "not looked at: %s\n", printable(l))
	}
	r.printEngines(&copilot.Answer{Model: b.Model, ModelNotes: b.ModelNotes})
	fmt.Fprintf(r.Err, "%d steps in %.2f s\n", len(b.Steps), b.Seconds)
	return nil
}

func (r *root) printSentences(list []copilot.Sentence) {
	for _, s := range list {
		mark := ""
		if s.By == copilot.ByModel {
			mark = " (worded by the model)"
		}
		if s.Status != "verified" {
			mark += " (unsupported)"
		}
		fmt.Fprintf(r.Out, "- %s [%s]%s\n", printable(s.Text), strings.Join(s.Evidence, " "), mark)
	}
}
