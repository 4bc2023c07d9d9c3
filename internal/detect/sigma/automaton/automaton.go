// Package automaton finds many literals in a text in one pass (Aho and Corasick,
// 1975). It is made for rule sets: tens of thousands of literals in little
// memory, built once and then only read.
//
// It compares bytes as they are; folding of case is the caller's. It must not
// know rules.
package automaton

import (
	"bytes"
	"cmp"
	"slices"
)

// Pattern is a literal that is looked for. ID is given back when it is found.
type Pattern struct {
	Literal string
	ID      int32
}

// Automaton is a set of literals ready to be looked for. States are numbered
// breadth first, so the children of a state have neighbouring numbers and need
// no table of their own. It is safe for concurrent use.
type Automaton struct {
	root  [256]int32 // child of the root by byte; 0: none
	nodes []node
	label []byte  // by state: the byte that leads to it
	outs  []found // of the states, each run ends with last
}

// node is a state: 16 bytes.
type node struct {
	first int32 // of the children
	fail  int32 // the state of the longest proper suffix
	out   int32 // first of its patterns in outs plus one; 0: none
	link  int32 // the next state on the way of suffixes that has patterns; 0: none
}

type found struct {
	id   int32
	last bool
}

// trie is the tree while it is built.
type trie struct {
	kids map[byte]int32
	out  []int32
}

// New builds the automaton. Empty literals are left out: they are found
// everywhere and nowhere.
func New(patterns []Pattern) *Automaton {
	a := &Automaton{}
	tries := []trie{{}}
	for i, p := range patterns {
		if p.Literal == "" {
			continue
		}
		at := int32(0)
		for _, c := range []byte(p.Literal) {
			next, ok := tries[at].kids[c]
			if !ok {
				next = int32(len(tries)) //nolint:gosec // G115: bounded by the bytes of all literals
				tries = append(tries, trie{})
				if tries[at].kids == nil {
					tries[at].kids = make(map[byte]int32, 1)
				}
				tries[at].kids[c] = next
			}
			at = next
		}
		tries[at].out = append(tries[at].out, int32(i))
	}
	a.nodes, a.label = make([]node, 1, len(tries)+1), make([]byte, 1, len(tries))
	a.number(tries, patterns)
	a.link()
	return a
}

// number gives the states their numbers, breadth first.
func (a *Automaton) number(tries []trie, patterns []Pattern) {
	queue := make([]int32, 1, len(tries))
	for state := 0; state < len(queue); state++ {
		t := &tries[queue[state]]
		a.nodes[state].first = int32(len(queue)) //nolint:gosec // G115: a number of states
		letters := make([]byte, 0, len(t.kids))
		for c := range t.kids {
			letters = append(letters, c)
		}
		slices.Sort(letters)
		for _, c := range letters {
			if state == 0 {
				a.root[c] = int32(len(queue)) //nolint:gosec // G115: as above
			}
			queue = append(queue, t.kids[c])
			a.nodes = append(a.nodes, node{})
			a.label = append(a.label, c)
		}
		if len(t.out) > 0 {
			a.nodes[state].out = int32(len(a.outs)) + 1 //nolint:gosec // G115: a number of patterns
			slices.SortFunc(t.out, func(x, y int32) int { return cmp.Compare(x, y) })
			for n, i := range t.out {
				p := patterns[i]
				a.outs = append(a.outs, found{p.ID, n == len(t.out)-1})
			}
		}
	}
	a.nodes = append(a.nodes, node{first: int32(len(queue))}) //nolint:gosec // G115: the end of the last state's children
}

// link sets where to go on when a byte has no child.
func (a *Automaton) link() {
	for state := int32(0); int(state) < len(a.label); state++ {
		for kid := a.nodes[state].first; kid < a.nodes[state+1].first; kid++ {
			fail := int32(0)
			if state != 0 {
				fail = a.step(a.nodes[state].fail, a.label[kid])
			}
			a.nodes[kid].fail = fail
			a.nodes[kid].link = fail
			if a.nodes[fail].out == 0 {
				a.nodes[kid].link = a.nodes[fail].link
			}
		}
	}
}

// child is the state below one by one byte; 0 if there is none.
func (a *Automaton) child(state int32, c byte) int32 {
	if state == 0 {
		return a.root[c]
	}
	first, end := a.nodes[state].first, a.nodes[state+1].first
	if end-first < 16 {
		for kid := first; kid < end; kid++ {
			if a.label[kid] == c {
				return kid
			}
		}
	} else if at := bytes.IndexByte(a.label[first:end], c); at >= 0 {
		return first + int32(at) //nolint:gosec // G115: less than 256
	}
	return 0
}

// step is the state after one more byte.
func (a *Automaton) step(state int32, c byte) int32 {
	for state != 0 {
		if kid := a.child(state, c); kid != 0 {
			return kid
		}
		state = a.nodes[state].fail
	}
	return a.root[c]
}

// Starts is like [Automaton.Scan] for literals that the text begins with. It
// looks at no more of the text than the longest of them.
func (a *Automaton) Starts(text []byte, seen []uint32, mark uint32, hits []int32) []int32 {
	state := int32(0)
	for _, c := range text {
		if state = a.child(state, c); state == 0 {
			break
		}
		if out := a.nodes[state].out; out != 0 {
			hits = a.take(out-1, seen, mark, hits)
		}
	}
	return hits
}

// Ends is like [Automaton.Starts] for the end of the text; the literals were
// given with their bytes [Reversed].
func (a *Automaton) Ends(text []byte, seen []uint32, mark uint32, hits []int32) []int32 {
	state := int32(0)
	for _, c := range slices.Backward(text) {
		if state = a.child(state, c); state == 0 {
			break
		}
		if out := a.nodes[state].out; out != 0 {
			hits = a.take(out-1, seen, mark, hits)
		}
	}
	return hits
}

// Reversed is a text with its bytes in reverse.
func Reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// Scan looks through a text. The ids of patterns that are found are appended to
// hits and marked in seen with this mark; what is marked already is not
// appended again.
func (a *Automaton) Scan(text []byte, seen []uint32, mark uint32, hits []int32) []int32 {
	state := int32(0)
	for _, c := range text {
		state = a.step(state, c)
		at := state
		if a.nodes[at].out == 0 {
			at = a.nodes[at].link
		}
		for ; at != 0; at = a.nodes[at].link {
			hits = a.take(a.nodes[at].out-1, seen, mark, hits)
		}
	}
	return hits
}

func (a *Automaton) take(out int32, seen []uint32, mark uint32, hits []int32) []int32 {
	for {
		f := &a.outs[out]
		if seen[f.id] != mark {
			seen[f.id] = mark
			hits = append(hits, f.id)
		}
		if f.last {
			return hits
		}
		out++
	}
}

// Size is the memory the automaton takes, in bytes.
func (a *Automaton) Size() int {
	return len(a.root)*4 + len(a.nodes)*16 + len(a.label) + len(a.outs)*8
}
