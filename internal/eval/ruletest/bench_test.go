package ruletest_test

import (
	"testing"

	"vedette/internal/detect/sigma"
	"vedette/internal/eval/ruletest"
)

// BenchmarkPack measures what judging an event by the pack costs, over the
// events of the packs' own tests.
func BenchmarkPack(b *testing.B) {
	p := builtin(b)
	events := ruletest.Events(b.Context(), p)
	if len(events) < 1000 {
		b.Fatalf("%d events", len(events))
	}
	var sc sigma.Scratch
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		p.Set().Match(events[n%len(events)], &sc, func(*sigma.Rule) {})
		n++
	}
}
