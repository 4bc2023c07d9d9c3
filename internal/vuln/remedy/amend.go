package remedy

import (
	"iter"
	"slices"

	"vedette/internal/vuln/exposure"
)

// place is a part as it is held: as the device itself, or inside.
type place struct {
	part   uint64
	inside bool
}

// make makes the plan of a reading anew.
func (p *Planner) make(b *board) *made {
	p.builds++
	m := &made{byKey: map[string]*sketch{}, byPart: map[place][]*sketch{}}
	n := 0
	for part := range b.r.Parts() {
		for _, inside := range []bool{false, true} {
			if part.Held(inside) {
				n++
				p.put(m, part, inside)
			}
		}
	}
	p.sweep(n)
	m.list = make([]*sketch, 0, len(m.byKey))
	for _, s := range m.byKey {
		s.stale = false
		b.sum(s)
		m.list = append(m.list, s)
	}
	slices.SortFunc(m.list, compare)
	m.at, m.place = b.r.Generation(), b.r.Place()
	return m
}

// put adds what to do about a part. The actions that it belongs to become stale.
func (p *Planner) put(m *made, part exposure.Part, inside bool) {
	at := place{part.Serial(), inside}
	for _, one := range p.piecesOf(part, inside).list {
		s := m.byKey[one.key]
		if s == nil {
			s = &sketch{key: one.key, id: one.id, kind: one.at}
			m.byKey[one.key] = s
		}
		s.stale = true
		s.pieces = append(s.pieces, piece{one, part, inside})
		m.byPart[at] = append(m.byPart[at], s)
	}
}

// amend brings a plan up to date with the parts that changed: what to do about them
// is taken out of the actions and put in again, and only these are summed up again.
func (p *Planner) amend(b *board, m *made, touched iter.Seq[exposure.Part]) {
	parts := map[uint64]exposure.Part{}
	for part := range touched {
		parts[part.Serial()] = part
	}
	var stale []*sketch
	for serial := range parts {
		for _, inside := range []bool{false, true} {
			at := place{serial, inside}
			for _, s := range m.byPart[at] {
				if !s.stale {
					s.stale = true
					stale = append(stale, s)
				}
			}
			delete(m.byPart, at)
		}
	}
	for _, s := range stale {
		s.pieces = slices.DeleteFunc(s.pieces, func(p piece) bool { _, in := parts[p.from.Serial()]; return in })
	}
	for _, part := range parts {
		for _, inside := range []bool{false, true} {
			if len(part.Rows()) > 0 && part.Held(inside) {
				p.put(m, part, inside)
			}
		}
	}
	p.merge(b, m, parts, stale)
	p.sweep(len(m.byPart))
	m.at, m.place = b.r.Generation(), b.r.Place()
}

// merge sums up the actions that are stale, or new since, and puts them in their
// places.
func (p *Planner) merge(b *board, m *made, parts map[uint64]exposure.Part, stale []*sketch) {
	m.list = slices.DeleteFunc(m.list, func(s *sketch) bool { return s.stale })
	var late []*sketch
	take := func(s *sketch) {
		if !s.stale {
			return
		}
		s.stale = false
		if len(s.pieces) == 0 {
			delete(m.byKey, s.key)
			return
		}
		b.sum(s)
		late = append(late, s)
	}
	for _, s := range stale {
		take(s)
	}
	for serial := range parts {
		for _, inside := range []bool{false, true} {
			for _, s := range m.byPart[place{serial, inside}] {
				take(s)
			}
		}
	}
	slices.SortFunc(late, compare)
	out := make([]*sketch, 0, len(m.list)+len(late))
	for _, s := range m.list {
		for len(late) > 0 && compare(late[0], s) < 0 {
			out, late = append(out, late[0]), late[1:]
		}
		out = append(out, s)
	}
	m.list = append(out, late...)
}

// spareKnown is how many parts that are gone are not worth a sweep.
const spareKnown = 10_000

// sweep forgets parts that are gone, or other names for them, when what is known is
// much more than what any plan has, this one of n parts among them.
func (p *Planner) sweep(n int) {
	for _, m := range p.plans {
		n = max(n, len(m.byPart))
	}
	if len(p.known) <= 2*n+spareKnown {
		return
	}
	for key, of := range p.known {
		if of.used < p.builds-maxPlans {
			delete(p.known, key)
		}
	}
}
