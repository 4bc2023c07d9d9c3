package task

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/remedy"
	"vedette/internal/vuln/version"
)

var start = time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)

func gates() (*match.Index, *remedy.Action) {
	m := match.New(nil)
	for id, name := range map[string]string{"CVE-2024-0001": "Gate", "CVE-2024-0002": "busybox"} {
		a := &advisory.Advisory{Kind: advisory.CSAF, ID: "ADV-" + id, Rank: advisory.ByCSAF, Products: []advisory.Product{{Name: name, Versions: version.Parse("< 2.8")}}}
		if name == "Gate" {
			a.Products[0].Vendor = "Acme"
		}
		a.Vulnerabilities = []advisory.Vulnerability{{ID: id, Statements: []advisory.Statement{{Status: advisory.Affected}}}}
		m.Add(a)
	}
	return m, &remedy.Action{ID: "a1", Kind: remedy.Update, Product: "Acme Gate", To: "2.8", Decision: "act", Subjects: []string{"device:1"}, Vulnerabilities: []string{"CVE-2024-0001"}}
}

func told(v, source string, first, last int) Told {
	return Told{v, source, start.Add(time.Duration(first) * time.Hour), start.Add(time.Duration(last) * time.Hour)}
}

// TestJudge: the task begins at hour 10.
func TestJudge(t *testing.T) {
	m, a := gates()
	ask := func(q match.Query) []match.Row { return m.Match(q) }
	own, err := New(a, "ada", "", start.Add(10*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	b := *a
	b.Kind, b.Product, b.Part, b.Vulnerabilities = remedy.Component, "busybox", true, []string{"CVE-2024-0002"}
	part, _ := New(&b, "ada", "", start.Add(10*time.Hour))
	f := *a
	f.Kind, f.To = remedy.FindOut, ""
	find, _ := New(&f, "ada", "", start.Add(10*time.Hour))
	gate := match.Query{Vendor: "Acme", Product: "Gate"}
	bill := func(at int, version string) *Parts {
		p := &Parts{At: start.Add(time.Duration(at) * time.Hour), Source: "a bill"}
		if version != "" {
			p.Items = []Part{{"busybox " + version, match.Query{Product: "busybox", Version: version}}}
		}
		return p
	}
	word := told("2.8", "operator", 12, 12)
	old := told("2.6", "operator", 12, 12)
	for name, c := range map[string]struct {
		t    *Task
		e    Evidence
		want Progress
	}{
		"nothing":              {&own, Evidence{Own: gate}, Pending},
		"word":                 {&own, Evidence{Own: gate, Word: &word}, Pending},
		"fixed before":         {&own, Evidence{Own: gate, Told: []Told{told("2.8", "identity", 1, 9)}}, Unseen},
		"fixed":                {&own, Evidence{Own: gate, Told: []Told{told("2.7", "identity", 1, 11), told("2.8", "identity", 12, 12)}}, Seen},
		"still":                {&own, Evidence{Own: gate, Told: []Told{told("2.7", "identity", 1, 11)}}, Still},
		"back":                 {&own, Evidence{Own: gate, Told: []Told{told("2.8", "identity", 12, 12), told("2.7", "identity", 13, 13)}}, Still},
		"in turn":              {&own, Evidence{Own: gate, Told: []Told{told("2.8", "identity", 12, 20), told("2.7", "banner", 1, 19)}}, Still},
		"old banner before":    {&own, Evidence{Own: gate, Told: []Told{told("2.8", "identity", 12, 20), told("2.7", "banner", 1, 11)}}, Seen},
		"not comparable":       {&own, Evidence{Own: gate, Told: []Told{told("custom", "identity", 12, 12)}}, Unclear},
		"another product":      {&own, Evidence{Own: match.Query{Vendor: "Acme", Product: "Pump"}, Told: []Told{told("9.0", "identity", 12, 12)}}, Unclear},
		"part, no bill":        {&part, Evidence{Own: gate, Told: []Told{told("2.8", "identity", 12, 12)}}, Pending},
		"part, old bill":       {&part, Evidence{Bill: bill(9, "2.8")}, Unseen},
		"part, fixed":          {&part, Evidence{Bill: bill(11, "2.8")}, Seen},
		"part, still":          {&part, Evidence{Bill: bill(11, "2.7")}, Still},
		"part, gone":           {&part, Evidence{Bill: bill(11, "")}, Seen},
		"part, fleet":          {&part, Evidence{Told: []Told{told("2", "identity", 12, 12)}, Fleet: func(string) *Parts { return bill(1, "2.9") }}, Seen},
		"part, fleet not seen": {&part, Evidence{Told: []Told{told("2", "identity", 2, 2)}, Fleet: func(string) *Parts { return bill(1, "2.9") }}, Pending},
		"find out":             {&find, Evidence{Own: gate}, Pending},
		"find out, told":       {&find, Evidence{Own: gate, Word: &old}, Seen},
		"find out, unclear":    {&find, Evidence{Own: gate, Told: []Told{told("custom", "identity", 12, 12)}}, Unclear},
	} {
		if got := c.t.Judge(&c.e, ask); got.State != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
	// What this site says itself is a word.
	s := advisory.Advisory{Kind: advisory.OpenVEX, ID: "own", Rank: advisory.BySelf, Products: []advisory.Product{{Vendor: "Acme", Name: "Gate", Versions: version.Parse("2.7")}}}
	s.Vulnerabilities = []advisory.Vulnerability{{ID: "CVE-2024-0001", Statements: []advisory.Statement{{Status: advisory.NotAffected}}}}
	m.Add(&s)
	if got := own.Judge(&Evidence{Own: gate, Told: []Told{told("2.7", "identity", 12, 12)}}, ask); got.State == Seen {
		t.Errorf("%+v", got)
	}
}

// TestTicketIsText: nothing that others wrote becomes markup.
func TestTicketIsText(t *testing.T) {
	_, a := gates()
	evil := "x`](http://evil.example) <script>\n# head\n@all"
	a.Product, a.Breaks, a.Cited = evil, []string{evil}, []remedy.Citation{{Advisory: evil, Text: evil, URL: evil}}
	k, err := New(a, "ada", evil, start)
	if err != nil {
		t.Fatal(err)
	}
	k.Notes = []Note{{start, evil, evil}}
	k.Subjects[0].Version = evil
	text := string(k.Ticket(Names{"device:1": evil}, start))
	if strings.Contains(text, "\n# head") || strings.Count(text, "\n# ")+strings.Count(text[:2], "# ") != 1 {
		t.Error(text)
	}
	for line := range strings.Lines(text) {
		if before, _, ok := strings.Cut(line, "<script>"); ok && !strings.Contains(before, "``x") {
			t.Errorf("%q", line)
		}
	}
}

// FuzzRead: what is read can be written and read again as the same, and its form
// holds.
func FuzzRead(f *testing.F) {
	_, a := gates()
	k, err := New(a, "ada", "site", start)
	if err != nil {
		f.Fatal(err)
	}
	raw, err := k.Write()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(k.UID, raw)
	f.Add("x", []byte(`{"v":1,"uid":"x","state":"verified"}`))
	f.Fuzz(func(t *testing.T, id string, raw []byte) {
		one, err := Read(id, raw)
		if err != nil {
			return
		}
		if n, _ := one.Count(); one.State == Verified && n != len(one.Subjects) || len(one.Subjects) == 0 {
			t.Fatalf("%+v", one)
		}
		out, err := one.Write()
		if err != nil {
			t.Skip() // a time that JSON cannot write
		}
		again, err := Read(id, out)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := again.Write(); err != nil || !bytes.Equal(out, second) {
			t.Fatal(cmp.Diff(string(out), string(second)))
		}
		_ = one.Ticket(nil, start)
	})
}
