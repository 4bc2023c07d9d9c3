package sigma

import (
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/event"
)

// MatchEach is [Set.Match] without any index: every rule of the log, or with
// everywhere of any log, is asked test by test. It finds the same and is there
// to compare with.
func (s *Set) MatchEach(e *event.Event, sc *Scratch, everywhere bool, hit func(r *Rule)) {
	sc.begin(s, e)
	ask := func(rules []int32) {
		for _, at := range rules {
			if s.each(s.conds[at], sc) {
				hit(&s.rules[at])
			}
		}
	}
	if !everywhere {
		for _, at := range s.groupsOf(e, sc) {
			ask(s.groups[at].rules)
		}
		return
	}
	for i := range s.groups {
		ask(s.groups[i].rules)
	}
}

// each is eval without what an index found or an earlier test answered.
func (s *Set) each(at int32, sc *Scratch) bool {
	n := &s.nodes[at]
	if n.op == rule.Leaf {
		return s.atoms[n.first].holds(sc)
	}
	held := int32(0)
	for kid := n.first; kid < n.end; kid++ {
		holds := s.each(kid, sc)
		switch {
		case n.op == rule.And && !holds, n.op == rule.Not && holds:
			return false
		case n.op == rule.Or && holds:
			return true
		case holds:
			held++
		}
	}
	switch n.op {
	case rule.And, rule.Not:
		return true
	case rule.AtLeast:
		return held >= n.n
	case rule.Or, rule.Leaf:
	}
	return false
}
