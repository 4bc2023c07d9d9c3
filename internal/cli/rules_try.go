package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

func (r *root) rulesTryCommand() *cobra.Command {
	var q api.RuleTry
	cmd := &cobra.Command{
		Use:   "try FILE | --id ID",
		Short: "show stored events to a rule, and tell what it would have found",
		Long: "Shows the events that are stored, of the last 24 hours before the newest or of another span, to a rule that is not kept: how many findings it would have\n" +
			"made, on which devices and days, and what they look like. If a rule of its id was uploaded, that one is shown the same events. It ends after 60 seconds or 2\n" +
			"million events at the latest and says so; Ctrl-C ends it. With --id a rule that is there is tried, also one that is off. Nothing is changed.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (q.ID != "") {
				return useError{fault.New(fault.Invalid, "name the file of a rule, or a rule that is there by --id")}
			}
			if len(args) == 1 {
				text, err := readSmall(args[0])
				if err != nil {
					return err
				}
				q.Text = string(text)
			}
			q.Told = func(p api.RuleTryProgress) { r.progress("%d of %d events, %d findings", p.Read, p.Of, p.Findings) }
			return r.with(cmd.Context(), func(b backend) error {
				t, err := b.TryRule(cmd.Context(), q)
				r.progress("")
				if err != nil {
					return err
				}
				return r.printTried(t)
			})
		},
	}
	cmd.Flags().StringVar(&q.ID, "id", "", "a rule that is there, by its id")
	cmd.Flags().StringVar(&q.Last, "last", "24h", "how far back from the newest event, at most 90d")
	return cmd
}

func (r *root) printTried(t api.RuleTried) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(t)
	}
	const clock = "2006-01-02 15:04"
	fmt.Fprintf(r.Err, "%s: %d findings, %d events fit, of %d events from %s to %s\n", printable(t.Title), t.Findings, t.Matches, t.Read, t.From.Format(clock), t.To.Format(clock))
	if t.InForce != nil {
		fmt.Fprintf(r.Err, "the rule that is there makes %d findings of them\n", *t.InForce)
	}
	if t.Cut != "" {
		fmt.Fprintf(r.Err, "only events before %s were read, %d of %d: %s\n", t.Until.Format(clock), t.Read, t.Of, t.Cut)
	}
	for _, n := range t.Notes {
		fmt.Fprintln(r.Err, printable(n))
	}
	rows := [][]any{}
	for _, d := range t.Days {
		rows = append(rows, []any{"day", d.Day, d.Findings, ""})
	}
	for _, d := range t.Devices {
		rows = append(rows, []any{"device", d.Name, d.Findings, d.UID})
	}
	for _, x := range t.Examples {
		rows = append(rows, []any{"example", x.Time.Format("2006-01-02T15:04:05Z"), int64(1), strings.Join(x.Reasons, "; ")})
	}
	if len(rows) == 0 {
		return nil
	}
	return r.writeRows([]string{"by", "value", "findings", "what"}, rows, func() any { return t })
}
