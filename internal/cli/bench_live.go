package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api/account"
	"vedette/internal/api/rest"
	"vedette/internal/app"
	"vedette/internal/authz"
	"vedette/internal/config"
	"vedette/internal/eval/load"
	"vedette/internal/fault"
	"vedette/internal/flow"
)

// liveReport is what `bench live` measured.
type liveReport struct {
	Machine  machine `json:"machine"`
	Way      string  `json:"way"`
	Events   int     `json:"events"`
	Accepted float64 `json:"accepted_per_second"` // into the durable spool, by the clock of the sender
	Stored   float64 `json:"stored_per_second"`   // from the first byte to the last event in the store
	Lost     int     `json:"lost"`
	CPU      float64 `json:"cpu_us_per_event"`    // of sending, too
	Alone    float64 `json:"ingest_us_per_event"` // the same lines as a file
	Ratio    float64 `json:"live_over_ingest"`
	Peak     int64   `json:"peak_memory_bytes"`
}

// The shape of what is sent.
const (
	liveBody    = 20_000 // lines of one request
	liveSenders = 2
	liveStall   = 2 * time.Minute // without a new event
)

func (r *root) benchLiveCommand() *cobra.Command {
	plan := load.Plan{Seed: 1}
	var way string
	cmd := &cobra.Command{
		Use:   "live",
		Short: "send a generated load to a live source and measure what is accepted and stored",
		Long: "Runs a server in a scratch directory, with rules and detectors, and sends it generated lines as programs would: POST /api/v1/bulk with a token, or syslog over TCP.\n" +
			"Before it, the same lines are taken in as a file, so that the two can be compared in one run. Nothing may be lost.",
		Example: "  vedette bench live --events 500000\n  vedette bench live --way syslog --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plan.Events < 1 || way != "bulk" && way != "syslog" {
				return useError{fault.New(fault.Invalid, "--events must be more than nothing, and --way bulk or syslog")}
			}
			plan.Span = time.Hour
			plan.Start = time.Now().UTC().Add(-plan.Span)
			return r.benchLive(cmd.Context(), plan, way)
		},
	}
	cmd.Flags().IntVar(&plan.Events, "events", 300_000, "how many events")
	cmd.Flags().IntVar(&plan.Devices, "devices", 1000, "how many devices send them")
	cmd.Flags().StringVar(&way, "way", "bulk", "bulk or syslog")
	return cmd
}

func (r *root) benchLive(ctx context.Context, plan load.Plan, way string) error {
	lines, err := liveLines(plan, way)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vedette-bench-")
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "making a scratch directory")
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a scratch directory
	rep := liveReport{Machine: thisMachine(time.Now()), Way: way, Events: plan.Events}
	if rep.Alone, err = r.takeAlone(ctx, lines, filepath.Join(dir, "file")); err != nil {
		return err
	}
	if err := r.takeLive(ctx, lines, filepath.Join(dir, "live"), &rep); err != nil {
		return err
	}
	rep.Ratio = round(rep.CPU / rep.Alone)
	_, rep.Peak = memoryUse()
	return r.printReport(rep, [][2]any{
		{"events", rep.Events},
		{"accepted into the spool per second", math.Round(rep.Accepted)},
		{"stored per second", math.Round(rep.Stored)},
		{"lost", rep.Lost},
		{"CPU per event, µs, sending included", rep.CPU},
		{"  the same lines as a file", rep.Alone},
		{"  live over that", rep.Ratio},
		{"peak memory, MiB", rep.Peak >> 20},
	})
}

