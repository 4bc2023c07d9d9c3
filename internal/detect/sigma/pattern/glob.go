package pattern

import (
	"unicode/utf8"

	"vedette/internal/detect/sigma/rule"
)

// Match matches a whole text against literals and wildcards. It goes back
// to the last star only, so its time is bounded by the product of the lengths.
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
		again++
		part, at = star+1, again
	}
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
