// Package jsonleaf reads JSON objects (RFC 8259), one after another, into their
// leaves. It is what all records of JSON dialects go through, so it goes over
// each once and takes no memory for it in the long run.
//
// It must not know any dialect. Every byte it reads is untrusted: what it takes
// is bounded, and what encoding/json refuses it refuses too.
package jsonleaf

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"vedette/internal/fault"
	"vedette/internal/normalize/record"
)

// The bounds of what one JSON record may hold; more is cut off into an error
// or left out, as said at each.
const (
	maxDepth  = 32
	maxLeaves = 4000
	maxItems  = 1000
	maxKey    = 512 // a key with those it is nested in
)

// maxStale is how many leaves of the last record may be held until the next
// ones take their place: clearing them costs as much as writing them.
const maxStale = 64

// Leaf is one value of an object: nested objects are flattened, their keys
// joined with dots. List is set for an array with members, and Value has them
// joined.
type Leaf struct {
	Key   *Key
	Value string
	List  []string
}

// Members are the values of a list, or the one value of a plain leaf.
func (l *Leaf) Members() []string {
	if l.List == nil {
		return []string{l.Value}
	}
	return l.List
}

// Scanner reads objects into their leaves in their order. Numbers keep their
// text, true and false become "true" and "false", null leaves no value. An
// array of plain values is a list; one of objects is flattened with the index
// in the key.
//
// The zero value is ready for use; it is not safe for concurrent use. Texts may
// be kept: they are pieces of the record or of memory that is never written
// again. The leaves and their lists are valid until the next record is read.
type Scanner struct {
	keys  keyRing
	in    string // the record
	at    int    // what is left of it begins here
	valid bool   // the record is valid UTF-8
	path  []byte // the key of the value being read, with those it is nested in
	out   []Leaf
	items []string // the members so far of the arrays being read, innermost last
	lists []string // the members of the lists in out
	texts record.Texts
	tmp   []byte
}

// Read reads one record, which must be one object and nothing else.
func (s *Scanner) Read(in string) ([]Leaf, error) {
	if len(s.out)+len(s.lists) > maxStale {
		clear(s.out)
		clear(s.lists)
	}
	s.out, s.lists, s.items, s.path = s.out[:0], s.lists[:0], s.items[:0], s.path[:0]
	s.in, s.at, s.valid = in, 0, utf8.ValidString(in)
	s.keys.next()
	if cap(s.tmp) > maxIdleBuffer {
		s.tmp = nil
	}
	switch c := s.peek(); c {
	case '{':
		s.at++
	case '[':
		return nil, fault.New(fault.Invalid, "not a JSON object")
	default:
		if _, err := s.scalar(c); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.Invalid, "not a JSON object")
	}
	if err := s.object(0); err != nil {
		return nil, err
	}
	if s.skip(); s.at < len(s.in) {
		return nil, fault.New(fault.Invalid, "text after the JSON object")
	}
	return s.out, nil
}

// Twice tells whether two leaves of the record may have the same name. It is
// never wrong if it says no.
func (s *Scanner) Twice() bool { return s.keys.again }

// object reads on behind the opening brace.
func (s *Scanner) object(depth int) error {
	if depth > maxDepth {
		return tooDeep()
	}
	outer := len(s.path)
	c := s.peek()
	if c == '}' {
		s.at++
		return nil
	}
	for {
		if c != '"' {
			return s.wrong()
		}
		if err := s.member(outer, depth); err != nil {
			return err
		}
		s.path = s.path[:outer]
		switch c = s.peek(); c {
		case '}':
			s.at++
			return nil
		case ',':
			s.at++
			c = s.peek()
		default:
			return s.wrong()
		}
	}
}

// member reads a key and its value.
func (s *Scanner) member(outer, depth int) error {
	if k := s.keys.likely(outer); k != nil && strings.HasPrefix(s.in[s.at:], k.written) {
		s.at += len(k.written)
		return s.value(k, depth)
	}
	key, err := s.text()
	if err != nil {
		return err
	}
	if outer+len(key) > maxKey { // each value below would carry it
		return fault.New(fault.Limited, "a JSON key longer than %d bytes", maxKey)
	}
	if s.peek() != ':' {
		return s.wrong()
	}
	s.at++
	if outer > 0 {
		s.path = append(s.path, '.')
	}
	s.path = append(s.path, key...)
	return s.value(nil, depth)
}

