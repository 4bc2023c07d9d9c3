package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/copilot"
)

func (r *root) queryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "query 'TEXT OR JSON'",
		Short: "run a typed query",
		Example: `  vedette query 'authentication status=Failure last 24h | by src count | top 10'
  vedette query 'devices type=plc | select name, ips, zone'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			now, err := r.now()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				started := time.Now()
				t, err := b.Query(cmd.Context(), strings.Join(args, " "), now)
				if err != nil {
					return err
				}
				err = r.writeRows(t.Columns, t.Rows, func() any {
					return queryResult{t.Columns, rowObjects{t.Columns, t.Rows}, t.Total, time.Since(started).Seconds()}
				})
				if r.output == "table" {
					fmt.Fprintf(r.Err, "%d of %d rows\n", len(t.Rows), t.Total)
				}
				return err
			})
		},
	}
}

type queryResult struct {
	Columns []string   `json:"columns"`
	Rows    rowObjects `json:"rows"`
	Total   int64      `json:"total"`
	Seconds float64    `json:"seconds"`
}

// rowObjects writes rows as objects with the columns as keys.
type rowObjects struct {
	columns []string
	rows    [][]any
}

// MarshalJSON implements json.Marshaler.
func (r rowObjects) MarshalJSON() ([]byte, error) {
	return copilot.AppendRows(nil, r.columns, r.rows), nil
}
