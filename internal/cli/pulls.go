package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/intel/pull"
)

func (r *root) intelPull() *cobra.Command {
	fresh := false
	cmd := &cobra.Command{
		Use: "pull [NAME...]", Short: "get feeds now that are configured under pulls; without names, all",
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				if len(args) == 0 {
					list, err := b.Pulls(cmd.Context())
					if err != nil {
						return err
					}
					for _, h := range list {
						args = append(args, h.Name)
					}
				}
				if len(args) == 0 {
					fmt.Fprintln(r.Err, "no feed is configured; name them under pulls in the configuration")
					return nil
				}
				var errs []error
				for _, name := range args {
					if _, err := b.Pull(cmd.Context(), api.PullRequest{Name: name, Fresh: fresh}); err != nil {
						errs = append(errs, err)
					}
				}
				list, err := b.Pulls(cmd.Context())
				if err == nil {
					err = r.printPulls(list)
				}
				return errors.Join(append(errs, err)...)
			})
		},
	}
	cmd.Flags().BoolVar(&fresh, "fresh", false, "as if for the first time, whatever was pulled before")
	return cmd
}

func (r *root) intelSources() *cobra.Command {
	return &cobra.Command{
		Use: "sources", Short: "tell how the feeds are that are pulled: last success, failing since when and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.Pulls(cmd.Context())
				if err != nil {
					return err
				}
				return r.printPulls(list)
			})
		},
	}
}

func (r *root) printPulls(list []pull.Health) error {
	columns := []string{"name", "kind", "state", "success", "changed", "new", "failing_since", "failures", "error", "warning", "newest", "note", "next", "url"}
	rows := make([][]any, len(list))
	for i, h := range list {
		var success, changed, since, newest any
		if h.Newest != nil {
			newest = *h.Newest
		}
		if h.Success != nil {
			success = *h.Success
		}
		if h.Changed != nil {
			changed = *h.Changed
		}
		if h.FailingSince != nil {
			since = *h.FailingSince
		}
		rows[i] = []any{h.Name, h.Kind, h.State, success, changed, h.New, since, h.Failures, orNil(h.Error), orNil(h.Warning), newest, orNil(h.Note), timeOrNil(h.Next), h.URL}
	}
	return r.writeRows(columns, rows, func() any { return list })
}
