package vulneval_test

import (
	"bufio"
	"compress/gzip"
	"hash/crc32"
	"os"
	"testing"

	"vedette/content"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/schema"
)

// TestSSVC: the decision points as derived without CISA's own block, against
// that block, beside an answer that is always none, no, partial.
func TestSSVC(t *testing.T) {
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		t.Fatal(err)
	}
	schemas, index := schema.New(), match.New(nil)
	read := func(name string, f func(*advisory.Advisory)) { eachRecord(t, name, schemas, f) }
	read("vuln/kev.json.gz", index.Add)
	// What is derived was looked at on one half of the records, by a hash of their
	// ids; the other was held back.
	type tally struct{ n, exploitation, automatable, impact, decision int }
	var half [2]tally
	var n, exploitation, automatable, impact, decision int
	var base [4]int
	confusion := map[[3]string]int{}
	count := func(a *advisory.Advisory) {
		v := &a.Vulnerabilities[0]
		want := v.SSVC
		if want == nil || want.Exploitation == "" {
			return
		}
		n++
		h := &half[crc32.ChecksumIEEE([]byte(v.ID))%2]
		abouts := []match.About{{Advisory: a, Vulnerability: v}}
		got := tree.Rate(abouts, priority.Facts{KEV: index.Exploited(v.ID), NoADP: true})
		given := tree.Rate(abouts, priority.Facts{})
		confusion[[3]string{"exploitation", want.Exploitation, got.Exploitation}]++
		confusion[[3]string{"automatable", want.Automatable, got.Automatable}]++
		confusion[[3]string{"impact", want.TechnicalImpact, got.TechnicalImpact}]++
		exploitation += yes(got.Exploitation == want.Exploitation)
		automatable += yes(got.Automatable == want.Automatable)
		impact += yes(got.TechnicalImpact == want.TechnicalImpact)
		decision += yes(got.Decision == given.Decision)
		h.n++
		h.exploitation += yes(got.Exploitation == want.Exploitation)
		h.automatable += yes(got.Automatable == want.Automatable)
		h.impact += yes(got.TechnicalImpact == want.TechnicalImpact)
		h.decision += yes(got.Decision == given.Decision)
		base[0] += yes(want.Exploitation == "none")
		base[1] += yes(want.Automatable == "no")
		base[2] += yes(want.TechnicalImpact == "partial")
		base[3] += yes(given.Decision == "track")
	}
	for _, name := range []string{"vuln/cve5-ics-iot-kev.jsonl.gz", "vuln/cve5-components.jsonl.gz"} {
		read(name, count)
		share := func(k int) float64 { return 100 * float64(k) / float64(n) }
		t.Logf("up to %s: %d records; exploitation %.1f %% (always none %.1f %%), automatable %.1f %% (always no %.1f %%), technical impact %.1f %% (always partial %.1f %%), decision %.1f %% (always track %.1f %%)",
			name, n, share(exploitation), share(base[0]), share(automatable), share(base[1]), share(impact), share(base[2]), share(decision), share(base[3]))
	}
	for i, name := range []string{"looked at", "held back"} {
		h := half[i]
		share := func(k int) float64 { return 100 * float64(k) / float64(h.n) }
		t.Logf("%s: %d records; exploitation %.1f %%, automatable %.1f %%, technical impact %.1f %%, decision %.1f %%", name, h.n, share(h.exploitation), share(h.automatable), share(h.impact), share(h.decision))
	}
	for k, v := range confusion {
		t.Logf("%v %d", k, v)
	}
	if exploitation < base[0] || automatable < base[1] || impact < base[2] {
		t.Error("no better than always the same answer")
	}
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

// eachRecord reads a file of the public data, record by record.
func eachRecord(t *testing.T, name string, schemas *schema.Set, f func(*advisory.Advisory)) {
	t.Helper()
	in, err := os.Open(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(bufio.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if err := advisory.Each(z, schemas, func(a *advisory.Advisory, err error) error {
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		f(a)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
