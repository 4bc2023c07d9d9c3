// Package template finds the patterns that the lines of an unknown log follow:
// "Connection from <*> closed" for lines that differ only where <*> stands.
//
// The method is Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing
// Approach with Fixed Depth Tree", ICWS 2017): texts are put apart by their
// number of words and their first words, and joined to the most similar pattern
// there. What is a number, an address or the like is masked first.
//
// It works in one pass and must not hold texts back: the pattern of a text is
// the one that is known when the text is met. A pattern that a later text makes
// more general keeps its id, which is the hash of the pattern as it was when it
// was new. It must not depend on anything but the texts and their order.
package template

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Any is what stands for the parts in which texts of a pattern differ.
const Any = "<*>"

// The bounds of what is remembered. When there are too many patterns, texts
// that fit none have none.
const (
	maxPatterns = 2000
	maxChildren = 100 // first words that are kept apart at one place
	maxWords    = 200 // more are one word
	maxText     = 8 << 10

	// One setting for all sources, picked by the mean over the seven of the
	// loghub sample (TestSharedTemplates); the literature tunes them for each.
	maxSiblings = 6 // patterns that differ in plain words before those are open
	depth       = 2 // first words that put texts apart
	similar     = 0.7
)

// Miner knows the patterns of one source. The zero value is ready for use; it
// is not safe for concurrent use.
type Miner struct {
	byLength map[int]*node
	patterns int
	words    []string
	masked   []byte
}

type node struct {
	children map[string]*node
	leaf     []*pattern
}

type pattern struct {
	words []string
	uid   string
	text  string
}

// Learn finds the pattern of a text, or makes one, and returns its id and how
// it reads now; both are empty for an empty text and when there are too many.
func (m *Miner) Learn(text string) (uid, pattern string) {
	if len(text) > maxText {
		text = text[:maxText]
	}
	m.split(text)
	if len(m.words) == 0 {
		return "", ""
	}
	at := m.place()
	if at == nil {
		return "", ""
	}
	p := at.closest(m.words)
	if p == nil {
		if m.patterns >= maxPatterns {
			return "", ""
		}
		p = m.begin(at)
	} else {
		p.join(m.words)
	}
	return p.uid, p.text
}

// split cuts a text into masked words.
func (m *Miner) split(text string) {
	clear(m.words)
	m.words = m.words[:0]
	for text != "" {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return
		}
		end := strings.IndexAny(text, " \t\r\n")
		if end < 0 || len(m.words) == maxWords-1 {
			end = len(text)
		}
		m.words = append(m.words, m.mask(text[:end]))
		text = text[end:]
	}
}

// place goes down the tree to where texts like this one are, and makes what is
// missing on the way. Words that are masked, and those beyond the limit, share
// one branch.
func (m *Miner) place() *node {
	if m.byLength == nil {
		m.byLength = map[int]*node{}
	}
	at := m.byLength[len(m.words)]
	if at == nil {
		at = &node{}
		m.byLength[len(m.words)] = at
	}
	for i := range min(depth, len(m.words)) {
		word := m.words[i]
		if strings.Contains(word, Any) {
			word = Any
		}
		next := at.children[word]
		if next == nil {
			if m.patterns >= maxPatterns {
				return nil
			}
			if len(at.children) >= maxChildren {
				word = Any
			}
			if next = at.children[word]; next == nil {
				next = &node{}
				if at.children == nil {
					at.children = map[string]*node{}
				}
				at.children[strings.Clone(word)] = next
			}
		}
		at = next
	}
	return at
}

// closest is the pattern with the most words in common with the text, if that is
// enough of them; of equals, the more general, then the older. A text that differs
// from a pattern in a plain word says something else ("VM started", "VM stopped"),
// until there are so many such words that they must be names.
func (n *node) closest(words []string) *pattern {
	var best, base *pattern
	most, general, siblings := -1, -1, 0
	for _, p := range n.leaf {
		same, open, plainly := 0, 0, 0
		for i, w := range p.words {
			switch {
			case w == words[i]:
				same++
			case w == Any:
				open++
			case isPlain(w) && isPlain(words[i]) && (i == 0 || !named[words[i-1]]):
				plainly++
			}
		}
		if float64(same) < similar*float64(len(words)) {
			continue
		}
		if plainly > 0 {
			siblings++
			if base == nil {
				base = p
			}
			continue
		}
		if same > most || same == most && open > general {
			best, most, general = p, same, open
		}
	}
	if best == nil && siblings >= maxSiblings {
		return base
	}
	return best
}

// named are words before a name.
var named = map[string]bool{"user": true, "account": true, "host": true, "hostname": true, "interface": true, "domain": true, "group": true, "named": true, "called": true, "for": true}

// isPlain tells a word that has letters alone, with marks around it.
func isPlain(w string) bool {
	w = strings.Trim(w, `"'()[]{}<>,;:.!?`)
	for i := range len(w) {
		if c := w[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return w != ""
}

func (m *Miner) begin(at *node) *pattern {
	p := &pattern{words: make([]string, len(m.words))}
	for i, w := range m.words {
		p.words[i] = strings.Clone(w)
	}
	p.text = strings.Join(p.words, " ")
	sum := sha256.Sum256([]byte(p.text))
	p.uid = hex.EncodeToString(sum[:8])
	at.leaf = append(at.leaf, p)
	m.patterns++
	return p
}

// join opens the words in which the text differs.
func (p *pattern) join(words []string) {
	changed := false
	for i, w := range words {
		if p.words[i] != w && p.words[i] != Any {
			p.words[i] = Any
			changed = true
		}
	}
	if changed {
		p.text = strings.Join(p.words, " ")
	}
}
