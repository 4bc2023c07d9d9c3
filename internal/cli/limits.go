package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

func (r *root) settingsLimits() *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: "limits [KEY=VALUE...]", Short: "show or set what bounds queries, devices and what waits to be stored", ValidArgs: []string{"query_time=", "devices=", "spool="},
		Long: "Shows each limit with its default and where it is set. KEY= is the default again. Memory and threads of the event store are taken when the server starts and are set in the configuration.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return r.with(cmd.Context(), func(b backend) error {
					l, err := b.Limits(cmd.Context())
					if err != nil {
						return err
					}
					return r.printLimits(l)
				})
			}
			want := api.LimitsChange{Set: map[string]string{}}
			for _, p := range args {
				key, value, ok := strings.Cut(p, "=")
				if !ok || key == "" {
					return useError{fault.New(fault.Invalid, "%q is no KEY=VALUE of a limit", p).WithHint("such as query_time=1m")}
				}
				want.Set[key] = value
			}
			var err error
			if want.Change, err = c.change(); err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				l, err := b.SetLimits(cmd.Context(), want)
				if err != nil {
					return err
				}
				return r.printLimits(l)
			})
		},
	}
	c.flags(cmd)
	return cmd
}

func (r *root) printLimits(l api.LimitsInForce) error {
	rows := make([][]any, len(l.Limits))
	for i, x := range l.Limits {
		place := x.Setting.Place
		if x.Setting.By != nil {
			place = fmt.Sprintf("version %d by %s", x.Setting.By.Version, x.Setting.By.By)
		}
		rows[i] = []any{x.Key, x.Setting.Value, x.Setting.Origin, orNil(place), x.Setting.Default, x.About}
	}
	for _, n := range l.Notes {
		fmt.Fprintf(r.Err, "warning: %s\n", printable(n))
	}
	return r.writeRows([]string{"limit", "value", "origin", "place", "default", "about"}, rows, func() any { return l })
}
