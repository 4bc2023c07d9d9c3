package exposure_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/version"
)

// related makes advisories that speak of parts on platforms: each of some parts on each
// of some platforms.
func related(n int) []*advisory.Advisory {
	r := rand.New(rand.NewPCG(5, 6))
	list := make([]*advisory.Advisory, n)
	for i := range list {
		a := &advisory.Advisory{Kind: advisory.CSAF, ID: fmt.Sprint("R", i), Rank: advisory.ByCSAF}
		v := advisory.Vulnerability{ID: fmt.Sprint("CVE-2023-", i)}
		platforms := 2 + r.IntN(8)
		for range platforms {
			a.Products = append(a.Products, advisory.Product{Vendor: "Acme", Name: fmt.Sprintf("Controller %d Pro", r.IntN(500)), Versions: version.Parse(fmt.Sprintf("< 2.%d", r.IntN(9)))})
		}
		for range 1 + r.IntN(4) {
			part := r.IntN(3000)
			for on := range platforms {
				v.Statements = append(v.Statements, advisory.Statement{Product: len(a.Products), Status: advisory.Affected})
				a.Products = append(a.Products, advisory.Product{Vendor: "Acme", Name: fmt.Sprintf("library %d core", part), Versions: version.Parse(fmt.Sprintf("< 1.%d", r.IntN(9))), On: on + 1, Relation: "installed_on"})
			}
		}
		a.Vulnerabilities = []advisory.Vulnerability{v}
		list[i] = a
	}
	return list
}

// BenchmarkPlatforms holds 100 000 devices of 500 products in ten versions, with 200
// components each, against 4 000 advisories that speak of parts on platforms: with
// what each part is on, and without.
func BenchmarkPlatforms(b *testing.B) {
	const devices, products, versions, each = 100_000, 500, 10, 200
	m := indexOf(related(4000))
	for name, with := range map[string]bool{"with": true, "without": false} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := rand.New(rand.NewPCG(7, 8))
				start := time.Now()
				x := exposure.New(m, tree(b))
				asked := 0
				for i := range products * versions {
					on := &match.Platform{Vendor: "Acme", Product: fmt.Sprintf("Controller %d Pro", i%products), Version: fmt.Sprintf("2.%d", i/products)}
					items := make([]exposure.Item, each)
					for k := range items {
						q := match.Query{Vendor: "Acme", Product: fmt.Sprintf("library %d core", r.IntN(6000)), Version: fmt.Sprintf("1.%d", r.IntN(5))}
						if with && m.Conditional(&q, on) {
							q.On = on
							asked++
						}
						items[k] = exposure.Item{Label: q.Product, Query: q}
					}
					x.PutList(fmt.Sprint("bill ", i), items)
				}
				for i := range devices {
					own := match.Query{Vendor: "Acme", Product: fmt.Sprintf("Controller %d Pro", i%products), Version: fmt.Sprintf("2.%d", i%(products*versions)/products), Parts: true}
					x.PutSubject(fmt.Sprintf("device:%06d", i), exposure.Subject{Own: own, Lists: []string{fmt.Sprint("bill ", i%(products*versions))}, Context: priority.Context{Mission: missions[i%4]}})
				}
				_, total := x.All().Rows(exposure.Filter{Limit: 100})
				b.ReportMetric(time.Since(start).Seconds(), "join-s")
				b.ReportMetric(float64(x.Stats().Parts), "parts")
				b.ReportMetric(float64(asked), "conditional")
				b.ReportMetric(float64(total), "rows")
				pagesOf(b, x, total)
			}
		})
	}
}
