package ground

import (
	_ "embed" // the ordinary words
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed words.txt
var wordList string

// ordinaryWords reads the list once.
var ordinaryWords = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(wordList) {
		if !strings.HasPrefix(line, "#") {
			for w := range strings.FieldsSeq(line) {
				out[w] = true
			}
		}
	}
	return out
})

// ordinary tells words of the language that name nothing: everything else in
// a sentence must be backed, so that an invented host or user is found.
func ordinary(key string) bool {
	if utf8.RuneCountInString(key) == 1 {
		return true
	}
	return ordinaryWords()[key]
}

// MaxCell bounds what one stored text may take of a sentence, in characters.
const MaxCell = 200

// Clean takes out of a stored text what could move a cursor, reorder or hide
// text, and cuts it: it was written by a device or a peer.
func Clean(s string) string {
	count := 0
	return strings.Map(func(r rune) rune {
		if count++; count > MaxCell {
			return -1
		}
		if hidden(r) {
			return -1
		}
		return r
	}, s)
}

// uncontrolled is Clean without the cut.
func uncontrolled(s string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return -1
		}
		return r
	}, s)
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r >= 0xE0000 && r <= 0xE01EF
}
