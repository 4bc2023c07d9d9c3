package pattern

import (
	"bytes"
	"strings"
	"unicode/utf8"
	"unsafe"

	"vedette/internal/detect/sigma/rule"
)

// Match matches a whole text against literals and wildcards. It goes back
// to the last star only, and from there to the next place of the literal behind
// it: the time is linear in the text but for what stands between two stars with
// question marks in it.
func Match[T string | []byte](parts []rule.Part, text T) bool {
	part, at := 0, 0
	star, again := -1, 0
	for {
		if part == len(parts) && at == len(text) {
			return true
		}
		if part < len(parts) {
			switch p := &parts[part]; p.Kind {
			case rule.Star:
				star, again = part, at
				part++
				continue
			case rule.One:
				if at < len(text) {
					at += runeLen(text, at)
					part++
					continue
				}
			case rule.Literal:
				if end := at + len(p.Lit); end <= len(text) && string(text[at:end]) == p.Lit {
					at = end
					part++
					continue
				}
			case rule.Placeholder:
			}
		}
		if star < 0 || again >= len(text) {
			return false
		}
		if again = follow(parts[star+1:], text, again+1); again < 0 {
			return false
		}
		part, at = star+1, again
	}
}

// follow is the next place where what is behind a star may begin, or -1.
func follow[T string | []byte](parts []rule.Part, text T, from int) int {
	if len(parts) == 0 || parts[0].Kind != rule.Literal {
		return from
	}
	if n := index(text[from:], parts[0].Lit); n >= 0 {
		return from + n
	}
	return -1
}

// index is where a literal is in a text, or -1.
func index[T string | []byte](text T, lit string) int {
	switch t := any(text).(type) {
	case string:
		return strings.Index(t, lit)
	case []byte:
		return bytes.Index(t, unsafe.Slice(unsafe.StringData(lit), len(lit))) //nolint:gosec // G103: read only, and saves a copy
	}
	return -1
}

// runeLen is the length of the character at a place of a text.
func runeLen[T string | []byte](text T, at int) int {
	if text[at] < utf8.RuneSelf {
		return 1
	}
	_, n := decodeRune(text, at)
	return n
}

// FoldParts folds the literals of a pattern.
func FoldParts(t rule.Text) []rule.Part {
	out := make([]rule.Part, len(t))
	for i, p := range t {
		out[i] = rule.Part{Kind: p.Kind, Lit: Fold(p.Lit)}
	}
	return out
}