// liveLines are the lines of the load, all in memory so that making them costs the
// measurement nothing.
func liveLines(plan load.Plan, way string) ([]byte, error) {
	var b bytes.Buffer
	if way == "syslog" {
		for i := range plan.Events {
			at := plan.Start.Add(time.Duration(i) * plan.Span / time.Duration(plan.Events))
			fmt.Fprintf(&b, "<38>%s host-%04d sshd[%d]: Failed password for user%d from 10.%d.%d.%d port %d ssh2\n",
				at.Format(time.RFC3339Nano), i%plan.Devices, i%30000, i%200, i%plan.Devices/250, i%250, i%13, 1024+i%60000)
		}
		return b.Bytes(), nil
	}
	for src := range plan.Sources() {
		if _, err := io.Copy(&b, src); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func (r *root) scratch(ctx context.Context, dir, listen string, sources ...config.Source) (*app.App, error) {
	cfg, err := r.appConfig()
	if err != nil {
		return nil, err
	}
	cfg.Dir, cfg.Sources, cfg.Server = dir, sources, app.Server{Listen: listen}
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return a, a.Ready(ctx)
}

// takeAlone takes the lines in as a file and returns the CPU time per event.
func (r *root) takeAlone(ctx context.Context, lines []byte, dir string) (float64, error) {
	a, err := r.scratch(ctx, dir, "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	cpu := cpuTime()
	sum, err := a.IngestStream(ctx, bytes.NewReader(lines), "load.log", "", time.Now())
	used := cpuTime() - cpu
	return round(float64(used) / 1e3 / float64(max(1, sum.Stored))), errors.Join(err, a.Close())
}

// takeLive runs a server, sends it the lines and waits until all are stored.
func (r *root) takeLive(ctx context.Context, lines []byte, dir string, rep *liveReport) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	a, err := r.scratch(ctx, dir, "127.0.0.1:0", config.Source{Name: "bench", Kind: "syslog", Listen: port, Transport: "tcp"})
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // a scratch directory
	return r.whileServed(ctx, a, func(ctx context.Context, address, token string) error {
		began, cpu := time.Now(), cpuTime()
		send := func(ctx context.Context) error { return sendBulk(ctx, address, token, lines) }
		if rep.Way == "syslog" {
			send = func(ctx context.Context) error { return sendSyslog(ctx, port, lines) }
		}
		if err := send(ctx); err != nil {
			return err
		}
		rep.Accepted = float64(rep.Events) / time.Since(began).Seconds()
		stored, err := waitStored(ctx, a, rep.Events)
		rep.Stored = float64(stored) / time.Since(began).Seconds()
		rep.Lost = rep.Events - stored
		rep.CPU = round(float64(cpuTime()-cpu) / 1e3 / float64(max(1, stored)))
		return err
	})
}

// whileServed serves a product as vedette serve does, with its live sources, while
// work runs, which is told the address and the token of an administrator.
func (r *root) whileServed(ctx context.Context, a *app.App, work func(ctx context.Context, address, token string) error) error {
	defer runtime.GOMAXPROCS(makeRoom())
	live, err := a.StartLive() //nolint:contextcheck // it reads back one small file
	if err != nil {
		return err
	}
	h, err := r.door(a, a, rest.About{Now: time.Now})
	if err != nil {
		return err
	}
	ln, address, err := a.Listen(ctx)
	if err != nil {
		return err
	}
	made, err := a.AddToken(ctx, "bench", account.NewToken{Name: "bench", Roles: []authz.Role{authz.Admin}})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	return flow.Together(ctx, live.Run, func(ctx context.Context) error { return work(ctx, address, made.Secret) }, func(ctx context.Context) error { return serveHTTP(ctx, ln, h, bodyTime) })
}

func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "finding a free port")
	}
	return ln.Addr().String(), ln.Close()
}

// waitStored waits until so many events are stored, or none comes any more.
func waitStored(ctx context.Context, a *app.App, want int) (int, error) {
	last, since := 0, time.Now()
	for {
		table, err := a.Query(ctx, "class_uid!=2004 | count", time.Now())
		if err != nil {
			return last, err
		}
		n, _ := table.Rows[0][0].(int64)
		if int(n) > last {
			last, since = int(n), time.Now()
		}
		if last >= want || time.Since(since) > liveStall {
			return last, nil
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sendBulk posts the lines in bodies, some at a time. A full spool is waited for.
func sendBulk(ctx context.Context, address, token string, lines []byte) error {
	bodies := make(chan []byte)
	errs := make(chan error, liveSenders)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for n := range liveSenders {
		wg.Go(func() {
			i := 0
			for body := range bodies {
				i++
				if err := postBody(ctx, address, token, "bench-"+strconv.Itoa(n)+"-"+strconv.Itoa(i), body); err != nil {
					errs <- err
					cancel()
					return
				}
			}
		})
	}
feed:
	for rest := lines; len(rest) > 0; {
		end := endOfLines(rest, liveBody)
		select {
		case bodies <- rest[:end]:
			rest = rest[end:]
		case <-ctx.Done():
			break feed
		}
	}
	close(bodies)
	wg.Wait()
	close(errs)
	return <-errs
}

func endOfLines(b []byte, n int) int {
	at := 0
	for range n {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return len(b)
		}
		at += i + 1
	}
	return at
}

func postBody(ctx context.Context, address, token, key string, body []byte) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/api/v1/bulk", bytes.NewReader(body))
		if err != nil {
			return fault.Wrap(fault.Internal, err, "making a request")
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Idempotency-Key", key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "sending")
		}
		text, _ := io.ReadAll(resp.Body) // told below
		_ = resp.Body.Close()
		switch resp.StatusCode {
		case http.StatusAccepted:
			return nil
		case http.StatusTooManyRequests:
			time.Sleep(100 * time.Millisecond)
		default:
			return fault.New(fault.Unavailable, "the server answered %d: %s", resp.StatusCode, strings.TrimSpace(string(text)))
		}
	}
}

// sendSyslog sends the lines over one connection, each counted (RFC 6587, 3.4.1).
func sendSyslog(ctx context.Context, address string, lines []byte) error {
	var d net.Dialer
	var conn net.Conn
	var err error
	for range 50 { // it listens a moment after it runs
		if conn, err = d.DialContext(ctx, "tcp", address); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "connecting to %s", address)
	}
	defer conn.Close() //nolint:errcheck // all is written by then, or an error is returned
	var b bytes.Buffer
	for line := range bytes.Lines(lines) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		b.WriteString(strconv.Itoa(len(line)) + " ")
		b.Write(line)
		if b.Len() > 64<<10 {
			if _, err := b.WriteTo(conn); err != nil {
				return fault.Wrap(fault.Unavailable, err, "sending")
			}
		}
	}
	_, err = b.WriteTo(conn)
	return err
}
