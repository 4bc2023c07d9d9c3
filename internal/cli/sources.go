package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (r *root) sourcesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sources",
		Short: "tell how the live sources of the running server stand",
		Long:  "Tells of each source that serve runs: what it received, what became of it, and what is wrong. Sources are configured under sources:, or set while the server runs, see docs/sources.md and docs/settings.md.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.Sources(cmd.Context())
				if err != nil {
					return err
				}
				columns := []string{"name", "kind", "address", "state", "text", "last", "received", "events", "rejected", "refused", "lost", "peers"}
				rows := make([][]any, len(list))
				for i, s := range list {
					rows[i] = []any{s.Name, s.Kind, s.Address, string(s.State), orNil(s.Text), timeOrNil(s.Last), s.Received, s.Events, s.Rejected, s.Refused, s.Lost, int64(s.Peers)}
				}
				if len(list) == 0 {
					fmt.Fprintln(r.Err, "no live source runs here: configure some under sources: and start vedette serve")
				}
				return r.writeRows(columns, rows, func() any { return map[string]any{"rows": list, "total": len(list)} })
			})
		},
	}
	cmd.AddCommand(
		r.sourcesConfig(), r.sourcesUsers(), r.sourcesPut(true), r.sourcesPut(false),
		r.sourcesDo("remove", "remove a source that was added while the server ran; what it received is kept"),
		r.sourcesDo("stop", "stop a source, also one of the configuration, until it is started"),
		r.sourcesDo("start", "start a source that was stopped, or begin one anew that stopped by itself"),
	)
	return cmd
}
