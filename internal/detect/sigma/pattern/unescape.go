package pattern

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// IsPlain reports whether the letters, digits and signs of ASCII that a record
// has stand in it as they are, but for case and escapes of two characters: none
// is written as \uXXXX, and no other character folds to one. If in doubt it is
// false.
func IsPlain(s string) bool {
	whole := s
	var all uint64
	for ; len(s) >= 16; s = s[14:] {
		a := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		b := uint64(s[7]) | uint64(s[8])<<8 | uint64(s[9])<<16 | uint64(s[10])<<24 |
			uint64(s[11])<<32 | uint64(s[12])<<40 | uint64(s[13])<<48 | uint64(s[14])<<56
		all |= a | b
		// A byte is 0 where a backslash and a u stand one after the other.
		a = (a ^ ones*'\\') | (a>>8 ^ ones*'u')
		b = (b ^ ones*'\\') | (b>>8 ^ ones*'u')
		if ((a-ones)&^a|(b-ones)&^b)&highBits != 0 {
			return false
		}
	}
	for i := range len(s) {
		if all |= uint64(s[i]); s[i] == '\\' && i+1 < len(s) && s[i+1] == 'u' {
			return false
		}
	}
	return all&highBits == 0 || !strings.Contains(whole, "\u017f") && !strings.Contains(whole, "\u212a") // long s, Kelvin
}

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
