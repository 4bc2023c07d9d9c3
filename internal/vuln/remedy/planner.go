package remedy

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/reach"
)

// Planner gives what [Plan] gives, page by page, at the cost of what differs: what to
// do about a part is worked out once for as long as the part's rows stay, and who has
// it is counted by cohort. A plan is kept for as long as nothing changes in the index,
// for those alone who see just the same (see [exposure.View.Key]), and of what did not
// change the next one takes the sums. It keeps nothing of devices but how many there
// are, and of an action nothing but the parts that it is about.
//
// It is safe for concurrent use, with one index alone.
type Planner struct {
	mu     sync.Mutex // before the index's
	known  map[pieceKey]*pieces
	plans  map[string]*made // by who sees them
	builds int
}

// made is a plan as of a generation of the index.
type made struct {
	list   []*sketch
	byKey  map[string]*sketch
	byPart map[place][]*sketch // which have a piece of it
	at     uint64
	place  uint64 // on the trail of changes
	used   int    // the last build after which it was asked for
}

// maxPlans bounds those that are kept; the one that nobody asked for longest goes.
const maxPlans = 8

// Ask says which page.
type Ask struct {
	ID       string // one vulnerability
	Decision string // one decision
	Text     string // in what an action says, in lower case
	// Named are the subjects whose names have the text.
	Named  []string
	Offset int
	Limit  int // 0: all
	Names  int // most subjects that are told of an action; 0: as many as one may have
	// Flows are who was seen reaching subjects; nil when that was not looked at.
	Flows []Reached
}

// Reached is a subject and who was seen reaching it.
type Reached struct {
	Subject string
	Flows   []reach.Flow
}

// Page is a part of the plan.
type Page struct {
	Actions []Action
	Total   int            // without offset and limit
	Counts  map[string]int // by decision, whichever was asked for
}

// What one answer names of subjects in all, and at least of each action; how many
// there are is told of each.
const (
	maxNamed   = 200_000
	leastNamed = 10
)

// NewPlanner makes one.
func NewPlanner() *Planner { return &Planner{known: map[pieceKey]*pieces{}, plans: map[string]*made{}} }

// Builds tells how often the plan was made anew.
func (p *Planner) Builds() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.builds
}

// Page gives a page of what a view has to do.
func (p *Planner) Page(v exposure.View, ask *Ask) (out Page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v.Read(func(r exposure.Reader) {
		b := newBoard(r)
		list := p.list(v, b)
		out = Page{Actions: []Action{}, Counts: map[string]int{}}
		var named *exposure.Named
		if len(ask.Named) > 0 {
			named = r.Named(ask.Named)
		}
		var chosen []*sketch
		for _, s := range list {
			if ask.ID != "" && !s.has(ask.ID) || ask.Text != "" && !s.about(ask.Text) && !concerns(s, named) {
				continue
			}
			decision := priority.Decisions()[s.urgency]
			out.Counts[decision]++
			if ask.Decision == "" || ask.Decision == decision {
				chosen = append(chosen, s)
			}
		}
		out.Total = len(chosen)
		chosen = chosen[min(max(ask.Offset, 0), len(chosen)):]
		if ask.Limit > 0 {
			chosen = chosen[:min(ask.Limit, len(chosen))]
		}
		most := maxSubjects
		if ask.Names > 0 {
			most = min(most, ask.Names)
		} else if len(chosen) > maxNamed/maxSubjects {
			most = max(leastNamed, maxNamed/len(chosen))
		}
		flows := b.flows(ask.Flows)
		for _, s := range chosen {
			out.Actions = append(out.Actions, b.action(s, most, flows))
		}
	})
	return out
}

// Action gives one action by its id, for those of its subjects alone that keep wants;
// false: there is none. keep must not call the index.
func (p *Planner) Action(v exposure.View, id string, keep func(subject string) bool, flows Flows) (Action, bool) {
	p.mu.Lock()
	one := &plan{at: map[string]*building{}, flows: flows}
	key := ""
	v.Read(func(r exposure.Reader) {
		for _, s := range p.list(v, newBoard(r)) {
			if s.id != id {
				continue
			}
			key = s.key
			slices.SortFunc(s.pieces, byPart)
			for _, piece := range s.pieces {
				h := piece.from.Holding(piece.inside)
				h.By = slices.DeleteFunc(h.By, func(x exposure.Holder) bool { return !keep(x.Subject) })
				if len(h.By) > 0 {
					one.holding(&h)
				}
			}
		}
	})
	p.mu.Unlock()
	b := one.at[key]
	if b == nil {
		return Action{}, false
	}
	return one.finish(b, v), true
}

