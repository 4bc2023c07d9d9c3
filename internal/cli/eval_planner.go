package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/app"
	"vedette/internal/eval"
	"vedette/internal/eval/mindeval"
	"vedette/internal/fault"
)

func (r *root) evalPlannerCommand() *cobra.Command {
	var set evalSet
	var model bool
	cmd := &cobra.Command{
		Use:   "planner",
		Short: "see how questions are read without a model, and with the configured one",
		Long: "Asks the known questions over the public data sets, with the built-in engine and, with --model, once more with the\n" +
			"configured model, and scores both. What a model reaches here is a figure of that model, not of Vedette.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.evalPlanner(cmd.Context(), set, model) },
	}
	set.flags(cmd)
	cmd.Flags().BoolVar(&model, "model", false, "also with the model of the configuration")
	return cmd
}

func (r *root) evalPlanner(ctx context.Context, set evalSet, model bool) error {
	started := time.Now()
	sets, list, err := set.load()
	if err != nil {
		return err
	}
	results, err := eval.Run(ctx, set.shared, sets, list, func() (eval.Product, error) { return newScratch(ctx) })
	if err != nil {
		return err
	}
	scores, engine := mindeval.Planner("built-in", results), "built-in"
	if model {
		results, err = eval.Run(ctx, set.shared, sets, list, func() (eval.Product, error) { return r.mindedScratch(ctx) })
		if err != nil {
			return err
		}
		with := mindeval.Planner("a model that read nothing", results)
		scores, engine = append(scores, with...), with[0].Engine
	}
	columns := []string{"half", "engine", "questions", "right", "wrong", "hedged", "right_share", "wrong_share", "planned", "refused", "worded", "unbacked"}
	rows := make([][]any, len(scores))
	for i, s := range scores {
		rows[i] = []any{s.Half, s.Engine, s.Questions, s.Right, s.Wrong, s.Hedged, share(s.Right, s.Questions), share(s.Wrong, s.Questions), s.Planned, s.Refused, s.Worded, s.Unbacked}
	}
	return r.writeEval("planner", engine, scores, columns, rows, started)
}

// mindedScratch is a scratch product with the model of the configuration.
func (r *root) mindedScratch(ctx context.Context) (*scratch, error) {
	cfg, err := r.appConfig()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vedette-eval-")
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "making a scratch directory")
	}
	cfg.Dir = filepath.Join(dir, "data")
	a, err := app.Open(ctx, cfg)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	s := &scratch{App: a, dir: dir}
	if !a.HasMind() {
		return nil, errors.Join(fault.New(fault.Invalid, "no model is configured").WithHint("name one in the configuration, or by VEDETTE_MODEL_URL and VEDETTE_MODEL_NAME"), s.Close())
	}
	return s, nil
}

// writeEval prints the scores of an evaluation and keeps them in the history.
func (r *root) writeEval(name, engine string, scores any, columns []string, rows [][]any, started time.Time) error {
	if err := r.writeRows(columns, rows, func() any {
		return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: int64(len(rows)), Seconds: time.Since(started).Seconds()}
	}); err != nil {
		return err
	}
	return r.keepEval(name, engine, scores, started)
}

// keepEval keeps the scores of an evaluation in the history.
func (r *root) keepEval(name, engine string, scores any, started time.Time) error {
	record := mindeval.Record{Time: time.Now().UTC(), Eval: name, Version: buildVersion(), Model: engine, Scores: scores}
	if err := mindeval.Keep(r.data, record); err != nil {
		return err
	}
	fmt.Fprintf(r.Err, "%.1f s; kept in %s\n", time.Since(started).Seconds(), filepath.Join(r.data, mindeval.HistoryName))
	return nil
}

// buildVersion is the version and revision of this program.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return info.Main.Version + " " + s.Value
		}
	}
	return info.Main.Version
}
