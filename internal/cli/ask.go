package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/copilot"
	"vedette/internal/fault"
)

func (r *root) askCommand() *cobra.Command {
	var follow, incident string
	var batch bool
	cmd := &cobra.Command{
		Use:   `ask "QUESTION"`,
		Short: "answer a question in plain language, with evidence",
		Example: `  vedette ask "which sources have the most failed logins?"
  vedette ask "show me unusual communication patterns from industrial sensors over the past 24 hours"
  vedette ask --follow c-12ab "and yesterday?"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if batch {
				return r.askBatch(cmd.Context(), follow)
			}
			if incident != "" {
				return r.with(cmd.Context(), func(b backend) error {
					book, err := b.Investigate(cmd.Context(), api.InvestigateRequest{Incident: incident, Person: person()})
					if err != nil {
						return err
					}
					return r.printNotebook(book)
				})
			}
			if len(args) == 0 {
				return useError{fault.New(fault.Invalid, "ask needs a question").WithHint(`try: vedette ask "how many events per log type?"`)}
			}
			return r.with(cmd.Context(), func(b backend) error {
				r.tellWhoseModels(b)
				ans, err := r.ask(cmd.Context(), b, strings.Join(args, " "), follow)
				if err != nil {
					return err
				}
				return r.printAnswer(ans)
			})
		},
	}
	cmd.Flags().StringVar(&follow, "follow", "", "continue the conversation with this id")
	cmd.Flags().StringVar(&incident, "investigate", "", "look into the incident with this uid, step by step")
	cmd.Flags().BoolVar(&batch, "batch", false, "read questions from stdin, one a line; write one JSON answer a line")
	return cmd
}

func (r *root) ask(ctx context.Context, b backend, question, follow string) (*copilot.Answer, error) {
	now, err := r.now()
	if err != nil {
		return nil, err
	}
	return b.Ask(ctx, copilot.Request{Question: question, Now: now, Follow: follow, Person: person()})
}

// askBatch answers each line; a question that fails gets an answer with status
// refused and the reason, so that lines and answers stay in step.
func (r *root) askBatch(ctx context.Context, follow string) error {
	return r.with(ctx, func(b backend) error {
		r.tellWhoseModels(b)
		sc := bufio.NewScanner(r.In)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			question := strings.TrimSpace(sc.Text())
			if question == "" {
				continue
			}
			ans, err := r.ask(ctx, b, question, follow)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				ans = refusal(question, err)
			}
			if err := r.writeJSON(ans); err != nil {
				return err
			}
		}
		if err := sc.Err(); err != nil {
			return fault.Wrap(fault.Invalid, err, "reading questions")
		}
		return nil
	})
}

func refusal(question string, err error) *copilot.Answer {
	text, hint := fault.Public(err)
	if hint != "" {
		text += ": " + hint
	}
	return &copilot.Answer{
		Question: question, Status: copilot.StatusRefused,
		Answer:   []copilot.Sentence{{Text: text, Status: "verified", Evidence: []string{}}},
		Evidence: []copilot.Evidence{}, Model: copilot.Model{Name: "built-in", Location: "built-in"},
	}
}

func (r *root) printAnswer(ans *copilot.Answer) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(ans)
	}
	if r.output == "csv" {
		if len(ans.Evidence) == 0 {
			return nil
		}
		return writeCSV(r.Out, ans.Evidence[0].Columns, ans.Evidence[0].Rows)
	}
	for _, s := range ans.Answer {
		mark := ""
		if s.By == copilot.ByModel {
			mark = "  (worded by the model)"
		}
		if s.Status != "verified" {
			mark += "  (unsupported)"
		}
		cites := ""
		if len(s.Evidence) > 0 {
			cites = "  [" + strings.Join(s.Evidence, " ") + "]"
		}
		fmt.Fprintf(r.Out, "%s%s%s\n", printable(s.Text), cites, mark)
	}
	drawChart(r.Out, ans)
	for _, e := range ans.Evidence {
		if len(e.Rows) == 0 {
			continue
		}
		fmt.Fprintf(r.Out, "\n%s  %s\n", e.ID, printable(e.Query))
		if err := writeTable(r.Out, e.Columns, e.Rows[:min(len(e.Rows), 20)]); err != nil {
			return err
		}
		if more := e.Total - int64(min(len(e.Rows), 20)); more > 0 {
			fmt.Fprintf(r.Out, "... %d more (--output json or csv shows the rows that were read)\n", more)
		}
	}
	fmt.Fprintf(r.Err, "\nread as: %s\n", printable(ans.ReadAs))
	if ans.Status != copilot.StatusAnswered {
		fmt.Fprintf(r.Err, "status: %s\n", ans.Status)
	}
	r.printEngines(ans)
	for _, s := range ans.Suggestions {
		fmt.Fprintf(r.Err, "try: %s\n", printable(s))
	}
	if ans.Conversation != "" {
		fmt.Fprintf(r.Err, "follow up with: vedette ask --follow %s \"...\"\n", ans.Conversation)
	}
	return nil
}

// printEngines tells which engine answered, where a model took part.
func (r *root) printEngines(ans *copilot.Answer) {
	if ans.Planner.Name != "" {
		fmt.Fprintf(r.Err, "question read by: %s (%s)\n", printable(ans.Planner.Name), printable(ans.Planner.Location))
	}
	if ans.Model.Location != "built-in" {
		fmt.Fprintf(r.Err, "answered by: the built-in engine; sentences marked so by %s (%s)\n", printable(ans.Model.Name), printable(ans.Model.Location))
	}
	for _, n := range ans.ModelNotes {
		fmt.Fprintf(r.Err, "model: %s\n", printable(n))
	}
	if u := ans.Used; u != nil {
		cost := ""
		if u.Cost > 0 {
			cost = fmt.Sprintf(", %.4f %s", u.Cost, printable(u.Currency))
		}
		fmt.Fprintf(r.Err, "model: asked %d times, %d tokens in, %d out%s; budgets: vedette models explain QUESTION\n", u.Calls, u.TokensIn, u.TokensOut, cost)
	}
}
