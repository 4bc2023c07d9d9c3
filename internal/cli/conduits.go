package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/fault"
	"vedette/internal/query"
)

func (r *root) conduitsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "conduits", Short: "what the site allows between its zones (IEC 62443): show, check a policy file, draft one from what was seen",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.conduitsShow(cmd.Context()) },
	}
	cmd.AddCommand(
		&cobra.Command{Use: "show", Short: "list the conduits in force", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return r.conduitsShow(cmd.Context()) }},
		&cobra.Command{Use: "check FILE", Short: "read a policy file and the MUD files that it names, and tell all that is wrong", Args: cobra.ExactArgs(1), RunE: r.conduitsCheck},
		r.conduitsPassages(), r.conduitsDraft(),
	)
	return cmd
}

func (r *root) conduitsShow(ctx context.Context) error {
	return r.with(ctx, func(b backend) error {
		p, err := b.ZonePolicy(ctx)
		if err != nil {
			return err
		}
		rows := make([][]any, 0, len(p.Conduits))
		for _, c := range p.Conduits {
			way := "one way"
			if c.BothWays {
				way = "both ways"
			}
			rows = append(rows, []any{c.Name, strings.Join(c.From, ", "), strings.Join(c.To, ", "), way, c.Allows})
		}
		switch {
		case !p.Declared:
			fmt.Fprintln(r.Err, "nothing is said of traffic between zones; begin with: vedette conduits draft > policy.yaml")
		default:
			fmt.Fprintf(r.Err, "mode %s; between zones that no conduit joins: %s\n", p.Mode, p.Default)
		}
		return r.writeRows([]string{"conduit", "from", "to", "direction", "allows"}, rows, func() any { return p })
	})
}

func (r *root) conduitsPassages() *cobra.Command {
	var last string
	var zones []string
	cmd := &cobra.Command{
		Use: "passages", Short: "what passes between zones, which conduits cover it, and what of the policy it violates", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wish := api.PassageWish{Zones: zones}
			if last != "" {
				span, err := query.ParseDuration(last)
				if err != nil {
					return fault.Wrap(fault.Invalid, err, "reading --last").WithHint("such as 24h or 7d")
				}
				wish.Span = span
			}
			return r.with(cmd.Context(), func(b backend) error {
				got, err := b.Passages(cmd.Context(), wish)
				if err != nil {
					return err
				}
				return r.passageRows(&got)
			})
		},
	}
	cmd.Flags().StringVar(&last, "last", "", "a time before the newest event, such as 24h; all without it")
	cmd.Flags().StringSliceVar(&zones, "zone", nil, "one end is in it; may come several times")
	return cmd
}

func (r *root) passageRows(got *api.Passages) error {
	rows := make([][]any, 0, len(got.List))
	for _, p := range got.List {
		var by []string
		for _, c := range p.Conduits {
			by = append(by, c.Name)
		}
		rows = append(rows, []any{p.From, p.To, p.Events, p.Writes, p.Standing, strings.Join(by, ", "), p.Violations})
	}
	if got.Unplaced > 0 {
		fmt.Fprintf(r.Err, "%d findings of the policy do not tell both of their ends\n", got.Unplaced)
	}
	return r.writeRows([]string{"from", "to", "events", "writes", "standing", "conduits", "violations"}, rows, func() any { return got })
}

// conduitsCheck needs no store.
func (r *root) conduitsCheck(_ *cobra.Command, args []string) error {
	cfg, problems, err := app.ReadPolicy(args[0])
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintf(r.Err, "%s: %s\n", printable(args[0]), printable(p.String()))
	}
	if len(problems) > 0 {
		r.rejected = true
		return nil
	}
	return r.writeRows([]string{"file", "conduits", "mud_files"}, [][]any{{args[0], len(cfg.Conduits), len(cfg.MUD)}}, func() any {
		return map[string]any{"file": args[0], "conduits": len(cfg.Conduits), "mud_files": len(cfg.MUD)}
	})
}

func (r *root) conduitsDraft() *cobra.Command {
	var last string
	cmd := &cobra.Command{
		Use: "draft", Short: "write conduits that allow what was seen between zones, and nothing else, for a person to read",
		Example: "  vedette conduits draft --last 30d > policy.yaml", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				f, err := b.DraftPolicy(cmd.Context(), last)
				if err != nil {
					return err
				}
				_, err = r.Out.Write(f.Data)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&last, "last", "7d", "how far back to look, from the newest event")
	return cmd
}
