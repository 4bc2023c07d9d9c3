package remedy

import (
	"slices"

	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/reach"
)

// board is one reading of the index: who has what is ticked off on it.
type board struct {
	r    exposure.Reader
	seen []uint32 // by cohort: the round in which it was ticked
	now  uint32

	by    []int8   // by context: what urgent gives
	there []uint32 // by context: the round in which it was met
	round uint32
}

// each gives the cohorts of an action, none twice, with how many are seen of each.
func (b *board) each(s *sketch, f func(cohort, count int)) {
	b.now++
	for _, p := range s.pieces {
		for c, n := range p.from.Holders(p.part) {
			if b.seen[c] != b.now {
				b.seen[c] = b.now
				f(c, n)
			}
		}
	}
}

// least is how urgent the most urgent vulnerability of a piece is in a context.
func (b *board) least(p piece, context int) int {
	for len(p.least) <= context {
		p.least = append(p.least, -1)
	}
	if p.least[context] < 0 {
		least := priority.Urgency("track")
		for _, id := range p.ids {
			if least = min(least, b.r.Urgency(id, context)); least == 0 {
				break
			}
		}
		p.least[context] = int8(least) //nolint:gosec // G115: of four
	}
	return int(p.least[context])
}

// urgent is how urgent an action is by context; contexts that nobody of it is in have
// none. It holds until it is asked for the next.
func (b *board) urgent(s *sketch) []int8 {
	if b.by == nil {
		b.by, b.there = make([]int8, b.r.Contexts()), make([]uint32, b.r.Contexts())
	}
	for i := range b.by {
		b.by[i] = none
	}
	for _, p := range s.pieces {
		b.round++
		for c := range p.from.Holders(p.part) {
			context := b.r.Context(c)
			if b.there[context] != b.round {
				b.there[context] = b.round
				b.by[context] = min(b.by[context], int8(b.least(p, context))) //nolint:gosec // G115: of four
			}
		}
	}
	return b.by
}

// none is the urgency where nobody is.
const none = 127

// sum works out what an action is put in order by.
func (b *board) sum(s *sketch) {
	b.each(s, func(_, n int) { s.devices += n })
	s.urgency = priority.Urgency("track")
	for _, u := range b.urgent(s) {
		s.urgency = min(s.urgency, int(u))
	}
	s.first = s.pieces[0]
	for _, p := range s.pieces[1:] {
		if p.from.Key() < s.first.from.Key() {
			s.first = p
		}
	}
	if s.ids = len(s.first.ids); len(s.pieces) > 1 {
		s.ids = len(s.vulnerabilities())
	}
}

// named are the cohorts in which a name has the text that is asked for; nil: none.
func (b *board) named(ask *Ask) []bool {
	if len(ask.Named) == 0 {
		return nil
	}
	out := make([]bool, b.r.Cohorts())
	for _, subject := range ask.Named {
		if c, ok := b.r.Cohort(subject); ok {
			out[c] = true
		}
	}
	return out
}

// concerns tells whether an action is about some of the cohorts.
func (b *board) concerns(s *sketch, named []bool) bool {
	if named == nil {
		return false
	}
	for _, p := range s.pieces {
		for c := range p.from.Holders(p.part) {
			if named[c] {
				return true
			}
		}
	}
	return false
}

// flow is who reaches some member of a cohort.
type flow struct {
	cohort int
	flows  []reach.Flow
}

// flows finds the cohorts of who is reached; nil when that was not looked at.
func (b *board) flows(list []Reached) []flow {
	if list == nil {
		return nil
	}
	out := make([]flow, 0, len(list))
	for i := range list {
		if c, ok := b.r.Cohort(list[i].Subject); ok {
			out = append(out, flow{c, list[i].Flows})
		}
	}
	return out
}

// action words an action for a page.
func (b *board) action(s *sketch, most int, flows []flow) Action {
	decision := priority.Decisions()[s.urgency]
	a := Action{
		ID: s.id, Kind: s.first.kind, Text: s.say(), Product: s.first.product, To: s.first.to, Part: s.first.part, Devices: s.devices, Decision: decision, Horizon: priority.Horizon(decision),
		Vulnerabilities: s.vulnerabilities(), Cited: []Citation{},
	}
	urgent := b.urgent(s)
	by := make([][]int, len(priority.Decisions()))
	b.each(s, func(c, _ int) {
		u := urgent[b.r.Context(c)]
		by[u] = append(by[u], c)
	})
	for _, cohorts := range by {
		a.Subjects = append(a.Subjects, b.r.First(cohorts, most-len(a.Subjects))...)
	}
	slices.SortFunc(s.pieces, byPart)
	for _, p := range s.pieces {
		rows := p.from.Rows()
		for _, n := range p.rows {
			a.Cited = p.cite(a.Cited, &rows[n])
		}
		if len(a.Cited) >= maxCitations {
			break
		}
	}
	if s.first.kind == Control && flows != nil {
		a.Breaks = breaks(func(yield func(reach.Flow)) {
			for i := range flows {
				if b.seen[flows[i].cohort] == b.now { // ticked just now
					for _, f := range flows[i].flows {
						yield(f)
					}
				}
			}
		})
	}
	return a
}
