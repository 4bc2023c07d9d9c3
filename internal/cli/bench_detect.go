package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/content"
	"vedette/internal/app"
	"vedette/internal/asset"
	"vedette/internal/correlate"
	"vedette/internal/demo"
	"vedette/internal/edge"
	"vedette/internal/eval/behaveeval"
	"vedette/internal/eval/correlateeval"
	"vedette/internal/eval/inteleval"
	"vedette/internal/eval/ruletest"
	"vedette/internal/eval/sigmaeval"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// detectPart is one measurement of detection.
type detectPart struct {
	name, what string
	run        func(ctx context.Context, r *root, shared string) (any, error)
}

// detectParts are all measurements, in the order in which they run.
func detectParts() []detectPart {
	return []detectPart{
		{"compile", "how many public Sigma rules compile, and why others do not", func(_ context.Context, _ *root, shared string) (any, error) { return sigmaeval.Compile(shared) }},
		{"regression", "public events on which a named rule must fire", func(ctx context.Context, _ *root, shared string) (any, error) {
			return sigmaeval.Regression(ctx, shared)
		}},
		{"speed", "rules against recorded events, beside rule by rule", func(ctx context.Context, _ *root, shared string) (any, error) {
			return sigmaeval.Speed(ctx, shared, sigmaeval.SpeedOptions{})
		}},
		{"pack", "the built-in rules over recorded and benign logs and captures", func(ctx context.Context, _ *root, shared string) (any, error) { return benchPack(ctx, shared) }},
		{"flows", "behaviour on labelled flows of IoT malware and on benign devices", func(ctx context.Context, _ *root, shared string) (any, error) { return behaveeval.IoT23(ctx, shared) }},
		{"captures", "behaviour on malicious and on quiet captures", func(ctx context.Context, _ *root, shared string) (any, error) { return behaveeval.Slips(ctx, shared) }},
		{"process", "behaviour on the telemetry of a water testbed", func(ctx context.Context, _ *root, shared string) (any, error) { return behaveeval.SKAB(ctx, shared) }},
		{"indicators", "look-ups, memory and swap of millions of indicators; MUD files", func(ctx context.Context, _ *root, shared string) (any, error) {
			return inteleval.Run(ctx, inteleval.Default())
		}},
		{"incidents", "how findings become incidents", func(_ context.Context, _ *root, shared string) (any, error) {
			techniques, err := correlate.LoadTechniques(content.Techniques())
			if err != nil {
				return nil, err
			}
			return correlateeval.Run(shared, techniques, 1) //nolint:contextcheck // it takes a minute and has no context
		}},
		{"all", "CPU of all detection together on the demo's events", func(ctx context.Context, r *root, _ string) (any, error) { return r.benchJudging(ctx) }},
	}
}

func (r *root) benchDetectCommand() *cobra.Command {
	var shared string
	parts := detectParts()
	names := make([]string, len(parts))
	lines := []string{"Runs the named parts, or all, over the public data sets in --shared:\n"}
	for i, p := range parts {
		names[i] = p.name
		lines = append(lines, fmt.Sprintf("  %-11s %s", p.name, p.what))
	}
	cmd := &cobra.Command{
		Use: "detect [PART...]", Short: "measure detection: accuracy on recorded data, rates, memory", Long: strings.Join(lines, "\n"),
		ValidArgs: names, Args: cobra.OnlyValidArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(shared); err != nil {
				return fault.Wrap(fault.NotFound, err, "looking for the public data sets").WithHint("name their folder with --shared")
			}
			return r.benchDetect(cmd.Context(), parts, args, shared)
		},
	}
	cmd.Flags().StringVar(&shared, "shared", "../shared/data", "folder of the public data sets")
	return cmd
}

