package correlateeval_test

import (
	"encoding/json"
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
	r, err := correlateeval.Run(dir, techniques(t), 0.1)
	if err != nil {
		t.Fatal(err)
	}
	show(t, r)
}
