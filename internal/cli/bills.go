package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
)

func (r *root) sbomHistory() *cobra.Command {
	return &cobra.Command{
		Use: "history [SUBJECT]", Short: "list the bills of materials that a device or product has and had, the newest first", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.BillHistory(cmd.Context(), strings.Join(args, ""))
				if err != nil {
					return err
				}
				columns := []string{"id", "subject", "version", "components", "imported", "until", "format", "path"}
				rows := make([][]any, len(list))
				for i, e := range list {
					var until any
					if e.Until != nil {
						until = *e.Until
					}
					rows[i] = []any{e.ID, e.Subject, orNil(e.Version), e.Components, e.Imported, until, e.Format, e.Path}
				}
				return r.writeRows(columns, rows, func() any { return list })
			})
		},
	}
}

func (r *root) sbomDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff SUBJECT | diff ID ID", Short: "tell what the last bill of a device or product, or one of two, has otherwise than the one before",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				d, err := b.DiffBills(cmd.Context(), args[0], strings.Join(args[1:], ""))
				if err != nil {
					return err
				}
				return r.printDiff(d)
			})
		},
	}
}

func (r *root) printDiff(d api.BillDiff) error {
	rows := [][]any{}
	for _, c := range d.Changed {
		rows = append(rows, []any{"changed", c.Name, orNil(strings.Join(c.Before, ", ")), orNil(strings.Join(c.After, ", "))})
	}
	for _, c := range d.Added {
		rows = append(rows, []any{"added", c.Name, nil, orNil(c.Version)})
	}
	for _, c := range d.Removed {
		rows = append(rows, []any{"removed", c.Name, orNil(c.Version), nil})
	}
	for _, v := range d.Came {
		rows = append(rows, []any{"new vulnerability", v.ID, nil, v.Component + ": " + v.Status + " (" + v.Decision + ")"})
	}
	for _, v := range d.Gone {
		rows = append(rows, []any{"vulnerability gone", v.ID, v.Component + ": " + v.Status + " (" + v.Decision + ")", nil})
	}
	return r.writeRows([]string{"what", "name", "before", "after"}, rows, func() any { return d })
}
