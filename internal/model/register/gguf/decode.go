package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"vedette/internal/fault"
)

// The kinds of values.
const (
	kindU8 uint32 = iota
	kindI8
	kindU16
	kindI16
	kindU32
	kindI32
	kindF32
	kindBool
	kindString
	kindArray
	kindU64
	kindI64
	kindF64
)

// width is how many bytes a value of a kind has; 0 for those without a fixed
// width.
func width(kind uint32) int {
	switch kind {
	case kindU8, kindI8, kindBool:
		return 1
	case kindU16, kindI16:
		return 2
	case kindU32, kindI32, kindF32:
		return 4
	case kindU64, kindI64, kindF64:
		return 8
	}
	return 0
}

// value is one value of the header. Of arrays only those that are needed are
// kept.
type value struct {
	kind    uint32
	number  uint64 // of integers that are not negative
	signed  bool   // the number was negative
	text    string
	texts   []string // of the array of tokens
	numbers []uint64 // of the array of types of tokens
}

type pairs map[string]value

func (p pairs) text(key string) string { return p[key].text }

// number returns a whole number that is not negative.
func (p pairs) number(key string) (uint64, bool) {
	v, ok := p[key]
	switch v.kind {
	case kindU8, kindI8, kindU16, kindI16, kindU32, kindI32, kindU64, kindI64:
		return v.number, ok && !v.signed
	}
	return 0, false
}

// decoder reads on until something is wrong; the first fault stays.
type decoder struct {
	in    *bufio.Reader
	order binary.ByteOrder
	size  int64 // of the file
	at    int64 // bytes read
	err   error
	buf   [8]byte
}

func (d *decoder) refuse(format string, args ...any) {
	if d.err == nil {
		d.err = refuse(format, args...)
	}
}

// bytes reads n bytes. They are good until the next call if n is at most 8.
func (d *decoder) bytes(n int) []byte {
	if d.err != nil {
		return nil
	}
	if d.at+int64(n) > min(d.size, MaxHeader) {
		d.short()
		return nil
	}
	out := d.buf[:min(n, 8)]
	if n > 8 {
		out = make([]byte, n)
	}
	if _, err := io.ReadFull(d.in, out); err != nil {
		d.broken(err)
		return nil
	}
	d.at += int64(n)
	return out
}

func (d *decoder) skip(n int64) {
	if d.err != nil {
		return
	}
	if n < 0 || n > min(d.size, MaxHeader)-d.at {
		d.short()
		return
	}
	if _, err := d.in.Discard(int(n)); err != nil {
		d.broken(err)
		return
	}
	d.at += n
}

func (d *decoder) short() {
	if d.size >= MaxHeader {
		d.refuse("the header is longer than %d MiB", MaxHeader>>20)
		return
	}
	d.refuse("the file ends at byte %d within the header", d.size)
}

func (d *decoder) broken(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		d.refuse("the file ends within the header")
		return
	}
	if d.err == nil {
		d.err = fault.Wrap(fault.Unavailable, err, "reading a GGUF header")
	}
}

func (d *decoder) u32() uint32 {
	if b := d.bytes(4); b != nil {
		return d.order.Uint32(b)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.bytes(8); b != nil {
		return d.order.Uint64(b)
	}
	return 0
}

// string reads a text. What is not UTF-8 is kept as it is where bytes is true:
// tokens may be pieces of characters.
func (d *decoder) string(what string, bytes bool) string {
	n := d.u64()
	if n > MaxString {
		d.refuse("%s has %d bytes, the limit is %d", what, n, MaxString)
		return ""
	}
	raw := d.bytes(int(n))
	if !bytes && !utf8.Valid(raw) {
		d.refuse("%s is not UTF-8", what)
	}
	return string(raw)
}

func (d *decoder) pairs(n uint64) pairs {
	out := make(pairs, min(n, 256))
	for range n {
		key := d.string("a key", false)
		if d.err != nil {
			return nil
		}
		if _, double := out[key]; double {
			d.refuse("a key is there twice")
			return nil
		}
		out[key] = d.value(key)
	}
	return out
}

func (d *decoder) value(key string) value {
	v := value{kind: d.u32()}
	switch v.kind {
	case kindString:
		v.text = d.string("a text", strings.HasPrefix(key, "tokenizer.") && key != templateKey)
	case kindArray:
		d.array(key, &v)
	default:
		v.number, v.signed = d.scalar(v.kind)
	}
	return v
}

// scalar reads a value of fixed width. A number with a fraction has none here.
func (d *decoder) scalar(kind uint32) (number uint64, signed bool) {
	n := width(kind)
	if n == 0 {
		d.refuse("a value is of the unknown kind %d", kind)
		return 0, false
	}
	b := d.bytes(n)
	if b == nil {
		return 0, false
	}
	switch n {
	case 1:
		number = uint64(b[0])
	case 2:
		number = uint64(d.order.Uint16(b))
	case 4:
		number = uint64(d.order.Uint32(b))
	default:
		number = d.order.Uint64(b)
	}
	switch kind {
	case kindI8, kindI16, kindI32, kindI64:
		signed = number>>(8*n-1)&1 == 1
	case kindBool:
		if number > 1 {
			d.refuse("a truth value is %d", number)
		}
	}
	return number, signed
}

// array reads an array and keeps it if it is one of the two that are needed.
func (d *decoder) array(key string, v *value) {
	kind, n := d.u32(), d.u64()
	switch {
	case d.err != nil:
		return
	case n > MaxArray:
		d.refuse("an array has %d elements, the limit is %d", n, MaxArray)
	case kind == kindArray:
		d.refuse("an array of arrays is not read")
	case kind == kindString:
		keep := key == "tokenizer.ggml.tokens"
		for range n {
			if d.err != nil {
				return
			}
			if text := d.string("a text of an array", true); keep {
				v.texts = append(v.texts, text)
			}
		}
	case width(kind) == 0:
		d.refuse("an array is of the unknown kind %d", kind)
	case key == "tokenizer.ggml.token_type":
		v.numbers = make([]uint64, 0, min(n, 4096))
		for range n {
			if d.err != nil {
				return
			}
			number, _ := d.scalar(kind)
			v.numbers = append(v.numbers, number)
		}
	default:
		d.skip(int64(n) * int64(width(kind)))
	}
}
