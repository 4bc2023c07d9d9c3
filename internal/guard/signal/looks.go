package signal

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
)

var (
	base64RE = regexp.MustCompile(`[A-Za-z0-9+/]{24,}={0,2}`)
	bitsRE   = regexp.MustCompile(`(?:[01]{7,8}[ ,]?){6,}`)
	hexRE    = regexp.MustCompile(`(?i)(?:\\x[0-9a-f]{2}){4,}|(?:%[0-9a-f]{2}){6,}|\b(?:[0-9a-f]{2} ){10,}`)
	morseRE  = regexp.MustCompile(`(?:[.-]{1,6}[ /]+){8,}`)
)

// encoded reports whether part of a text is text in another writing.
func encoded(p *prepared) bool {
	if bitsRE.MatchString(p.raw) || hexRE.MatchString(p.raw) || morseRE.MatchString(p.raw) && strings.Contains(p.raw, ".-") {
		return true
	}
	return len(inside(p.raw)) > 0
}

// Encoded reports whether a text has text in it in base64.
func Encoded(text string) bool { return len(inside(text)) > 0 }

// inside returns what the base64 in a text says, where it is text.
func inside(text string) []string {
	var out []string
	for _, run := range base64RE.FindAllString(bounded(text), 8) {
		run = strings.TrimRight(run, "=")
		v, err := base64.RawStdEncoding.DecodeString(run[:len(run)/4*4])
		if err == nil && printable(string(v)) && strings.Contains(string(v), " ") {
			out = append(out, string(v))
		}
	}
	return out
}

func printable(v string) bool {
	for i := range len(v) {
		if v[i] < 0x20 && v[i] != '\n' || v[i] >= 0x7F {
			return false
		}
	}
	return true
}

// mixedWords reports whether several words mix Latin letters with letters of
// another alphabet that look like them.
func mixedWords(p *prepared) bool {
	mixed := 0
	for w := range strings.FieldsSeq(p.raw) {
		latin, other := false, false
		for _, r := range w {
			latin = latin || r < 0x250 && unicode.IsLetter(r)
			other = other || unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Cherokee) || r >= 0x1D400 && r <= 0x1D7FF || r >= 0xFF21 && r <= 0xFF5A
		}
		if latin && other {
			if mixed++; mixed > 2 {
				return true
			}
		}
	}
	return false
}

// repeats reports whether the words of a text are few for its length.
func repeats(p *prepared) bool {
	words := wordsOf(p.plain)
	if len(words) < 24 || strings.Count(p.plain, "|") > 8 {
		return false
	}
	words = words[:min(len(words), 400)]
	seen := map[string]bool{}
	for i := range len(words) - 1 {
		seen[words[i]+" "+words[i+1]] = true
	}
	return len(seen)*3 < len(words)
}
