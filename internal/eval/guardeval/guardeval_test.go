package guardeval_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/eval/guardeval"
	"vedette/internal/guard/signal"
)

var update = flag.Bool("update", false, "make the weights of the signal anew")

const weights = "../../guard/signal/weights.json.gz"

// shared is the folder of the shared public data, which is not in the
// repository. The test is skipped where there is none.
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
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(guardeval.File))); err == nil {
			return dir
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", guardeval.File)
	return ""
}

// TestWeights makes the weights (with -update) or, with VEDETTE_EVAL set, holds
// that those in the repository are what the data gives.
func TestWeights(t *testing.T) {
	if !*update && os.Getenv("VEDETTE_EVAL") == "" {
		t.Skip("takes some seconds: set VEDETTE_EVAL=1 to compare, or give -update to make them")
	}
	m, err := guardeval.Weights(shared(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(weights, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the weights are not those that the data gives: run go test ./internal/eval/guardeval -run TestWeights -update")
	}
}

// TestFull prints all ways of measuring.
func TestFull(t *testing.T) {
	if os.Getenv("VEDETTE_EVAL") == "" {
		t.Skip("takes half a minute: set VEDETTE_EVAL=1, or run vedette eval guard")
	}
	rep, err := guardeval.Run(shared(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + rep.Table())
	if rep.Random.Recall < 0.8 || rep.Random.FalseAlarms > 0.02 {
		t.Errorf("on texts held out of known sources: recall %.3f at %.3f false alarms", rep.Random.Recall, rep.Random.FalseAlarms)
	}
}

// TestShipped: a sample of the set, as the product sees it.
func TestShipped(t *testing.T) {
	rows, err := guardeval.Read(shared(t))
	if err != nil {
		t.Fatal(err)
	}
	var n, hits [2]int
	for i := 0; i < len(rows); i += 31 {
		k := 0
		if rows[i].Attack {
			k = 1
		}
		n[k]++
		if signal.Scan(rows[i].Text).Signal {
			hits[k]++
		}
	}
	if hits[1]*10 < n[1]*8 || hits[0]*50 > n[0] {
		t.Errorf("a signal on %d of %d attacks and %d of %d harmless texts", hits[1], n[1], hits[0], n[0])
	}
}

// TestAblation: with a control on no planted attack comes through it, with it
// off each does. The signal is no boundary and is not held to that.
func TestAblation(t *testing.T) {
	rep, err := guardeval.Ablate(shared(t), guardeval.Controls()[:4], 90)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rep.Controls {
		if c.On != 0 || c.Off == 0 {
			t.Errorf("%s: %d of %d come through when it is on, %d when it is off", c.Name, c.On, rep.Attacks, c.Off)
		}
	}
}
