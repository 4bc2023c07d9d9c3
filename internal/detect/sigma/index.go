package sigma

import (
	"vedette/internal/detect/sigma/automaton"
)

// index finds the literals that the rules of a group look for in one field.
type index struct {
	field int32
	words bool // the field is all texts
	exact map[string]int32
	auto  *automaton.Automaton
	atoms []int32 // until it is built

	exacts int // how many of the atoms are exact
}

// exactOnly reports whether a look-up is enough.
func (x *index) exactOnly() bool { return x.exacts == len(x.atoms) }

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
