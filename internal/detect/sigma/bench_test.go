package sigma_test

import (
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"vedette/internal/detect/sigma"
	"vedette/internal/event"
)

// BenchmarkOTRF shows recorded Windows events to the rules of SigmaHQ's main
// folder, all and a tenth of them.
func BenchmarkOTRF(b *testing.B) {
	var events []*event.Event
	zipped(b, "detect/otrf-attack-logs.zip", ".jsonl", func(name string, data []byte) {
		events = append(events, windowsEvents(b, name, data)...)
	})
	n := 0
	for _, part := range []struct {
		name string
		each int
	}{{"all", 1}, {"tenth", 10}} {
		set, _ := sigmaHQ(b, func(name string) bool {
			n++
			return strings.HasPrefix(name, "rules/") && n%part.each == 0
		})
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			var sc sigma.Scratch
			matches := 0
			hit := func(*sigma.Rule) { matches++ }
			for i := 0; b.Loop(); i++ {
				set.Match(events[i*7919%len(events)], &sc, hit)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(matches)/float64(b.N), "matches/event")
			b.ReportMetric(float64(set.Len()), "rules")
		})
	}
}

// BenchmarkEVE shows Suricata's records to all rules: most logs have few rules
// or none.
func BenchmarkEVE(b *testing.B) {
	f, err := os.Open(shared(b, "net/suricata-eve.jsonl.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	in, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		b.Fatal(err)
	}
	events := recorded(b, "eve", "eve.json", data)
	set, _ := sigmaHQ(b, nil)
	var sc sigma.Scratch
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		set.Match(events[i%len(events)], &sc, func(*sigma.Rule) {})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
