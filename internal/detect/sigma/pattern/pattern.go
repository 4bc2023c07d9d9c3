// Package pattern compares texts as Sigma does: without regard to case, with
// wildcards, and by the literals that a regular expression needs.
//
// It must not know rules or events.
package pattern

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// AppendFold appends s so that texts that differ only in case become equal:
// each character becomes the one that stands for all it folds with (Unicode
// simple folding, as regular expressions with (?i) have it). Bytes that are no
// UTF-8 stay as they are.
func AppendFold[T string | []byte](dst []byte, s T) []byte {
	for len(s) >= 8 {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		if w&highBits != 0 {
			break
		}
		// Eight letters at once: the high bit of each byte says whether it is
		// from A on, and whether it is beyond Z.
		upper := (w + ones*(0x80-'A')) &^ (w + ones*(0x7f-'Z')) & highBits
		dst = binary.LittleEndian.AppendUint64(dst, w|upper>>2)
		s = s[8:]
	}
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := decodeRune(s, i)
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += n
	}
	return dst
}

// decodeRune is the character at a place of a text.
func decodeRune[T string | []byte](text T, at int) (rune, int) {
	var buf [utf8.UTFMax]byte
	return utf8.DecodeRune(buf[:copy(buf[:], text[at:])])
}

const (
	ones     = 0x0101010101010101
	highBits = 0x8080808080808080
)

func foldRune(r rune) rune {
	least := r
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		least = min(least, x)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

// Fold is [AppendFold] as a text.
func Fold(s string) string { return string(AppendFold(nil, s)) }
