package exposure

import (
	"slices"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
)

// Lists are the keys of the bills of materials of what is seen, in order.
func (v View) Lists() []string {
	x := v.x
	x.mu.Lock()
	defer x.mu.Unlock()
	set := map[*list]struct{}{}
	for _, c := range x.cohorts {
		if c != nil && v.count(c) > 0 {
			for _, l := range c.lists {
				set[l] = struct{}{}
			}
		}
	}
	out := make([]string, 0, len(set))
	for l := range set {
		out = append(out, l.key)
	}
	slices.Sort(out)
	return out
}

// Spoken are what of that which is seen an advisory may speak of: it has to be held
// against them.
func (v View) Spoken(a *advisory.Advisory) []match.Query {
	x := v.x
	x.mu.Lock()
	defer x.mu.Unlock()
	x.settle()
	set := map[*part]struct{}{}
	x.concerned(a, func(p *part) { set[p] = struct{}{} })
	var out []match.Query
	for p := range set {
		if len(v.holders(p)) > 0 {
			out = append(out, p.query)
		}
	}
	return out
}
