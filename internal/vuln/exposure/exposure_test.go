package exposure_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"vedette/content"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/version"
)

func tree(t testing.TB) *priority.Tree {
	t.Helper()
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// world is what was put in, so that all can be built from it again.
type world struct {
	tree       *priority.Tree
	advisories map[string]*advisory.Advisory
	lists      map[string][]exposure.Item
	subjects   map[string]exposure.Subject
	match      *match.Index
	index      *exposure.Index
}

func newWorld(t testing.TB) *world {
	w := &world{tree: tree(t), advisories: map[string]*advisory.Advisory{}, lists: map[string][]exposure.Item{}, subjects: map[string]exposure.Subject{}, match: match.New(nil)}
	w.index = exposure.New(w.match, w.tree)
	return w
}

func (w *world) add(a *advisory.Advisory) exposure.Touched {
	old := w.advisories[a.Key()]
	w.advisories[a.Key()] = a
	w.match.Add(a)
	return w.index.Changed(exposure.Change{Old: old, New: a})
}

// again builds all anew, in another order.
func (w *world) again() *exposure.Index {
	m := match.New(nil)
	keys := make([]string, 0, len(w.advisories))
	for k := range w.advisories {
		keys = append(keys, k)
	}
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	for _, k := range keys {
		m.Add(w.advisories[k])
	}
	x := exposure.New(m, w.tree)
	for id, s := range w.subjects {
		x.PutSubject(id, s)
	}
	for key, items := range w.lists {
		x.PutList(key, items)
	}
	return x
}

var (
	makers   = []string{"", "Acme", "Siemens", "Moxa"}
	products = []string{
		"Gate", "Gate 100 Pro", "Acme Gate", "SIMATIC S7-1500 family", "SIMATIC S7-1500", "SIMATIC S7-1500 CPU 1511-1 PN (6ES7511-1AK02-0AB0)",
		"CPU 1511-1 PN", "6ES7511-1AK02-0AB0", "openssl", "S7-1500 products", "",
	}
	models   = []string{"6ES7511-1AK02-0AB0", "6ES7511-1AK0?-0AB0", "6ES7*", "NPort-5110A"}
	purls    = []string{"pkg:npm/a", "pkg:deb/debian/openssl", "pkg:npm/%40x/b"}
	cpes     = []string{"cpe:2.3:a:acme:gate:*:*:*:*:*:*:*:*", "cpe:2.3:o:siemens:simatic_s7-1500:*:*:*:*:*:*:*:*"}
	ranges   = []string{"< 2.0", ">= 1.0 < 3.0", "vers:all/*", "1.5", "2.0.x", "all versions with Ethernet"}
	versions = []string{"", "1.0", "1.5", "2.0", "V2.0.1", "3.1"}
	ids      = []string{"CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0003", "GHSA-aaaa-bbbb-cccc"}
	vectors  = []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}
)

func some(t *rapid.T, from []string, label string) []string {
	if rapid.IntRange(0, 2).Draw(t, label+"?") > 0 {
		return nil
	}
	return []string{rapid.SampledFrom(from).Draw(t, label)}
}

func drawAdvisory(t *rapid.T) *advisory.Advisory {
	a := &advisory.Advisory{
		Kind: advisory.CSAF, ID: fmt.Sprintf("A-%d", rapid.IntRange(0, 5).Draw(t, "advisory")), Publisher: "P",
		Rank: advisory.Rank(rapid.IntRange(1, 4).Draw(t, "rank")), Updated: time.Unix(int64(rapid.IntRange(0, 2).Draw(t, "updated")), 0).UTC(),
		Withdrawn: rapid.IntRange(0, 9).Draw(t, "withdrawn") == 0,
	}
	for range rapid.IntRange(0, 3).Draw(t, "products") {
		p := advisory.Product{Vendor: rapid.SampledFrom(makers).Draw(t, "maker"), Name: rapid.SampledFrom(products).Draw(t, "name"), Models: some(t, models, "model"), CPEs: some(t, cpes, "cpe")}
		p.Versions = version.Parse(rapid.SampledFrom(ranges).Draw(t, "range"))
		if u := some(t, purls, "purl"); u != nil {
			p.PURL = u[0]
		}
		a.Products = append(a.Products, p)
	}
	for range rapid.IntRange(1, 2).Draw(t, "vulnerabilities") {
		v := advisory.Vulnerability{ID: rapid.SampledFrom(ids).Draw(t, "id"), Aliases: some(t, ids, "alias")}
		if s := some(t, vectors, "vector"); s != nil {
			v.Scores = []advisory.Score{{Version: "3.1", Vector: s[0], Base: 5}}
		}
		for i := range a.Products {
			v.Statements = append(v.Statements, advisory.Statement{Product: i, Status: rapid.SampledFrom([]advisory.Status{advisory.Affected, advisory.NotAffected, advisory.Fixed, advisory.Investigating}).Draw(t, "status")})
		}
		a.Vulnerabilities = append(a.Vulnerabilities, v)
	}
	return a
}

