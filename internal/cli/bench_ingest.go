package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/app"
	"vedette/internal/asset"
	"vedette/internal/edge"
	"vedette/internal/eval/load"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// ingestReport is what `bench ingest` measured.
type ingestReport struct {
	Machine    machine `json:"machine"`
	Events     int     `json:"events"`
	Devices    int     `json:"devices"`
	Stored     int     `json:"stored"`
	Duplicates int     `json:"duplicates"`
	Rejected   int     `json:"rejected"`
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"events_per_second"`
	Input      int64   `json:"input_bytes"`
	Disk       int64   `json:"disk_bytes"`
	PerEvent   float64 `json:"disk_bytes_per_event"`
	CPU        float64 `json:"cpu_us_per_event"`
	Peak       int64   `json:"peak_memory_bytes"`
	Sealed     int     `json:"sealed_days"`
	Sealing    float64 `json:"sealing_seconds"`
	Stages     stages  `json:"stages"`
	Directory  string  `json:"directory,omitempty"`
}

// stages are the CPU times per event of a part of the load, each stage alone
// on one core but for store, which is what the whole took beyond them.
type stages struct {
	Sample   int     `json:"sample_events"`
	Generate float64 `json:"generate_us"`
	Parse    float64 `json:"parse_us"`
	Identify float64 `json:"identify_us"` // once the devices are known
	Learn    float64 `json:"learn_us"`    // what it takes more when they are new, over all events of the sample
	Copy     float64 `json:"copy_us"`
	Store    float64 `json:"store_us"`
	JSON     float64 `json:"encoding_json_struct_us"`
	Ratio    float64 `json:"json_struct_over_parse_and_identify"`
}

func (r *root) benchIngestCommand() *cobra.Command {
	plan := load.Plan{Seed: 1}
	var keep string
	cmd := &cobra.Command{
		Use:   "ingest",
		Short: "take in a generated load and measure rates, CPU per stage, disk and memory",
		Long: "Generates log lines of a simulated fleet (see package eval/load), takes them in as files are, and prints what it measured; --output json for all\n" +
			"of it. Without --keep the data goes to a scratch directory that is removed.",
		Example: "  vedette bench ingest --events 1000000\n  vedette bench ingest --events 10000000 --devices 100000 --span 72h --keep /var/tmp/bench --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plan.Events < 1 || plan.Devices < 1 || plan.Span <= 0 {
				return useError{fault.New(fault.Invalid, "--events, --devices and --span must be more than nothing")}
			}
			plan.Start = time.Now().UTC().Add(-plan.Span)
			return r.benchIngest(cmd.Context(), plan, keep)
		},
	}
	cmd.Flags().IntVar(&plan.Events, "events", 1_000_000, "how many events, up to 100 million and more")
	cmd.Flags().IntVar(&plan.Devices, "devices", 10_000, "how many devices send them")
	cmd.Flags().DurationVar(&plan.Span, "span", 24*time.Hour, "the time they are spread over, up to now")
	cmd.Flags().StringVar(&keep, "keep", "", "keep the data in this directory, to ask it with bench query")
	return cmd
}

func (r *root) benchIngest(ctx context.Context, plan load.Plan, keep string) error {
	rep := ingestReport{Machine: thisMachine(time.Now()), Events: plan.Events, Directory: keep}
	var err error
	if rep.Stages, err = measureStages(ctx, plan); err != nil {
		return err
	}
	dir := keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "vedette-bench-"); err != nil {
			return fault.Wrap(fault.Unavailable, err, "making a scratch directory")
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a scratch directory
	}
	if err := r.takeLoad(ctx, plan, filepath.Join(dir, "data"), &rep); err != nil {
		return err
	}
	learnt := rep.Stages.Learn * float64(rep.Stages.Sample) / float64(plan.Events)
	rep.Stages.Store = round(rep.CPU - rep.Stages.Generate - rep.Stages.Parse - rep.Stages.Identify - learnt - rep.Stages.Copy)
	return r.printReport(rep, [][2]any{
		{"events stored", rep.Stored},
		{"devices", rep.Devices},
		{"seconds", round(rep.Seconds)},
		{"events per second", math.Round(rep.Rate)},
		{"CPU per event, µs", rep.CPU},
		{"  generate", rep.Stages.Generate},
		{"  parse and normalise", rep.Stages.Parse},
		{"  identify", rep.Stages.Identify},
		{"  learn new devices", rep.Stages.Learn},
		{"  copy", rep.Stages.Copy},
		{"  store", rep.Stages.Store},
		{"encoding/json into a struct, µs", rep.Stages.JSON},
		{"  that over parse and identify", rep.Stages.Ratio},
		{"days sealed", rep.Sealed},
		{"  in seconds", rep.Sealing},
		{"disk bytes per event", rep.PerEvent},
		{"peak memory, MiB", rep.Peak >> 20},
	})
}

// takeLoad takes in the load as an ingest of files does.
func (r *root) takeLoad(ctx context.Context, plan load.Plan, dir string, rep *ingestReport) error {
	cfg, err := r.appConfig()
	if err != nil {
		return err
	}
	cfg.Dir = dir
	cfg.Assets.MaxDevices = max(cfg.Assets.MaxDevices, 2*plan.Devices)
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return err
	}
	started, cpu := time.Now(), cpuTime()
	err = func() error {
		for src := range plan.Sources() {
			in := &counter{Reader: src}
			sum, err := a.IngestStream(ctx, in, src.Name, "zeek-json", time.Now())
			if err != nil {
				return err
			}
			rep.Stored += sum.Stored
			rep.Duplicates += sum.Duplicates
			rep.Rejected += sum.Rejected
			rep.Devices = sum.Devices
			rep.Input += in.n
			fmt.Fprintf(r.Err, "%d of %d events, %.0f/s\n", rep.Stored, plan.Events, float64(rep.Stored)/time.Since(started).Seconds())
		}
		return nil
	}()
	rep.Seconds = time.Since(started).Seconds()
	rep.Rate = float64(rep.Stored) / rep.Seconds
	rep.CPU = round(float64(cpuTime()-cpu) / 1e3 / float64(max(1, rep.Stored)))
	if err == nil {
		begin := time.Now()
		up, maintaining := a.Maintain(ctx)
		rep.Sealed, rep.Sealing, err = up.Sealed.Days, round(time.Since(begin).Seconds()), maintaining
	}
	_, rep.Peak = memoryUse()
	if closing := a.Close(); err == nil {
		err = closing
	}
	rep.Disk = diskUse(dir)
	rep.PerEvent = round(float64(rep.Disk) / float64(max(1, rep.Stored)))
	return err
}

type counter struct {
	io.Reader
	n int64
}

// Read implements [io.Reader].
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// maxSample is how many events the single stages are measured on.
const maxSample = 200_000

// measureStages runs each stage alone over the same lines in memory.
func measureStages(ctx context.Context, plan load.Plan) (stages, error) {
	plan.Events = min(plan.Events, maxSample)
	s := stages{Sample: plan.Events}
	per := func(d time.Duration) float64 { return float64(d) / 1e3 / float64(plan.Events) }
	begin := cpuTime()
	var lines bytes.Buffer
	for src := range plan.Sources() {
		if _, err := io.Copy(&lines, src); err != nil {
			return s, err
		}
	}
	s.Generate = round(per(cpuTime() - begin))
	pass := func(sink func(*event.Event) error) (float64, error) {
		reader := ingest.NewReader(edge.Formats(), time.Now)
		begin := cpuTime()
		_, err := reader.Stream(ctx, bytes.NewReader(lines.Bytes()), "load.log", "zeek-json", time.Now(), sink)
		return per(cpuTime() - begin), err
	}
	parse, err := pass(func(*event.Event) error { return nil })
	if err != nil {
		return s, err
	}
	registry := asset.New(asset.Config{MaxDevices: 2 * plan.Devices}, nil, time.Now)
	observe := func(e *event.Event) error { registry.Observe(e); return nil }
	learn, err := pass(observe) // the devices are new
	if err != nil {
		return s, err
	}
	identify, err := pass(observe)
	if err != nil {
		return s, err
	}
	var kept *event.Event
	copied, err := pass(func(e *event.Event) error { kept = e.Clone(); return nil })
	if err != nil || kept == nil {
		return s, err
	}
	s.Parse, s.Identify, s.Copy = round(parse), round(max(0, identify-parse)), round(max(0, copied-parse))
	s.Learn = round(max(0, learn-identify))
	s.JSON = round(per(jsonStruct(lines.Bytes())))
	if identify > 0 {
		s.Ratio = round(s.JSON / identify)
	}
	return s, nil
}

// zeekLine is what a program of its own would read of the same lines.
type zeekLine struct {
	Path     string  `json:"_path"`
	TS       float64 `json:"ts"`
	UID      string  `json:"uid"`
	OrigH    string  `json:"id.orig_h"`
	OrigP    int     `json:"id.orig_p"`
	RespH    string  `json:"id.resp_h"`
	RespP    int     `json:"id.resp_p"`
	Proto    string  `json:"proto"`
	Service  string  `json:"service"`
	Duration float64 `json:"duration"`
	OrigB    int64   `json:"orig_bytes"`
	RespB    int64   `json:"resp_bytes"`
	State    string  `json:"conn_state"`
	History  string  `json:"history"`
	OrigPk   int64   `json:"orig_pkts"`
	RespPk   int64   `json:"resp_pkts"`
	Func     string  `json:"func"`
	Address  int64   `json:"address"`
	Quantity int64   `json:"quantity"`
	Query    string  `json:"query"`
	Method   string  `json:"method"`
	Host     string  `json:"host"`
	URI      string  `json:"uri"`
	Status   int     `json:"status_code"`
}

// jsonStruct is the CPU that encoding/json takes to read the lines.
func jsonStruct(lines []byte) time.Duration {
	begin := cpuTime()
	for line := range bytes.Lines(lines) {
		var z zeekLine
		_ = json.Unmarshal(line, &z) // the generated lines are JSON
	}
	return cpuTime() - begin
}

func round(f float64) float64 { return math.Round(f*100) / 100 }

// printReport prints a measurement as JSON, or its main figures as a table.
func (r *root) printReport(rep any, figures [][2]any) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(rep)
	}
	rows := make([][]any, len(figures))
	for i, f := range figures {
		rows[i] = []any{f[0], f[1]}
	}
	return r.writeRows([]string{"measured", "value"}, rows, func() any { return rep })
}
