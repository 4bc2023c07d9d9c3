// Package grams finds many literals in a text by the runs of four bytes that
// they have: of each literal some are picked that are rare elsewhere, a bit
// table says of every run in a text whether it is one of them, and only then is
// the literal compared. What a text costs hardly depends on how many literals
// there are as long as it has none of their runs.
//
// The time is linear in the length of the text whatever the literals are:
// where too many share a run, or one is long, an automaton looks for them once
// the run was seen. It compares bytes as they are; folding of case is the
// caller's. It must not know rules.
package grams

import (
	"encoding/binary"
	"strings"

	"vedette/internal/detect/sigma/automaton"
)

// Pattern is a literal that is looked for. ID is given back when it is found.
type Pattern = automaton.Pattern

// Finder is a set of literals ready to be looked for. It is safe for concurrent
// use.
type Finder struct {
	wide   table                // literals of four bytes and more
	narrow table                // of three
	rest   *automaton.Automaton // those that are shorter, long, or too many with one run
	always bool                 // rest has such that no run tells of
}

// The bounds of what is compared at one place of a text.
const (
	maxShared  = 8   // literals picked by the same run
	maxCompare = 255 // bytes of a literal
)

// New builds the finder. Empty literals are left out: they are found everywhere
// and nowhere.
func New(patterns []Pattern) *Finder {
	f := &Finder{}
	var wide, narrow, rest []Pattern
	for _, p := range patterns {
		switch n := len(p.Literal); {
		case n == 0:
		case n < 3:
			rest, f.always = append(rest, p), true
		case n == 3:
			narrow = append(narrow, p)
		default:
			wide = append(wide, p)
		}
	}
	rest = append(rest, f.wide.build(wide, 4)...)
	rest = append(rest, f.narrow.build(narrow, 3)...)
	if len(rest) > 0 {
		f.rest = automaton.New(rest)
	}
	return f
}

// Scan looks through a text. The ids of patterns that are found are appended to
// hits and marked in seen with this mark; what is marked already is not
// appended again.
func (f *Finder) Scan(text []byte, seen []uint32, mark uint32, hits []int32) []int32 {
	s := scan{text: text, seen: seen, mark: mark, hits: hits}
	f.wide.scan(&s)
	f.narrow.scan(&s)
	if f.rest != nil && (s.more || f.always) {
		return f.rest.Scan(text, seen, mark, s.hits)
	}
	return s.hits
}

// May reports whether a literal may be in a text that is not folded yet; false
// is certain if the text and the literals are ASCII and the literals are folded.
func (f *Finder) May(text []byte) bool {
	s := scan{text: text, any: true}
	if f.always {
		return true
	}
	f.wide.scan(&s)
	if !s.more {
		f.narrow.scan(&s)
	}
	return s.more
}

// Size is the memory the finder takes, in bytes.
func (f *Finder) Size() int {
	n := f.wide.size() + f.narrow.size()
	if f.rest != nil {
		n += f.rest.Size()
	}
	return n
}

// scan is one look at a text.
type scan struct {
	text []byte
	seen []uint32
	mark uint32
	hits []int32
	any  bool // compare without regard to case, and stop at the first
	more bool // rest must be looked at, or with any: one was found
}

// table knows the literals of one width of runs. Runs are taken with the bit of
// case set, so that a text that is not folded has the same.
type table struct {
	width   int
	step    int // every so many bytes of a text are looked at
	shift   uint
	bits    []uint64
	slots   []slot // by hash of the run, with open addressing
	entries []entry
	lits    string
}

// slot is a run and its literals.
type slot struct {
	run   uint32
	first int32 // in entries plus one; 0: free
}

// entry is a literal that has a run.
type entry struct {
	id   int32
	from int32  // in lits
	n    uint16 // its length; 0: anything, and rest says what it is
	at   uint16 // where in it the run is
	last bool
	gate bool // a piece of a long one, which rest looks for
}

const (
	caseBits = 0x20202020
	mixer    = 0x9e3779b1
)

// runAt is the run at a place of a text that has at least width bytes there.
func (t *table) runAt(text []byte, i int) uint32 {
	if t.width == 4 {
		return binary.LittleEndian.Uint32(text[i:]) | caseBits
	}
	return (uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16) | caseBits
}

// scan looks at every step-th place of a text.
func (t *table) scan(s *scan) {
	if len(t.slots) == 0 {
		return
	}
	i := 0
	switch {
	case t.width == 4 && t.step == 1:
		i = t.fives(s)
	case t.width == 4:
		i = t.strides(s)
	default:
		i = t.sixes(s)
	}
	for ; i+t.width <= len(s.text); i += t.step {
		run := t.runAt(s.text, i)
		if h := run * mixer >> t.shift; t.bits[h>>6]>>(h&63)&1 != 0 && t.look(s, i, run) {
			return
		}
	}
}

