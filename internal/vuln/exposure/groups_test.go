package exposure_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

// grouped counts the whole list by what a row has, as the groups should.
func grouped(by exposure.By, all []exposure.Row, keep func(*exposure.Row) bool) map[string]exposure.Group {
	out := map[string]exposure.Group{}
	who := map[string]map[string]bool{}
	for i := range all {
		r := &all[i]
		key := map[exposure.By]string{exposure.BySubject: r.Subject, exposure.ByComponent: r.Part, exposure.ByVulnerability: strings.ToUpper(r.Match.ID)}[by]
		if who[key] == nil {
			who[key] = map[string]bool{}
		}
		who[key][r.Subject] = true
		g := out[key]
		if keep(r) {
			at := priority.Urgency(r.Points.Decision)
			if r.Match.Status == match.Affected {
				g.Affected[at]++
			} else {
				g.Undetermined[at]++
			}
		}
		out[key] = g
	}
	for key, g := range out {
		if g.Affected == (exposure.Counts{}) && g.Undetermined == (exposure.Counts{}) {
			delete(out, key)
			continue
		}
		if by != exposure.BySubject {
			g.Subjects = len(who[key])
		}
		out[key] = g
	}
	return out
}

// TestGroups: after any sequence of changes the groups count what the list has,
// whole, filtered and page by page, and a component's code lists its rows.
func TestGroups(t *testing.T) {
	some := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(&testing.T{})
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			w.step(t)
		}
		all, _ := w.index.All().Rows(exposure.Filter{})
		f := exposure.Filter{Status: rapid.SampledFrom([]string{"", match.Affected, match.Undetermined}).Draw(t, "with"), Decision: rapid.SampledFrom([]string{"", "act", "track"}).Draw(t, "decision")}
		keep := func(r *exposure.Row) bool {
			return (f.Status == "" || r.Match.Status == f.Status) && (f.Decision == "" || r.Points.Decision == f.Decision)
		}
		for _, by := range []exposure.By{exposure.BySubject, exposure.ByComponent, exposure.ByVulnerability} {
			want := grouped(by, all, keep)
			got := w.index.All().Groups(by, f, nil)
			some += len(got.Groups)
			seen := map[string]exposure.Group{}
			for _, g := range got.Groups {
				if by == exposure.ByComponent {
					if rows, total := w.index.All().Rows(exposure.Filter{Part: g.Key}); total < g.Subjects || len(rows) > 0 && rows[0].Part != g.Key {
						t.Fatalf("component %s: %d rows", g.Key, total)
					}
				}
				seen[g.Key] = g
			}
			for key, g := range seen {
				g.Label, g.Query, g.Key = "", "", ""
				seen[key] = g
			}
			if diff := cmp.Diff(want, seen); diff != "" || got.Total != len(want) {
				t.Fatalf("by %d: %d groups; by the list (-), counted (+): %s", by, got.Total, diff)
			}
			var paged []exposure.Group
			for at := 0; at < got.Total; at += 2 {
				page := f
				page.Offset, page.Limit = at, 2
				paged = append(paged, w.index.All().Groups(by, page, nil).Groups...)
			}
			if diff := cmp.Diff(got.Groups, paged); diff != "" && got.Total > 0 {
				t.Fatalf("page by page: %s", diff)
			}
		}
	})
	if some == 0 {
		t.Fatal("there was no group in any sequence: this looks at nothing")
	}
}

// TestCleared: what an advisory clears is told of the vulnerability and of the
// device, and nothing else is.
func TestCleared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(&testing.T{})
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			w.step(t)
		}
		for id, s := range w.subjects {
			var want []string
			asked := []match.Query{s.Own}
			for _, key := range s.Lists {
				for _, item := range w.lists[key] {
					asked = append(asked, item.Query)
				}
			}
			for i := range asked {
				q := &asked[i]
				if q.Product == "" && len(q.Models)+len(q.PURLs)+len(q.CPEs) == 0 {
					continue
				}
				for _, r := range w.match.Match(*q) {
					if r.Status == match.NotAffected {
						want = append(want, fmt.Sprint(*q, r.ID))
					}
				}
			}
			slices.Sort(want)
			n := len(slices.Compact(want))
			got, cut := w.index.All().Cleared(exposure.Filter{Subject: id})
			if len(got) != n || cut {
				t.Fatalf("%s: %d cleared, want %d", id, len(got), n)
			}
		}
	})
	w := newWorld(t)
	w.index.PutSubject("device:a", exposure.Subject{Own: match.Query{Vendor: "Acme", Product: "Gadget 1000 Pro", Version: "2.0"}})
	w.index.PutSubject("device:b", exposure.Subject{Own: match.Query{Vendor: "Acme", Product: "Gadget 1000 Pro", Version: "1.0"}})
	w.add(&advisory.Advisory{})
	w.add(acme("7", 1000, "< 1.5"))
	got, _ := w.index.All().Cleared(exposure.Filter{ID: "cve-2024-7"})
	if len(got) != 1 || got[0].Subject != "device:a" || got[0].Match.Status != match.NotAffected {
		t.Errorf("%+v", got)
	}
}

// BenchmarkGroups counts a million rows by device, component and vulnerability.
func BenchmarkGroups(b *testing.B) {
	m := match.New(nil)
	x := million(b, m)
	for i := range 2000 {
		m.Add(acme(fmt.Sprint(i), 1000+i, "vers:all/*"))
	}
	x.All().Rows(exposure.Filter{Limit: 1})
	for name, by := range map[string]exposure.By{"device": exposure.BySubject, "component": exposure.ByComponent, "vulnerability": exposure.ByVulnerability} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got := x.All().Groups(by, exposure.Filter{Limit: 100}, nil); len(got.Groups) != 100 {
					b.Fatal("a page is short")
				}
			}
		})
	}
}
