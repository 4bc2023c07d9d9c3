package ruletest_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"vedette/internal/detect/sigma"
	"vedette/internal/event"
)

// promptRow is one text of the public collection of attacks on language models.
type promptRow struct {
	Label    string `json:"label"`
	Category string `json:"category"`
	Text     string `json:"text"`
}

func promptRows(t *testing.T) []promptRow {
	t.Helper()
	f, err := os.Open(shared(t, "llm/prompt-attacks.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	var rows []promptRow
	for lines.Scan() {
		var r promptRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestSharedPromptAttacks tells how many texts that try to instruct a language
// model the rules of content/rules/ai know, and how many harmless ones they
// take for such. The texts are far longer than what devices write, and most of
// them play a role or ask a question that no device would: recall is reported,
// false alarms are held down.
func TestSharedPromptAttacks(t *testing.T) {
	set := builtin(t).Set()
	type count struct{ hit, all int }
	by := map[string]*count{}
	add := func(key string, hit bool) {
		if by[key] == nil {
			by[key] = &count{}
		}
		by[key].all++
		if hit {
			by[key].hit++
		}
	}
	var sc sigma.Scratch
	for _, r := range promptRows(t) {
		hit := false
		for _, slot := range []event.Slot{event.SlotMessage, event.SlotIdentityBanner} {
			e := new(event.Event)
			e.SetClassUID(int64(event.BaseEvent))
			e.SetMetadataLogName("syslog/app")
			e.SetStr(slot, r.Text)
			set.Match(e, &sc, func(x *sigma.Rule) { hit = hit || strings.HasPrefix(x.File, "ai/") })
		}
		kind, _, _ := strings.Cut(r.Category, "/")
		add(r.Label, hit)
		add(r.Label+": "+kind, hit)
		if strings.HasSuffix(r.Category, "ignore_previous_instructions") {
			add(r.Label+": ignore_previous_instructions", hit)
		}
		if r.Label == "benign" && hit && os.Getenv("VEDETTE_SHOW") != "" {
			t.Logf("benign, %s: %.200q", r.Category, r.Text)
		}
	}
	keys := make([]string, 0, len(by))
	for k := range by {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		t.Logf("%-60s %4d of %4d (%.1f %%)", k, by[k].hit, by[k].all, 100*float64(by[k].hit)/float64(by[k].all))
	}
	if b := by["benign"]; b.hit*100 > b.all {
		t.Errorf("%d of %d harmless texts raise a rule, more than 1 %%", b.hit, b.all)
	}
}
