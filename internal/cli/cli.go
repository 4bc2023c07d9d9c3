// Package cli is the command line: it reads arguments, calls the product in
// this process or the running server that owns the data directory, and prints.
//
// It must not hold domain rules. Results go to stdout alone, everything else
// to stderr; messages are lower case, without a full stop, and errors come
// with a hint of what to do. Exit codes: 0 ok, 1 failed, 2 wrong use,
// 3 finished but some input was rejected.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/asset"
	"vedette/internal/fault"
)

// The exit codes.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUse      = 2
	exitRejected = 3
)

// Streams are where a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// root is what all commands share.
type root struct {
	Streams
	data, server, nowText, output, config string
	dataSet, rejected                     bool
}

// Main runs one command and returns the exit code.
func Main(ctx context.Context, args []string, s Streams) int {
	r := &root{Streams: s}
	cmd := r.command() //nolint:contextcheck // cobra hands the context to the commands
	cmd.SetArgs(args)
	cmd.SetIn(s.In)
	cmd.SetOut(s.Out)
	cmd.SetErr(s.Err)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil && r.rejected:
		return exitRejected
	case err == nil:
		return exitOK
	}
	r.explain(err)
	if isUse(err) {
		return exitUse
	}
	return exitFailed
}

// useError is a wrong use of the command line.
type useError struct{ error }

// Unwrap shows the fault with its hint.
func (e useError) Unwrap() error { return e.error }

func isUse(err error) bool {
	if _, ok := errors.AsType[useError](err); ok {
		return true
	}
	msg := err.Error() // cobra has no types for these
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires at least", "flag needs", "invalid argument"} {
		if strings.HasPrefix(msg, start) {
			return true
		}
	}
	return false
}

// explain tells a person what went wrong and what to do. On one's own machine
// the cause may be shown too.
func (r *root) explain(err error) {
	fmt.Fprintf(r.Err, "vedette: %s\n", printable(err.Error()))
	if _, hint := fault.Public(err); hint != "" {
		fmt.Fprintf(r.Err, "  %s\n", printable(hint))
	}
}

func (r *root) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "vedette",
		Short:         "the security analyst for IoT and OT fleets",
		Long:          "Vedette takes in logs, knows the devices and answers questions in plain language, with evidence.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	f := cmd.PersistentFlags()
	f.StringVar(&r.data, "data", "./vedette-data", "the data directory")
	f.StringVar(&r.server, "server", "", "talk to the server that owns this data directory, or fail (default: VEDETTE_SERVER)")
	f.StringVar(&r.nowText, "now", "", `what "past 24 hours" and "today" refer to: a time, or "last" for the newest stored event (default: the clock)`)
	f.StringVar(&r.output, "output", "table", "table, json, ndjson or csv")
	f.StringVar(&r.config, "config", "", "the configuration file")
	cmd.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		r.dataSet = c.Flags().Changed("data")
		if r.server == "" {
			r.server = os.Getenv("VEDETTE_SERVER")
		}
		switch r.output {
		case "table", "json", "ndjson", "csv":
			return nil
		case "stix":
			if c.Name() == "sightings" {
				return nil
			}
		}
		return useError{fault.New(fault.Invalid, "there is no output %q", r.output).WithHint("the outputs are table, json, ndjson and csv")}
	}
	cmd.AddCommand(
		r.demoCommand(), r.serveCommand(), r.ingestCommand(), r.parseCommand(),
		r.askCommand(), r.explainCommand(), r.queryCommand(), r.devicesCommand(),
		r.findingsCommand(), r.incidentsCommand(),
		r.rulesCommand(),
		r.intelCommand(), r.mudCommand(), r.conduitsCommand(), r.mcpCommand(),
		r.modelsCommand(), r.auditCommand(), r.guardCommand(), r.sourcesCommand(), r.spoolCommand(),
		r.userCommand(), r.tokenCommand(),
		r.sbomCommand(), r.advisoriesCommand(), r.vulnsCommand(),
		r.backupCommand(), r.restoreCommand(), r.maintainCommand(), r.doctorCommand(),
		r.benchCommand(), r.evalCommand(), r.configCommand(), r.settingsCommand(), r.zonesCommand(), r.versionCommand(),
	)
	return cmd
}

// backend is the product, in this process or behind the socket.
type backend interface {
	api.Service
	Close() error
}

// open finds the server that owns the data directory, or opens the directory
// in this process when none runs.
func (r *root) open(ctx context.Context) (backend, error) {
	if r.server != "" {
		return api.Dial(ctx, r.server)
	}
	if _, err := r.appConfig(); err != nil {
		return nil, err
	}
	if c, err := api.Dial(ctx, r.data); err == nil {
		return c, nil
	}
	return r.openApp(ctx)
}

func (r *root) openApp(ctx context.Context) (*app.App, error) {
	cfg, err := r.appConfig()
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, cfg)
}

// with opens the backend, runs f and closes it.
func (r *root) with(ctx context.Context, f func(b backend) error) error {
	b, err := r.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(b), b.Close())
}

// complete offers ids that begin with what was typed, each with a word about it.
func (r *root) complete(cmd *cobra.Command, start string, list func(b backend, offer func(id, about string)) error) ([]string, cobra.ShellCompDirective) {
	r.dataSet = cmd.Flags().Changed("data") // what runs before a command does not run here
	if r.server = cmp.Or(r.server, os.Getenv("VEDETTE_SERVER")); r.server == "" {
		if _, err := os.Stat(r.data); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp // completing makes no directory
		}
	}
	var out []string
	err := r.with(cmd.Context(), func(b backend) error {
		return list(b, func(id, about string) {
			if strings.HasPrefix(id, start) {
				out = append(out, id+"\t"+printable(about))
			}
		})
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// now is the time that a question refers to; zero means the newest event.
func (r *root) now() (time.Time, error) {
	switch r.nowText {
	case "":
		return time.Now(), nil
	case "last":
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, r.nowText); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, useError{fault.New(fault.Invalid, "--now %q is no time", r.nowText).WithHint(`write it like 2025-12-10T12:00:00Z, or "last"`)}
}

func (r *root) deviceRows(list []asset.Device) ([]string, [][]any) {
	columns := []string{"uid", "name", "type", "vendor", "model", "firmware", "ips", "macs", "zone", "criticality", "first_seen", "last_seen"}
	rows := make([][]any, len(list))
	for i, d := range list {
		s := d.Row()
		rows[i] = []any{s.UID, s.Name, orNil(s.Type), orNil(s.Vendor), orNil(s.Model), orNil(s.Firmware), s.IPs, s.MACs, orNil(s.Zone), orNil(s.Criticality), timeOrNil(s.FirstSeen), timeOrNil(s.LastSeen)}
	}
	return columns, rows
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func timeOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
