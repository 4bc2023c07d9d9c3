package ruletest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
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

// TestSharedCorpus runs the pack over the recorded captures and logs, lists
// rule, file and count, and holds that at least 30 rules are raised by them.
func TestSharedCorpus(t *testing.T) {
	p := builtin(t)
	sources := zipped(t, "net/ics-pcaps.zip", nil)
	for _, name := range []string{"net/zeek-icsnpp.zip", "net/suricata-verify.zip", "net/slips-traffic.zip", "net/iot23-benign-devices-zeek.zip", "logs/loghub.zip"} {
		sources = append(sources, zipped(t, name, isLog)...)
	}
	sources = append(sources, ruletest.FileSource(shared(t, "net/suricata-eve.jsonl.gz")), ruletest.FileSource(shared(t, "net/iot23-conn-labeled.tsv.gz")))
	rep := corpus(t, p, sources...)
	t.Logf("%d sources, %d events, %d rules raised", rep.Sources, rep.Events, len(rep.Rules))
	for _, r := range rep.Rules {
		t.Logf("%-34s %-8s %4d findings of %6d events in %3d files, such as %s (%d)", r.Rule, r.Level, r.Findings, r.Events, len(r.Files), r.Files[0].File, r.Files[0].Events)
	}
	if len(rep.Rules) < 30 {
		t.Errorf("%d rules are raised by recorded data, 30 are promised", len(rep.Rules))
	}
	if to := os.Getenv("VEDETTE_RULE_REPORT"); to != "" {
		data, err := json.MarshalIndent(rep, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o600); err != nil {
			t.Fatal(err)
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
