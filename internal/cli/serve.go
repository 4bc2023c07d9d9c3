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
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/api/account"
	"vedette/internal/api/mcp"
	"vedette/internal/api/problem"
	"vedette/internal/api/rest"
	"vedette/internal/api/taxii"
	"vedette/internal/app"
	"vedette/internal/authz"
	"vedette/internal/console"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/trace"
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
		Short: "run the server: console, API and live sources",
		Long: "Owns the data directory: takes in the live sources of the configuration, serves console and API at the address\n" +
			"listen of the configuration (127.0.0.1:8080), and answers the other commands over a socket in the directory.\n" +
			"At its first start it prints a link for making the first administrator.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.openApp(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.Ready(cmd.Context()); err != nil {
				return errors.Join(err, a.Close())
			}
			makeRoom()
			debug.FreeOSMemory() // what reading the records took
			parts := []func(context.Context) error{func(ctx context.Context) error { return r.serveLocal(ctx, a, a.Tracer()) }, keepUp(a), recheckModels(a), a.RunPulls}
			door, err := r.openDoor(cmd.Context(), a)
			if err != nil {
				return errors.Join(err, a.Close())
			}
			live, err := a.StartLive()
			if err != nil {
				return errors.Join(err, a.Close())
			}
			parts = append(parts, door, live.Run)
			fmt.Fprintf(r.Err, "vedette serves %s; stop it with ctrl-c\n", r.data)
			return errors.Join(flow.Together(cmd.Context(), parts...), a.Close())
		},
	}
}

// servingThreads is how many threads a server has for each core. Storing stands back
// behind what people ask for (flow.Background), and the system can only prefer one
// of two threads if there are two.
const servingThreads = 2

// makeRoom gives a server its threads, but where GOMAXPROCS says how many, and
// returns how many there were.
func makeRoom() int {
	before := runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(servingThreads * before)
	}
	return before
}

// openDoor listens for people and programs of the network, behind their accounts.
func (r *root) openDoor(ctx context.Context, a *app.App) (func(context.Context) error, error) {
	h, err := r.door(a, a, rest.About{Now: a.Now})
	if err != nil {
		return nil, err
	}
	ln, address, err := a.Listen(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := a.Accounts().SetupToken(ctx)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	fmt.Fprintf(r.Err, "the console is at %s, the API at %[1]s/api/v1\n", address)
	if secret != "" {
		fmt.Fprintf(r.Err, "there is no account yet; make the first administrator, within a day: %s%s\n", address, account.LinkPath(secret))
	}
	console := func(ctx context.Context) error { return serveHTTP(ctx, ln, h, bodyTime) }
	challenges, answers, err := a.Challenges(ctx)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	if challenges == nil {
		return console, nil
	}
	return func(ctx context.Context) error {
		return flow.Together(ctx, console, func(ctx context.Context) error { return serveHTTP(ctx, challenges, answers, bodyTime) })
	}, nil
}

// door is all that the network reaches: console, API, MCP and health, behind the
// accounts. s is what the API tells of a.
func (r *root) door(a *app.App, s rest.Service, about rest.About) (http.Handler, error) {
	pages, err := console.New()
	if err != nil {
		return nil, err
	}
	programs, err := r.mcpServer(a)
	if err != nil {
		return nil, err
	}
	about.Version, _ = build()
	about.Still = func(r *http.Request) error { _, err := a.Accounts().Still(r); return err }
	mux := http.NewServeMux()
	mux.Handle(account.Prefix, a.Accounts().Handler())
	metrics := rest.NewMetrics(s)
	routes := a.Tracer().Requests(metrics.Count(rest.Handler(s, a.Authority(), about)))
	mux.Handle("/api/", routes)
	mux.Handle("POST /v1/logs", routes)
	mux.Handle("GET /metrics", metrics.Handler(a.Authority()))
	mux.Handle("/mcp", a.Tracer().Requests(programsOnly(rest.Only(authz.InvestigateWith, a.Authority(), mcp.Handler(programs, slog.New(slog.DiscardHandler))))))
	mux.Handle(taxii.Prefix, a.Tracer().Requests(programsOnly(rest.Only(authz.IntelShare, a.Authority(), taxii.Handler(a)))))
	mux.Handle("GET /healthz", rest.Healthz(s))
	mux.Handle("/", pages)
	return taxii.Front(a.Accounts().Guard(mux)), nil
}

// programsOnly wants a token in each request: a session is a person's, and what
// an AI client reads in its name must not hang on a page that is open somewhere.
func programsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			problem.Write(w, r, fault.New(fault.Denied, "this is for programs, by a token").WithHint("send Authorization: Bearer TOKEN; vedette token add makes one"))
			return
		}
		next.ServeHTTP(w, r)
	})
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

// serveLocal serves the socket in the data directory until ctx ends.
func (r *root) serveLocal(ctx context.Context, s api.Service, told trace.Tracer) error {
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
	return serveHTTP(ctx, ln, told.Requests(api.Local(s)), 0)
}

// bodyTime is how long a request from the network may take to come in. Uploads
// move it on as they come, see package rest.
const bodyTime = 30 * time.Second

// serveHTTP serves until ctx ends, then gives running requests ten seconds. A
// request must have come in within the given time; 0: it may take as long as it
// likes, which is for those who own the directory.
func serveHTTP(ctx context.Context, ln net.Listener, h http.Handler, within time.Duration) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: within, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	ending := make(chan struct{})
	srv.RegisterOnShutdown(func() { close(ending) })
	srv.BaseContext = func(net.Listener) context.Context { return rest.WithEnd(context.WithoutCancel(ctx), ending) }
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
		r.configPrint(),
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
