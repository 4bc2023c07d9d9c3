package app

import (
	"fmt"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/ingest"
	"vedette/internal/ingest/mqtt"
)

// BenchmarkTopics parses small messages of few and of many topics, as they come
// from the spool.
func BenchmarkTopics(b *testing.B) {
	for _, topics := range []int{1, 1000, 10_000, 100_000} {
		for name, form := range map[string]string{"json": `{"ts":"2026-11-28T08:00:00Z","device":"pump","temperature":%d.5,"unit":"C"}`, "number": "%d.5"} {
			b.Run(fmt.Sprintf("%s/%d", name, topics), func(b *testing.B) {
				a := openForBench(b)
				live := a.reader.Live("bench")
				naming, err := mqtt.CompileNaming([]string{"plants/{zone}/{device}/{metric}"})
				if err != nil {
					b.Fatal(err)
				}
				payloads := make([]ingest.Payload, topics)
				for i := range payloads {
					payloads[i] = naming.Payload("plant", fmt.Sprintf("plants/hall/pump-%d/temperature", i), fmt.Appendf(nil, form, i%90), time.Now())
				}
				seq := uint64(0)
				for b.Loop() {
					seq++
					rep, err := live.Payload(b.Context(), payloads[seq%uint64(topics)], seq, func(*event.Event) error { return nil })
					if err != nil || rep.Events != 1 {
						b.Fatalf("%+v, %v", rep, err)
					}
				}
			})
		}
	}
}

func openForBench(b *testing.B) *App {
	b.Helper()
	a, err := Open(b.Context(), Config{Dir: b.TempDir(), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	return a
}
