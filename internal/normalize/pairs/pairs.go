// Package pairs reads texts of key=value pairs with white space between them,
// as firewalls, the audit daemon and many programs write them.
//
// It must not know what a key means.
package pairs

import "strings"

// The bounds of what is taken from one text; the rest stays in its raw record.
const (
	maxPairs = 500
	maxKey   = 64
)

// Each calls put for each pair of s in order and returns what is left of s when
// the words that are no pair are taken together, at most as long as s. A value
// in double quotes may hold white space and has \" and \\ undone; one in single
// quotes may hold white space and pairs of its own.
func Each(s string, put func(key, value string)) (words string) {
	var rest strings.Builder
	for range maxPairs {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return rest.String()
		}
		key, value, after, ok := next(s)
		if !ok {
			end := strings.IndexAny(s, " \t")
			if end < 0 {
				end = len(s)
			}
			add(&rest, s[:end])
			s = s[end:]
			continue
		}
		put(key, value)
		s = after
	}
	add(&rest, s)
	return rest.String()
}

func add(b *strings.Builder, word string) {
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(word)
}

// next cuts the pair off that s begins with.
func next(s string) (key, value, after string, ok bool) {
	n := 0
	for n < len(s) && n <= maxKey && isKey(s[n]) {
		n++
	}
	if n == 0 || n > maxKey || n >= len(s) || s[n] != '=' {
		return "", "", s, false
	}
	key, s = s[:n], s[n+1:]
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if value, after, ok = quoted(s); ok {
			return key, value, after, true
		}
	}
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		end = len(s)
	}
	return key, s[:end], s[end:], true
}

func isKey(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// quoted cuts a quoted value off; ok is false if its end is not there.
func quoted(s string) (value, after string, ok bool) {
	mark := s[0]
	if mark == '\'' {
		value, after, ok = strings.Cut(s[1:], "'")
		return value, after, ok
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == mark:
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
