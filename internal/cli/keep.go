package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/fault"
)

func (r *root) maintainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "maintain",
		Short: "seal the days that are over and drop what retention no longer keeps, once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				up, err := b.Maintain(cmd.Context())
				if err != nil {
					return err
				}
				if r.output == "json" || r.output == "ndjson" {
					return r.writeJSON(up)
				}
				fmt.Fprintf(r.Out, "sealed %d days (%d events), dropped %d days by age (%d events) and %d by size (%d events); the directory has %d bytes\n",
					up.Sealed.Days, up.Sealed.Events, up.TooOld.Days, up.TooOld.Events, up.TooLarge.Days, up.TooLarge.Events, up.Bytes)
				if up.Warning != "" {
					fmt.Fprintln(r.Err, printable(up.Warning))
				}
				return nil
			})
		},
	}
}

func (r *root) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup DIR",
		Short: "write a consistent copy of all that is kept into a new directory, while everything goes on",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return fault.Wrap(fault.Invalid, err, "backing up into %s", args[0])
			}
			return r.with(cmd.Context(), func(b backend) error {
				started := time.Now()
				stop := r.watch(dir)
				done, err := b.Backup(cmd.Context(), dir)
				stop()
				if err != nil {
					return err
				}
				if r.output == "json" || r.output == "ndjson" {
					return r.writeJSON(done)
				}
				fmt.Fprintf(r.Out, "%s holds %d events, %d devices and %d journal entries in %d files of %d bytes; %.1f s\n",
					printable(dir), done.Events, done.Devices, done.Audit, len(done.Files), done.Bytes(), time.Since(started).Seconds())
				if done.Spooled > 0 {
					fmt.Fprintf(r.Out, "%d payloads of live sources were not stored in time, and are in it as they wait\n", done.Spooled)
				}
				return nil
			})
		},
	}
}

// watch shows how a backup grows until the returned function is called. The
// server may be the one that writes, so its directory is all there is to see.
func (r *root) watch(dir string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				r.progress("")
				return
			case <-tick.C:
				r.progress("backing up: %d MB", app.BackupBytes(dir)>>20)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func (r *root) restoreCommand() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use:   "restore BACKUP",
		Short: "make the data directory from a backup, after checking it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := r.appConfig()
			if err != nil {
				return err
			}
			done, err := app.RestoreBackup(cmd.Context(), cfg, app.Restore{Backup: args[0], Replace: replace, Progress: func(step string, n, all int64) {
				r.progress("%s: %d of %d MB", step, n>>20, all>>20)
			}})
			r.progress("")
			if err != nil {
				return err
			}
			if r.output == "json" || r.output == "ndjson" {
				return r.writeJSON(done)
			}
			fmt.Fprintf(r.Out, "%s holds %d events, %d devices and %d journal entries, as they were at %s\n", printable(cfg.Dir), done.Events, done.Devices, done.Audit, done.Time.UTC().Format(time.RFC3339))
			if done.Spooled > 0 {
				fmt.Fprintf(r.Out, "%d payloads of live sources wait in its spool: vedette serve stores them\n", done.Spooled)
			}
			if done.Aside != "" {
				fmt.Fprintf(r.Out, "what was there before is in %s\n", printable(done.Aside))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "move what is in the data directory aside first")
	return cmd
}

func (r *root) doctorCommand() *cobra.Command {
	var deep bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "check the data directory and say what to do; changes nothing",
		Long:  "Checks the data directory, whatever state it is in, and changes nothing. Exits with 1 if there is a problem; warnings do not count.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks, err := r.checks(cmd.Context(), deep)
			if err != nil {
				return err
			}
			if err := r.printChecks(checks); err != nil {
				return err
			}
			bad := 0
			for _, c := range checks {
				if c.State == api.Problem {
					bad++
				}
			}
			if bad > 0 {
				return fault.New(fault.Unavailable, "problems found: %d", bad)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&deep, "deep", false, "read all sealed days whole")
	return cmd
}

// checks asks the server that owns the directory, or looks itself. Settings
// that cannot be read are a problem among others.
func (r *root) checks(ctx context.Context, deep bool) ([]api.Check, error) {
	if r.server != "" {
		c, err := api.Dial(ctx, r.server)
		if err != nil {
			return nil, err
		}
		checks, err := c.Check(ctx, deep)
		return checks, errors.Join(err, c.Close())
	}
	var first []api.Check
	cfg, err := r.appConfig()
	if err != nil {
		text, hint := fault.Public(err)
		first = append(first, api.Check{Name: "configuration", State: api.Problem, Text: text, Do: hint})
		cfg = app.Config{Dir: r.data}
	}
	if c, err := api.Dial(ctx, cfg.Dir); err == nil {
		checks, err := c.Check(ctx, deep)
		return append(first, checks...), errors.Join(err, c.Close())
	}
	return append(first, app.Examine(ctx, cfg, deep)...), nil
}

func (r *root) printChecks(checks []api.Check) error {
	if r.output != "table" {
		rows := make([][]any, len(checks))
		for i, c := range checks {
			rows[i] = []any{c.Name, string(c.State), c.Text, orNil(c.Do)}
		}
		return r.writeRows([]string{"name", "state", "text", "do"}, rows, func() any { return checks })
	}
	for _, c := range checks {
		line := fmt.Sprintf("%-8s %-14s %s", c.State, c.Name, c.Text)
		if c.Do != "" {
			line += " -> " + c.Do
		}
		if _, err := fmt.Fprintln(r.Out, printable(line)); err != nil {
			return err
		}
	}
	return nil
}
