package signal

import (
	_ "embed" // the words
	"strings"
	"sync"
)

//go:embed concepts.txt
var conceptText string

// concept is one thing that attempts speak of, in the words of many languages.
type concept struct {
	name  string
	words []string
}

var concepts = sync.OnceValue(func() []concept {
	var out []concept
	for line := range strings.Lines(conceptText) {
		name, words, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		c := concept{name: name}
		for w := range strings.FieldsSeq(words) {
			c.words = append(c.words, strings.ReplaceAll(w, "_", " "))
		}
		out = append(out, c)
	}
	return out
})

// conceptsIn returns what a text speaks of.
func conceptsIn(plain string) []string {
	plain = " " + plain + " "
	var out []string
	for _, c := range concepts() {
		if containsAny(plain, c.words) {
			out = append(out, c.name)
		}
	}
	return out
}