func (r *root) benchDetect(ctx context.Context, parts []detectPart, only []string, shared string) error {
	out := map[string]any{"machine": thisMachine(time.Now())}
	for _, p := range parts {
		if len(only) > 0 && !slices.Contains(only, p.name) {
			continue
		}
		started := time.Now()
		rep, err := p.run(ctx, r, shared)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", p.name, err)
		}
		fmt.Fprintf(r.Err, "%s: %.1f s\n", p.name, time.Since(started).Seconds())
		out[p.name] = rep
	}
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(out)
	}
	enc := json.NewEncoder(r.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// packReport is what the built-in rules raise on recorded attacks and protocol
// samples, and on benign traffic.
type packReport struct {
	Recorded ruletest.Report `json:"recorded"`
	Benign   ruletest.Report `json:"benign"`
}

func benchPack(ctx context.Context, shared string) (packReport, error) {
	var rep packReport
	pack, err := loadPack(content.Rules())
	if err != nil {
		return rep, err
	}
	all := func(name string) bool { return !strings.HasSuffix(name, "/") }
	for _, part := range []struct {
		to    *ruletest.Report
		files []string
	}{
		{&rep.Recorded, []string{"net/ics-pcaps.zip", "net/zeek-icsnpp.zip", "net/suricata-verify.zip", "net/slips-traffic.zip"}},
		{&rep.Benign, []string{"net/iot23-benign-devices-zeek.zip"}},
	} {
		var sources []ruletest.Source
		for _, f := range part.files {
			more, err := ruletest.ZipSources(filepath.Join(shared, filepath.FromSlash(f)), all)
			if err != nil {
				return rep, err
			}
			sources = append(sources, more...)
		}
		if *part.to, err = pack.Corpus(ctx, sources); err != nil {
			return rep, err
		}
	}
	return rep, nil
}

// judging is what all detectors together cost.
type judging struct {
	Events   int     `json:"events"`
	Rules    int     `json:"rules"`
	Findings int     `json:"findings"`
	Without  float64 `json:"parse_and_identify_us"` // CPU per event
	With     float64 `json:"with_detection_us"`
	Adds     float64 `json:"detection_us"`
}

// benchJudging reads the demo's days twice, with and without detection. The
// best of three counts, for other work on the machine only ever adds.
func (r *root) benchJudging(ctx context.Context) (judging, error) {
	var rep judging
	start := time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)
	plant := demo.New(1, start)
	logs := plant.Logs(start.Add(-72*time.Hour), start)
	pass := func(sink func(*event.Event)) (float64, error) {
		n := 0
		begin := cpuTime()
		reader := ingest.NewReader(edge.Formats(), time.Now)
		for _, l := range logs {
			_, err := reader.Stream(ctx, bytes.NewReader(l.Text), l.Name, "", start, func(e *event.Event) error {
				n++
				sink(e)
				return nil
			})
			if err != nil {
				return 0, err
			}
		}
		rep.Events = n
		return float64(cpuTime()-begin) / 1e3 / float64(max(n, 1)), nil
	}
	for i := range 3 {
		devices := asset.New(asset.Config{}, nil, time.Now)
		without, err := pass(devices.Observe)
		if err != nil {
			return rep, err
		}
		with, err := r.judgedPass(ctx, pass, &rep)
		if err != nil {
			return rep, err
		}
		if i == 0 || without < rep.Without {
			rep.Without = without
		}
		if i == 0 || with < rep.With {
			rep.With = with
		}
	}
	rep.Without, rep.With, rep.Adds = round(rep.Without), round(rep.With), round(rep.With-rep.Without)
	return rep, nil
}

func (r *root) judgedPass(ctx context.Context, pass func(func(*event.Event)) (float64, error), rep *judging) (float64, error) {
	dir, err := os.MkdirTemp("", "vedette-bench-")
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "making a scratch directory")
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a scratch directory
	cfg, err := r.appConfig()
	if err != nil {
		return 0, err
	}
	cfg.Dir = dir
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer a.Close() //nolint:errcheck // a scratch directory
	if err := a.Ready(ctx); err != nil {
		return 0, err
	}
	rep.Findings, rep.Rules = 0, a.RuleCount()
	return pass(func(e *event.Event) { rep.Findings += a.Rehearse(e) })
}
