package sigma

import (
	"slices"

	"vedette/internal/detect/sigma/automaton"
	"vedette/internal/detect/sigma/rule"
)

// index finds the literals that the rules of a group look for in one field.
type index struct {
	field int32
	exact map[string]int32
	auto  *automaton.Automaton
	atoms []int32 // until it is built
}

func (x *index) build(s *Set) {
	var patterns []automaton.Pattern
	for _, at := range x.atoms {
		a := &s.atoms[at]
		p := automaton.Pattern{Literal: a.lit, ID: at}
		switch a.kind {
		case isExact:
			if x.exact == nil {
				x.exact = make(map[string]int32)
			}
			x.exact[a.lit] = at
			continue
		case isPrefix:
			p.Anchor = automaton.AtStart
		case isSuffix:
			p.Anchor = automaton.AtEnd
		default:
		}
		patterns = append(patterns, p)
	}
	if x.atoms = nil; len(patterns) > 0 {
		x.auto = automaton.New(patterns)
	}
}

func (x *index) size() int {
	n := len(x.exact) * 40
	if x.auto != nil {
		n += x.auto.Size()
	}
	return n
}

// witness is a set of atoms of which one must hold if a rule does.
type witness struct {
	atoms []int32
	cost  float64 // how often one of them is to be expected
}

// witnesses picks for every rule what wakes it.
func (c *compiler) witnesses() {
	s := c.set
	uses := make([]int, len(s.atoms))
	for i := range s.nodes {
		if s.nodes[i].op == rule.Leaf {
			uses[s.nodes[i].first]++
		}
	}
	s.byAtom = make([][]int32, len(s.atoms))
	groups := make([]int32, len(s.rules))
	for i := range groups {
		groups[i] = c.groupOf[s.rules[i].Source]
	}
	for i, root := range s.conds {
		if root < 0 {
			continue
		}
		g := &s.groups[groups[i]]
		g.rules = append(g.rules, int32(i)) //nolint:gosec // G115: at most maxRules
		w := s.witness(root, uses)
		if w == nil {
			g.always = append(g.always, int32(i)) //nolint:gosec // G115: at most maxRules
			continue
		}
		for _, at := range w.atoms {
			if !slices.Contains(s.byAtom[at], int32(i)) { //nolint:gosec // G115: as above
				s.byAtom[at] = append(s.byAtom[at], int32(i)) //nolint:gosec // G115: as above
			}
			if x := s.atoms[at].index; !slices.Contains(g.first, x) {
				g.first = append(g.first, x)
			}
		}
	}
}

// witness returns the cheapest witness of a node, or nil if it has none: it may
// hold without anything that the index finds.
func (s *Set) witness(at int32, uses []int) *witness {
	n := &s.nodes[at]
	switch n.op {
	case rule.Leaf:
		a := &s.atoms[n.first]
		if a.index < 0 {
			return nil
		}
		return &witness{[]int32{n.first}, expected(a, uses[n.first])}
	case rule.And:
		var best *witness
		for kid := n.first; kid < n.end; kid++ {
			if w := s.witness(kid, uses); w != nil && (best == nil || w.cost < best.cost) {
				best = w
			}
		}
		return best
	case rule.Or, rule.AtLeast:
		all := &witness{}
		for kid := n.first; kid < n.end; kid++ {
			w := s.witness(kid, uses)
			if w == nil {
				return nil
			}
			all.atoms = append(all.atoms, w.atoms...)
			all.cost += w.cost
		}
		return all
	case rule.Not:
	}
	return nil
}

// expected guesses how often a literal is met. Long ones are rare; what many
// rules look for is what everyone runs.
func expected(a *atom, uses int) float64 {
	cost := float64(uses) + 1
	switch n := len(a.lit); {
	case a.kind == isExact && n >= 6:
		return cost * 0.5
	case a.kind == isExact:
		return cost * 4 // numbers and short words
	case n >= 12:
		return cost * 0.5
	case n >= 8:
		return cost
	case n >= 5:
		return cost * 4
	}
	return cost * 20
}
