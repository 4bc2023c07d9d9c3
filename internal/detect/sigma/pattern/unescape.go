package pattern

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUnescaped appends JSON with the escapes in its strings undone. What is
// no escape of JSON stays as it is.
func AppendUnescaped(dst []byte, s string) []byte {
	for {
		at := strings.IndexByte(s, '\\')
		if at < 0 || at+1 == len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:at]...)
		s = s[at:]
		n := 2
		switch s[1] {
		case '"', '\\', '/':
			dst = append(dst, s[1])
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			if r, n = unicodeEscape(s); n == 0 {
				n = 2
				dst = append(dst, s[:2]...)
			} else {
				dst = utf8.AppendRune(dst, r)
			}
		default:
			dst = append(dst, s[:2]...)
		}
		s = s[n:]
	}
}

// unicodeEscape reads \uXXXX, or two of them for a character beyond the first
// 65 536. The length is 0 if it is none.
func unicodeEscape(s string) (rune, int) {
	unit := func(s string) (rune, bool) {
		if len(s) < 6 || s[0] != '\\' || s[1] != 'u' || strings.Trim(s[2:6], "0123456789abcdefABCDEF") != "" {
			return 0, false
		}
		n, err := strconv.ParseUint(s[2:6], 16, 16)
		return rune(n), err == nil
	}
	first, ok := unit(s)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(first) {
		if second, ok := unit(s[6:]); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, 12
			}
		}
		return utf8.RuneError, 6
	}
	return first, 6
}
