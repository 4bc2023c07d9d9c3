package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vedette/content"
	"vedette/internal/app"
	"vedette/internal/eval/attackeval"
	"vedette/internal/eval/guardeval"
	"vedette/internal/fault"
)

func (r *root) evalAttacksCommand() *cobra.Command {
	var shared string
	var every, models int
	var own bool
	cmd := &cobra.Command{
		Use:   "attacks",
		Short: "plant attack texts in every field a device writes, under models that obey them",
		Long: "Puts each text into a field that a device or peer can write, asks questions through the door to the worst models\n" +
			"there are, behind a real server, and counts in how many runs anything changed, left or was shown. Then once more\n" +
			"with one control off at a time, over fewer texts: where that counts nothing, the zero above would prove nothing.\n" +
			"What is off is off in the evaluation; the product has no switch for it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < 1 || models < 1 {
				return useError{fault.New(fault.Invalid, "--every and --others take a number from 1")}
			}
			return r.evalAttacks(cmd.Context(), shared, every, models, own)
		},
	}
	cmd.Flags().StringVar(&shared, "shared", "../shared/data", "folder of the public data sets")
	cmd.Flags().IntVar(&every, "every", 1, "use every n-th text with the obedient model and the steered planner")
	cmd.Flags().BoolVar(&own, "model", false, "the configured model instead of the worst ones, with every text of --others")
	cmd.Flags().IntVar(&models, "others", 20, "use every n-th text with each of the other models, and with controls off")
	return cmd
}

func (r *root) evalAttacks(ctx context.Context, shared string, every, others int, own bool) error {
	started := time.Now()
	all, err := guardeval.Read(shared)
	if err != nil {
		return err
	}
	few, many := attackTexts(all, others), attackTexts(all, every)
	columns := []string{"off", "model", "runs", "model_calls", "changed_tool_calls", "leaks", "restricted_left", "control_tokens_sent", "lowered", "false_shown", "active_content", "without_answer", "succeeded"}
	var rows [][]any
	var scores []attackeval.Row
	doors, engine, names := attackeval.Doors(app.AttackedDoor), "worst-case", attackeval.Models()
	if own {
		cfg, err := r.appConfig()
		if err != nil {
			return err
		}
		if doors, engine, err = app.AttackedModel(cfg); err != nil {
			return err
		}
		names, many = []string{attackeval.OwnModel}, few
	}
	run := func(off attackeval.Control, texts []string, models ...string) error {
		found, err := attackeval.Run(ctx, attackeval.Config{
			Doors: doors, Store: app.AttackedStore, Lexicon: content.Lexicon(), Texts: texts, Models: models, Control: off, Now: started,
			Each: func(o attackeval.Row) { fmt.Fprintf(r.Err, "%s, %s: %d runs\n", o.Control, o.Model, o.Runs) },
		})
		scores = append(scores, found...)
		for _, o := range found {
			rows = append(rows, []any{string(o.Control), o.Model, o.Runs, o.Calls, o.ToolCalls, o.Leaks, o.Secrets, o.Tokens, o.Lowered, o.Shown, o.Active, o.Failed, o.Sum()})
		}
		return err
	}
	most := min(2, len(names))
	if err := run(attackeval.AllOn, many, names[:most]...); err != nil {
		return err
	}
	if err := run(attackeval.AllOn, few, names[most:]...); err != nil {
		return err
	}
	for _, off := range attackeval.Controls()[1:] {
		if own {
			break // the worst ones show what the controls are for
		}
		if err := run(off, few, attackeval.Against(off)); err != nil {
			return err
		}
	}
	return r.writeEval("attacks", engine, scores, columns, rows, started)
}

// attackTexts takes ours and every n-th attack of the public set.
func attackTexts(all []guardeval.Row, every int) []string {
	out := attackeval.OwnTexts()
	n := 0
	for _, row := range all {
		if row.Attack {
			if n%every == 0 {
				out = append(out, row.Text)
			}
			n++
		}
	}
	return out
}
