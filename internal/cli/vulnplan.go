package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
)

func (r *root) vulnsPlan() *cobra.Command {
	var f api.PlanFilter
	cmd := &cobra.Command{
		Use: "plan [CVE]", Short: "tell what to do, grouped by action: which update mends what where, and what to do where there is none", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.ID = strings.Join(args, "")
			return r.with(cmd.Context(), func(b backend) error {
				plan, err := b.PlanVulns(cmd.Context(), f)
				if err != nil {
					return err
				}
				list := plan.Rows
				if len(list) == 0 && r.output == "table" {
					fmt.Fprintln(r.Err, "there is nothing to do that is known")
					return nil
				}
				columns := []string{"horizon", "decision", "kind", "action", "devices", "vulnerabilities", "subjects", "cited", "breaks", "id", "task"}
				rows := make([][]any, len(list))
				for i, a := range list {
					cited := []string{}
					for _, c := range a.Cited {
						cited = append(cited, strings.TrimSpace(c.Advisory+" "+c.URL))
					}
					rows[i] = []any{a.Horizon, a.Decision, a.Kind, a.Text, a.Devices, few(a.Vulnerabilities), few(a.Subjects), few(cited), a.Breaks, a.ID, orNil(a.Task)}
				}
				return r.writeRows(columns, rows, func() any { return list })
			})
		},
	}
	cmd.Flags().StringVar(&f.Subject, "of", "", "one subject, such as device:UID")
	cmd.Flags().StringVar(&f.Decision, "decision", "", "act, attend, track* or track")
	return cmd
}

// few shortens a list for a table; --output json has all of it.
func few(list []string) []string {
	const most = 8
	if len(list) <= most {
		return list
	}
	return append(list[:most:most], fmt.Sprintf("and %d more", len(list)-most))
}
