package sigma

import (
	"slices"

	"vedette/internal/detect/sigma/rule"
)

// witness is a set of atoms of which one must hold if a rule does.
type witness struct {
	atoms []int32
	cost  float64
}

// chooser picks what wakes each rule. What it weighs are rough times in
// nanoseconds: to look through a field, shared by all rules that need it for
// every event, and to ask a rule that was woken in vain.
type chooser struct {
	set    *Set
	uses   []int // by atom: how many places of conditions have it
	rules  []int // by index: rules that it wakes
	before []int // the same of the round before
}

const (
	askCost   = 150.0 // a rule and the fields that it makes us look through
	endsCost  = 70.0  // to look at the ends of a field, or all of it up
	scanCost  = 300.0 // to look through a field
	wordsCost = 2500.0
	rounds    = 3
)

// witnesses picks for every rule what wakes it. Later rounds prefer fields that
// the round before has use for.
func (c *compiler) witnesses() {
	s := c.set
	ch := &chooser{set: s, uses: make([]int, len(s.atoms)), before: make([]int, len(s.indexes))}
	for i := range s.nodes {
		if s.nodes[i].op == rule.Leaf {
			ch.uses[s.nodes[i].first]++
		}
	}
	s.byAtom = make([][]int32, len(s.atoms))
	chosen := make([]*witness, len(s.rules))
	for round := range rounds {
		ch.rules = make([]int, len(s.indexes))
		for i, root := range s.conds {
			if root < 0 {
				continue
			}
			chosen[i] = ch.pick(root, round)
			ch.count(chosen[i])
		}
		ch.before = ch.rules
	}
	for i, root := range s.conds {
		if root >= 0 {
			c.wake(int32(i), chosen[i])
		}
	}
}

// count notes which indexes a witness needs.
func (ch *chooser) count(w *witness) {
	if w == nil {
		return
	}
	last := int32(-1)
	for _, at := range w.atoms {
		if x := ch.set.atoms[at].index; x != last {
			ch.rules[x]++
			last = x
		}
	}
}

// wake lets the atoms of a witness wake a rule.
func (c *compiler) wake(r int32, w *witness) {
	s := c.set
	g := &s.groups[c.groupOf[s.rules[r].Source]]
	g.rules = append(g.rules, r)
	if w == nil {
		g.always = append(g.always, r)
		return
	}
	for _, at := range w.atoms {
		if !slices.Contains(s.byAtom[at], r) {
			s.byAtom[at] = append(s.byAtom[at], r)
		}
		if x := s.atoms[at].index; !slices.Contains(g.first, x) {
			g.first = append(g.first, x)
		}
	}
}

// pick returns the cheapest witness of a node, or nil if it has none: it may
// hold without anything that an index finds.
func (ch *chooser) pick(at int32, round int) *witness {
	n := &ch.set.nodes[at]
	switch n.op {
	case rule.Leaf:
		a := &ch.set.atoms[n.first]
		if a.index < 0 {
			return nil
		}
		return &witness{[]int32{n.first}, ch.cost(n.first, a, round)}
	case rule.And:
		var best *witness
		for kid := n.first; kid < n.end; kid++ {
			if w := ch.pick(kid, round); w != nil && (best == nil || w.cost < best.cost) {
				best = w
			}
		}
		return best
	case rule.Or, rule.AtLeast:
		return ch.any(n, round)
	case rule.Not:
	}
	return nil
}

// any is the witness of an Or: those of all its parts.
func (ch *chooser) any(n *node, round int) *witness {
	all := &witness{}
	for kid := n.first; kid < n.end; kid++ {
		w := ch.pick(kid, round)
		if w == nil {
			return nil
		}
		all.atoms = append(all.atoms, w.atoms...)
		all.cost += w.cost
	}
	return all
}

// cost is what an atom costs for each event as part of a witness.
func (ch *chooser) cost(at int32, a *atom, round int) float64 {
	x := &ch.set.indexes[a.index]
	look := endsCost
	switch {
	case x.words:
		look = wordsCost
	case x.inside:
		look = scanCost
	}
	sharers := 8.0 // before anything is known
	if round > 0 {
		sharers = float64(ch.before[a.index]) + 1
	}
	return ch.chance(at, a, x)*askCost + look/sharers
}

// chance guesses how often an atom holds. Long texts are rare; what many rules
// look for is what everyone runs; of values that are compared whole each is as
// likely as any other.
func (ch *chooser) chance(at int32, a *atom, x *index) float64 {
	p := 0.15
	switch n := len(a.lit); {
	case a.kind == isExact:
		p = 1 / float64(min(x.exacts+1, 200))
	case n >= 12:
		p = 0.002
	case n >= 8:
		p = 0.005
	case n >= 5:
		p = 0.03
	}
	return min(1, p*(1+float64(ch.uses[at])/10))
}