func drawQuery(t *rapid.T) match.Query {
	return match.Query{
		Vendor: rapid.SampledFrom(makers).Draw(t, "vendor"), Product: rapid.SampledFrom(products).Draw(t, "product"), Version: rapid.SampledFrom(versions).Draw(t, "version"),
		Models: some(t, models, "models"), PURLs: some(t, purls, "purls"), CPEs: some(t, cpes, "cpes"),
	}
}

func (w *world) step(t *rapid.T) {
	key := func(label string, n int) string {
		return fmt.Sprintf("%s%d", label, rapid.IntRange(0, n).Draw(t, label))
	}
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0, 1, 2:
		w.add(drawAdvisory(t))
	case 3:
		a := &advisory.Advisory{Kind: advisory.KEV, ID: key("kev", 1)}
		for _, id := range ids {
			if rapid.Bool().Draw(t, "listed") {
				a.Vulnerabilities = append(a.Vulnerabilities, advisory.Vulnerability{ID: id, KEV: "2024-01-0" + key("", 3)})
			}
		}
		delete(w.advisories, "kev//kev0") // one list counts, the last
		delete(w.advisories, "kev//kev1")
		w.add(a)
	case 4:
		a := &advisory.Advisory{Kind: advisory.EPSS, ID: "epss", EPSS: map[string]advisory.Chance{}}
		for _, id := range ids {
			a.EPSS[id] = advisory.Chance{Score: float64(rapid.IntRange(0, 10).Draw(t, "score")) / 10}
		}
		w.add(a)
	case 5, 6:
		k, items := key("list", 2), []exposure.Item{}
		for i := range rapid.IntRange(0, 3).Draw(t, "items") {
			items = append(items, exposure.Item{Label: fmt.Sprint("part ", i), Query: drawQuery(t)})
		}
		w.lists[k] = items
		w.index.PutList(k, items)
	case 7:
		k := key("list", 2)
		delete(w.lists, k)
		w.index.DropList(k)
	case 8:
		k := key("device", 4)
		s := exposure.Subject{Own: drawQuery(t), Context: priority.Context{Mission: rapid.SampledFrom([]string{"", "low", "high"}).Draw(t, "mission")}}
		for range rapid.IntRange(0, 2).Draw(t, "bills") {
			s.Lists = append(s.Lists, key("list", 2))
		}
		slices.Sort(s.Lists)
		s.Lists = slices.Compact(s.Lists)
		w.subjects[k] = s
		w.index.PutSubject(k, s)
	case 9:
		k := key("device", 4)
		delete(w.subjects, k)
		w.index.DropSubject(k)
	}
}

// TestIncremental: after any sequence of changes the index says what one says
// that is built from scratch, whatever was read between.
func TestIncremental(t *testing.T) {
	rows := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(&testing.T{})
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			w.step(t)
			if rapid.Bool().Draw(t, "read") {
				w.index.All().Rows(exposure.Filter{})
			}
		}
		again := w.again()
		got, total := w.index.All().Rows(exposure.Filter{})
		want, _ := again.All().Rows(exposure.Filter{})
		rows += len(want)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(match.Row{})); diff != "" || total != len(got) {
			t.Fatalf("%d rows, %d counted; from scratch (-) and step by step (+): %s", len(got), total, diff)
		}
		pages(t, w.index, got)
		a, b := w.index.Stats(), again.Stats()
		a.Work, b.Work = exposure.Work{}, exposure.Work{}
		if a != b {
			t.Fatalf("the index has %+v, from scratch it has %+v", a, b)
		}
	})
	if rows == 0 {
		t.Fatal("nothing was affected in any sequence: this looks at nothing")
	}
}

