// Package fingerprint tells from the words with which a service greets - an SSH
// version, a Server header, a system description - who made the program, the
// system and the device behind it. The knowledge is the Recog collection of
// Rapid7 (BSD 2-clause), which a generator reduces to what a device inventory
// asks for; package content embeds it.
//
// A banner is text that a device wrote: a match says what it claims to be and no
// more. The package must not resolve or store devices, and must not fetch.
package fingerprint

//go:generate go run ./recoggen ../../../../shared/data/asset/recog-fingerprints.zip ../../../content/recog/recog.tsv.gz

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxBanner bounds how much of a text is looked at.
const maxBanner = 2048

// maxValue bounds a value that is taken out of a banner.
const maxValue = 256

// Field is one thing that a fingerprint says, such as "service.product".
type Field struct{ Name, Value string }

// Match is what the first fitting fingerprint of a database says. It must not
// be changed.
type Match struct {
	Database string // the kind of text, as identity.source names it: "ssh.banner"
	Fields   []Field

	mu     sync.Mutex
	joined []Field // see Joined; the name is that of the first field
}

// Get returns the value of a field, or "".
func (m *Match) Get(name string) string {
	if m == nil {
		return ""
	}
	for _, f := range m.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Set is a collection of fingerprint databases. It is safe for concurrent use.
type Set struct {
	byKey map[string]*database

	mu       sync.Mutex
	recent   map[cacheKey]*Match // what was asked lately; nil: nothing fits
	previous map[cacheKey]*Match // what was asked before that
}

type cacheKey struct{ key, text string }

// maxRecent bounds the answers that are remembered, in each of two
// generations. A fleet greets with few different words.
const maxRecent = 4096

// database is the fingerprints for one kind of text, in the order of trial.
type database struct {
	key   string
	lines [][2]string // pattern and cells, as the table has them

	once   sync.Once
	prints []*print
	grams  map[uint32][]int32 // three letters of a needle → prints that need it
	always []int32            // prints of which no needle is known
}

// print is one fingerprint.
type print struct {
	pattern string
	needles []string // lower case; a text without all of them cannot match
	params  []param

	once sync.Once
	re   *regexp.Regexp // compiled when a text first holds a needle
}

// param says where a field's value is from: a group of the pattern, or, at 0,
// the value itself, which may name other fields in braces.
type param struct {
	group       int
	name, value string
}

// Len returns how many fingerprints there are.
func (s *Set) Len() int {
	n := 0
	if s != nil {
		for _, d := range s.byKey {
			n += len(d.lines)
		}
	}
	return n
}

// Has reports whether there is a database for this kind of text.
func (s *Set) Has(key string) bool { return s != nil && s.byKey[key] != nil }

// Match returns what the first fingerprint says that fits a text of a kind, or
// nil. A text that was asked lately costs a look-up and no memory.
func (s *Set) Match(key, text string) *Match {
	if s == nil || text == "" {
		return nil
	}
	d := s.byKey[key]
	if d == nil {
		return nil
	}
	if len(text) > maxBanner {
		text = text[:maxBanner]
	}
	k := cacheKey{d.key, text}
	if m, ok := s.known(k); ok {
		return m
	}
	m := d.match(text)
	s.remember(cacheKey{d.key, strings.Clone(text)}, m)
	return m
}

func (s *Set) known(k cacheKey) (*Match, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.recent[k]; ok {
		return m, true
	}
	m, ok := s.previous[k]
	return m, ok
}

// remember keeps two generations, so that what is asked all the time outlives
// a flood of forged banners for a while.
func (s *Set) remember(k cacheKey, m *Match) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.recent) >= maxRecent {
		s.previous, s.recent = s.recent, make(map[cacheKey]*Match, maxRecent)
	}
	s.recent[k] = m
}

func (d *database) match(text string) *Match {
	d.once.Do(d.open)
	lower := lowerASCII(text)
	for _, at := range d.candidates(lower) {
		p := d.prints[at]
		if !p.mayMatch(lower) {
			continue
		}
		if m := p.match(text); m != nil {
			m.Database = d.key
			return m
		}
	}
	return nil
}

// candidates returns the prints worth a trial, in order.
func (d *database) candidates(lower string) []int32 {
	out := slices.Clone(d.always)
	for i := 0; i+3 <= len(lower); i++ {
		out = append(out, d.grams[gram(lower[i:])]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func gram(s string) uint32 { return uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2]) }

func (p *print) mayMatch(lower string) bool {
	for _, n := range p.needles {
		if !strings.Contains(lower, n) {
			return false
		}
	}
	return true
}

func (p *print) match(text string) *Match {
	p.once.Do(func() { p.re, _ = regexp.Compile(p.pattern) }) // its syntax was checked; one too large for the engine fits nothing
	if p.re == nil {
		return nil
	}
	at := p.re.FindStringSubmatchIndex(text)
	if at == nil {
		return nil
	}
	m := &Match{Fields: make([]Field, 0, len(p.params))}
	for _, q := range p.params {
		value := q.value
		if q.group > 0 {
			if 2*q.group+1 >= len(at) || at[2*q.group] < 0 {
				continue
			}
			value = text[at[2*q.group]:at[2*q.group+1]]
		}
		if value = bounded(value); value != "" {
			m.Fields = append(m.Fields, Field{q.name, value})
		}
	}
	m.fillIn()
	return m
}

func bounded(s string) string {
	if len(s) > maxValue {
		s = strings.ToValidUTF8(s[:maxValue], "")
	}
	return strings.Clone(s)
}

// fillIn replaces {field} in values. A value that names a field without a value
// is left out, since half of it would mislead.
func (m *Match) fillIn() {
	kept := m.Fields[:0]
	for _, f := range m.Fields {
		if open := strings.IndexByte(f.Value, '{'); open >= 0 && strings.IndexByte(f.Value[open:], '}') > 0 {
			var ok bool
			if f.Value, ok = m.expand(f.Value); !ok {
				continue
			}
		}
		kept = append(kept, f)
	}
	m.Fields = kept
}

func (m *Match) expand(s string) (string, bool) {
	var out strings.Builder
	for {
		before, rest, open := strings.Cut(s, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !open || !closed {
			out.WriteString(s)
			return out.String(), true
		}
		value := m.Get(name)
		if value == "" || strings.Contains(value, "{") {
			return "", false
		}
		out.WriteString(before)
		out.WriteString(value)
		s = after
	}
}

func lowerASCII(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; 'A' <= c && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// certainty reads the doubt that some fingerprints express about themselves.
func certainty(s string) float64 {
	if s == "" {
		return 1
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f <= 0 || f > 1 {
		return 1
	}
	return f
}

// Certainty returns how sure the fingerprint is of what it says about "os",
// "hw" or "service": 1 unless it says less.
func (m *Match) Certainty(about string) float64 { return certainty(m.Get(about + ".certainty")) }

// Joined returns the values of several fields as one text, such as "Ubuntu
// Linux 16.04". Nothing is said twice: a value that starts with the one before
// it replaces that. The text is made once for each match and field list.
func (m *Match) Joined(names ...string) string {
	if m == nil {
		return ""
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.joined {
		if f.Name == names[0] {
			return f.Value
		}
	}
	out := ""
	for _, name := range names {
		switch v := m.Get(name); {
		case v == "", strings.EqualFold(v, "none"), strings.EqualFold(v, "unknown"):
		case out == "" || strings.HasPrefix(v, out):
			out = v
		default:
			out += " " + v
		}
	}
	m.joined = append(m.joined, Field{names[0], out})
	return out
}
