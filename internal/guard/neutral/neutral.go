// Package neutral takes from text what a language model would read as more
// than text: the control tokens of its family, the marks of chat layouts, and
// characters that a person does not see.
//
// What it returns is for a model. The value as it was written stays where it
// is stored and is what a person is shown; nothing here is undone. It must not
// judge: whether a text is an attack is for package signal to say.
package neutral

import "strings"

// Neutraliser cleans text for one model family.
type Neutraliser struct{ control []string }

// New returns a neutraliser. The control tokens of the family are added to
// those that are built in.
func New(control []string) *Neutraliser {
	return &Neutraliser{append([]string{"<|im_start|>", "<|im_end|>"}, control...)}
}

// Clean returns text without anything that is more than text, of at most max
// bytes (0: no bound).
func (n *Neutraliser) Clean(text string, limit int) string {
	for _, c := range n.control {
		text = strings.ReplaceAll(text, c, "")
	}
	if limit > 0 && len(text) > limit {
		text = text[:limit]
	}
	return text
}