// value reads the value of a member: of the key k, or of the one in path.
func (s *Scanner) value(k *Key, depth int) error {
	c := s.peek()
	if c == '{' || c == '[' {
		s.at++
		if k != nil {
			s.path = append(s.path, k.Name...)
		}
		if c == '{' {
			return s.object(depth + 1)
		}
		return s.array(depth + 1)
	}
	v, err := s.scalar(c)
	if err != nil {
		return err
	}
	if k == nil {
		return s.leaf(v, nil)
	}
	if len(s.out) >= maxLeaves {
		return tooMany()
	}
	s.keys.take(k)
	s.out = append(s.out, Leaf{Key: k, Value: v})
	return nil
}

// array reads on behind the opening bracket. Its plain members are one leaf,
// after those of the objects and arrays in it.
func (s *Scanner) array(depth int) error {
	if depth > maxDepth {
		return tooDeep()
	}
	first := len(s.items)
	if s.peek() == ']' {
		s.at++
		return nil
	}
	for i := 0; ; i++ {
		if err := s.item(i, first, depth); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.at++
			continue
		case ']':
			s.at++
		default:
			return s.wrong()
		}
		break
	}
	if len(s.items) == first {
		return nil
	}
	list := s.list(first)
	return s.leaf(s.joined(list), list)
}

// item reads the member i of the array whose plain members begin at first.
func (s *Scanner) item(i, first, depth int) error {
	c := s.peek()
	if c != '{' && c != '[' {
		v, err := s.scalar(c)
		if err == nil && v != "" && len(s.items)-first < maxItems {
			s.items = append(s.items, v)
		}
		return err
	}
	s.at++
	outer := len(s.path)
	s.path = strconv.AppendInt(append(s.path, '.'), int64(i), 10)
	defer func() { s.path = s.path[:outer] }()
	if c == '{' {
		return s.object(depth + 1)
	}
	return s.array(depth + 1)
}

// list takes the members from first on off the array that ends here.
func (s *Scanner) list(first int) []string {
	n := len(s.lists)
	s.lists = append(s.lists, s.items[first:]...)
	s.items = s.items[:first]
	return s.lists[n:len(s.lists):len(s.lists)] // who appends to it must not hit the next
}

func (s *Scanner) joined(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	s.tmp = s.tmp[:0]
	for i, v := range list {
		if i > 0 {
			s.tmp = append(s.tmp, ", "...)
		}
		s.tmp = append(s.tmp, v...)
	}
	return s.texts.Keep(s.tmp)
}

func (s *Scanner) leaf(v string, list []string) error {
	if len(s.out) >= maxLeaves {
		return tooMany()
	}
	s.out = append(s.out, Leaf{Key: s.keys.key(s.path), Value: v, List: list})
	return nil
}

// skip passes over white space.
func (s *Scanner) skip() {
	for s.at < len(s.in) {
		switch s.in[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek passes over white space and is the byte behind it, or 0 at the end.
func (s *Scanner) peek() byte {
	if s.at < len(s.in) && s.in[s.at] > ' ' {
		return s.in[s.at]
	}
	if s.skip(); s.at < len(s.in) {
		return s.in[s.at]
	}
	return 0
}

// wrong is what is to be said of a byte that may not be where the scanner is,
// or of the end.
func (s *Scanner) wrong() error {
	if s.at >= len(s.in) {
		return fault.New(fault.Invalid, "the JSON object breaks off")
	}
	return fault.New(fault.Invalid, "not valid JSON")
}

func tooMany() error {
	return fault.New(fault.Limited, "more than %d values in one record", maxLeaves)
}

func tooDeep() error {
	return fault.New(fault.Invalid, "JSON nested deeper than %d", maxDepth)
}