// strides looks at runs of four that stand apart and returns where it ends.
func (t *table) strides(s *scan) int {
	i, text, marks, shift, step := 0, s.text, t.bits, t.shift&31, t.step
	for ; i+4 <= len(text); i += step {
		run := binary.LittleEndian.Uint32(text[i:]) | caseBits
		if h := run * mixer >> shift; marks[h>>6]>>(h&63)&1 != 0 && t.look(s, i, run) {
			return len(text)
		}
	}
	return i
}

// fives looks at five places at a time, as many as eight bytes have runs of
// four, and returns where that ends.
func (t *table) fives(s *scan) int {
	i, text, marks, shift := 0, s.text, t.bits, t.shift&31
	for ; i+8 <= len(text); i += 5 {
		w := binary.LittleEndian.Uint64(text[i:]) | caseBits<<32 | caseBits
		a, b, c, d, e := uint32(w)*mixer>>shift, uint32(w>>8)*mixer>>shift, uint32(w>>16)*mixer>>shift, uint32(w>>24)*mixer>>shift, uint32(w>>32)*mixer>>shift //nolint:gosec // G115: four bytes each are meant
		if (marks[a>>6]>>(a&63)|marks[b>>6]>>(b&63)|marks[c>>6]>>(c&63)|marks[d>>6]>>(d&63)|marks[e>>6]>>(e&63))&1 == 0 {
			continue
		}
		for n, h := range [5]uint32{a, b, c, d, e} {
			if marks[h>>6]>>(h&63)&1 != 0 && t.look(s, i+n, uint32(w>>(8*n))) { //nolint:gosec // G115: the low four bytes are meant
				return len(text)
			}
		}
	}
	return i
}

// sixes is fives for runs of three.
func (t *table) sixes(s *scan) int {
	const three = caseBits | 0xffffff
	i, text, marks, shift := 0, s.text, t.bits, t.shift&31
	for ; i+8 <= len(text); i += 6 {
		w := binary.LittleEndian.Uint64(text[i:])
		var runs [6]uint32
		hit := uint64(0)
		for n := range runs {
			runs[n] = (uint32(w>>(8*n)) | caseBits) & three //nolint:gosec // G115: the low three bytes are meant
			h := runs[n] * mixer >> shift
			hit |= marks[h>>6] >> (h & 63)
		}
		if hit&1 == 0 {
			continue
		}
		for n, run := range runs {
			if h := run * mixer >> shift; marks[h>>6]>>(h&63)&1 != 0 && t.look(s, i+n, run) {
				return len(text)
			}
		}
	}
	return i
}

// look compares the literals that have the run which stands at a place. It
// reports whether the scan is over.
func (t *table) look(s *scan, i int, run uint32) bool {
	mask := uint32(len(t.slots) - 1) //nolint:gosec // G115: a number of literals
	h := run * mixer >> 7 & mask
	for ; t.slots[h].run != run; h = (h + 1) & mask {
		if t.slots[h].first == 0 {
			return false
		}
	}
	if t.slots[h].first == 0 {
		return false
	}
	for n := t.slots[h].first - 1; ; n++ {
		e := &t.entries[n]
		if (s.any || e.gate || s.seen[e.id] != s.mark) && t.stands(s, i-int(e.at), e) {
			switch {
			case s.any:
				s.more = true
				return true
			case e.gate:
				s.more = true
			default:
				s.seen[e.id] = s.mark
				s.hits = append(s.hits, e.id)
			}
		}
		if e.last {
			return false
		}
	}
}

// stands reports whether a literal is at a place of the text.
func (t *table) stands(s *scan, from int, e *entry) bool {
	end := from + int(e.n)
	if from < 0 || end > len(s.text) {
		return e.n == 0
	}
	lit := t.lits[e.from : int(e.from)+int(e.n)]
	if !s.any {
		return string(s.text[from:end]) == lit
	}
	for i := range len(lit) {
		c := s.text[from+i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lit[i] {
			return false
		}
	}
	return true
}

func (t *table) size() int {
	return len(t.bits)*8 + len(t.slots)*8 + len(t.entries)*16 + len(t.lits)
}

// commonness is how often a byte is met in what is logged, roughly: letters of
// English and of paths first.
func commonness(c byte) int {
	switch {
	case strings.IndexByte(" etarinsocl\\", c) >= 0:
		return 4
	case strings.IndexByte("mdpuhgfw.", c) >= 0:
		return 3
	case 'a' <= c && c <= 'z' || strings.IndexByte("-_/:0123", c) >= 0:
		return 2
	case '4' <= c && c <= '9' || strings.IndexByte("\",=;", c) >= 0:
		return 1
	}
	return 0
}
