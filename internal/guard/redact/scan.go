package redact

import (
	"unicode"
	"unicode/utf8"
)

// scanner finds many strings in one pass (Aho and Corasick): a trie whose
// nodes know where to go on when no child fits.
type scanner struct {
	nodes    []node
	root     [256]int32
	patterns []pattern
}

// node is one state. Children hang on a list, since there are few.
type node struct {
	child, next int32 // first child; next child of the same parent
	fail        int32
	out         int32 // 1 + index of the pattern that ends here; 0: none
	more        int32 // nearest node on the way of fails at which one ends
	b           byte
}

// pattern is a string that is looked for, in lower case.
type pattern struct {
	text  string
	entry int  // of the catalogue
	part  bool // may stand inside a word
}

func newScanner(patterns []pattern) *scanner {
	s := &scanner{nodes: make([]node, 1, 1+len(patterns)*8), patterns: patterns}
	for i, p := range patterns {
		at := int32(0)
		for j := range len(p.text) {
			at = s.grow(at, p.text[j])
		}
		if at != 0 && s.nodes[at].out == 0 {
			s.nodes[at].out = int32(i + 1) //nolint:gosec // G115: as many as there are values of a site
		}
	}
	s.link()
	return s
}

func (s *scanner) grow(at int32, b byte) int32 {
	if c := s.childOf(at, b); c != 0 {
		return c
	}
	c := int32(len(s.nodes)) //nolint:gosec // G115: bounded by the bytes of the catalogue
	s.nodes = append(s.nodes, node{b: b, next: s.nodes[at].child})
	s.nodes[at].child = c
	if at == 0 {
		s.root[b] = c
	}
	return c
}

func (s *scanner) childOf(at int32, b byte) int32 {
	if at == 0 {
		return s.root[b]
	}
	for c := s.nodes[at].child; c != 0; c = s.nodes[c].next {
		if s.nodes[c].b == b {
			return c
		}
	}
	return 0
}

// link sets where each node goes on, breadth first.
func (s *scanner) link() {
	var queue []int32
	for c := s.nodes[0].child; c != 0; c = s.nodes[c].next {
		queue = append(queue, c)
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for c := s.nodes[at].child; c != 0; c = s.nodes[c].next {
			s.nodes[c].fail = s.step(s.nodes[at].fail, s.nodes[c].b)
			queue = append(queue, c)
		}
		f := s.nodes[at].fail
		if s.nodes[at].more = s.nodes[f].more; s.nodes[f].out != 0 {
			s.nodes[at].more = f
		}
	}
}

func (s *scanner) step(at int32, b byte) int32 {
	for {
		if c := s.childOf(at, b); c != 0 || at == 0 {
			return c
		}
		at = s.nodes[at].fail
	}
}

// find calls yield with each occurrence of a pattern in text, which must be in
// lower case, until it returns false.
func (s *scanner) find(text string, yield func(start, end int, p pattern) bool) {
	if len(s.patterns) == 0 {
		return
	}
	at := int32(0)
	for i := range len(text) {
		at = s.step(at, text[i])
		for n := at; n != 0; n = s.nodes[n].more {
			if s.nodes[n].out == 0 {
				continue
			}
			p := s.patterns[s.nodes[n].out-1]
			start, end := i+1-len(p.text), i+1
			if p.fits(text, start, end) && !yield(start, end, p) {
				return
			}
		}
	}
}

// fits reports whether an occurrence counts: 10.0.0.1 is not in 10.0.0.17, and
// a plain word is not in a longer one.
func (p pattern) fits(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	first, last := rune(p.text[0]), rune(p.text[len(p.text)-1])
	if p.part {
		return !(digit(first) && start > 0 && digit(before)) && !(digit(last) && end < len(text) && digit(after))
	}
	return (start == 0 || !wordRune(before)) && (end == len(text) || !wordRune(after))
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
