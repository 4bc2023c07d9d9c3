package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/app"
	"vedette/internal/eval/load"
	"vedette/internal/fault"
	"vedette/internal/flow"
)

// apiReport is what `bench api` measured.
type apiReport struct {
	Machine  machine              `json:"machine"`
	Stored   int                  `json:"stored_before"`
	Devices  int                  `json:"devices"`
	Asked    int                  `json:"requests"`
	Rate     float64              `json:"requests_per_second"`
	Pushed   float64              `json:"events_pushed_per_second"`
	Incoming float64              `json:"events_per_second"` // that were stored meanwhile
	Behind   int                  `json:"events_behind"`     // pushed and not yet stored at the end
	Failed   int                  `json:"failed"`
	Reads    map[string]latencies `json:"reads"`
}

// apiPlan is what is asked for.
type apiPlan struct {
	load     load.Plan
	rate     int // requests a second
	incoming int // events a second
	lasts    time.Duration
}

func (r *root) benchAPICommand() *cobra.Command {
	p := apiPlan{load: load.Plan{Seed: 1}}
	cmd := &cobra.Command{
		Use:   "api",
		Short: "read records over HTTP while events come in, and measure how long it takes",
		Long: "Fills a scratch directory, serves it with accounts, rules and detectors, and reads devices, findings and incidents with a token at a steady rate while events\n" +
			"are pushed at another. A request that could not be sent in time counts from when it should have been sent.",
		Example: "  vedette bench api --events 1000000 --devices 100000 --rate 100 --incoming 15000 --for 1m",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.load.Events < 1 || p.load.Devices < 1 || p.rate < 1 || p.incoming < 0 || p.lasts <= 0 {
				return useError{fault.New(fault.Invalid, "--events, --devices, --rate and --for must be more than nothing")}
			}
			p.load.Span = 24 * time.Hour
			p.load.Start = time.Now().UTC().Add(-p.load.Span)
			return r.benchAPI(cmd.Context(), p)
		},
	}
	cmd.Flags().IntVar(&p.load.Events, "events", 300_000, "how many events are stored before")
	cmd.Flags().IntVar(&p.load.Devices, "devices", 10_000, "how many devices there are")
	cmd.Flags().IntVar(&p.rate, "rate", 100, "requests a second")
	cmd.Flags().IntVar(&p.incoming, "incoming", 15_000, "events a second that come in meanwhile")
	cmd.Flags().DurationVar(&p.lasts, "for", 30*time.Second, "how long")
	return cmd
}

func (r *root) benchAPI(ctx context.Context, p apiPlan) error {
	dir, err := os.MkdirTemp("", "vedette-bench-")
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "making a scratch directory")
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a scratch directory
	a, err := r.scratch(ctx, filepath.Join(dir, "data"), "127.0.0.1:0")
	if err != nil {
		return err
	}
	rep := apiReport{Machine: thisMachine(time.Now()), Reads: map[string]latencies{}}
	for src := range p.load.Sources() {
		sum, err := a.IngestStream(ctx, src, src.Name, "zeek-json", time.Now())
		if err != nil {
			return errors.Join(err, a.Close())
		}
		rep.Stored, rep.Devices = rep.Stored+sum.Stored, sum.Devices
	}
	if err := errors.Join(r.readWhile(ctx, a, p, &rep), a.Close()); err != nil {
		return err
	}
	rows := [][2]any{{"events stored before", rep.Stored}, {"devices", rep.Devices}, {"requests per second", math.Round(rep.Rate)}, {"events pushed per second", math.Round(rep.Pushed)}, {"events stored per second", math.Round(rep.Incoming)}, {"behind at the end", rep.Behind}, {"failed", rep.Failed}}
	for _, name := range apiReads() {
		l := rep.Reads[name]
		rows = append(rows, [2]any{name + ", ms: p50, p99, max", fmt.Sprintf("%.1f  %.1f  %.1f", l.P50, l.P99, l.Max)})
	}
	return r.printReport(rep, rows)
}

// apiReads are the reads that are measured; {uid} is that of some device.
func apiReads() []string {
	return []string{"/api/v1/devices?limit=100", "/api/v1/devices?limit=100&sort=-last_seen&facets=1", "/api/v1/devices/{uid}", "/api/v1/findings?limit=100", "/api/v1/incidents?limit=100"}
}

func (r *root) readWhile(ctx context.Context, a *app.App, p apiPlan, rep *apiReport) error {
	before, err := a.Status(ctx)
	if err != nil {
		return err
	}
	rows, err := a.DeviceRows(ctx)
	if err != nil {
		return err
	}
	uids := make([]string, len(rows))
	for i := range rows {
		uids[i] = rows[i].UID
	}
	return r.whileServed(ctx, a, func(ctx context.Context, address, token string) error {
		ctx, cancel := context.WithTimeout(ctx, p.lasts)
		defer cancel()
		began := time.Now()
		pushed := 0
		err := flow.Together(ctx, func(ctx context.Context) error { return pushSteadily(ctx, address, token, p, &pushed) },
			func(ctx context.Context) error { return readSteadily(ctx, address, token, p.rate, uids, rep) })
		after, bad := a.Status(context.WithoutCancel(ctx))
		took := time.Since(began).Seconds()
		rep.Rate, rep.Pushed, rep.Incoming = float64(rep.Asked)/took, float64(pushed)/took, float64(after.Events-before.Events)/took
		rep.Behind = pushed - int(after.Events-before.Events)
		return errors.Join(err, bad)
	})
}

// pushSteadily sends events of the load's kind at a rate until ctx ends, and
// counts those that were accepted.
func pushSteadily(ctx context.Context, address, token string, p apiPlan, pushed *int) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := uint64(0); p.incoming > 0; n++ {
		plan := load.Plan{Seed: 1000 + n, Events: p.incoming, Devices: p.load.Devices, Span: time.Second, Start: time.Now().UTC()}
		var b bytes.Buffer
		for src := range plan.Sources() {
			if _, err := io.Copy(&b, src); err != nil {
				return err
			}
		}
		if err := postBody(ctx, address, token, fmt.Sprintf("steady-%d", n), b.Bytes()); err != nil && ctx.Err() == nil {
			return err
		}
		*pushed += p.incoming
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	<-ctx.Done()
	return nil
}

// readSteadily asks at a rate until ctx ends. Latencies count from the moment in
// which a request was due, so that a server that stands still is not spared.
func readSteadily(ctx context.Context, address, token string, rate int, uids []string, rep *apiReport) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	took := map[string][]time.Duration{}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: rate}, Timeout: time.Minute}
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // G404: which device is read
	begin := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		due := begin.Add(time.Duration(n) * time.Second / time.Duration(rate))
		select {
		case <-ctx.Done():
			continue
		case <-time.After(time.Until(due)):
		}
		name := apiReads()[n%len(apiReads())]
		path := name
		if len(uids) > 0 {
			path = strings.Replace(name, "{uid}", uids[rnd.IntN(len(uids))], 1)
		}
		wg.Go(func() {
			err := readOnce(context.WithoutCancel(ctx), client, address+path, token)
			mu.Lock()
			defer mu.Unlock()
			rep.Asked++
			if err != nil {
				rep.Failed++
			}
			took[name] = append(took[name], time.Since(due))
		})
	}
	wg.Wait()
	for name, list := range took {
		rep.Reads[name] = latenciesOf(list)
	}
	return nil
}

func readOnce(ctx context.Context, client *http.Client, url, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fault.New(fault.Unavailable, "%s: %d", url, resp.StatusCode)
	}
	return nil
}
