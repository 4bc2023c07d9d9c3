package redacteval_test

import (
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/eval/redacteval"
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
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(redacteval.File))); err == nil {
			return dir
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", redacteval.File)
	return ""
}

// TestShared holds the rates of the goal on both parts.
func TestShared(t *testing.T) {
	rep, err := redacteval.Run(shared(t), every)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + rep.Table())
	for name, p := range map[string]redacteval.Part{"development": rep.Development, "held out": rep.HeldOut} {
		if p.All.Recall < 0.9 || p.All.Precision < 0.7 {
			t.Errorf("%s: recall %.3f at precision %.3f; the goal is 0.9 at 0.7", name, p.All.Recall, p.All.Precision)
		}
	}
}
