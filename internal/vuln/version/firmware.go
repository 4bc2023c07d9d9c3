package version

import (
	"slices"
	"strings"
)

// token is a part of a firmware version: a number, or a word in lower case.
type token struct {
	text   string
	number bool
	glued  bool // no separator between it and the one before
}

// qualifiers are the words that order what follows the main number: the value
// is the rank among them; higher means later. Words below zero come before the
// version that has none.
var qualifiers = map[string]int{
	"dev": -5, "snapshot": -5, "pre": -4, "preview": -4, "alpha": -3, "beta": -2, "rc": -1, "cr": -1,
	"build": 1, "b": 1, "r": 2, "rev": 2, "revision": 2, "ed": 2,
	"hf": 3, "hotfix": 3, "hotfixrev": 3, "fix": 3, "patch": 4, "p": 4, "pl": 4, "cu": 5, "update": 5, "upd": 5, "u": 5, "mr": 6, "fp": 6, "mp": 6, "sr": 6,
	"sp": 7,
}

// same are spellings of one qualifier.
var same = map[string]string{
	"hotfix": "hf", "hotfixrev": "hf", "patch": "p", "pl": "p", "upd": "update", "u": "update", "revision": "r", "rev": "r", "b": "build",
}

// labels are words that only say that a version follows.
var labels = map[string]bool{
	"v": true, "ver": true, "version": true, "versions": true, "fw": true, "firmware": true, "sw": true, "software": true, "release": true, "rel": true,
	"bios": true, "os": true, "no": true, "hw": true, "the": true,
}

var months = map[string]string{
	"january": "01", "february": "02", "march": "03", "april": "04", "may": "05", "june": "06", "july": "07", "august": "08",
	"september": "09", "october": "10", "november": "11", "december": "12",
	"jan": "01", "feb": "02", "mar": "03", "apr": "04", "jun": "06", "jul": "07", "aug": "08", "sep": "09", "oct": "10", "nov": "11", "dec": "12",
}

// scan cuts a version into tokens, without the labels at its beginning.
func scan(text string) []token {
	text = strings.ToLower(text)
	if i := strings.IndexByte(text, '('); i > 0 && strings.TrimSpace(text[:i]) != "" {
		rest := text[i+1:]
		inner, _, _ := strings.Cut(rest, ")")
		text = text[:i] + " " + inner
	}
	text, _, _ = strings.Cut(text, "+") // build data of semver says nothing of order
	out := make([]token, 0, 8)
	glued := false
	for i := 0; i < len(text); {
		c := text[i]
		j := i + 1
		switch {
		case isDigit(c):
			for j < len(text) && isDigit(text[j]) {
				j++
			}
			out = append(out, token{text[i:j], true, glued})
		case isLetter(c):
			for j < len(text) && isLetter(text[j]) {
				j++
			}
			out = append(out, token{text[i:j], false, glued})
		default:
			glued = false
			i = j
			continue
		}
		glued = true
		i = j
	}
	for len(out) > 1 && !out[0].number && labels[out[0].text] {
		out = out[1:]
	}
	return trimZeros(date(out))
}

// trimZeros drops what says nothing at the end of each run of numbers but its
// first: 2.8.0 SP1 is 2.8 SP1. A lone SP0 stays for [tail].
func trimZeros(t []token) []token {
	if !slices.ContainsFunc(t, func(x token) bool { return x.number && strings.Trim(x.text, "0") == "" }) {
		return t
	}
	out := make([]token, 0, len(t))
	for i := 0; i < len(t); {
		j := i
		for j < len(t) && t[j].number {
			j++
		}
		end, keep := j, i+1
		if i > 0 && (len(t[i-1].text) == 1 || qualifiers[t[i-1].text] == 0) {
			keep = i // A0 is A
		}
		for end > keep && strings.Trim(t[end-1].text, "0") == "" {
			end--
		}
		out = append(out, t[i:end]...)
		if j < len(t) {
			out = append(out, t[j])
		}
		i = j + 1
	}
	return out
}

// date turns June 20 2023 and 20 June 2023 into 2023 06 20.
func date(t []token) []token {
	if len(t) != 3 {
		return t
	}
	num := func(s string) token { return token{text: s, number: true} }
	two := func(s string) string {
		if len(s) == 1 {
			return "0" + s
		}
		return s
	}
	if m := months[t[0].text]; m != "" && t[1].number && t[2].number && len(t[2].text) == 4 {
		return []token{num(t[2].text), num(m), num(two(t[1].text))}
	}
	if m := months[t[1].text]; m != "" && t[0].number && t[2].number && len(t[2].text) == 4 {
		return []token{num(t[2].text), num(m), num(two(t[0].text))}
	}
	return t
}

// compareGeneric orders versions of no known scheme.
func compareGeneric(a, b string) Order {
	if strings.EqualFold(a, b) {
		return Equal
	}
	if dotted(a) && dotted(b) {
		return compareDotted(a, b)
	}
	return compareTokens(a, b)
}

// dotted tells versions of numbers with dots alone, which most are.
func dotted(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) && s[i] != '.' {
			return false
		}
	}
	return s != "" && isDigit(s[0])
}

