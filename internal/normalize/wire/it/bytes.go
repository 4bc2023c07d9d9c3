package it

import (
	"bytes"
	"math"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/wire/proto"
)

// cursor reads bytes in network order. Reading beyond the end gives zeros and
// sets short.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) num(n int) uint64 {
	v := uint64(0)
	for _, x := range c.take(n) {
		v = v<<8 | uint64(x)
	}
	return v
}

func (c *cursor) u8() int  { return int(c.num(1)) } //nolint:gosec // G115: one byte
func (c *cursor) u16() int { return int(c.num(2)) } //nolint:gosec // G115: two bytes
func (c *cursor) u24() int { return int(c.num(3)) } //nolint:gosec // G115: three bytes
func (c *cursor) u32() int { return int(c.num(4)) } //nolint:gosec // G115: four bytes

// counted reads bytes that are led by their length, itself of n bytes.
func (c *cursor) counted(n int) []byte {
	return c.take(int(c.num(n))) //nolint:gosec // G115: take refuses what is too long
}

// maxText is the longest text that is taken from a packet, in bytes.
const maxText = 1024

// text is what a device wrote, as valid printable text of bounded length.
func text(b []byte) string {
	b = bytes.TrimRight(b[:min(len(b), maxText)], "\x00 \r\n\t")
	clean := true
	for _, c := range b {
		clean = clean && c >= ' ' && c < 0x7f
	}
	if clean {
		return string(b)
	}
	const digits = "0123456789abcdef"
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1, r != '\n' && r != '\t' && !unicode.IsPrint(r):
			for _, c := range b[:n] {
				out.WriteString(`\x`)
				out.WriteByte(digits[c>>4])
				out.WriteByte(digits[c&15])
			}
		default:
			out.Write(b[:n])
		}
		b = b[n:]
	}
	return out.String()
}

// cutLine cuts the first line off, without its end. n is how many bytes it
// has with it; 0 means that there is no whole line.
func cutLine(b []byte) (line []byte, n int) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, 0
	}
	return bytes.TrimSuffix(b[:i], []byte("\r")), i + 1
}

// claim begins an event by which a device says what it is, or returns nil if
// the address is nobody's own.
func claim(out proto.Out, who netip.Addr, source string) *event.Event {
	if !who.IsValid() || who.IsMulticast() || who.IsUnspecified() || who == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return nil
	}
	e := out.New(event.DeviceInventoryInfo)
	e.SetActivityName("Collect")
	e.SetDeviceIP(who.Unmap().String())
	e.SetIdentitySource(source)
	return e
}

// banner emits the words that a device greets with.
func banner(out proto.Out, who netip.Addr, source string, words, raw []byte) {
	v := text(words)
	if v == "" {
		return
	}
	if e := claim(out, who, source); e != nil {
		e.SetIdentityBanner(v)
		out.Emit(e, raw)
	}
}

// addr is the address of a side.
func addr(f *proto.Flow, s proto.Side) netip.Addr {
	if s == proto.Client {
		return f.Client.Addr()
	}
	return f.Server.Addr()
}

// mask is a copy of b in which a secret is made unreadable.
func mask(b []byte, from, to int) []byte {
	c := bytes.Clone(b)
	for i := max(from, 0); i < min(to, len(c)); i++ {
		c[i] = '*'
	}
	return c
}

// maxLength is the longest body that a message may state; it leaves room to add
// a digit on machines of 32 bits too.
const maxLength = math.MaxInt / 16

// digits is a whole number from 0 to limit, written in ASCII.
func digits(b []byte, limit int) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' || n > limit {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0 && n <= limit
}

// notThis says that the bytes are of another protocol.
func notThis(why string) error { return fault.New(fault.Invalid, "%s", why) }