// list returns the plan of a view, in order.
func (p *Planner) list(v exposure.View, b *board) []*sketch {
	key, keep := v.Key()
	if !keep {
		return p.make(b).list
	}
	m := p.plans[key]
	if m == nil || m.at != b.r.Generation() {
		m = p.renew(b, m)
		p.plans[key] = m
	}
	if m.used = p.builds; len(p.plans) > maxPlans {
		oldest := key
		for k, m := range p.plans {
			if m.used < p.plans[oldest].used {
				oldest = k
			}
		}
		delete(p.plans, oldest)
	}
	return m.list
}

// renew makes the plan of a reading out of the one before it, or anew.
func (p *Planner) renew(b *board, m *made) *made {
	if m != nil {
		if touched, ok := b.r.Touched(m.place); ok {
			p.builds++
			p.amend(b, m, touched)
			return m
		}
	}
	return p.make(b)
}

func byPart(a, b piece) int { return strings.Compare(a.from.Key(), b.from.Key()) }

// pieceKey names what is known of a part: as it is called where it is seen.
type pieceKey struct {
	part   uint64
	inside bool
	label  string
}

// pieces are what to do about a part, as of a revision of it.
type pieces struct {
	revision, rating uint64
	used             int // the last build that used it
	list             []*share
}

// share is what a part adds to an action.
type share struct {
	doing
	key   string
	id    string
	at    int // of its kind in the order of kinds
	ids   []string
	rows  []int  // of the part
	low   string // product and ids in lower case, to be searched; "": not made yet
	least []int8 // the most urgent of the ids by context; -1: not looked at
}

// piece is a share with the part as one reading sees it.
type piece struct {
	*share
	from   exposure.Part
	inside bool
}

// piecesOf works out what to do about a part, if that is not known.
func (p *Planner) piecesOf(part exposure.Part, inside bool) *pieces {
	h := part.Product(inside)
	key := pieceKey{part.Serial(), inside, h.Label}
	of := p.known[key]
	if of == nil || of.revision != part.Revision() {
		of = &pieces{revision: part.Revision(), rating: part.Rating()}
		at := map[doing]int{}
		n := 0
		told(&h, func(d doing, r *match.Row) {
			for &h.Rows[n] != r {
				n++
			}
			i, ok := at[d]
			if !ok {
				i = len(of.list)
				at[d] = i
				of.list = append(of.list, &share{doing: d, key: d.key(), id: idOf(d.key()), at: kindOrder(d.kind)})
			}
			of.list[i].ids, of.list[i].rows = append(of.list[i].ids, r.ID), append(of.list[i].rows, n)
		})
		p.known[key] = of
	}
	of.used = p.builds
	if of.rating != part.Rating() {
		of.rating = part.Rating()
		for i := range of.list {
			of.list[i].least = nil
		}
	}
	return of
}

// sketch is an action without what is told of it on a page.
type sketch struct {
	key, id string
	pieces  []piece
	first   piece // of the part that is first in order
	devices int
	ids     int
	urgency int
	kind    int // the place of its kind
	text    string
	stale   bool // some of its pieces changed
}

// say is what to do in words. It is worded when somebody reads it, or when nothing
// else puts two actions in order.
func (s *sketch) say() string {
	if s.text == "" {
		s.text = s.first.word(s.devices, s.ids)
	}
	return s.text
}

// compare orders actions as [Plan] does.
func compare(a, b *sketch) int {
	if o := cmp.Or(a.urgency-b.urgency, a.kind-b.kind, b.devices*b.ids-a.devices*a.ids, strings.Compare(a.first.product, b.first.product), strings.Compare(a.first.to, b.first.to)); o != 0 {
		return o
	}
	return cmp.Or(strings.Compare(a.say(), b.say()), strings.Compare(a.id, b.id))
}

func (s *sketch) has(id string) bool {
	return slices.ContainsFunc(s.pieces, func(p piece) bool {
		return slices.ContainsFunc(p.ids, func(x string) bool { return strings.EqualFold(x, id) })
	})
}

// about tells whether a text in lower case is in what the action says.
func (s *sketch) about(text string) bool {
	for _, p := range s.pieces {
		if p.low == "" {
			p.low = strings.ToLower(p.product + "\x00" + strings.Join(p.ids, "\x00"))
		}
		if strings.Contains(p.low, text) {
			return true
		}
	}
	return strings.Contains(strings.ToLower(s.say()), text)
}

// vulnerabilities are all that the action is for.
func (s *sketch) vulnerabilities() []string {
	var out []string
	for _, p := range s.pieces {
		out = append(out, p.ids...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
