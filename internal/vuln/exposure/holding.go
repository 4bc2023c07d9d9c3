package exposure

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

// Holding is a distinct product or component, what it is or may be affected by,
// and who runs it.
type Holding struct {
	Label string // of the component in its bill; "" when the product is the device itself
	Query match.Query
	Rows  []match.Row
	By    []Holder
}

// Holder is a subject that runs it.
type Holder struct {
	Subject string
	Context priority.Context
}

// Holdings gives all that has a row and is seen, in order, each with its holders in
// order: as the device itself, and as a component. f must not keep what it gets nor
// call the index.
func (v View) Holdings(f func(h *Holding)) {
	v.x.mu.Lock()
	defer v.x.mu.Unlock()
	v.x.settle()
	list := make([]*part, 0, len(v.x.parts))
	for _, p := range v.x.parts {
		if len(p.rows) > 0 {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *part) int { return strings.Compare(a.key, b.key) })
	for _, p := range list {
		for _, inside := range []bool{false, true} {
			if h := v.holding(p, inside); len(h.By) > 0 {
				f(&h)
			}
		}
	}
}

// holding is a part with who runs it, as the device itself or inside of it.
func (v View) holding(p *part, inside bool) Holding {
	h := Holding{Query: p.query, Rows: p.rows}
	if inside {
		h.Label = v.label(p)
	}
	for c := range p.holders(inside) {
		for _, t := range v.members(c) {
			h.By = append(h.By, Holder{t.id, v.x.contexts[c.context]})
		}
	}
	slices.SortFunc(h.By, func(a, b Holder) int { return strings.Compare(a.Subject, b.Subject) })
	return h
}

// holders are the cohorts that run a part, each once.
func (p *part) holders(inside bool) iter.Seq[*cohort] {
	if !inside {
		return maps.Keys(p.owners)
	}
	return func(yield func(*cohort) bool) {
		seen := map[*cohort]bool{}
		for l := range p.lists {
			for c := range l.cohorts {
				if many := len(p.lists) > 1 && len(c.lists) > 1; many && seen[c] {
					continue
				} else if many {
					seen[c] = true
				}
				if !yield(c) {
					return
				}
			}
		}
	}
}

// label is how the bills that are seen write a part; the first of several.
func (v *View) label(p *part) string {
	if len(p.labels) == 1 || !v.limited {
		least, first := "", true
		for l := range p.labels {
			if first || l < least {
				least, first = l, false
			}
		}
		return least
	}
	least := ""
	for l := range p.lists {
		for c := range l.cohorts {
			if !v.within(c) {
				continue
			}
			if label := l.labelOf(p); least == "" || label < least {
				least = label
			}
			break
		}
	}
	return least
}

func (l *list) labelOf(p *part) string {
	for _, e := range l.entries {
		if e.part == p {
			return e.label
		}
	}
	return ""
}

// Decide rates a vulnerability in a context.
func (v View) Decide(id string, c priority.Context) priority.Points {
	v.x.mu.Lock()
	defer v.x.mu.Unlock()
	return v.x.tree.In(v.x.rate(id).points, c)
}
