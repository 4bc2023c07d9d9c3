package exposure

import (
	"container/heap"
	"iter"

	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

// Reader reads what a view sees while nothing in the index changes. It and what it
// gives must not be used after the call of [View.Read] that gave it.
type Reader struct{ v *View }

// Read lets f read. It must not call the index, nor wait for what does.
func (v View) Read(f func(r Reader)) {
	v.x.mu.Lock()
	defer v.x.mu.Unlock()
	v.x.settle()
	f(Reader{&v})
}

// Generation counts what changed in the index that a reader can tell: what was read
// in one generation holds as long as it is that.
func (r Reader) Generation() uint64 { return r.v.x.changes }

// Cohorts is more than the highest number of a cohort.
func (r Reader) Cohorts() int { return len(r.v.x.cohorts) }

// Cohort is the number of the cohort of a subject; false: the subject is not seen.
func (r Reader) Cohort(subject string) (int, bool) {
	if t := r.v.find(subject); t != nil {
		return t.serial, true
	}
	return 0, false
}

// Context is that of a cohort.
func (r Reader) Context(cohort int) int { return r.v.x.cohorts[cohort].context }

// Contexts is more than the highest number of a context.
func (r Reader) Contexts() int { return len(r.v.x.contexts) }

// Urgency is how urgent a vulnerability is in a context: the place of its decision
// among [priority.Decisions].
func (r Reader) Urgency(id string, context int) int { return r.v.x.urgency(id, context) }

// Decide rates a vulnerability in a context.
func (r Reader) Decide(id string, c priority.Context) priority.Points {
	return r.v.x.tree.In(r.v.x.rate(id).points, c)
}

// Part is a distinct product or component that has a row.
type Part struct {
	p *part
	v *View
}

// Parts are those that somebody who is seen may have, in no order.
func (r Reader) Parts() iter.Seq[Part] {
	return func(yield func(Part) bool) {
		if r.v.one {
			r.partsOfOne(yield)
			return
		}
		for _, p := range r.v.x.parts {
			if len(p.rows) > 0 && !yield(Part{p, r.v}) {
				return
			}
		}
	}
}

func (r Reader) partsOfOne(yield func(Part) bool) {
	t := r.v.find(r.v.subject)
	if t == nil {
		return
	}
	seen := map[*part]bool{nil: true}
	next := func(p *part) bool {
		if seen[p] || len(p.rows) == 0 {
			return true
		}
		seen[p] = true
		return yield(Part{p, r.v})
	}
	if !next(t.own) {
		return
	}
	for _, l := range t.lists {
		for _, e := range l.entries {
			if !next(e.part) {
				return
			}
		}
	}
}

// Serial names a part; no other ever had it.
func (p Part) Serial() uint64 { return p.p.serial }

// Key orders parts.
func (p Part) Key() string { return p.p.key }

// Revision counts the changes of its rows and label, Rating those of their urgency.
func (p Part) Revision() uint64 { return p.p.revision }

// Moves counts the changes of who has it; it never falls.
func (p Part) Moves(inside bool) uint64 {
	n := p.p.moves
	if inside {
		for l := range p.p.lists {
			n += l.moves
		}
	}
	return n
}

// Rating counts the changes of how urgent its rows are.
func (p Part) Rating() uint64 { return p.p.rating }

// Rows are its rows. They must not be changed.
func (p Part) Rows() []match.Row { return p.p.rows }

// Product is the part as it is held by who is it, or, with inside, by who has it in a
// bill; without the holders.
func (p Part) Product(inside bool) Holding {
	h := Holding{Query: p.p.query, Rows: p.p.rows}
	if inside {
		h.Label = p.v.label(p.p)
	}
	return h
}

// Holding is the same with its holders, in order.
func (p Part) Holding(inside bool) Holding { return p.v.holding(p.p, inside) }

// Held tells whether somebody who is seen is it, or has it inside.
func (p Part) Held(inside bool) bool {
	if !inside && len(p.p.owners) == 0 || inside && len(p.p.lists) == 0 {
		return false
	}
	for c := range p.p.holders(inside) {
		if p.v.count(c) > 0 {
			return true
		}
	}
	return false
}

// Holders are the cohorts of who is it, or has it inside, with how many are seen of
// each; none twice.
func (p Part) Holders(inside bool) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for c := range p.p.holders(inside) {
			if n := p.v.count(c); n > 0 && !yield(c.serial, n) {
				return
			}
		}
	}
}

// First are the first members of some cohorts that are seen, by id.
func (r Reader) First(cohorts []int, most int) []string {
	h := make(heads, 0, len(cohorts))
	for _, n := range cohorts {
		if list := r.v.members(r.v.x.cohorts[n]); len(list) > 0 {
			h = append(h, list)
		}
	}
	heap.Init(&h)
	var out []string
	for len(h) > 0 && len(out) < most {
		out = append(out, h[0][0].id)
		if h[0] = h[0][1:]; len(h[0]) == 0 {
			heap.Pop(&h)
		} else {
			heap.Fix(&h, 0)
		}
	}
	return out
}

// heads are lists, the one with the least first member on top.
type heads [][]*subject

// Len implements [heap.Interface].
func (h heads) Len() int { return len(h) }

// Less implements [heap.Interface].
func (h heads) Less(i, j int) bool { return h[i][0].id < h[j][0].id }

// Swap implements [heap.Interface].
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements [heap.Interface].
func (h *heads) Push(v any) { *h = append(*h, v.([]*subject)) } //nolint:forcetypeassert // of this type alone

// Pop implements [heap.Interface].
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
