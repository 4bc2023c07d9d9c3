package inteleval_test

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"vedette/internal/eval/inteleval"
)

// TestRun measures a small set; VEDETTE_SCALE=1 measures the sizes of the goals,
// VEDETTE_SCALE=1000000 the large set with that many.
func TestRun(t *testing.T) {
	cfg := inteleval.Config{Indicators: 5_000, Compare: 2_000, Swapped: 2_000, Queries: 5_000, Idle: 50 * time.Millisecond, Seed: 1}
	scale := os.Getenv("VEDETTE_SCALE") != ""
	if scale {
		cfg = inteleval.Default()
		if n, err := strconv.Atoi(os.Getenv("VEDETTE_SCALE")); err == nil && n > 1 {
			cfg.Indicators = n
		}
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
		if scale && r.Allocs > 0.01 {
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

// TestMUD: each entry of the public profiles allows the flow that it describes.
func TestMUD(t *testing.T) {
	path := os.Getenv("VEDETTE_SHARED")
	for _, dir := range []string{filepath.Join(path, "data"), path, "../../../../shared/data"} {
		if _, err := os.Stat(filepath.Join(dir, "mud", "mud-profiles.zip")); err == nil {
			path = filepath.Join(dir, "mud", "mud-profiles.zip")
			break
		}
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Skip("no mud/mud-profiles.zip: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED")
	}
	defer z.Close()
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := inteleval.MUD(f.Name, data)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(rep)
		t.Logf("%s", text)
		if rep.Allowed != rep.Made || rep.Errors > 0 || rep.Changed["unsure"] > 0 {
			t.Errorf("%s", text)
		}
	}
}
