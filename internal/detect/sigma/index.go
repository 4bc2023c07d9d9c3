package sigma

import (
	"strings"

	"vedette/internal/detect/sigma/automaton"
	"vedette/internal/detect/sigma/grams"
	"vedette/internal/detect/sigma/pattern"
)

// index finds the literals that the rules of a group look for in one field:
// either those that the field is, begins or ends with, which takes a look at
// its ends, or those anywhere in it, which takes a look at all of it.
type index struct {
	field  int32
	inside bool
	words  bool // the field is all texts
	long   bool // it takes longer than to remember what it found

	exact  map[string]int32
	starts *automaton.Automaton
	ends   *automaton.Automaton
	within *grams.Finder
	gate   *grams.Finder // words: pieces of all literals that JSON does not escape
	atoms  []int32       // until it is built

	exacts int // how many of the atoms are exact
}

// build makes the index of its atoms.
func (x *index) build(s *Set) {
	lists := make(map[atomKind][]automaton.Pattern)
	for _, at := range x.atoms {
		a := &s.atoms[at]
		switch a.kind {
		case isExact:
			if x.exact == nil {
				x.exact = make(map[string]int32)
			}
			x.exact[a.lit] = at
		case isSuffix:
			lists[isSuffix] = append(lists[isSuffix], automaton.Pattern{Literal: automaton.Reversed(a.lit), ID: at})
		default:
			lists[a.kind] = append(lists[a.kind], automaton.Pattern{Literal: a.lit, ID: at})
		}
	}
	x.atoms = nil
	x.long = len(lists) > 0
	for kind, list := range lists {
		switch kind {
		case isPrefix:
			x.starts = automaton.New(list)
		case isSuffix:
			x.ends = automaton.New(list)
		default:
			x.within = grams.New(list)
			if x.words {
				x.gate = gateOf(list)
			}
		}
	}
}

// gateOf looks for the longest piece of each literal that JSON writes as it is.
// Without one of them a record has none of the literals, unless it writes
// letters as \uXXXX. It is nil if a literal has no such piece.
func gateOf(list []grams.Pattern) *grams.Finder {
	var pieces []grams.Pattern
	for _, p := range list {
		longest := ""
		for _, piece := range strings.FieldsFunc(p.Literal, func(r rune) bool { return r < ' ' || r >= 0x7f || strings.ContainsRune(`"\/`, r) }) {
			if len(piece) > len(longest) {
				longest = piece
			}
		}
		if len(longest) < pattern.MinLiteral {
			return nil
		}
		pieces = append(pieces, grams.Pattern{Literal: longest, ID: p.ID})
	}
	return grams.New(pieces)
}

// find appends the atoms that are found in a folded value.
func (x *index) find(text []byte, sc *Scratch, hits []int32) []int32 {
	if x.within != nil {
		hits = x.within.Scan(text, sc.seen, sc.epoch, hits)
	}
	if x.starts != nil {
		hits = x.starts.Starts(text, sc.seen, sc.epoch, hits)
	}
	if x.ends != nil {
		hits = x.ends.Ends(text, sc.seen, sc.epoch, hits)
	}
	if x.exact != nil {
		if id, ok := x.exact[string(text)]; ok && sc.seen[id] != sc.epoch {
			sc.seen[id] = sc.epoch
			hits = append(hits, id)
		}
	}
	return hits
}

func (x *index) size() int {
	n := len(x.exact) * 40
	for _, a := range []*automaton.Automaton{x.starts, x.ends} {
		if a != nil {
			n += a.Size()
		}
	}
	for _, f := range []*grams.Finder{x.within, x.gate} {
		if f != nil {
			n += f.Size()
		}
	}
	return n
}
