package sigmaeval_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/eval/sigmaeval"
)

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
		if _, err := os.Stat(filepath.Join(dir, "detect", "sigma-rules.zip")); err == nil {
			return dir
		}
	}
	t.Skip("no detect/sigma-rules.zip: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED")
	return ""
}

func show(t *testing.T, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(string(text))
}

func TestSharedCompile(t *testing.T) {
	rep, err := sigmaeval.Compile(shared(t))
	if err != nil {
		t.Fatal(err)
	}
	if show(t, rep); rep.Compiled != 3757 || rep.Rules != 3757 {
		t.Errorf("%d of %d rules compile", rep.Compiled, rep.Rules)
	}
}

func TestSharedRegression(t *testing.T) {
	rep, err := sigmaeval.Regression(t.Context(), shared(t))
	if err != nil {
		t.Fatal(err)
	}
	rep.Others = rep.Others[:min(len(rep.Others), 3)]
	if show(t, rep); rep.Fired != rep.Cases || rep.Cases == 0 {
		t.Errorf("%d of %d cases fire", rep.Fired, rep.Cases)
	}
}

// TestSharedSpeed checks what does not depend on the machine: that nothing is
// taken from memory and that the index agrees with the rules one by one.
func TestSharedSpeed(t *testing.T) {
	reps, err := sigmaeval.Speed(t.Context(), shared(t), sigmaeval.SpeedOptions{Time: 200 * time.Millisecond, Runs: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, rep := range reps {
		if show(t, rep); rep.Allocs > 0.05 || !rep.Agree || rep.Events < 1000 {
			t.Errorf("%s: %g allocations an event, agree %v, %d events", rep.Corpus, rep.Allocs, rep.Agree, rep.Events)
		}
	}
}
