package exposure

import (
	"iter"

	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

// Reader reads what a view sees while nothing in the index changes. It and what it
// gives must not be used after the call of [View.Read] that gave it; a [Part] may, in
// another of a view with the same key, as long as [Reader.Touched] does not give it.
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
