package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"vedette/content"
	"vedette/internal/app"
	"vedette/internal/copilot"
	"vedette/internal/eval"
	"vedette/internal/fault"
)

func (r *root) benchCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "measure the product: rates, sizes, latencies, and answers to known questions"}
	var shared, file string
	var verbose bool
	ask := &cobra.Command{
		Use:   "ask",
		Short: "ask the known questions and score the answers",
		Long: "Asks the questions of content/lexicon/questions.txtar (or --questions) over the public data sets in --shared and\n" +
			"compares the first evidence of each answer with a result that was computed from the raw files by other programs.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := content.Questions()
			if file != "" {
				data, err := os.ReadFile(file) //nolint:gosec // G304: the person named this file
				if err != nil {
					return fault.Wrap(fault.NotFound, err, "reading the questions %s", file)
				}
				text = data
			}
			return r.benchAsk(cmd.Context(), shared, text, verbose)
		},
	}
	ask.Flags().StringVar(&shared, "shared", "../shared/data", "folder of the public data sets")
	ask.Flags().StringVar(&file, "questions", "", "another set of questions")
	ask.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the questions that were not answered right")
	cmd.AddCommand(ask, r.benchIngestCommand(), r.benchQueryCommand(), r.benchDetectCommand(), r.benchLiveCommand(), r.benchAPICommand())
	return cmd
}

func (r *root) benchAsk(ctx context.Context, shared string, questions []byte, verbose bool) error {
	sets, list, err := eval.Parse(questions)
	if err != nil {
		return err
	}
	started := time.Now()
	results, err := eval.Run(ctx, shared, sets, list, func() (eval.Product, error) { return newScratch(ctx) })
	if err != nil {
		return err
	}
	if verbose {
		r.showMisses(results)
	}
	scores := eval.Summarise(results)
	columns := []string{"half", "questions", "right", "wrong", "hedged", "right_share", "wrong_share", "query_ok"}
	rows := make([][]any, len(scores))
	for i, s := range scores {
		rows[i] = []any{s.Half, s.Questions, s.Right, s.Wrong, s.Hedged, share(s.Right, s.Questions), share(s.Wrong, s.Questions), s.QueryOK}
	}
	if err := r.writeRows(columns, rows, func() any {
		return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: int64(len(rows)), Seconds: time.Since(started).Seconds()}
	}); err != nil {
		return err
	}
	fmt.Fprintf(r.Err, "%d questions in %.1f s\n", len(results), time.Since(started).Seconds())
	return nil
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n*1000/of) / 1000
}

func (r *root) showMisses(results []eval.Result) {
	for _, res := range results {
		if res.Verdict == eval.Right && res.QueryOK {
			continue
		}
		fmt.Fprintf(r.Err, "%s %s [%s] %s\n  want %s\n  read as: %s\n", res.Verdict, res.Question.ID, res.Question.Dataset, res.Question.Text, res.Question.Expect, printable(res.Answer.ReadAs))
		for _, s := range res.Answer.Answer[:min(3, len(res.Answer.Answer))] {
			fmt.Fprintf(r.Err, "  %s\n", printable(s.Text))
		}
		if len(res.Answer.Plan) > 0 {
			fmt.Fprintf(r.Err, "  plan: %s\n", printable(res.Answer.Plan[0].Query.String()))
		}
		if res.Question.Query != "" && !res.QueryOK {
			fmt.Fprintf(r.Err, "  want: %s\n", res.Question.Query)
		}
	}
}

// scratch is the product on an empty directory that goes away with it.
type scratch struct {
	*app.App
	dir string
}

func newScratch(ctx context.Context) (*scratch, error) {
	dir, err := os.MkdirTemp("", "vedette-bench-")
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "making a scratch directory")
	}
	a, err := app.Open(ctx, app.Config{Dir: filepath.Join(dir, "data")})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &scratch{App: a, dir: dir}, nil
}

// Take implements eval.Product.
func (s *scratch) Take(ctx context.Context, in io.Reader, name string, modified time.Time) error {
	_, err := s.IngestStream(ctx, in, name, "", modified)
	return err
}

// Ask implements eval.Product.
func (s *scratch) Ask(ctx context.Context, req copilot.Request) (*copilot.Answer, error) {
	return s.App.Ask(ctx, req)
}

// Close implements eval.Product.
func (s *scratch) Close() error {
	err := s.App.Close()
	_ = os.RemoveAll(s.dir) // a scratch directory; the system clears what is left
	return err
}
