package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/api/account"
	"vedette/internal/api/rest"
	"vedette/internal/app"
	"vedette/internal/fault"
)

// sources are where this command's settings come from.
func (r *root) sources() app.Sources {
	s := app.Sources{File: r.config, Env: os.Environ(), Flags: map[string]string{}}
	if r.dataSet {
		s.Flags["data"] = r.data
	}
	return s
}

// appConfig reads the settings.
func (r *root) appConfig() (app.Config, error) {
	cfg, err := app.LoadConfig(r.sources(), slog.New(slog.NewTextHandler(r.Err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err == nil {
		r.data = cfg.Dir
	}
	return cfg, err
}

func (r *root) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "own the data directory and answer the other commands over its socket",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.openApp(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.Ready(cmd.Context()); err != nil {
				return errors.Join(err, a.Close())
			}
			parts := []func(context.Context) error{func(ctx context.Context) error { return r.serveLocal(ctx, a) }, keepUp(a), recheckModels(a), a.RunPulls}
			live, err := a.StartLive()
			if err != nil {
				return errors.Join(err, a.Close())
			}
			door, err := r.openDoor(cmd.Context(), a)
			if err != nil {
				return errors.Join(err, a.Close())
			}
			parts = append(parts, door)
			if live != nil {
				parts = append(parts, live.Run)
			}
			fmt.Fprintf(r.Err, "vedette serves %s; stop it with ctrl-c\n", r.data)
			return errors.Join(together(cmd.Context(), parts...), a.Close())
		},
	}
}

// openDoor listens for people and programs of the network, behind their accounts.
func (r *root) openDoor(ctx context.Context, a *app.App) (func(context.Context) error, error) {
	ln, address, err := a.Listen(ctx)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(account.Prefix, a.Accounts().Handler())
	mux.Handle("/api/", rest.Handler(a, a.Authority()))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{\"status\":\"ok\"}\n")) })
	mux.HandleFunc("GET /{$}", rest.Welcome)
	secret, err := a.Accounts().SetupToken(ctx)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	fmt.Fprintf(r.Err, "the API is at %s/api/v1\n", address)
	if secret != "" {
		fmt.Fprintf(r.Err, "there is no account yet; make the first administrator, within a day: %s%s\n", address, account.LinkPath(secret))
	}
	return func(ctx context.Context) error { return serveHTTP(ctx, ln, a.Accounts().Guard(mux), bodyTime) }, nil
}

// keepUp maintains the directory every few minutes until ctx ends.
func keepUp(a *app.App) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(app.MaintainEvery)
		defer tick.Stop()
		a.KeepUp(ctx, tick.C)
		return nil
	}
}

// recheckModels reads the files of approved models and watches what their servers
// serve until ctx ends.
func recheckModels(a *app.App) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(app.ServedEvery)
		defer tick.Stop()
		a.WatchModels(ctx, tick.C)
		return nil
	}
}

// together runs the parts until all have ended. The first that ends ends the
// others.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, len(parts))
	for _, part := range parts {
		go func() { done <- part(ctx) }()
	}
	var errs []error
	for range parts {
		errs = append(errs, <-done)
		cancel()
	}
	return errors.Join(errs...)
}

// serveLocal serves the socket in the data directory until ctx ends.
func (r *root) serveLocal(ctx context.Context, s api.Service) error {
	path := filepath.Join(r.data, api.SocketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fault.Wrap(fault.Conflict, err, "removing the old socket %s", path)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "listening on %s", path).WithHint("a socket's path has at most about 100 characters; choose a shorter --data")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fault.Wrap(fault.Unavailable, err, "closing %s to others", path), ln.Close())
	}
	return serveHTTP(ctx, ln, api.Local(s), 0)
}

// bodyTime is how long a request from the network may take to come in. Uploads
// move it on as they come, see package rest.
const bodyTime = 30 * time.Second

// serveHTTP serves until ctx ends, then gives running requests ten seconds. A
// request must have come in within the given time; 0: it may take as long as it
// likes, which is for those who own the directory.
func serveHTTP(ctx context.Context, ln net.Listener, h http.Handler, within time.Duration) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: within, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	select {
	case err := <-done:
		return fault.Wrap(fault.Unavailable, err, "serving")
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := srv.Shutdown(end)
	<-done //nolint:errcheck // it is http.ErrServerClosed
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(srv.Close(), fault.New(fault.Limited, "requests were still running after ten seconds and were cut off"))
	}
	return err
}

func (r *root) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "check or print the configuration"}
	cmd.AddCommand(
		&cobra.Command{Use: "check", Short: "tell all problems of the configuration", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			lines, err := app.CheckConfig(r.sources())
			for _, line := range lines {
				fmt.Fprintln(r.Err, printable(line))
			}
			if err == nil {
				fmt.Fprintln(r.Out, "the configuration is good")
			}
			return err
		}},
		&cobra.Command{Use: "print", Short: "print the settings in force as YAML", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			return app.PrintConfig(r.sources(), r.Out)
		}},
	)
	return cmd
}

func (r *root) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "print the version", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		version, revision := build()
		fmt.Fprintf(r.Out, "vedette %s %s\n", version, revision)
		return nil
	}}
}

// build is what this program was made of, as far as it knows.
func build() (version, revision string) {
	version = "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	return version, revision
}
