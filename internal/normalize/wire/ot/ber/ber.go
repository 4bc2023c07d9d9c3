// Package ber reads the basic encoding rules of ASN.1 (X.690) as protocols of
// substations use them. It bounds depth and count, and knows no protocol.
package ber

import (
	"encoding/binary"
	"math"
	"strconv"

	"vedette/internal/normalize/wire/ot/ics"
)

// Item is one element: its tag and contents.
type Item struct {
	Tag         int // number, without class
	Class       int // 0 universal, 1 application, 2 context, 3 private
	Constructed bool
	Body        []byte
}

// Is reports whether the element has the context tag n.
func (i Item) Is(n int) bool { return i.Class == 2 && i.Tag == n }

// Next takes the next element from b. ok is false at the end, or where the
// bytes are no element.
func Next(b []byte) (item Item, rest []byte, ok bool) {
	r := ics.NewReader(b)
	first := r.U8()
	item = Item{Tag: first & 0x1f, Class: first >> 6, Constructed: first&0x20 != 0}
	if item.Tag == 0x1f { // of several bytes: two are enough for any that is in use
		item.Tag = 0
		for range 2 {
			c := r.U8()
			item.Tag = item.Tag<<7 | c&0x7f
			if c&0x80 == 0 {
				break
			}
		}
	}
	n := r.U8()
	if n > 0x80 {
		size := n & 0x7f
		if size > 4 {
			return item, nil, false
		}
		n = 0
		for range size {
			n = n<<8 | r.U8()
		}
	} else if n == 0x80 {
		n = r.Len() // of no stated length: to the end of what is around it
	}
	item.Body = r.Bytes(n)
	return item, r.Peek(), r.OK()
}

// Find returns the first element of b with the context tag n.
func Find(b []byte, n int) (Item, bool) {
	for {
		item, rest, ok := Next(b)
		if !ok || item.Is(n) {
			return item, ok
		}
		b = rest
	}
}

const (
	maxDepth = 12
	maxItems = 1024
)

// Walk calls visit for each element of b that holds no others, in order.
func Walk(b []byte, visit func(Item)) {
	left := maxItems
	walk(b, visit, 0, &left)
}

func walk(b []byte, visit func(Item), depth int, left *int) {
	for len(b) > 0 && *left > 0 {
		item, rest, ok := Next(b)
		if !ok {
			return
		}
		*left--
		if item.Constructed && depth < maxDepth {
			walk(item.Body, visit, depth+1, left)
		} else if !item.Constructed {
			visit(item)
		}
		b = rest
	}
}

// Int reads a number with a sign; of more than 8 bytes the last.
func (i Item) Int() int {
	v := 0
	for n, c := range i.Body[max(0, len(i.Body)-8):] {
		if n == 0 && c&0x80 != 0 {
			v = -1
		}
		v = v<<8 | int(c)
	}
	return v
}

// Uint reads a number without a sign that fits 63 bits.
func (i Item) Uint() int {
	v := 0
	for _, c := range i.Body[max(0, len(i.Body)-8):] {
		v = v<<8&math.MaxInt | int(c)
	}
	return v
}

// Float reads a floating point number of ISO 9506: the width of the exponent
// and an IEEE 754 number.
func (i Item) Float() string {
	switch len(i.Body) {
	case 5:
		return strconv.FormatFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(i.Body[1:]))), 'g', -1, 32)
	case 9:
		return strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(i.Body[1:])), 'g', -1, 64)
	}
	return ics.Hex(i.Body)
}

// Data returns a value of the type Data (ISO 9506-2, and IEC 61850-8-1 alike)
// as text.
func (i Item) Data() string {
	if i.Class != 2 {
		return ics.Hex(i.Body)
	}
	switch i.Tag {
	case 3:
		return strconv.FormatBool(i.Int() != 0)
	case 5:
		return strconv.Itoa(i.Int())
	case 6:
		return strconv.Itoa(i.Uint())
	case 7:
		return i.Float()
	case 10, 16:
		return ics.Text(i.Body)
	}
	return ics.Hex(i.Body)
}
