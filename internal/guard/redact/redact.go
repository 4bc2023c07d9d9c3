// Package redact keeps personal data, secrets and the names of a site out of
// what leaves it. [Find] knows them by form and context, a [Vault] puts
// pseudonyms in their place that hold for one conversation, and its last scan
// ([Vault.Leaks]) looks at the bytes that go out.
//
// Detectors are no guarantee: what is guaranteed is that a field that is not
// known is not sent ([ClassOf]), and that no value of the catalogue is in
// bytes that passed the last scan. It must not keep a map on disk, log a
// value, or restore a token that it did not issue.
package redact

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Span is a stretch of text that was found: bytes Start to End, exclusive.
type Span struct {
	Start, End int
	Type       string
}

// The types of spans. Those of personal data have the words that other
// detectors use for them.
const (
	PersonName   = "PERSON"
	Address      = "STREET_ADDRESS"
	Place        = "GPE" // a country, state, city
	Organization = "ORGANIZATION"
	Phone        = "PHONE_NUMBER"
	Card         = "CREDIT_CARD"
	Postcode     = "ZIP_CODE"
	DateTime     = "DATE_TIME"
	Title        = "TITLE" // of a person: Dr., Mrs.
	Email        = "EMAIL_ADDRESS"
	Group        = "NRP" // nationality, religion, political group
	Domain       = "DOMAIN_NAME"
	IBAN         = "IBAN_CODE"
	SSN          = "US_SSN"
	Age          = "AGE"
	IP           = "IP_ADDRESS"
	MAC          = "MAC_ADDRESS"
	Host         = "HOST_NAME"
	User         = "USER_NAME"
	Serial       = "SERIAL_NUMBER"
	Identity     = "ID_NUMBER" // passport, driver's licence, licence plate, tax number
	Secret       = "SECRET"    // password, key, token: never restored
)

// Find returns what is personal, secret or of a site in text, in order and
// without overlaps. It knows forms (an address of the internet, a number with
// its check digit), and words by what stands around them; it is made to find
// too much rather than too little. Its work grows with the length of text.
func Find(text string) []Span {
	s := &search{text: text, words: tokens(text), know: knowledge()}
	s.small = s.writtenSmall()
	s.secrets()
	s.shapes()
	s.addresses()
	s.facts()
	s.names()
	return settle(s.found)
}

// search is the work on one text. The finders run in order; where two claim
// the same bytes the earlier holds, so the surer come first.
type search struct {
	text  string
	words []token
	know  *gazetteer
	small bool // the text uses no capitals
	found []Span
	taken []bool // by byte; nil as long as nothing was found
}

// add records a span unless part of it is taken.
func (s *search) add(start, end int, kind string) bool {
	if start >= end || s.busy(start, end) {
		return false
	}
	if s.taken == nil {
		s.taken = make([]bool, len(s.text))
	}
	for i := start; i < end; i++ {
		s.taken[i] = true
	}
	s.found = append(s.found, Span{start, end, kind})
	return true
}

func (s *search) busy(start, end int) bool {
	if s.taken == nil {
		return false
	}
	for _, t := range s.taken[start:end] {
		if t {
			return true
		}
	}
	return false
}

// writtenSmall reports whether a text of some words has no capital, which is
// how people type; then a name cannot be told by its capital.
func (s *search) writtenSmall() bool {
	for _, t := range s.words {
		if t.capital && !t.digits {
			return false
		}
	}
	return len(s.words) > 0
}

// before returns the text in front of a byte, in lower case, at most n bytes.
func (s *search) before(at, n int) string { return lower(s.text[max(0, at-n):at]) }

// after returns the text behind a byte, in lower case, at most n bytes.
func (s *search) after(at, n int) string { return lower(s.text[at:min(len(s.text), at+n)]) }

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
