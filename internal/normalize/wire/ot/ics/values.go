package ics

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MaxValues is how many values of one message are kept.
const MaxValues = 64

// List collects values of a message, at most MaxValues of them. The zero value
// is empty.
type List struct {
	sb   strings.Builder
	n    int
	more bool
}

// Add adds a value.
func (l *List) Add(v string) {
	if l.Full() {
		l.more = true
		return
	}
	if l.n > 0 {
		l.sb.WriteByte(',')
	}
	l.sb.WriteString(v)
	l.n++
}

// Int adds a number.
func (l *List) Int(v int) { l.Add(strconv.Itoa(v)) }

// Full reports that no more is kept.
func (l *List) Full() bool { return l.n >= MaxValues || l.sb.Len() > 4096 }

// Len is how many values are kept.
func (l *List) Len() int { return l.n }

// String returns the values with commas between, and dots where some were left
// off.
func (l *List) String() string {
	if l.more {
		return l.sb.String() + ",..."
	}
	return l.sb.String()
}

// Words returns b as 16-bit numbers, the high byte first.
func Words(b []byte) string {
	var l List
	for ; len(b) >= 2; b = b[2:] {
		l.Int(int(b[0])<<8 | int(b[1]))
	}
	return l.String()
}

// Bits returns the first n bits of b, the lowest of each byte first.
func Bits(b []byte, n int) string {
	var l List
	for i := 0; i < n && i/8 < len(b); i++ {
		l.Int(int(b[i/8]>>(i%8)) & 1)
	}
	return l.String()
}

// hexSize is room for what [appendHex] appends.
const hexSize = 2*MaxValues + len("...")

// Hex returns the beginning of b as hexadecimal digits.
func Hex(b []byte) string {
	var text [hexSize]byte
	return string(appendHex(text[:0], b))
}

// HexCode returns the beginning of b as hexadecimal digits behind 0x.
func HexCode(b []byte) string {
	var text [len("0x") + hexSize]byte
	return string(appendHex(append(text[:0], "0x"...), b))
}

func appendHex(text, b []byte) []byte {
	if len(b) > MaxValues {
		return append(hex.AppendEncode(text, b[:MaxValues]), "..."...)
	}
	return hex.AppendEncode(text, b)
}

// Code returns a number as ICSNPP writes codes: 0x and at least digits
// hexadecimal ones.
func Code(v, digits int) string {
	const width = len("0x00")
	if v >= 0 && v <= math.MaxUint8 && digits == 2 {
		return bytesAsCodes[v*width : (v+1)*width]
	}
	var number [20]byte
	s := strconv.AppendInt(number[:0], int64(v), 16)
	var text [40]byte
	out := append(text[:0], "0x"...)
	for range digits - len(s) {
		out = append(out, '0')
	}
	return string(append(out, s...))
}

// bytesAsCodes are the codes of all bytes, one behind the other: most codes are
// a piece of it and cost no memory.
var bytesAsCodes = func() string {
	var b []byte
	for v := range math.MaxUint8 + 1 {
		b = fmt.Appendf(b, "0x%02x", v)
	}
	return string(b)
}()

// Flag writes a truth as Zeek does.
func Flag(v bool) string {
	if v {
		return "T"
	}
	return "F"
}
