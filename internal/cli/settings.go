package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

// changeFlags are what every change of a setting takes.
type changeFlags struct {
	why            string
	check, confirm bool
}

func (c *changeFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.why, "reason", "", "why; it is kept in the history and in the audit journal")
	cmd.Flags().BoolVar(&c.check, "check", false, "tell what would happen and change nothing")
	cmd.Flags().BoolVar(&c.confirm, "confirm", false, "what the change destroys, or what was found against it, is meant")
}

// change is checked before there is anything to change: a change without a reason
// is no use to whoever reads the journal.
func (c *changeFlags) change() (api.Change, error) {
	if !c.check && strings.TrimSpace(c.why) == "" {
		return api.Change{}, useError{fault.New(fault.Invalid, "a change needs a reason").WithHint("say why with --reason, or look what would happen with --check")}
	}
	return api.Change{Actor: person(), Why: c.why, Check: c.check, Confirm: c.confirm}, nil
}

func (r *root) settingsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "settings that are changed while the server runs: retention, limits, history, undo",
		Long:  "Shows and changes what API and console can set too. What the configuration says is fixed and is changed there. Sources are set with vedette sources, see docs/settings.md.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(r.settingsRetention(), r.settingsLimits(), r.settingsHistory(), r.settingsUndo())
	return cmd
}

func (r *root) settingsRetention() *cobra.Command {
	var c changeFlags
	var events, disk string
	cmd := &cobra.Command{
		Use: "retention", Short: "show or set how long events are kept", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			want := api.RetentionChange{}
			if cmd.Flags().Changed("events") {
				want.Events = &events
			}
			if cmd.Flags().Changed("disk") {
				want.Disk = &disk
			}
			if want.Events != nil || want.Disk != nil {
				var err error
				if want.Change, err = c.change(); err != nil {
					return err
				}
			}
			return r.with(cmd.Context(), func(b backend) error {
				var v api.RetentionSettings
				var err error
				if want.Events == nil && want.Disk == nil {
					v, err = b.Retention(cmd.Context())
				} else {
					v, err = b.SetRetention(cmd.Context(), want)
				}
				if err != nil {
					return err
				}
				return r.printRetention(v)
			})
		},
	}
	cmd.Flags().StringVar(&events, "events", "", `age at which events are dropped, such as 90d; "" for the default`)
	cmd.Flags().StringVar(&disk, "disk", "", `size of the data directory at which the oldest days are dropped, such as 100GB; "" for the default`)
	c.flags(cmd)
	return cmd
}

func (r *root) printRetention(v api.RetentionSettings) error {
	columns := []string{"setting", "value", "origin", "place", "default"}
	var rows [][]any
	for _, s := range []struct {
		name string
		of   api.Setting
	}{{"events", v.Events}, {"disk", v.Disk}} {
		place := s.of.Place
		if s.of.By != nil {
			place = fmt.Sprintf("version %d by %s", s.of.By.Version, s.of.By.By)
		}
		rows = append(rows, []any{s.name, s.of.Value, s.of.Origin, orNil(place), s.of.Default})
	}
	if err := r.writeRows(columns, rows, func() any { return v }); err != nil {
		return err
	}
	if e := v.Effect; r.output == "table" && e.Events > 0 {
		fmt.Fprintf(r.Out, "the next maintenance drops %d events of before %s, %d of them anyway\n", e.Events, e.KeptFrom.Format(time.DateOnly), e.Anyway)
	}
	return nil
}

func (r *root) settingsHistory() *cobra.Command {
	most := 50
	cmd := &cobra.Command{
		Use: "history", Short: "who changed which setting when and why, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.SettingsHistory(cmd.Context(), most)
				if err != nil {
					return err
				}
				columns := []string{"version", "at", "by", "action", "object", "why", "before", "after"}
				rows := make([][]any, len(list))
				for i, v := range list {
					rows[i] = []any{v.Version, v.At, v.By, v.Action, v.Object, orNil(v.Why), orNil(v.Before), orNil(v.After)}
				}
				return r.writeRows(columns, rows, func() any { return map[string]any{"rows": list, "total": len(list)} })
			})
		},
	}
	cmd.Flags().IntVar(&most, "limit", most, "how many")
	return cmd
}

func (r *root) settingsUndo() *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: "undo VERSION", Short: "put the settings of an earlier version in force; 0: as if nothing had been set", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || n < 0 {
				return useError{fault.New(fault.Invalid, "%q is no version", args[0]).WithHint("vedette settings history lists them")}
			}
			change, err := c.change()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				done, err := b.UndoSettings(cmd.Context(), api.SettingsUndo{Change: change, Version: n})
				if err != nil {
					return err
				}
				if r.output != "table" {
					return r.writeJSON(done)
				}
				for _, line := range done.Changes {
					fmt.Fprintln(r.Out, printable(line))
				}
				for _, line := range done.Loosens {
					fmt.Fprintf(r.Err, "opens: %s\n", printable(line))
				}
				return nil
			})
		},
	}
	c.flags(cmd)
	return cmd
}
