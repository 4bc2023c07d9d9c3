package redact

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// settle orders spans. They do not overlap: [search.add] saw to that.
func settle(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	return spans
}

// lower is strings.ToLower for text that may be cut inside a rune.
func lower(s string) string { return strings.ToLower(strings.ToValidUTF8(s, " ")) }

// Runes returns spans that count characters instead of bytes.
func Runes(text string, spans []Span) []Span {
	out := make([]Span, len(spans))
	at, runes := 0, 0
	for i, s := range spans {
		runes += utf8.RuneCountInString(text[at:s.Start])
		n := utf8.RuneCountInString(text[s.Start:s.End])
		out[i] = Span{runes, runes + n, s.Type}
		runes, at = runes+n, s.End
	}
	return out
}

// Mask returns text with the type of each span in its place, in brackets.
func Mask(text string, spans []Span) string {
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.Start])
		b.WriteString("[" + s.Type + "]")
		at = s.End
	}
	b.WriteString(text[at:])
	return b.String()
}
