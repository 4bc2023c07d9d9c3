package jsonleaf

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scalar reads a text, number, true, false or null that begins with c, which
// is the next byte.
func (s *Scanner) scalar(c byte) (string, error) {
	switch {
	case c == '"':
		return s.text()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.word("true", "true")
	case c == 'f':
		return s.word("false", "false")
	case c == 'n':
		return s.word("null", "")
	}
	return "", s.wrong()
}

// word reads a word that means v.
func (s *Scanner) word(word, v string) (string, error) {
	if strings.HasPrefix(s.in[s.at:], word) {
		s.at += len(word)
		return v, nil
	}
	for i := 0; s.at < len(s.in) && s.in[s.at] == word[i]; i++ {
		s.at++
	}
	return "", s.wrong()
}

func (s *Scanner) number() (string, error) {
	start := s.at
	if s.in[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.in) && s.in[s.at] == '0' {
		s.at++
	} else if !s.digits() {
		return "", s.wrong()
	}
	if s.at < len(s.in) && s.in[s.at] == '.' {
		s.at++
		if !s.digits() {
			return "", s.wrong()
		}
	}
	if s.at < len(s.in) && s.in[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.in) && (s.in[s.at] == '+' || s.in[s.at] == '-') {
			s.at++
		}
		if !s.digits() {
			return "", s.wrong()
		}
	}
	return s.in[start:s.at], nil
}

// digits passes over digits and tells whether there were any.
func (s *Scanner) digits() bool {
	start := s.at
	for s.at < len(s.in) && s.in[s.at] >= '0' && s.in[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

// ends has the bytes that no text goes on over as it is: quote, backslash and
// the control characters.
var ends = func() (t [256]bool) {
	for c := range ' ' {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// text reads a text in quotes. Only one with escapes or with bytes that are no
// UTF-8 is written anew, any other is a piece of the record.
func (s *Scanner) text() (string, error) {
	s.at++
	start, i := s.at, s.at
	for i < len(s.in) && !ends[s.in[i]] {
		i++
	}
	if s.at = i; i >= len(s.in) || s.in[i] < ' ' {
		return "", s.wrong()
	}
	if s.in[i] == '"' {
		s.at++
		if s.valid || utf8.ValidString(s.in[start:i]) {
			return s.in[start:i], nil
		}
		s.tmp = appendValid(s.tmp[:0], s.in[start:i])
		return s.texts.Keep(s.tmp), nil
	}
	s.tmp = appendValid(s.tmp[:0], s.in[start:i])
	return s.unescaped()
}

// unescaped reads on at the first backslash of a text whose beginning is in
// tmp.
func (s *Scanner) unescaped() (string, error) {
	for s.at < len(s.in) {
		switch c := s.in[s.at]; {
		case c == '"':
			s.at++
			return s.texts.Keep(s.tmp), nil
		case c < ' ':
			return "", s.wrong()
		case c == '\\':
			s.at++
			if !s.escape() {
				return "", s.wrong()
			}
		default:
			start := s.at
			for s.at < len(s.in) && s.in[s.at] != '"' && s.in[s.at] != '\\' && s.in[s.at] >= ' ' {
				s.at++
			}
			s.tmp = appendValid(s.tmp, s.in[start:s.at])
		}
	}
	return "", s.wrong()
}

// escape undoes one escape, behind its backslash, and tells whether it is one.
func (s *Scanner) escape() bool {
	if s.at >= len(s.in) {
		return false
	}
	c := s.in[s.at]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		s.at++
		return s.codePoint()
	default:
		return false
	}
	s.at++
	s.tmp = append(s.tmp, c)
	return true
}

// codePoint undoes \uXXXX, behind the u, and a second one that makes a pair
// with it. Half a pair becomes U+FFFD, as in encoding/json.
func (s *Scanner) codePoint() bool {
	r, ok := s.hex4()
	if !ok {
		return false
	}
	if utf16.IsSurrogate(r) {
		after := s.at
		low := rune(0)
		if strings.HasPrefix(s.in[after:], `\u`) {
			s.at += 2
			low, _ = s.hex4() // if it is none, the next escape says so
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			s.at = after
		}
	}
	s.tmp = utf8.AppendRune(s.tmp, r)
	return true
}

// hex4 reads four hexadecimal digits, and stops at what is none.
func (s *Scanner) hex4() (rune, bool) {
	var r rune
	for range 4 {
		if s.at >= len(s.in) {
			return 0, false
		}
		c := s.in[s.at]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
		s.at++
	}
	return r, true
}

// appendValid appends v with each byte that is no UTF-8 as U+FFFD.
func appendValid(b []byte, v string) []byte {
	for len(v) > 0 {
		r, n := utf8.DecodeRuneInString(v)
		b = utf8.AppendRune(b, r)
		v = v[n:]
	}
	return b
}

const maxIdleBuffer = 1 << 20 // more is not kept for the next record
