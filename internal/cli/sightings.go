package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

func (r *root) intelSightings() *cobra.Command {
	req, to := api.ShareRequest{}, ""
	cmd := &cobra.Command{
		Use: "sightings", Short: "write what this site shares of its own sightings, as a STIX 2.1 bundle", Args: cobra.NoArgs,
		Long: "The same as TAXII clients read below /taxii2/. What is marked stricter than the collection allows is left out, and told on the standard error output.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.output != "table" && r.output != "json" && r.output != "stix" {
				return useError{fault.New(fault.Invalid, "sightings are written as stix, not as %s", r.output)}
			}
			req.Actor = person()
			return r.with(cmd.Context(), func(b backend) error {
				got, err := b.ShareSightings(cmd.Context(), req)
				if err != nil {
					return err
				}
				if to == "" {
					_, err = r.Out.Write(got.Data)
				} else if err = os.WriteFile(to, got.Data, 0o600); err != nil {
					err = fault.Wrap(fault.Unavailable, err, "writing the sightings")
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(r.Err, "%d objects, %d sightings\n", got.Objects, got.Sightings)
				for _, l := range []struct {
					n   int
					why string
				}{{got.Left.Strict, "marked stricter than the collection allows"}, {got.Left.Ours, "of an address of ours"}, {got.Left.NoForm, "of a fingerprint, for which STIX has no pattern"}} {
					if l.n > 0 {
						fmt.Fprintf(r.Err, "left out: %d %s\n", l.n, l.why)
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&req.Collection, "collection", "", "which one of those under sharing in the configuration (default: the first)")
	cmd.Flags().StringVar(&to, "to", "", "the file to write (default: the standard output)")
	return cmd
}
