package sigma_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/content"
	"vedette/internal/detect/sigma"
	"vedette/internal/event"
	"vedette/internal/normalize"
)

// shared is the path of a file of the shared public data, which is not in the
// repository. The test is skipped where there is none.
func shared(t testing.TB, name string) string {
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
		p := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", name)
	return ""
}

// zipped shows each file of an archive whose name ends so.
func zipped(t testing.TB, name, suffix string, f func(name string, data []byte)) {
	t.Helper()
	z, err := zip.OpenReader(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, file := range z.File {
		if !strings.HasSuffix(file.Name, suffix) {
			continue
		}
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f(file.Name, data)
	}
}

func mapping(t testing.TB) *sigma.Mapping {
	t.Helper()
	m, err := sigma.ParseMapping(content.SigmaMapping())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sigmaHQ compiles the shared rules whose file the filter takes.
func sigmaHQ(t testing.TB, keep func(name string) bool) (*sigma.Set, []sigma.Refusal) {
	t.Helper()
	var docs []sigma.Document
	var refused []sigma.Refusal
	zipped(t, "detect/sigma-rules.zip", ".yml", func(name string, data []byte) {
		if keep != nil && !keep(name) {
			return
		}
		d, r := sigma.Parse(name, data)
		docs, refused = append(docs, d...), append(refused, r...)
	})
	set, more := sigma.Compile(docs, sigma.Options{Mapping: mapping(t)})
	return set, append(refused, more...)
}

// windowsEvents reads Windows events as the product reads them.
func windowsEvents(t testing.TB, name string, data []byte) []*event.Event {
	t.Helper()
	return recorded(t, "windows", name, data)
}

// recorded reads JSON records of a dialect as the product reads them.
func recorded(t testing.TB, dialect, name string, data []byte) []*event.Event {
	t.Helper()
	var out []*event.Event
	for _, d := range normalize.Dialects() {
		if d.Name != dialect {
			continue
		}
		p := d.New(normalize.Source{ID: "test", Name: name})
		var offset int64
		for _, raw := range jsonRecords(data) {
			err := p.Parse(normalize.Record{Raw: raw, Offset: offset}, func(e *event.Event) { out = append(out, e.Clone()) })
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			offset += int64(len(raw))
		}
	}
	return out
}

// jsonRecords cuts objects that stand one after another.
func jsonRecords(data []byte) [][]byte {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var out [][]byte
	depth, from, quoted, escaped := 0, 0, false, false
	for i, c := range data {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			if depth == 0 {
				from = i
			}
			depth++
		case c == '}':
			if depth--; depth == 0 {
				out = append(out, data[from:i+1])
			}
		}
	}
	return out
}

// TestSharedRules: every rule of the public collection compiles.
func TestSharedRules(t *testing.T) {
	set, refused := sigmaHQ(t, nil)
	for _, r := range refused {
		t.Errorf("%s: %s: %s", r.File, r.Rule, r.Reason)
	}
	for _, n := range set.Notes() {
		t.Logf("%s: %s", n.File, n.Reason)
	}
	t.Logf("%d rules, matcher %d KiB", set.Len(), set.Size()>>10)
	if set.Len() != 3757 {
		t.Errorf("%d rules, want 3757", set.Len())
	}
}

// TestSharedRegression: each rule fires on the events it was recorded for.
func TestSharedRegression(t *testing.T) {
	set, _ := sigmaHQ(t, nil)
	var sc sigma.Scratch
	want := make(map[string]string) // folder to rule id
	zipped(t, "detect/sigma-regression.zip", "info.yml", func(name string, data []byte) {
		_, rest, _ := strings.Cut(string(data), "rule_metadata:")
		_, rest, _ = strings.Cut(rest, "id: ")
		id, _, _ := strings.Cut(rest, "\n")
		want[filepath.Dir(name)] = strings.TrimSpace(id)
	})
	fired, cases := 0, 0
	zipped(t, "detect/sigma-regression.zip", ".json", func(name string, data []byte) {
		cases++
		id, ok := want[filepath.Dir(name)], false
		for _, e := range windowsEvents(t, name, data) {
			set.Match(e, &sc, func(r *sigma.Rule) { ok = ok || r.ID == id })
		}
		if ok {
			fired++
		} else {
			t.Errorf("%s: rule %s does not fire", name, id)
		}
	})
	t.Logf("%d of %d fire", fired, cases)
}
