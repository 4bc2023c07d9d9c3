package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api/account"
	"vedette/internal/api/rest"
	"vedette/internal/app"
	"vedette/internal/demo"
	"vedette/internal/fault"
	"vedette/internal/flow"
)

const (
	demoSeed = 42              // the plant that everyone sees
	demoTick = 2 * time.Second // how often it lives on
)

// demoQuestions are questions that the demo's plant has answers to.
func demoQuestions() []string {
	return []string{
		"Show me unusual communication patterns from industrial sensors over the past 24 hours",
		"Which sources have the most failed logins in the past 24 hours?",
		"Which devices wrote to PLCs in the past 24 hours?",
		"What did cam-dock-02 do in the past hour?",
		"Which alerts were raised in the past 24 hours?",
		"Show failed logins per hour over the past 24 hours",
		"Which devices are in the Medical zone?",
	}
}

func (r *root) demoCommand() *cobra.Command {
	var listen string
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "start a simulated living plant and the web console on this machine",
		Long: "Starts a simulated plant of four zones that lives on while you watch, and the web console on a loopback address.\n" +
			"Its data is kept apart, in the folder demo of the data directory, and a second start goes on where the first ended.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.demo(cmd.Context(), listen, lasts) },
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "the loopback address of the console; port 0 takes a free one")
	cmd.Flags().DurationVar(&lasts, "for", 0, "end after this time, such as 5m (default: until ctrl-c)")
	return cmd
}

// demo runs until ctx ends, or for the given time if that is not zero.
func (r *root) demo(ctx context.Context, listen string, lasts time.Duration) error {
	ln, err := listenLoopback(ctx, listen)
	if err != nil {
		return err
	}
	defer ln.Close() //nolint:errcheck // closed by then, but for an error before serving
	cfg, err := r.appConfig()
	if err != nil {
		return err
	}
	if !r.dataSet {
		cfg.Dir = filepath.Join(cfg.Dir, "demo")
		r.data = cfg.Dir
	}
	feed, err := demo.OpenFeed(cfg.Dir, demoSeed, time.Now())
	if err != nil {
		return err
	}
	cfg.Assets.Zones = feed.Plant().Zones()
	if cfg.Detect.Policy == "" {
		if cfg.Detect.Policy, err = feed.WritePolicy(); err != nil {
			return err
		}
	}
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return err
	}
	if lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lasts)
		defer cancel()
	}
	return errors.Join(r.runDemo(ctx, a, feed, ln), a.Close())
}

// runDemo serves the console and the local socket and lets the plant live. The
// first of them that fails ends the others.
func (r *root) runDemo(ctx context.Context, a *app.App, feed *demo.Feed, ln net.Listener) error {
	p := &living{App: a, root: r, feed: feed}
	a.Accounts().Serve(account.Door{Port: ln.Addr().(*net.TCPAddr).Port, Demo: true}) // we listen on TCP only
	live, err := a.StartLive()                                                        //nolint:contextcheck // it reads back one small file
	if err != nil {
		return err
	}
	page, err := r.door(a, p, rest.About{Demo: true, Examples: demoQuestions(), Now: time.Now})
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "Vedette's living demo: open this link in a browser on this machine\n\n  http://%s/?token=%s\n\n", ln.Addr(), a.Accounts().DemoToken())
	fmt.Fprintf(r.Err, "data is in %s; ask from a second terminal with: vedette ask --data %s \"QUESTION\"\nstop with ctrl-c\n", r.data, r.data)
	err = flow.Together(
		ctx,
		func(ctx context.Context) error { return serveHTTP(ctx, ln, page, bodyTime) },
		func(ctx context.Context) error { return r.serveLocal(ctx, a, a.Tracer()) },
		p.live,
		live.Run,
		keepUp(a),
		recheckModels(a),
	)
	fmt.Fprintln(r.Err, "the demo has ended")
	return err
}

// listenLoopback refuses addresses that others could reach: the demo has no
// users, only a link.
func listenLoopback(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, useError{fault.New(fault.Invalid, "--listen %q is no address with a port", address).WithHint("write it like 127.0.0.1:8080")}
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, useError{fault.New(fault.Invalid, "--listen %q has no port number", address).WithHint("write it like 127.0.0.1:8080")}
	} else if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() || ip.String() != "127.0.0.1" && ip.String() != "::1" {
		return nil, useError{fault.New(fault.Invalid, "the demo listens on this machine only, not on %q", address).WithHint("use 127.0.0.1:%d or [::1]:%d", n, n)}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.New(fault.Conflict, "another program listens on %s", address).WithHint("take a free port: vedette demo --listen 127.0.0.1:0")
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, err, "listening on %s", address).WithHint("take a free port: vedette demo --listen 127.0.0.1:0")
	}
	return ln, nil
}
