package neutral

import (
	"strings"
	"unicode"
)

// strip removes what a person does not see. A line end stays one, a tab
// becomes a space.
func strip(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t', r == '\v', r == '\f':
			return ' '
		case r == 0x2028, r == 0x2029, r == 0x85:
			return '\n'
		case Unseen(r):
			return -1
		}
		return r
	}, text)
}

// Unseen reports whether a character has no look of its own: controls, marks
// of direction, of no width and of language, variation selectors, fillers,
// private use and what is no character.
func Unseen(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7F && r < 0xA0:
		return true
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Cs, r):
		return true
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0000 && r <= 0xE0FFF, r >= 0x180B && r <= 0x180F:
		return true
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFFA0, r == 0x2800:
		return true
	}
	return r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE || r >= 0xFFF0 && r <= 0xFFF8
}
