package ruletest_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vedette/internal/eval/ruletest"
)

// shared is the path of a file of the shared public data, which is not in the
// repository. The test is skipped where there is none.
func shared(t *testing.T, name string) string {
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
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED (its README lists each source)", name)
	return ""
}

func zipped(t *testing.T, name string, want func(string) bool) []ruletest.Source {
	t.Helper()
	out, err := ruletest.ZipSources(shared(t, name), want)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func corpus(t *testing.T, p *ruletest.Pack, sources ...ruletest.Source) ruletest.Report {
	t.Helper()
	rep, err := p.Corpus(t.Context(), sources)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func isLog(name string) bool {
	return !strings.HasSuffix(name, ".rules") && !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".md") && !strings.HasSuffix(name, ".csv")
}

var update = flag.Bool("update", false, "write docs/rule-pack.md anew")

// TestSharedCorpus runs the pack over the recorded captures and logs, lists
// rule, file and count, holds that at least 30 rules are raised by them, and
// that docs/rule-pack.md says so.
func TestSharedCorpus(t *testing.T) {
	p := builtin(t)
	quiet := zipped(t, "net/iot23-benign-devices-zeek.zip", isLog)
	industrial := zipped(t, "net/ics-pcaps.zip", nil)
	var rest []ruletest.Source
	for _, name := range []string{"net/zeek-icsnpp.zip", "net/suricata-verify.zip", "net/slips-traffic.zip", "logs/loghub.zip"} {
		rest = append(rest, zipped(t, name, isLog)...)
	}
	rest = append(rest, ruletest.FileSource(shared(t, "net/suricata-eve.jsonl.gz")), ruletest.FileSource(shared(t, "net/iot23-conn-labeled.tsv.gz")))
	rep := corpus(t, p, slices.Concat(industrial, rest, quiet)...)
	t.Logf("%d sources, %d events, %d rules raised", rep.Sources, rep.Events, len(rep.Rules))
	for _, r := range rep.Rules {
		t.Logf("%-34s %-8s %4d findings of %6d events in %3d files, such as %s (%d)", r.Rule, r.Level, r.Findings, r.Events, len(r.Files), r.Files[0].File, r.Files[0].Events)
	}
	if len(rep.Rules) < 30 {
		t.Errorf("%d rules are raised by recorded data, 30 are promised", len(rep.Rules))
	}
	figures := "\n| data | sources | events | findings | rules | low | medium | high | critical |\n|---|---|---|---|---|---|---|---|---|\n" +
		corpus(t, p, quiet...).Summary("benign devices (`net/iot23-benign-devices-zeek.zip`)") + "\n" +
		corpus(t, p, industrial...).Summary("protocol samples (`net/ics-pcaps.zip`)") + "\n" +
		rep.Summary("all, with attacks and tests of parsers") + "\n"
	document(t, figures, ruletest.Document(p, rep))
}

const docFile = "../../../docs/rule-pack.md"

// document holds that the document has these parts between its marks, or
// writes them.
func document(t *testing.T, figures, rules string) {
	t.Helper()
	old, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	text := between(t, between(t, string(old), "figures", figures), "rules", rules)
	switch {
	case text == string(old):
	case *update:
		if err := os.WriteFile(docFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Logf("docs/rule-pack.md is old (its counts move with parsers, behaviour and rules): run go test ./internal/eval/ruletest -run TestSharedCorpus -update")
	}
}

// between replaces what stands between two marks.
func between(t *testing.T, text, mark, with string) string {
	t.Helper()
	begin, end := "<!-- "+mark+": begin -->\n", "<!-- "+mark+": end -->"
	head, rest, ok := strings.Cut(text, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("docs/rule-pack.md has no marks for %s", mark)
	}
	return head + begin + with + end + tail
}

// TestDocument: the document lists every rule, with or without the recorded
// data.
func TestDocument(t *testing.T) {
	data, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	p := builtin(t)
	for i := range p.Entries {
		if row := ruletest.Row(&p.Entries[i]); !strings.Contains(string(data), row) {
			t.Errorf("docs/rule-pack.md lacks %s", row)
		}
	}
}

// TestSharedQuiet runs the pack over what is benign: logs of IoT devices that
// nobody attacked, and protocol samples of industrial control. Without zones
// and an inventory no rule above medium may be raised by them.
func TestSharedQuiet(t *testing.T) {
	p := builtin(t)
	for _, side := range []struct {
		name    string
		sources []ruletest.Source
	}{
		{"benign IoT-23 devices", zipped(t, "net/iot23-benign-devices-zeek.zip", isLog)},
		{"ICS captures", zipped(t, "net/ics-pcaps.zip", nil)},
	} {
		rep := corpus(t, p, side.sources...)
		total := 0
		for _, r := range rep.Rules {
			total += r.Findings
			t.Logf("%s: %-34s %-8s %4d findings of %6d events in %3d files, such as %s (%d)", side.name, r.Rule, r.Level, r.Findings, r.Events, len(r.Files), r.Files[0].File, r.Files[0].Events)
			if r.Level == "high" || r.Level == "critical" {
				t.Errorf("%s: %s is %s and raised by benign data: %v", side.name, r.Rule, r.Level, r.Files)
			}
		}
		t.Logf("%s: %d sources, %d events, %d findings of %d rules", side.name, rep.Sources, rep.Events, total, len(rep.Rules))
	}
}
