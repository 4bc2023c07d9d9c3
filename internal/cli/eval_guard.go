package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/eval/guardeval"
	"vedette/internal/eval/redacteval"
)

func (r *root) evalGuardCommand() *cobra.Command {
	var shared string
	var controls bool
	cmd := &cobra.Command{
		Use:   "guard",
		Short: "how well attack texts are told from harmless ones, and what each control does to them",
		Long: "Scores the signal on the public attack texts three ways: texts held out, sources of attacks held out, and sources held out\n" +
			"whole; then plants a sample of the attacks and passes it through each control of the guard, switched off and on.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			started := time.Now()
			var rep struct {
				Signal   *guardeval.Report   `json:"signal,omitempty"`
				Controls *guardeval.Ablation `json:"controls"`
			}
			ablation, err := guardeval.Ablate(shared, guardeval.Controls(), 3)
			if err != nil {
				return err
			}
			rep.Controls = &ablation
			if !controls {
				signal, err := guardeval.Run(shared)
				if err != nil {
					return err
				}
				rep.Signal = &signal
			}
			if r.output == "json" {
				return errors.Join(r.writeJSON(rep), r.keepEval("guard", "built-in", rep, started))
			}
			if rep.Signal != nil {
				fmt.Fprint(r.Out, rep.Signal.Table())
			}
			fmt.Fprint(r.Out, ablation.Table())
			return r.keepEval("guard", "built-in", rep, started)
		},
	}
	cmd.Flags().StringVar(&shared, "shared", "../shared/data", "folder of the public data sets")
	cmd.Flags().BoolVar(&controls, "controls", false, "the controls alone, without the half minute of the signal")
	return cmd
}

func (r *root) evalRedactionCommand() *cobra.Command {
	var shared string
	cmd := &cobra.Command{
		Use:   "redaction",
		Short: "how much personal data is found, per type, beside masking every word",
		Long: "Scores the detectors on the public set of made-up people: one part of its templates was looked at when the rules were\n" +
			"written, the other is held out. A span counts as masked when half of its letters are in spans of ours.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			started := time.Now()
			rep, err := redacteval.Run(shared, 1)
			if err != nil {
				return err
			}
			if r.output == "json" {
				return errors.Join(r.writeJSON(rep), r.keepEval("redaction", "built-in", rep, started))
			}
			fmt.Fprint(r.Out, rep.Table())
			return r.keepEval("redaction", "built-in", rep, started)
		},
	}
	cmd.Flags().StringVar(&shared, "shared", "../shared/data", "folder of the public data sets")
	return cmd
}
