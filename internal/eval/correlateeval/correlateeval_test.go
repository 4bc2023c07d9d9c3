package correlateeval_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"vedette/content"
	"vedette/internal/correlate"
	"vedette/internal/eval/correlateeval"
)

// shared is the folder of public test data, or "".
func shared(t *testing.T) string {
	t.Helper()
	var tried []string
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		tried = append(tried, filepath.Join(dir, "data"), dir)
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "..", "shared", "data"))
		}
	}
	for _, dir := range tried {
		if _, err := os.Stat(filepath.Join(dir, "bench")); err == nil {
			return dir
		}
	}
	t.Skip("the public data sets are not here: put them into ../shared/data, or name the folder above in VEDETTE_SHARED")
	return ""
}

func techniques(t *testing.T) *correlate.Techniques {
	t.Helper()
	q, err := correlate.LoadTechniques(content.Techniques())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func show(t *testing.T, v any) {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", raw)
}

// TestShared prints the figures of docs/incidents.md and holds their floors.
func TestShared(t *testing.T) {
	dir := shared(t)
	r, err := correlateeval.Run(dir, techniques(t), 0.05)
	if err != nil {
		t.Fatal(err)
	}
	show(t, r)
	if len(r.Skipped) > 0 {
		t.Fatalf("left out: %v", r.Skipped)
	}
	for _, j := range r.Excytin {
		if j.Method == "vedette" && (j.Precision < 0.95 || j.BF1 < 0.75) {
			t.Errorf("%s: pair precision %.3f, B-cubed F1 %.3f", j.Set, j.Precision, j.BF1)
		}
	}
	if r.EVE == nil || r.EVE.Alerts != 291 || r.EVE.Incidents > 10 {
		t.Errorf("the alerts of one attacked host: %+v", r.EVE)
	}
	for _, w := range r.Worst {
		if !w.OK {
			t.Errorf("%s: %+v", w.Case, w)
		}
	}
}

// TestCompare: the measures on a case that is worked out by hand.
func TestCompare(t *testing.T) {
	some := []correlateeval.Labelled{{Incident: "a"}, {Incident: "a"}, {Incident: "a"}, {Incident: "b"}}
	j := correlateeval.Compare(some, []string{"x", "x", "y", "y"})
	if j.Precision != 0.5 || j.Recall != 1.0/3 || j.BPrec != 0.75 || math.Abs(j.BRecall-2.0/3) > 1e-9 {
		t.Errorf("%+v", j)
	}
}
