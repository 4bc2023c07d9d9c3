package cli

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/asset"
	"vedette/internal/fault"
)

func (r *root) devicesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "list, show, change, import and export devices",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return r.listDevices(cmd) },
	}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "list all devices", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return r.listDevices(cmd) }},
		&cobra.Command{Use: "show DEVICE", Short: "show a device and the evidence for what is known of it", Args: cobra.ExactArgs(1), RunE: r.showDevice},
		&cobra.Command{
			Use: "set DEVICE KEY=VALUE...", Short: "say what a device is: name, type, zone, level, criticality, owner, state, ...",
			Args: cobra.MinimumNArgs(2), RunE: r.setDevice,
		},
		r.judgeCommand("merge DEVICE OTHER", "say that two devices are one", 2, func(ctx context.Context, b backend, args []string, why string) (asset.Device, error) {
			return b.MergeDevices(ctx, person(), args[0], args[1], why)
		}),
		r.judgeCommand("split DEVICE ADDRESS", "say that an address or MAC of a device is a device of its own", 2, func(ctx context.Context, b backend, args []string, why string) (asset.Device, error) {
			return b.SplitDevice(ctx, person(), args[0], args[1], why)
		}),
		r.judgeCommand("undo DEVICE", "take back a person's last merge or split of a device", 1, func(ctx context.Context, b backend, args []string, why string) (asset.Device, error) {
			return b.UndoDevice(ctx, person(), args[0], why)
		}),
		&cobra.Command{Use: "import FILE", Short: "take over an inventory, as CSV or the JSON of NetBox; what it says wins over what was learnt", Args: cobra.ExactArgs(1), RunE: r.importDevices},
		&cobra.Command{Use: "export", Short: "write the inventory as CSV", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error { return b.ExportDevices(cmd.Context(), r.Out) })
		}},
	)
	return cmd
}

func (r *root) listDevices(cmd *cobra.Command) error {
	return r.with(cmd.Context(), func(b backend) error {
		list, err := b.Devices(cmd.Context())
		if err != nil {
			return err
		}
		if len(list) == 0 && r.output == "table" {
			fmt.Fprintln(r.Err, "no devices are known yet: take in logs with \"vedette ingest PATH\" or an inventory with \"vedette devices import FILE\"")
			return nil
		}
		columns, rows := r.deviceRows(list)
		return r.writeRows(columns, rows, func() any {
			return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: int64(len(rows))}
		})
	})
}

func (r *root) showDevice(cmd *cobra.Command, args []string) error {
	return r.with(cmd.Context(), func(b backend) error {
		d, err := b.FindDevice(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return r.printDevice(d)
	})
}

func (r *root) setDevice(cmd *cobra.Command, args []string) error {
	return r.with(cmd.Context(), func(b backend) error {
		var d asset.Device
		for _, pair := range args[1:] {
			key, value, ok := strings.Cut(pair, "=")
			if !ok {
				return useError{fault.New(fault.Invalid, "%q is no KEY=VALUE", pair).WithHint("for example: vedette devices set 10.0.0.5 type=plc zone=\"cell 1\"")}
			}
			var err error
			if d, err = b.SetDevice(cmd.Context(), person(), args[0], key, value); err != nil {
				return err
			}
		}
		return r.printDevice(d)
	})
}

func (r *root) importDevices(cmd *cobra.Command, args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "opening the inventory %s", args[0])
	}
	defer f.Close() //nolint:errcheck // only read
	return r.with(cmd.Context(), func(b backend) error {
		rep, err := b.ImportDevices(cmd.Context(), person(), f)
		if err != nil {
			return err
		}
		r.rejected = len(rep.Problems) > 0
		for _, p := range rep.Problems {
			fmt.Fprintf(r.Err, "%s line %d: %s\n", printable(args[0]), p.Line, printable(p.Text))
		}
		if r.output == "json" || r.output == "ndjson" {
			return r.writeJSON(rep)
		}
		fmt.Fprintf(r.Out, "%d rows read, %d devices made, %d updated, %d rows rejected\n", rep.Rows, rep.Created, rep.Updated, rep.Rejected)
		return nil
	})
}

// person is who runs the command, for the audit journal.
func person() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
