package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

func (r *root) modelsExplain() *cobra.Command {
	var follow string
	cmd := &cobra.Command{
		Use:   `explain "QUESTION"`,
		Short: "tell where a question and its data would go, and why; nothing is sent",
		Example: `  vedette models explain "which sensors are unusual today?"
  vedette models explain --follow c-12ab "and yesterday?"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return useError{fault.New(fault.Invalid, "explain needs a question").WithHint(`try: vedette models explain "how many events per log type?"`)}
			}
			now, err := r.now()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				r.tellWhoseModels(b)
				out, err := b.ExplainModels(cmd.Context(), api.ModelsQuestion{Question: strings.Join(args, " "), Now: now, Follow: follow, Person: person()})
				if err != nil {
					return err
				}
				return r.printExplained(out)
			})
		},
	}
	cmd.Flags().StringVar(&follow, "follow", "", "as a part of the conversation with this id")
	return cmd
}

// tellWhoseModels says when the model that a person named for this command is not
// the one that is asked.
func (r *root) tellWhoseModels(b backend) {
	if _, remote := b.(*api.Client); remote && os.Getenv("VEDETTE_MODEL_URL") != "" {
		fmt.Fprintln(r.Err, "a server owns this data directory: its models are in force, VEDETTE_MODEL_URL of this command is not used")
	}
}

func (r *root) printExplained(out api.ModelsExplained) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(out)
	}
	columns := []string{"task", "endpoint", "location", "may_go", "why", "items", "bytes", "tokens_in", "tokens_out", "cost", "pseudonyms"}
	var rows [][]any
	for _, t := range out.Tasks {
		for _, o := range t.Offers {
			may, why, cost := "yes", "approved: "+o.Approval, any(nil)
			if o.Problem != "" {
				may, why = "no", o.Problem
			}
			if o.Currency != "" {
				cost = fmt.Sprintf("<= %.6f %s", o.Cost, o.Currency)
			}
			rows = append(rows, []any{t.Task, o.Endpoint, o.Location, may, why, o.Items, o.Bytes, o.TokensIn, o.TokensOut, cost, o.Redacted})
		}
		for _, f := range t.Refused {
			rows = append(rows, []any{t.Task, f.Endpoint, f.Location, "no", f.Reason, nil, nil, nil, nil, nil, nil})
		}
	}
	if r.output == "csv" {
		return writeCSV(r.Out, columns, rows)
	}
	if out.Note != "" {
		fmt.Fprintln(r.Out, printable(out.Note))
	}
	fmt.Fprintf(r.Out, "mode: %s\n", printable(out.Mode))
	for _, b := range out.Budgets {
		fmt.Fprintf(r.Out, "budget %s today: %s\n", printable(b.Name), budgetText(b))
	}
	for _, t := range out.Tasks {
		fmt.Fprintf(r.Out, "\n%s: %s\n  label %s, integrity %s; it may go to %s at most (%s)\n  %s answers\n",
			t.Task, printable(t.About), t.Label, t.Integrity, t.Highest, printable(t.Rule), printable(t.Answers))
	}
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(r.Out)
	return writeTable(r.Out, columns, rows)
}

func budgetText(b api.BudgetShown) string {
	var parts []string
	add := func(used, of any, bound bool, unit string) {
		if bound {
			parts = append(parts, fmt.Sprintf("%v of %v %s", used, of, unit))
		}
	}
	add(b.Calls, b.OfCalls, b.OfCalls > 0, "calls")
	add(b.Tokens, b.OfTokens, b.OfTokens > 0, "tokens")
	add(b.Seconds, b.OfSeconds, b.OfSeconds > 0, "seconds")
	add(b.Money, b.OfMoney, b.OfMoney > 0, b.Currency)
	return strings.Join(parts, ", ")
}