// pages holds pages and filters against the whole list.
func pages(t *rapid.T, x *exposure.Index, all []exposure.Row) {
	f := exposure.Filter{
		ID: rapid.SampledFrom(append([]string{"", ""}, ids...)).Draw(t, "of"), Subject: rapid.SampledFrom([]string{"", "", "device1"}).Draw(t, "subject"),
		Status: rapid.SampledFrom([]string{"", match.Affected, match.Undetermined}).Draw(t, "with"), Decision: rapid.SampledFrom([]string{"", "act", "track"}).Draw(t, "decision"),
		Offset: rapid.IntRange(0, 5).Draw(t, "offset"), Limit: rapid.IntRange(0, 4).Draw(t, "limit"),
	}
	var want []exposure.Row
	for _, r := range all {
		if (f.ID == "" || strings.EqualFold(r.Match.ID, f.ID)) && (f.Subject == "" || r.Subject == f.Subject) && (f.Status == "" || r.Match.Status == f.Status) && (f.Decision == "" || r.Points.Decision == f.Decision) {
			want = append(want, r)
		}
	}
	n := len(want)
	want = want[min(f.Offset, n):]
	if f.Limit > 0 {
		want = want[:min(f.Limit, len(want))]
	}
	got, total := x.All().Rows(f)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(match.Row{}), cmpopts.EquateEmpty()); diff != "" || total != n {
		t.Fatalf("%+v: %d counted, want %d: %s", f, total, n, diff)
	}
}

// TestOnlyTouched: a change matches what it concerns and no more; a list of
// exploited vulnerabilities matches nothing.
func TestOnlyTouched(t *testing.T) {
	w := newWorld(t)
	var items []exposure.Item
	for i := range 500 {
		items = append(items, exposure.Item{Label: fmt.Sprint(i), Query: match.Query{Vendor: "Acme", Product: fmt.Sprintf("Thing%d", i), Version: "1.0"}})
	}
	w.index.PutList("bill", items)
	for i := range 1000 {
		w.index.PutSubject(fmt.Sprintf("device:%04d", i), exposure.Subject{Lists: []string{"bill"}})
	}
	a := &advisory.Advisory{Kind: advisory.CSAF, ID: "A", Products: []advisory.Product{{Vendor: "Acme", Name: "Thing7", Versions: version.Parse("< 2.0")}}, Rank: advisory.ByCSAF}
	a.Vulnerabilities = []advisory.Vulnerability{{ID: "CVE-2024-0001", Statements: []advisory.Statement{{Product: 0, Status: advisory.Affected}}}}
	if _, n := w.index.All().Rows(exposure.Filter{}); n != 0 || w.index.Stats().Work.Matched != 500 {
		t.Fatalf("%d rows, %+v", n, w.index.Stats())
	}
	if got := w.add(a); got.Parts != 1 {
		t.Errorf("a new advisory of one product touched %+v", got)
	}
	rows, n := w.index.All().Rows(exposure.Filter{Limit: 10, Offset: 990})
	if n != 1000 || len(rows) != 10 || rows[9].Subject != "device:0999" || rows[0].Points.Decision != "track" {
		t.Fatalf("%d rows in all, %+v", n, rows)
	}
	kev := &advisory.Advisory{Kind: advisory.KEV, ID: "kev", Vulnerabilities: []advisory.Vulnerability{{ID: "CVE-2024-0001", KEV: "2024-05-01"}, {ID: "CVE-1999-0001", KEV: "2024-05-01"}}}
	if got := w.add(kev); got != (exposure.Touched{Vulnerabilities: 1}) {
		t.Errorf("a list of exploited ones touched %+v", got)
	}
	if rows, _ := w.index.All().Rows(exposure.Filter{Limit: 1}); rows[0].Points.Exploitation != "active" {
		t.Errorf("%+v", rows)
	}
	if s := w.index.Stats(); s.Work.Matched != 501 || s.Work.Rated != 2 {
		t.Errorf("%+v", s.Work)
	}
	if w.index.PutSubject("device:0001", exposure.Subject{Lists: []string{"bill"}}) {
		t.Error("the same again is told as a change")
	}
}
