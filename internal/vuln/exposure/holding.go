package exposure

import (
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

// Holdings gives all that has a row, in order, each with its holders in order: as
// the device itself, and as a component. f must not keep what it gets nor call
// the index.
func (x *Index) Holdings(f func(h *Holding)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.settle()
	list := make([]*part, 0, len(x.parts))
	for _, p := range x.parts {
		if len(p.rows) > 0 {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *part) int { return strings.Compare(a.key, b.key) })
	for _, p := range list {
		own := &Holding{Query: p.query, Rows: p.rows}
		for t := range p.owners {
			own.By = append(own.By, Holder{t.id, x.contexts[t.context]})
		}
		inside := &Holding{Query: p.query, Rows: p.rows}
		seen := map[*subject]bool{}
		for l := range p.lists {
			if label := l.labelOf(p); inside.Label == "" || label < inside.Label {
				inside.Label = label
			}
			for t := range l.subjects {
				if !seen[t] {
					seen[t] = true
					inside.By = append(inside.By, Holder{t.id, x.contexts[t.context]})
				}
			}
		}
		for _, h := range []*Holding{own, inside} {
			if len(h.By) > 0 {
				slices.SortFunc(h.By, func(a, b Holder) int { return strings.Compare(a.Subject, b.Subject) })
				f(h)
			}
		}
	}
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
func (x *Index) Decide(id string, c priority.Context) priority.Points {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tree.In(x.rate(id).points, c)
}
