package inteleval_test

import (
	"encoding/json"
	"os"
	"testing"

	"vedette/internal/eval/inteleval"
)

// TestRun measures a small set; VEDETTE_SCALE=1 measures the sizes of the goals.
func TestRun(t *testing.T) {
	cfg := inteleval.Config{Indicators: 50_000, Compare: 20_000, Swapped: 20_000, Queries: 50_000, Seed: 1}
	scale := os.Getenv("VEDETTE_SCALE") != ""
	if scale {
		cfg = inteleval.Default()
	}
	rep, err := inteleval.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(rep, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	for _, r := range rep.Rates[:5] {
		if r.Allocs > 0.01 {
			t.Errorf("%s: %v allocations a look-up", r.What, r.Allocs)
		}
		if r.Hits > 0.001 {
			t.Errorf("%s: %v are hits", r.What, r.Hits)
		}
	}
	if rep.Swap.Swaps != 3 {
		t.Errorf("%+v", rep.Swap)
	}
	if scale && rep.HeapMiB > 200 {
		t.Errorf("%v MiB", rep.HeapMiB)
	}
}
