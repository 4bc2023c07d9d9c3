package exposure_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/schema"
	"vedette/internal/vuln/version"
)

// shared is a file of the public data set, which is not in the repository.
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

// published reads all CSAF and CVE documents of the public set.
func published(t testing.TB) []*advisory.Advisory {
	t.Helper()
	schemas := schema.New()
	var list []*advisory.Advisory
	take := func(in io.Reader) {
		_ = advisory.Each(in, schemas, func(a *advisory.Advisory, err error) error {
			if err == nil {
				list = append(list, a)
			}
			return nil
		})
	}
	for _, name := range []string{"csaf/cisa-ot-2022.zip", "csaf/cisa-ot-2023.zip"} {
		z, err := zip.OpenReader(shared(t, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			if in, err := f.Open(); err == nil && strings.HasSuffix(f.Name, ".json") {
				take(in)
				_ = in.Close()
			}
		}
		_ = z.Close()
	}
	for _, name := range []string{"vuln/cve5-components.jsonl.gz", "vuln/cve5-ics-iot-kev.jsonl.gz", "vuln/kev.json.gz"} {
		data, err := os.ReadFile(shared(t, name))
		if err != nil {
			t.Fatal(err)
		}
		take(bytes.NewReader(data))
	}
	return list
}

func indexOf(list []*advisory.Advisory) *match.Index {
	m := match.New(nil)
	for _, a := range list {
		m.Add(a)
	}
	return m
}

// components makes n distinct components: a third are products of the
// advisories in some version, the others have names that no advisory has.
func components(list []*advisory.Advisory, n int) []exposure.Item {
	r := rand.New(rand.NewPCG(1, 2))
	var known []*advisory.Product
	for _, a := range list {
		for i := range a.Products {
			known = append(known, &a.Products[i])
		}
	}
	items := make([]exposure.Item, n)
	for i := range items {
		q := match.Query{Version: fmt.Sprintf("%d.%d.%d", r.IntN(9), r.IntN(20), i)}
		if i%3 == 0 {
			p := known[r.IntN(len(known))]
			q.Vendor, q.Product = p.Vendor, p.Name
		} else {
			q.PURLs = []string{fmt.Sprintf("pkg:deb/debian/lib%d@%s", i, q.Version)}
		}
		items[i] = exposure.Item{Label: fmt.Sprint("component ", i), Query: q}
	}
	return items
}

var missions = []string{"", "low", "medium", "high"}

// BenchmarkFleet reads all published advisories and matches 100 000 devices with
// 200 components each, of 1 000 bills over 50 000 distinct components.
func BenchmarkFleet(b *testing.B) {
	const devices, bills, each, distinct = 100_000, 1000, 200, 50_000
	for b.Loop() {
		start := time.Now()
		list := published(b)
		m := indexOf(list)
		read := time.Since(start)
		pool := components(list, distinct)
		r := rand.New(rand.NewPCG(3, 4))
		start = time.Now()
		x := exposure.New(m, tree(b))
		for i := range bills {
			items := make([]exposure.Item, each)
			for k := range items {
				items[k] = pool[r.IntN(len(pool))]
			}
			x.PutList(fmt.Sprint("bill ", i), items)
		}
		for i := range devices {
			x.PutSubject(fmt.Sprintf("device:%06d", i), exposure.Subject{Lists: []string{fmt.Sprint("bill ", i%bills)}, Context: priority.Context{Mission: missions[i%4]}})
		}
		_, total := x.All().Rows(exposure.Filter{Limit: 100})
		matched := time.Since(start)
		var mem runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&mem)
		b.ReportMetric(read.Seconds(), "read-s")
		b.ReportMetric(matched.Seconds(), "match-s")
		b.ReportMetric(float64(x.Stats().Work.Matched)/matched.Seconds(), "parts/s")
		b.ReportMetric(float64(total), "rows")
		b.ReportMetric(float64(mem.HeapAlloc)/(1<<20), "heap-MB")
		pagesOf(b, x, total)
	}
}

// pagesOf reports how long pages of a long list take.
func pagesOf(b *testing.B, x *exposure.Index, total int) {
	worst := time.Duration(0)
	for _, at := range []int{0, total / 3, total / 2, total - 100} {
		start := time.Now()
		if rows, _ := x.All().Rows(exposure.Filter{Limit: 100, Offset: at}); len(rows) != 100 {
			b.Fatalf("%d rows at %d of %d", len(rows), at, total)
		}
		worst = max(worst, time.Since(start))
	}
	b.ReportMetric(float64(worst.Milliseconds()), "page-ms")
}

