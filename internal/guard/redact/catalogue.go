package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Catalogue is what the product knows of a site, by the type of the value.
// None of it may leave.
type Catalogue struct {
	Hosts     []string
	Addresses []string // IP and MAC addresses
	Serials   []string
	Users     []string
	Tags      []string // of the process, such as FIC-101
	Sites     []string // names of sites, zones, buildings
}

// Compiled is a catalogue made ready to be looked for. It is safe for
// concurrent use and may serve any number of vaults.
type Compiled struct {
	entries []entry
	scan    *scanner
}

// entry is one value of the catalogue.
type entry struct {
	kind, value string
	ordinary    bool // a word of the language, such as a host called sensor
}

// maxEntries bounds a catalogue; beyond it [Compile] keeps the first of each
// type in turn. A site of that size is split by zone.
const maxEntries = 2_000_000

// Compile makes a catalogue ready. Values of one character are left out: they
// are in every text.
func Compile(c Catalogue) *Compiled {
	out := &Compiled{}
	var patterns []pattern
	seen := map[string]bool{}
	know := knowledge()
	for _, list := range []struct {
		kind   string
		values []string
	}{{"HOST", c.Hosts}, {"IP", c.Addresses}, {"SERIAL", c.Serials}, {"USER", c.Users}, {"TAG", c.Tags}, {"SITE", c.Sites}} {
		for _, value := range list.values {
			text := fold(strings.TrimSpace(value))
			if utf8.RuneCountInString(text) < 2 || seen[text] || len(out.entries) >= maxEntries {
				continue
			}
			seen[text] = true
			kind := list.kind
			if kind == "IP" && (macRE.MatchString(value) || dotMAC.MatchString(value)) {
				kind = "MAC"
			}
			patterns = append(patterns, pattern{text: text, entry: len(out.entries), part: distinctive(text)})
			out.entries = append(out.entries, entry{kind, strings.TrimSpace(value), know.ordinary(text)})
		}
	}
	out.scan = newScanner(patterns)
	return out
}

// distinctive reports whether a value is looked for inside words too: it is
// long enough, and not just letters.
func distinctive(text string) bool {
	return len(text) >= 6 && strings.ContainsAny(text, "0123456789.:_-/@\\")
}

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
			s.nodes[at].out = int32(i + 1)
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
		split := digit(first) && start > 0 && digit(before) || digit(last) && end < len(text) && digit(after)
		return !split
	}
	return (start == 0 || !wordRune(before)) && (end == len(text) || !wordRune(after))
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
