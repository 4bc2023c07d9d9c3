package ics

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reader reads a message from its beginning. Once it has run short it stays
// so: everything read afterwards is zero or empty, and OK is false. The zero
// value reads nothing.
type Reader struct {
	b     []byte
	short bool
}

// NewReader returns a reader of b.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// OK reports that all that was asked for was there.
func (r *Reader) OK() bool { return !r.short }

// Len is how many bytes are left.
func (r *Reader) Len() int { return len(r.b) }

// Rest returns what is left, and takes it.
func (r *Reader) Rest() []byte { return r.Bytes(len(r.b)) }

// Peek returns what is left without taking it.
func (r *Reader) Peek() []byte { return r.b }

// Bytes takes n bytes. They belong to the message.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > len(r.b) || r.short {
		r.short, r.b = true, nil
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// Skip passes over n bytes.
func (r *Reader) Skip(n int) { r.Bytes(n) }

// Sub returns a reader of the next n bytes, and takes them.
func (r *Reader) Sub(n int) *Reader {
	b := r.Bytes(n)
	return &Reader{b: b, short: r.short}
}

// U8 takes one byte.
func (r *Reader) U8() int {
	if b := r.Bytes(1); b != nil {
		return int(b[0])
	}
	return 0
}

// BE16 takes two bytes, the high one first.
func (r *Reader) BE16() int {
	if b := r.Bytes(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

// BE32 takes four bytes, the high one first.
func (r *Reader) BE32() int {
	if b := r.Bytes(4); b != nil {
		return int(binary.BigEndian.Uint32(b))
	}
	return 0
}

// LE16 takes two bytes, the low one first.
func (r *Reader) LE16() int {
	if b := r.Bytes(2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

// LE24 takes three bytes, the low one first.
func (r *Reader) LE24() int {
	if b := r.Bytes(3); b != nil {
		return int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	}
	return 0
}

// LE32 takes four bytes, the low one first.
func (r *Reader) LE32() int {
	if b := r.Bytes(4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// LE64 takes eight bytes, the low one first.
func (r *Reader) LE64() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// BE64 takes eight bytes, the high one first.
func (r *Reader) BE64() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// MaxText is how many bytes of one text are kept.
const MaxText = 256

// Text makes readable text of bytes that a device says are text: up to the
// first NUL, without control characters, Latin-1 where it is not UTF-8, at
// most MaxText bytes.
func Text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if len(b) > MaxText {
		b = b[:MaxText]
	}
	if plain(b) {
		return strings.TrimSpace(string(b))
	}
	var sb strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			r, n = rune(b[0]), 1
		}
		b = b[n:]
		if unicode.IsControl(r) || r == '\uFEFF' {
			r = ' '
		}
		sb.WriteRune(r)
	}
	return strings.TrimSpace(sb.String())
}

// plain reports whether b is text that Text leaves as it is, but for the space
// around it.
func plain(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// Printable reports whether b is ASCII text without control characters.
func Printable(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
