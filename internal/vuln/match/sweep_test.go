package match

import (
	"fmt"
	"testing"

	"vedette/internal/vuln/advisory"
)

// Advisories that are taken in again and again do not fill the index, and what it
// says stays the same.
func TestReplacedAdvisoriesLeave(t *testing.T) {
	x := New(ParseAliases(""))
	add := func(day int) {
		for i := range 20 {
			a := &advisory.Advisory{Kind: "csaf", Publisher: "p", ID: fmt.Sprintf("A-%d", i), Title: fmt.Sprintf("day %d", day)}
			for j := range 30 {
				a.Products = append(a.Products, advisory.Product{
					Vendor: "Acme", Name: fmt.Sprintf("Acme Gadget %d%d Pro", i, j), Models: []string{fmt.Sprintf("6ES7 %d%03d-*", i, j), fmt.Sprintf("M-%d-%d", i, j)}, PURL: fmt.Sprintf("pkg:generic/g%d-%d@1", i, j),
				})
			}
			x.Add(a)
		}
	}
	size := func() (n int) {
		for _, m := range []map[string][]ref{x.byName, x.byTail, x.byHead, x.byModel, x.byPURL} {
			for _, list := range m {
				n += len(list)
			}
		}
		return n + len(x.wild)
	}
	add(0)
	first, wild := size(), len(x.wild)
	if wild == 0 {
		t.Fatal("no order number has a wildcard: this looks at nothing")
	}
	for day := 1; day <= 20; day++ {
		add(day)
		if n := size(); n > 5*first {
			t.Fatalf("on day %d the index has %d references, %d at first", day, n, first)
		}
	}
	x.sweep()
	if size() != first || len(x.wild) != wild || x.Stats().Products != 600 {
		t.Errorf("%d references, %d with wildcards, %d products; %d and %d at first", size(), len(x.wild), x.Stats().Products, first, wild)
	}
	for _, list := range x.byName {
		for _, r := range list {
			if r.in.Title != "day 20" {
				t.Fatalf("an advisory of %s is still there", r.in.Title)
			}
		}
	}
}