// compareDotted orders such versions as compareTokens does, without tokens.
func compareDotted(a, b string) Order {
	for first := true; a != "" || b != ""; first = false {
		var p, q string
		p, a = part(a)
		q, b = part(b)
		long, other := len(p), len(q)
		if first && (long >= 5 && other <= 3 || other >= 5 && long <= 3) {
			return Unknown // as otherScale says
		}
		if o := number(p, q); o != Equal {
			return o
		}
	}
	return Equal
}

// part cuts the first number off, without zeros before it; "" is zero.
func part(s string) (number, rest string) {
	s = strings.TrimLeft(s, ".")
	number, rest, _ = strings.Cut(s, ".")
	return strings.TrimLeft(number, "0"), rest
}

func compareTokens(a, b string) Order {
	x, y := scan(a), scan(b)
	if len(x) == 0 || len(y) == 0 {
		return Unknown
	}
	x, y = dropFamily(x, y)
	if len(x) == 0 || len(y) == 0 || x[0].number != y[0].number {
		return Unknown
	}
	if otherScale(x, y) {
		return Unknown
	}
	n := 0
	for ; n < len(x) && n < len(y); n++ {
		o, sure := pair(x, y, n)
		if !sure {
			return Unknown
		}
		if o != Equal {
			return o
		}
	}
	switch {
	case n < len(x):
		return tail(x[n:])
	case n < len(y):
		return tail(y[n:]).turned()
	}
	return Equal
}

// dropFamily takes the R of a release (R520.2) off when the other side is
// written without. Other letters may be families of their own.
func dropFamily(x, y []token) ([]token, []token) {
	single := func(t []token) bool {
		return len(t) > 1 && t[0].text == "r" && t[1].number && t[1].glued
	}
	if single(x) && y[0].number {
		return x[1:], y
	}
	if single(y) && x[0].number {
		return x, y[1:]
	}
	return x, y
}

// otherScale tells a date or a build number from a release number: 20130114
// beside 1.3 is another way to count.
func otherScale(x, y []token) bool {
	if !x[0].number || !y[0].number {
		return false
	}
	long := func(s string) int { return len(strings.TrimLeft(s, "0")) }
	a, b := long(x[0].text), long(y[0].text)
	return a >= 5 && b <= 3 || b >= 5 && a <= 3
}

// pair orders the tokens at n, all before being equal. It is not sure when a
// word has no known place.
func pair(x, y []token, n int) (Order, bool) {
	p, q := x[n], y[n]
	switch {
	case p.number && q.number:
		return number(p.text, q.text), true
	case !p.number && !q.number:
		return words(p, q, n)
	case p.number:
		return numberOrWord(q, y[n:])
	}
	o, sure := numberOrWord(p, x[n:])
	return o.turned(), sure
}

func words(p, q token, n int) (Order, bool) {
	a, b := canonical(p.text), canonical(q.text)
	if a == b {
		return Equal, true
	}
	ra, oka := qualifiers[p.text]
	rb, okb := qualifiers[q.text]
	if len(p.text) == 1 && len(q.text) == 1 && p.glued == q.glued && (p.glued || n == 0) {
		return order(p.text, q.text), true // a letter of revision
	}
	if oka && okb && ra != rb {
		return order(ra, rb), true
	}
	if n == 0 && len(a) == 2 && len(b) == 2 && a[0] == b[0] { // FB, FC: letters alone
		return order(a, b), true
	}
	return Unknown, false
}

func canonical(word string) string {
	if s := same[word]; s != "" {
		return s
	}
	return word
}

// numberOrWord orders a further number on one side against a word on the other:
// 2.8.1 beside 2.8 SP1.
func numberOrWord(word token, rest []token) (Order, bool) {
	rank, ok := qualifiers[word.text]
	switch {
	case ok && rank < 0:
		return Greater, true // 1.0.1 is later than 1.0-rc1
	case ok && !word.glued:
		return Greater, true // a further part of the main number is a later release
	case len(word.text) == 1 && word.glued && len(rest) == 1:
		return Greater, true // 1.2.1 is later than 1.2a
	}
	return Unknown, false
}

// tail orders a version that goes on where another ends.
func tail(rest []token) Order {
	for _, t := range rest {
		switch {
		case t.number && strings.Trim(t.text, "0") == "":
			continue // 2.8.0 is 2.8
		case t.number:
			return Greater
		}
		rank, ok := qualifiers[t.text]
		switch {
		case ok && rank < 0:
			return Less
		case ok && len(rest) == 1 && len(t.text) > 1:
			return Unknown // a word without its number
		case ok && numbersZero(rest[1:]):
			return Equal // SP0 is none
		case ok:
			return Greater
		case len(t.text) == 1 && t.glued:
			return Greater // a letter of revision
		}
		return Unknown
	}
	return Equal
}

func numbersZero(rest []token) bool {
	for _, t := range rest {
		if !t.number || strings.Trim(t.text, "0") != "" {
			return false
		}
	}
	return len(rest) > 0
}

// Plausible tells whether a text can be a version at all.
func Plausible(text string) bool {
	if text == "" || len(text) > MaxLength {
		return false
	}
	for i := range len(text) {
		if isDigit(text[i]) {
			return true
		}
	}
	return len(text) <= 3 && isLetter(text[0]) // FB, A, AB
}
