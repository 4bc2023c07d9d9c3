package cli

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/app"
	"vedette/internal/copilot"
	"vedette/internal/fault"
)

// queryReport is what `bench query` measured.
type queryReport struct {
	Machine  machine         `json:"machine"`
	Events   int64           `json:"events"`
	Devices  int             `json:"devices"`
	Open     float64         `json:"open_seconds"`
	Idle     int64           `json:"idle_memory_bytes"`
	Peak     int64           `json:"peak_memory_bytes"`
	Parallel int             `json:"parallel"`
	Queries  []queryMeasured `json:"queries"`
	Asked    []queryMeasured `json:"questions"`
	AllAsked latencies       `json:"all_questions"`
}

type queryMeasured struct {
	Text string `json:"text"`
	Rows int    `json:"rows"`
	latencies
}

// benchQueries are typed queries that people's questions become, over the last
// 24 hours of what is stored.
func benchQueries() []string {
	return []string{
		"last 24h | count",
		"network_activity last 24h | by src count | top 10",
		"network_activity last 24h | by src, dst sum(bytes_out), count | top 20",
		"network_activity last 24h | every 1h count, sum(bytes)",
		"ics.write=true last 24h | by dst, ics.function count | top 20",
		"dns_activity rcode=NXDOMAIN last 24h | by query count | top 20",
		"network_activity last 24h | by port p95(duration) | top 10",
		"network_activity last 24h | by src count | compare previous | limit 20",
		"last 24h | by device.name distinct(dst) | top 10",
		"sequence by src within 1m (dns_activity rcode=NXDOMAIN) then (ics.write=true) last 24h | limit 20",
		"src=10.0.0.17 last 24h | limit 100",
		"devices | limit 100",
	}
}

// benchQuestions are asked in plain words: plan, query, verify and words.
func benchQuestions() []string {
	return []string{
		"how many connections were there in the last 24 hours?",
		"which sources sent the most bytes in the last 24 hours?",
		"write commands per destination in the last 24 hours",
		"trend of connections in the last 24 hours",
		"which names were asked for but do not exist in the last 24 hours?",
		"show me unusual communication patterns over the past 24 hours",
		"which sources had failed connections followed by a write within 1 minute in the last 24 hours?",
		"95th percentile of connection duration per destination port in the last 24 hours",
	}
}

func (r *root) benchQueryCommand() *cobra.Command {
	repeat, parallel := 5, 1
	cmd := &cobra.Command{
		Use:   "query",
		Short: "ask a stored load typed queries and plain questions and measure how long they take",
		Long:  "Opens the data directory (--data, such as the data folder of bench ingest --keep), asks each query and question --repeat times, and prints percentiles.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if repeat < 1 || parallel < 1 {
				return useError{fault.New(fault.Invalid, "--repeat and --parallel must be at least 1")}
			}
			return r.benchQuery(cmd.Context(), repeat, parallel)
		},
	}
	cmd.Flags().IntVar(&repeat, "repeat", repeat, "how often each is asked")
	cmd.Flags().IntVar(&parallel, "parallel", parallel, "how many are asked at once")
	return cmd
}

func (r *root) benchQuery(ctx context.Context, repeat, parallel int) error {
	cfg, err := r.appConfig()
	if err != nil {
		return err
	}
	began := time.Now()
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()      //nolint:errcheck // nothing was written
	debug.FreeOSMemory() // as serve does
	rep := queryReport{Machine: thisMachine(began), Open: round(time.Since(began).Seconds()), Parallel: parallel}
	rep.Idle, _ = memoryUse()
	status, err := a.Status(ctx)
	if err != nil {
		return err
	}
	rep.Events, rep.Devices = status.Events, status.Devices
	if status.Events == 0 {
		return fault.New(fault.NotFound, "nothing is stored in %s", cfg.Dir).WithHint("make a load with: vedette bench ingest --keep DIR, then use --data DIR/data")
	}
	now := status.Newest
	for _, text := range benchQueries() {
		m, _, err := measured(text, repeat, parallel, func() (int, error) {
			t, err := a.Query(ctx, text, now)
			if err != nil {
				return 0, err
			}
			return len(t.Rows), nil
		})
		if err != nil {
			return fmt.Errorf("asking %s: %w", text, err)
		}
		rep.Queries = append(rep.Queries, m)
	}
	var all []time.Duration
	for _, text := range benchQuestions() {
		m, took, err := measured(text, repeat, parallel, func() (int, error) {
			ans, err := a.Ask(ctx, copilot.Request{Question: text, Now: now})
			if err != nil || len(ans.Evidence) == 0 {
				return 0, err
			}
			return len(ans.Evidence[0].Rows), nil
		})
		if err != nil {
			return fmt.Errorf("asking %s: %w", text, err)
		}
		rep.Asked = append(rep.Asked, m)
		all = append(all, took...)
	}
	rep.AllAsked = latenciesOf(all)
	_, rep.Peak = memoryUse()
	return r.printQueries(rep)
}

// measured asks repeat times, parallel at once, and says how long each took.
func measured(text string, repeat, parallel int, ask func() (int, error)) (queryMeasured, []time.Duration, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var took []time.Duration
	var failed error
	m := queryMeasured{Text: text}
	turns := make(chan struct{}, repeat)
	for range repeat {
		turns <- struct{}{}
	}
	close(turns)
	for range parallel {
		wg.Go(func() {
			for range turns {
				began := time.Now()
				rows, err := ask()
				mu.Lock()
				took, m.Rows = append(took, time.Since(began)), rows
				if err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	m.latencies = latenciesOf(took)
	return m, took, failed
}

func (r *root) printQueries(rep queryReport) error {
	columns := []string{"text", "rows", "p50_ms", "p95_ms", "max_ms"}
	var rows [][]any
	for _, list := range [][]queryMeasured{rep.Queries, rep.Asked} {
		for _, m := range list {
			rows = append(rows, []any{m.Text, m.Rows, m.P50, m.P95, m.Max})
		}
	}
	if err := r.writeRows(columns, rows, func() any { return rep }); err != nil {
		return err
	}
	fmt.Fprintf(r.Err, "%d events, %d devices; all questions: p50 %.0f ms, p95 %.0f ms; memory idle %d MiB, peak %d MiB\n", rep.Events, rep.Devices, rep.AllAsked.P50, rep.AllAsked.P95, rep.Idle>>20, rep.Peak>>20)
	return nil
}
