package remedy

import (
	"slices"

	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/reach"
)

// board is one reading of the index: who has what is counted on it.
type board struct {
	r      exposure.Reader
	census *exposure.Census

	by   []int8 // by context: what urgent gives
	bits []uint64
}

func newBoard(r exposure.Reader) *board {
	return &board{r: r, census: r.Census(), by: make([]int8, r.Contexts())}
}

// count counts who is concerned by an action, each once.
func (b *board) count(s *sketch) {
	b.census.Start()
	for _, p := range s.pieces {
		b.census.Add(p.from, p.inside)
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
	for i := range b.by {
		b.by[i] = none
	}
	for _, p := range s.pieces {
		b.bits = b.census.Contexts(p.from, p.inside, b.bits, func(context int) {
			b.by[context] = min(b.by[context], int8(b.least(p, context))) //nolint:gosec // G115: of four
		})
	}
	return b.by
}

// none is the urgency where nobody is.
const none = 127

// sum works out what an action is put in order by.
func (b *board) sum(s *sketch) {
	b.count(s)
	s.devices = b.census.Devices()
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
	s.text = ""
	if s.ids = len(s.first.ids); len(s.pieces) > 1 {
		s.ids = len(s.vulnerabilities())
	}
}

// concerns tells whether an action is about some subjects; none when nil.
func concerns(s *sketch, named *exposure.Named) bool {
	return named != nil && slices.ContainsFunc(s.pieces, func(p piece) bool { return named.Have(p.from, p.inside) })
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
	b.count(s)
	a.Subjects = b.census.First(b.urgent(s), s.devices, most)
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
				if b.census.Has(flows[i].cohort) {
					for _, f := range flows[i].flows {
						yield(f)
					}
				}
			}
		})
	}
	return a
}
