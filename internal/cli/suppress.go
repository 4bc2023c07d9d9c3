package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/correlate"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// suppressCommand keeps what a person knows to be harmless out of incidents,
// for a time and counted.
func (r *root) suppressCommand() *cobra.Command {
	var s correlate.Suppression
	var lasts, end string
	cmd := &cobra.Command{
		Use:   "suppress",
		Short: "list, add and end rules that keep findings out of incidents, for a time, counted",
		Long: "Without flags it lists the rules. With --rule, --device or --peer it adds one: findings that match all that is given go into no incident until it\n" +
			"expires. They stay findings, and are counted.",
		Example: "  vedette incidents suppress --rule ot-modbus-write --peer 10.0.0.9 --for 7d --reason \"commissioning until Friday\"\n  vedette incidents suppress --end ID --reason \"commissioning is over\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error { return r.suppress(cmd.Context(), b, s, lasts, end) })
		},
	}
	cmd.Flags().StringVar(&s.Rule, "rule", "", "findings of the rule with this id")
	cmd.Flags().StringVar(&s.Device, "device", "", "findings about this device: uid, address, MAC or name")
	cmd.Flags().StringVar(&s.Peer, "peer", "", "findings with this address or subnet at either end")
	cmd.Flags().StringVar(&lasts, "for", "", `how long, such as "12h" or "30d"`)
	cmd.Flags().StringVar(&s.Reason, "reason", "", "why; it is kept in the audit journal")
	cmd.Flags().StringVar(&end, "end", "", "end the rule with this id now")
	return cmd
}

func (r *root) suppress(ctx context.Context, b backend, s correlate.Suppression, lasts, end string) error {
	switch {
	case end != "":
		return b.Unsuppress(ctx, person(), end, s.Reason)
	case s.Rule+s.Device+s.Peer != "":
		if err := r.completeSuppression(ctx, b, &s, lasts); err != nil {
			return err
		}
		if _, err := b.Suppress(ctx, s); err != nil {
			return err
		}
	}
	list, err := b.Suppressions(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 && r.output == "table" {
		fmt.Fprintln(r.Err, "nothing is suppressed")
		return nil
	}
	columns := []string{"id", "rule", "device", "peer", "reason", "by", "created", "expires", "expired", "count"}
	rows := make([][]any, len(list))
	for i, x := range list {
		rows[i] = []any{x.ID, orNil(x.Rule), orNil(x.Device), orNil(x.Peer), x.Reason, x.By, timeOrNil(x.Created), timeOrNil(x.Expires), x.Expired, x.Count}
	}
	return r.writeRows(columns, rows, func() any {
		return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: int64(len(rows))}
	})
}

func (r *root) completeSuppression(ctx context.Context, b backend, s *correlate.Suppression, lasts string) error {
	d, err := query.ParseDuration(lasts)
	if err != nil || d <= 0 {
		return useError{fault.Wrap(fault.Invalid, errors.Join(err), "a suppression needs an end").WithHint(`say how long with --for, such as --for 7d`)}
	}
	if s.Device != "" {
		device, err := b.FindDevice(ctx, s.Device)
		if err != nil {
			return err
		}
		s.Device = device.UID
	}
	s.By, s.Created = person(), time.Now().UTC()
	s.Expires = s.Created.Add(d)
	return nil
}