// million makes a fleet of a million devices of 2 000 models.
func million(b *testing.B, m *match.Index) *exposure.Index {
	x := exposure.New(m, tree(b))
	for i := range 1_000_000 {
		q := match.Query{Vendor: "Acme", Product: fmt.Sprintf("Gadget %d Pro", 1000+i%2000), Version: fmt.Sprintf("1.%d", i/2000%10)}
		x.PutSubject(fmt.Sprintf("device:%07d", i), exposure.Subject{Own: q, Context: priority.Context{Mission: missions[i%4]}})
	}
	return x
}

func acme(id string, model int, below string) *advisory.Advisory {
	a := &advisory.Advisory{Kind: advisory.CSAF, ID: id, Rank: advisory.ByCSAF, Products: []advisory.Product{{Vendor: "Acme", Name: fmt.Sprintf("Gadget %d Pro", model), Versions: version.Parse(below)}}}
	a.Vulnerabilities = []advisory.Vulnerability{{ID: "CVE-2024-" + id, Statements: []advisory.Statement{{Product: 0, Status: advisory.Affected}}}}
	return a
}

// BenchmarkAdvisory takes in one new advisory with a million devices, and lists
// the first devices that have it.
func BenchmarkAdvisory(b *testing.B) {
	m := match.New(nil)
	x := million(b, m)
	x.All().Rows(exposure.Filter{Limit: 1})
	n := 0
	for b.Loop() {
		n++
		a := acme(fmt.Sprint(n), 1000+n%2000, "< 1.5")
		m.Add(a)
		x.Changed(exposure.Change{New: a})
		rows, total := x.All().Rows(exposure.Filter{ID: a.Vulnerabilities[0].ID, Limit: 100})
		if len(rows) != 100 || total != 250 {
			b.Fatalf("%d of %d rows", len(rows), total)
		}
	}
}

// BenchmarkMillion pages through a list of a million rows.
func BenchmarkMillion(b *testing.B) {
	m := match.New(nil)
	x := million(b, m)
	for i := range 2000 {
		m.Add(acme(fmt.Sprint(i), 1000+i, "vers:all/*"))
	}
	start := time.Now()
	_, total := x.All().Rows(exposure.Filter{Limit: 1})
	first := time.Since(start)
	n := 0
	for b.Loop() {
		if rows, _ := x.All().Rows(exposure.Filter{Limit: 100, Offset: n * 7919 % (total - 100)}); len(rows) != 100 {
			b.Fatal("a page is short")
		}
		n++
	}
	b.ReportMetric(float64(total), "rows")
	b.ReportMetric(first.Seconds(), "first-s")
}

// BenchmarkBill matches a bill of 10 000 components that were never seen.
func BenchmarkBill(b *testing.B) {
	list := published(b)
	m := indexOf(list)
	items := components(list, 10_000)
	for b.Loop() {
		x := exposure.New(m, tree(b))
		x.PutList("bill", items)
		x.PutSubject("device", exposure.Subject{Lists: []string{"bill"}})
		x.All().Rows(exposure.Filter{Limit: 100})
	}
}

// BenchmarkChance rates again when all chances of exploitation change.
func BenchmarkChance(b *testing.B) {
	list := published(b)
	m := indexOf(list)
	x := exposure.New(m, tree(b))
	x.PutList("bill", components(list, 50_000))
	x.PutSubject("device", exposure.Subject{Lists: []string{"bill"}})
	x.All().Rows(exposure.Filter{Limit: 1})
	var old *advisory.Advisory
	n := 0.0
	for b.Loop() {
		n++
		a := &advisory.Advisory{Kind: advisory.EPSS, ID: "epss", EPSS: map[string]advisory.Chance{}}
		for _, l := range list {
			for i := range l.Vulnerabilities {
				a.EPSS[l.Vulnerabilities[i].ID] = advisory.Chance{Score: 1 / (1 + n)}
			}
		}
		m.Add(a)
		if got := x.Changed(exposure.Change{Old: old, New: a}); got.Parts != 0 {
			b.Fatalf("%+v", got)
		}
		x.All().Rows(exposure.Filter{Limit: 1})
		old = a
	}
}
