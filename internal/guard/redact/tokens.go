package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is one word of a text, with what stands before it.
type token struct {
	start, end int
	text, low  string
	gap        string // what stands between it and the token before
	capital    bool   // begins with a capital, or is of a script that has none
	shout      bool   // more than one letter, all capitals
	digits     bool   // has a digit
	first      bool   // begins a sentence or a line
}

// maxTokens bounds the work on one text; what is behind is not read for names.
const maxTokens = 20000

// tokens splits text into words. A word may hold an apostrophe, a hyphen or an
// ampersand between letters.
func tokens(text string) []token {
	var out []token
	last := 0
	for i := 0; i < len(text) && len(out) < maxTokens; {
		r, n := utf8.DecodeRuneInString(text[i:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			i += n
			continue
		}
		end := wordEnd(text, i)
		t := newToken(text, i, end)
		t.gap = text[last:i]
		t.first = len(out) == 0 || strings.ContainsAny(t.gap, ".!?\n\r:;\"“") && !initial(out)
		out = append(out, t)
		last, i = end, end
	}
	return out
}

// initial reports whether the last token is an abbreviation, whose full stop
// ends no sentence.
func initial(list []token) bool {
	t := list[len(list)-1]
	return t.capital && utf8.RuneCountInString(t.text) == 1 || titles[t.low] && t.low != "miss"
}

func wordEnd(text string, i int) int {
	for i < len(text) {
		r, n := utf8.DecodeRuneInString(text[i:])
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) {
			i += n
			continue
		}
		next, _ := utf8.DecodeRuneInString(text[i+n:])
		if strings.ContainsRune("'’-&", r) && unicode.IsLetter(next) && !possessive(text[i:]) {
			i += n
			continue
		}
		break
	}
	return i
}

// possessive reports whether text begins with 's and no letter after it.
func possessive(text string) bool {
	for _, s := range []string{"'s", "’s"} {
		if rest, ok := strings.CutPrefix(text, s); ok {
			r, _ := utf8.DecodeRuneInString(rest)
			return !unicode.IsLetter(r)
		}
	}
	return false
}

func newToken(text string, start, end int) token {
	w := text[start:end]
	t := token{start: start, end: end, text: w, low: strings.ToLower(w)}
	letters, upper := 0, 0
	for i, r := range w {
		switch {
		case unicode.IsDigit(r):
			t.digits = true
		case unicode.IsLetter(r):
			letters++
			if unicode.IsUpper(r) || unicode.IsTitle(r) {
				upper++
			}
		}
		if i == 0 {
			t.capital = unicode.IsUpper(r) || unicode.IsTitle(r)
		}
	}
	t.shout = letters > 1 && upper == letters
	return t
}
