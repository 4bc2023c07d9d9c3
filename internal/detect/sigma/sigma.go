// Package sigma judges events by Sigma 2.1 rules. [Parse] reads documents (their
// meaning is package rule's), [Compile] makes one [Set] of all of them, and a
// [Detector] shows it every event.
//
// All rules share one matcher, so that cost grows with what can match and not
// with the number of rules. An event is routed by its log to groups of rules.
// In a group each field has an index of what rules look for: a hash of exact
// values, tries for the start and the end, rare runs of bytes for the middle;
// what it found in a value is remembered. Every rule has a witness: tests of
// which at least one must hold if the rule does. A rule is looked at only when a
// test of its witness was found, and its tests are then mostly look-ups of what
// the index found already.
//
// Texts compare without regard to case, as Unicode's simple folding has it,
// unless a rule says cased. An event does not tell an empty field from an
// absent one. Values in events are untrusted: regular expressions run in linear
// time (RE2), all state is bounded, and what a bound cuts off is a condition.
//
// The package must not read files, know where rules come from or how logs are
// parsed: which logs and fields a rule means is data, see [Mapping].
package sigma

import (
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/event"
)

// Document is a Sigma rule, correlation or filter as written.
type Document = rule.Document

// Refusal says which document or rule was not taken and why.
type Refusal = rule.Refusal

// LogSource is which logs a rule is about.
type LogSource = rule.LogSource

// Parse reads the documents of one file. A broken one is refused by name and
// reason, the others are returned.
func Parse(name string, data []byte) ([]Document, []Refusal) { return rule.Parse(name, data) }

// Rule is what a person needs to know of a rule of a set.
type Rule struct {
	ID         string
	Name       string
	Title      string
	Level      string
	Status     string
	Author     string
	File       string
	Source     LogSource
	Tags       []string
	CVEs       []string // of its tags
	Techniques []string // ATT&CK and ATLAS ids in upper case
	Severity   event.Severity
	Kind       rule.Kind

	silent bool // only correlations use it
	index  int32
}

// Options are what rules need to become a Set.
type Options struct {
	// Mapping says which events and fields a log source means. Without one only
	// the defaults hold.
	Mapping *Mapping
	// Expand gives the values of %placeholders%.
	Expand map[string][]string
	// Fields finds fields by name; nil makes one.
	Fields *event.Schema
}

// Set is rules compiled into one matcher. It is safe for concurrent use; each
// goroutine needs a [Scratch] of its own.
type Set struct {
	rules   []Rule
	conds   []int32 // root node of each rule; -1: a correlation
	nodes   []node
	atoms   []atom
	byAtom  [][]int32 // rules that an atom is witness of
	fields  []field
	indexes []index
	groups  []group
	windows []correlation
	feeds   map[int32][]feed // by rule
	notes   []Refusal
}

// Rules returns the rules and correlations of the set in the order in which
// they were compiled. The slice is a copy.
func (s *Set) Rules() []Rule { return append([]Rule(nil), s.rules...) }

// Len is the number of rules and correlations.
func (s *Set) Len() int { return len(s.rules) }

// Notes tells what is odd about rules that were taken nevertheless: a
// placeholder without values, a log source that no mapping knows.
func (s *Set) Notes() []Refusal { return append([]Refusal(nil), s.notes...) }

// Size is roughly the memory of the matcher in bytes, without the texts of the
// rules.
func (s *Set) Size() int {
	n := len(s.nodes)*nodeSize + len(s.atoms)*atomSize
	for i := range s.indexes {
		n += s.indexes[i].size()
	}
	for i := range s.atoms {
		n += len(s.atoms[i].lit)
	}
	return n
}
