package library_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
)

func docs(texts ...string) func(func(library.Document, error) bool) {
	return func(yield func(library.Document, error) bool) {
		for i, t := range texts {
			if !yield(library.Document{Name: fmt.Sprintf("doc%d", i), Reader: strings.NewReader(t)}, nil) {
				return
			}
		}
	}
}

func cve(n int, bound, updated string) string {
	return fmt.Sprintf(`{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-%04d","state":"PUBLISHED","dateUpdated":%q},"containers":{"cna":{"affected":[{"vendor":"Acme","product":"Gate","versions":[{"version":"0","status":"affected","lessThan":%q,"versionType":"custom"}]}]}}}`, n, updated, bound)
}

const newer, older = "2024-06-01T00:00:00Z", "2024-01-01T00:00:00Z"

func statusOf(t *testing.T, l *library.Library, v string) string {
	t.Helper()
	index, err := l.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := index.Match(match.Query{Vendor: "Acme", Product: "Gate", Version: v})
	if len(rows) == 0 {
		return ""
	}
	return rows[0].Status
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	l := library.Open(library.Config{Dir: dir})
	take := func(texts ...string) library.Report {
		t.Helper()
		rep, err := l.Import(t.Context(), docs(texts...))
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	rep := take(cve(1, "2.0", newer), "nonsense")
	if rep.New != 1 || rep.Files[0].Status != "ok" || rep.Files[1].Status != "rejected" || rep.Files[1].Reason == "" {
		t.Errorf("%+v", rep)
	}
	if rep := take(cve(1, "2.0", newer)); rep.New != 0 || rep.Stats.Advisories != 1 {
		t.Errorf("the same again: %+v", rep)
	}
	if rep := take(cve(1, "1.0", older)); rep.New != 0 {
		t.Errorf("yesterday's took the place of today's: %+v", rep)
	}
	if got := statusOf(t, l, "1.5"); got != match.Affected {
		t.Errorf("1.5 is %q", got)
	}
	for i := range 40 { // many small imports are joined
		take(cve(10+i, "3.0", newer))
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.gz"))
	if len(files) > 20 {
		t.Errorf("%d segments", len(files))
	}
	again := library.Open(library.Config{Dir: dir})
	index, err := again.Index(t.Context())
	if err != nil || index.Stats().Advisories != 41 {
		t.Errorf("%v %+v", err, index.Stats())
	}
	if err := os.WriteFile(filepath.Join(dir, "00009999.advisories.gz"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := library.Open(library.Config{Dir: dir})
	problems, err := third.Problems(t.Context())
	if err != nil || len(problems) != 1 {
		t.Errorf("%v %v", problems, err)
	}
	if got := statusOf(t, third, "1.5"); got != match.Affected {
		t.Errorf("after damage 1.5 is %q", got)
	}
}

func TestBills(t *testing.T) {
	dir := t.TempDir()
	l := library.Open(library.Config{Dir: dir})
	bom := `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"type":"library","name":"a","purl":"pkg:npm/a@1"}]}`
	rep, err := l.ImportBills(t.Context(), "device:D1", docs(bom, bom, "{}"))
	if err != nil || rep.Files[0].Components != 1 || rep.Files[0].PURLs != 1 || rep.Files[2].Status != "rejected" {
		t.Errorf("%v %+v", err, rep)
	}
	if _, err = l.ImportBills(t.Context(), "device:D1", docs(bom)); err != nil {
		t.Fatal(err)
	}
	bills, err := library.Open(library.Config{Dir: dir}).Bills(t.Context())
	if err != nil || len(bills) != 1 || bills[0].Subject != "device:D1" {
		t.Errorf("%v %+v", err, bills)
	}
}

// TestHistory: a new bill does not overwrite the old one.
func TestHistory(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	open := func() *library.Library {
		return library.Open(library.Config{Dir: dir, Now: func() time.Time { return now }})
	}
	l := open()
	take := func(texts ...string) {
		t.Helper()
		now = now.Add(time.Hour)
		if _, err := l.ImportBills(t.Context(), "device:D1", docs(texts...)); err != nil {
			t.Fatal(err)
		}
	}
	bom := func(v int) string {
		return fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"type":"library","name":"a","version":"%d"}]}`, v)
	}
	take(bom(1), bom(9))
	take(bom(1)) // the same again, but the second is gone
	take(bom(2))
	take(bom(2))
	take(bom(3))
	for _, l := range []*library.Library{l, open()} {
		list, err := l.History(t.Context(), "device:D1")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, b := range list {
			got += fmt.Sprintf("%s %s %v; ", b.BOM.Components[0].Version, b.Imported.Format("15"), b.Until.IsZero())
		}
		if got != "3 12 true; 2 10 false; 1 08 false; 9 08 false; " {
			t.Errorf("%q", got)
		}
		if bills, err := l.Bills(t.Context()); err != nil || len(bills) != 1 || bills[0].BOM.Components[0].Version != "3" {
			t.Errorf("%v %+v", err, bills)
		}
	}
	for v := range 250 {
		take(bom(100 + v))
	}
	if list, err := l.History(t.Context(), "device:D1"); err != nil || len(list) > 210 || list[0].BOM.Components[0].Version != "349" {
		t.Errorf("%v, %d bills", err, len(list))
	}
}

const killEnv = "VEDETTE_TEST_KILLED_VULNS"

// TestKilled: whenever a process is killed that imports over and over, each
// import is there whole or not at all.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(killEnv); dir != "" {
		importForever(dir)
		return
	}
	dir := t.TempDir()
	for n := range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), killEnv+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		l := library.Open(library.Config{Dir: dir})
		problems, err := l.Problems(t.Context())
		if err != nil || len(problems) > 0 {
			t.Fatalf("kill %d: %v %v", n, problems, err)
		}
		index, err := l.Index(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s := index.Stats(); s.Advisories%50 != 0 {
			t.Fatalf("kill %d: half an import, %+v", n, s)
		}
	}
}

func importForever(dir string) {
	l := library.Open(library.Config{Dir: dir})
	start := 0
	if index, err := l.Index(context.Background()); err == nil {
		start = index.Stats().Advisories
	}
	for i := start; i < 9000; i += 50 {
		var lines []string
		for k := range 50 {
			lines = append(lines, cve(1000+i+k, "1.0", newer))
		}
		if _, err := l.Import(context.Background(), docs(strings.Join(lines, "\n"))); err != nil {
			panic(err)
		}
	}
}

// TestOutdated: a document that an earlier version read is told, and counts as it is
// until it is taken in again, which the same document does.
func TestOutdated(t *testing.T) {
	dir := t.TempDir()
	csaf, err := os.ReadFile("testdata/part.json")
	if err != nil {
		t.Fatal(err)
	}
	l := library.Open(library.Config{Dir: dir})
	if rep, err := l.Import(t.Context(), docs(string(csaf))); err != nil || rep.New != 1 {
		t.Fatal(err, rep)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil || len(files) != 1 {
		t.Fatal(err, files)
	}
	rewrite(t, files[0], func(line string) string {
		line = strings.Replace(line, fmt.Sprintf(`,"reader":%d`, advisory.Reader(advisory.CSAF)), "", 1)
		return strings.NewReplacer(`"on":2,`, "", `"relation":"installed_on",`, "", `,"relation":"installed_on"`, "", `,"on":2`, "").Replace(line)
	})
	outdated := func() (n int) {
		t.Helper()
		index, err := l.Index(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range index.Publishers() {
			n += p.Outdated
		}
		return n
	}
	if l = library.Open(library.Config{Dir: dir}); outdated() != 1 {
		t.Fatal("it is not told")
	}
	for i, want := range []int{1, 0} {
		if rep, err := l.Import(t.Context(), docs(string(csaf))); err != nil || rep.New != want || outdated() != 0 {
			t.Errorf("taken in again, %d: %v %+v, %d outdated", i, err, rep, outdated())
		}
	}
}

// rewrite changes the lines of a segment.
func rewrite(t *testing.T, path string, change func(line string) string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	next := change(string(raw))
	if next == string(raw) {
		t.Fatalf("there is nothing to change in %s", raw)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, next); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
