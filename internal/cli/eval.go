package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"vedette/content"
	"vedette/internal/copilot"
	"vedette/internal/eval"
	"vedette/internal/eval/mindeval"
	"vedette/internal/fault"
)

func (r *root) evalCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "eval", Short: "score the quality of the product on sets with known answers"}
	cmd.AddCommand(r.evalGroundingCommand(), r.evalPlannerCommand(), r.evalGuardCommand(), r.evalRedactionCommand(), r.evalAttacksCommand())
	return cmd
}

// evalSet is where evaluations find their questions and data.
type evalSet struct{ shared, questions string }

func (s *evalSet) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.shared, "shared", "../shared/data", "folder of the public data sets")
	cmd.Flags().StringVar(&s.questions, "questions", "", "another set of questions")
}

func (s *evalSet) load() ([]eval.Dataset, []eval.Question, error) {
	text := content.Questions()
	if s.questions != "" {
		data, err := os.ReadFile(s.questions)
		if err != nil {
			return nil, nil, fault.Wrap(fault.NotFound, err, "reading the questions %s", s.questions)
		}
		text = data
	}
	return eval.Parse(text)
}

func (r *root) evalGroundingCommand() *cobra.Command {
	var set evalSet
	var seed uint64
	var verbose, model bool
	cmd := &cobra.Command{
		Use:   "grounding",
		Short: "see whether sentences with one wrong fact are found out",
		Long: "Answers the known questions over the public data sets, changes one fact of each sentence at a time, and counts what\n" +
			"the check of sentences against their evidence finds; beside it what it finds when a sentence may mix the rows of its\n" +
			"evidence, and without the check. Sentences that are true, as they were said and reworded, must stay.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.evalGrounding(cmd.Context(), set, seed, verbose, model)
		},
	}
	set.flags(cmd)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the sentences that the check was wrong about")
	cmd.Flags().BoolVar(&model, "model", false, "with the sentences of the configured model, too")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "of what is changed")
	return cmd
}

func (r *root) evalGrounding(ctx context.Context, set evalSet, seed uint64, verbose, model bool) error {
	started := time.Now()
	sets, list, err := set.load()
	if err != nil {
		return err
	}
	results, err := eval.Run(ctx, set.shared, sets, list, func() (eval.Product, error) {
		if model {
			return r.mindedScratch(ctx)
		}
		return newScratch(ctx)
	})
	if err != nil {
		return err
	}
	answers := make([]*copilot.Answer, len(results))
	for i, res := range results {
		answers[i] = res.Answer
	}
	scores := mindeval.Grounding(answers, seed, func(kind, was, text, why string) {
		if verbose {
			fmt.Fprintf(r.Err, "%s\n  was  %s\n  is   %s\n  why  %s\n", kind, printable(was), printable(text), printable(why))
		}
	})
	columns := []string{"kind", "mutated", "sentences", "found", "found_share", "in_question", "found_without_rows", "found_without_check"}
	rows := make([][]any, len(scores))
	for i, s := range scores {
		rows[i] = []any{s.Kind, s.Mutated, s.Sentences, s.Found, share(s.Found, s.Sentences), s.Asked, s.WithoutBy, s.Off}
	}
	engine := "built-in"
	if model {
		engine = "built-in and the configured model"
	}
	return r.writeEval("grounding", engine, scores, columns, rows, started)
}
