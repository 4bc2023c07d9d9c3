package normalize_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/normalize"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// samples are the files below testdata, by the dialect that must be detected.
func samples(t testing.TB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, dialect := range normalize.Dialects() {
		if dialect.Cut != nil || manyEvents[dialect.Name] {
			continue // it has tests of its own
		}
		d := dialect.Name
		all, err := filepath.Glob(filepath.Join("testdata", d, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if !strings.HasSuffix(p, ".golden") {
				out[d] = append(out[d], p)
			}
		}
		if len(out[d]) == 0 {
			t.Fatalf("no samples of %s", d)
		}
	}
	return out
}

// TestGolden reads each sample and compares its events with the golden file
// beside it: one event a line, or why the record was rejected.
func TestGolden(t *testing.T) {
	for want, paths := range samples(t) {
		for _, path := range paths {
			t.Run(filepath.ToSlash(path), func(t *testing.T) {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if got := detect(data, filepath.Base(path)); got != want {
					t.Fatalf("detected as %q", got)
				}
				got := render(t, parseLines(dialect(t, want), filepath.Base(path), data))
				golden := path + ".golden"
				if *update {
					if err := os.WriteFile(golden, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				old, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err, "(-update writes it)")
				}
				if diff := cmp.Diff(strings.Split(string(old), "\n"), strings.Split(string(got), "\n")); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func render(t *testing.T, all []outcome) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, o := range all {
		switch {
		case o.err != nil && strings.Contains(o.err.Error(), "BROKEN"):
			t.Errorf("at %d: %v", o.offset, o.err)
		case o.err != nil:
			line, err := json.Marshal(map[string]any{"offset": o.offset, "rejected": o.err.Error()})
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		case o.event != nil:
			b.Write(append(o.event.AppendJSON(nil), '\n'))
		}
	}
	return b.Bytes()
}
