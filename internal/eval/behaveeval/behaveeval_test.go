package behaveeval_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/eval/behaveeval"
)

// shared is the folder of the shared public data; the test is skipped where
// there is none.
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
		if _, err := os.Stat(filepath.Join(dir, "README.md")); err == nil {
			return dir
		}
	}
	t.Skip("no public test data: put it into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED")
	return ""
}

func print(t *testing.T, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
}

func TestSKAB(t *testing.T) {
	rep, err := behaveeval.SKAB(t.Context(), shared(t))
	if err != nil {
		t.Fatal(err)
	}
	print(t, rep.Methods)
}

func TestIoT23(t *testing.T) {
	rep, err := behaveeval.IoT23(t.Context(), shared(t))
	if err != nil {
		t.Fatal(err)
	}
	print(t, rep)
}

func TestSlips(t *testing.T) {
	rep, err := behaveeval.Slips(t.Context(), shared(t))
	if err != nil {
		t.Fatal(err)
	}
	print(t, rep)
	if n := rep.QuietSeverities["high"] + rep.QuietSeverities["critical"]; n > 0 {
		t.Errorf("%d findings above medium on the quiet side", n)
	}
}
