package sigma

import (
	"slices"

	"vedette/internal/detect/sigma/rule"
	"vedette/internal/event"
)

// Match calls hit for every rule that holds for the event, correlations not
// among them. The rule belongs to the set. Match takes no memory for an event
// without a match.
func (s *Set) Match(e *event.Event, sc *Scratch, hit func(rule *Rule)) {
	sc.begin(s, e)
	for _, at := range s.groupsOf(e, sc) {
		g := &s.groups[at]
		sc.waiting = append(sc.waiting[:0], g.always...)
		for _, x := range g.first {
			sc.scan(x)
		}
		for i := 0; i < len(sc.waiting); i++ { // scans for its tests may add to it
			r := sc.waiting[i]
			if sc.ran[r] != sc.epoch {
				sc.ran[r] = sc.epoch
				if s.eval(s.conds[r], sc) {
					hit(&s.rules[r])
				}
			}
		}
	}
}

// scan lets an index find what is in its field. Rules that wait for what was
// found become candidates.
func (sc *Scratch) scan(at int32) {
	if sc.scanned[at] == sc.epoch {
		return
	}
	sc.scanned[at] = sc.epoch
	x := &sc.set.indexes[at]
	hits := sc.hits[:0]
	if x.words && x.inside {
		hits = sc.scanWords(x, hits)
	} else {
		vals := sc.values(x.field)
		if len(vals) == 1 && x.long && vals[0].str != "" && len(vals[0].str) <= memoText {
			hits = sc.remembered(at, &vals[0], hits)
		} else {
			for i := range vals {
				hits = x.find(sc.folded(&vals[i]), sc, hits)
			}
		}
	}
	for _, id := range hits {
		sc.waiting = append(sc.waiting, sc.set.byAtom[id]...)
	}
	sc.hits = hits
}

// remembered is what an index finds in the only value of its field.
func (sc *Scratch) remembered(at int32, v *fieldValue, hits []int32) []int32 {
	x := &sc.set.indexes[at]
	if sc.memo.slots == nil {
		sc.memo.init()
	}
	hash := keyed(sc.memo.hash(v), at)
	if known, ok := sc.memo.get(hash, at, v.str); ok {
		for _, id := range known {
			sc.seen[id] = sc.epoch
		}
		return append(hits, known...)
	}
	hits = x.find(sc.folded(v), sc, hits)
	if sc.memo.again(hash) {
		sc.memo.put(hash, at, v.str, hits)
	}
	return hits
}

// eval asks a condition.
func (s *Set) eval(at int32, sc *Scratch) bool {
	n := &s.nodes[at]
	switch n.op {
	case rule.Leaf:
		return s.ask(n.first, sc)
	case rule.Not:
		return !s.eval(n.first, sc)
	case rule.And:
		for kid := n.first; kid < n.end; kid++ {
			if !s.eval(kid, sc) {
				return false
			}
		}
		return true
	case rule.Or:
		for kid := n.first; kid < n.end; kid++ {
			if s.eval(kid, sc) {
				return true
			}
		}
		return false
	case rule.AtLeast:
		left := n.n
		for kid := n.first; kid < n.end && left > 0; kid++ {
			if s.eval(kid, sc) {
				left--
			}
		}
		return left == 0
	}
	return false
}

// ask answers an atom, from the index or once for this event.
func (s *Set) ask(at int32, sc *Scratch) bool {
	a := &s.atoms[at]
	if a.index >= 0 {
		sc.scan(a.index)
		return sc.seen[at] == sc.epoch
	}
	if sc.asked[at] != sc.epoch {
		sc.asked[at] = sc.epoch
		if a.holds(sc) {
			sc.seen[at] = sc.epoch
		}
	}
	return sc.seen[at] == sc.epoch
}

// Explain returns why a rule that just matched did: the fields it tests that
// are as it wants them, with their values as observed. It must be called before
// the scratch sees the next event.
func (s *Set) Explain(r *Rule, sc *Scratch) []event.Reason {
	return s.explainUpTo(r, sc, maxObserved)
}

func (s *Set) explainUpTo(r *Rule, sc *Scratch, most int) []event.Reason {
	x := explainer{set: s, sc: sc, most: most}
	if root := s.conds[r.index]; root >= 0 {
		x.walk(root)
	}
	return x.out
}

// maxReasons bounds the reasons of a finding.
const maxReasons = 8

// explainer collects the tests that hold.
type explainer struct {
	set  *Set
	sc   *Scratch
	most int
	out  []event.Reason
}

func (x *explainer) walk(at int32) {
	n := &x.set.nodes[at]
	if n.op == rule.Not || len(x.out) >= maxReasons || !x.set.eval(at, x.sc) {
		return
	}
	if n.op == rule.Leaf {
		x.add(&x.set.atoms[n.first])
		return
	}
	for kid := n.first; kid < n.end; kid++ {
		x.walk(kid)
	}
}

func (x *explainer) add(a *atom) {
	vals := x.sc.values(a.field)
	for i := range vals {
		if a.kind != isExists && !a.fits(x.sc, &vals[i]) {
			continue
		}
		r := event.Reason{Feature: a.name, Observed: clipped(x.sc, &vals[i], x.most)}
		if r.Feature == "" {
			r.Feature = "keyword"
		}
		if !slices.Contains(x.out, r) {
			x.out = append(x.out, r)
		}
		return
	}
}

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
