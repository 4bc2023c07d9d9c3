package capfile

import (
	"encoding/binary"
	"math"
	"math/bits"

	"vedette/internal/fault"
)

// The blocks of pcapng (draft-ietf-opsawg-pcapng, section 4) that matter here.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6

	orderMagic        = 0x1a2b3c4d
	orderMagicSwapped = 0x4d3c2b1a

	// maxInterfaces bounds what a section may declare.
	maxInterfaces = 4096
)

// ng reads the packets of a pcapng file.
type ng struct {
	*reader
	order binary.ByteOrder
	ifs   []iface
}

type iface struct {
	link    uint16
	snap    uint32
	perSec  uint64 // units of time in a second
	offset  int64  // seconds to add
	decimal uint64 // nanoseconds in a unit if that is a whole number, or 0
}

func (g *ng) next() ([]byte, int64, error) {
	for {
		at := g.pos
		kind, body, err := g.block()
		if err != nil {
			return nil, at, err
		}
		var raw []byte
		switch kind {
		case blockSection:
			g.ifs = g.ifs[:0]
		case blockInterface:
			err = g.addInterface(body)
		case blockEnhanced:
			raw, err = g.packet(body, false)
		case blockPacket:
			raw, err = g.packet(body, true)
		case blockSimple:
			raw, err = g.simple(body)
		}
		if raw != nil || err != nil {
			return raw, at, err
		}
	}
}

// block reads the next block and returns its body, which begins headerSize
// bytes into the buffer.
func (g *ng) block() (kind uint32, body []byte, err error) {
	h, err := g.peek(8)
	if err != nil {
		return 0, nil, err
	}
	if binary.BigEndian.Uint32(h) == blockSection {
		if h, err = g.peek(12); err != nil {
			return 0, nil, err
		}
		if g.order, err = sectionOrder(h[8:]); err != nil {
			return 0, nil, err
		}
	}
	kind = g.order.Uint32(h)
	size := g.order.Uint32(h[4:])
	if size < 12 || size%4 != 0 || size > maxBlock {
		return 0, nil, fault.New(fault.Invalid, "a block of %d bytes: the file is damaged here", size)
	}
	if err := g.skip(8); err != nil {
		return 0, nil, err
	}
	wanted := kind == blockInterface || kind == blockPacket || kind == blockSimple || kind == blockEnhanced
	if !wanted {
		return kind, nil, g.skip(int(size) - 8)
	}
	raw, err := g.fill(int(size) - 8)
	if err != nil {
		return 0, nil, err
	}
	return kind, raw[headerSize : len(raw)-4], nil
}

func sectionOrder(b []byte) (binary.ByteOrder, error) {
	switch binary.BigEndian.Uint32(b) {
	case orderMagic:
		return binary.BigEndian, nil
	case orderMagicSwapped:
		return binary.LittleEndian, nil
	}
	return nil, fault.New(fault.Invalid, "a section of unknown byte order: the file is damaged here")
}

func (g *ng) addInterface(b []byte) error {
	if len(b) < 8 {
		return fault.New(fault.Invalid, "an interface block of %d bytes: the file is damaged here", len(b))
	}
	if len(g.ifs) >= maxInterfaces {
		return fault.New(fault.Limited, "more than %d interfaces in a capture", maxInterfaces)
	}
	i := iface{link: g.order.Uint16(b), snap: g.order.Uint32(b[4:]), perSec: 1_000_000, decimal: 1000}
	g.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == 9 && len(v) == 1: // if_tsresol
			i.resolution(v[0])
		case code == 14 && len(v) == 8: // if_tsoffset
			i.offset = int64(g.order.Uint64(v)) //nolint:gosec // G115: a signed number by the format
		}
	})
	g.ifs = append(g.ifs, i)
	return nil
}

// options shows each option of a block.
func (g *ng) options(b []byte, show func(code uint16, v []byte)) {
	for len(b) >= 4 {
		code, n := g.order.Uint16(b), int(g.order.Uint16(b[2:]))
		padded := 4 + (n+3)&^3
		if code == 0 || 4+n > len(b) {
			return
		}
		show(code, b[4:4+n])
		b = b[min(padded, len(b)):]
	}
}

// resolution takes if_tsresol: a negative power of 10, or of 2 if the highest
// bit is set. What is finer than can be counted is taken for the default.
func (i *iface) resolution(v byte) {
	n := v & 0x7f
	switch {
	case v&0x80 != 0 && n < 64:
		i.perSec, i.decimal = 1<<n, 0
	case v&0x80 == 0 && n <= 19:
		i.perSec, i.decimal = 1, 0
		for range n {
			i.perSec *= 10
		}
		if n <= 9 {
			i.decimal = 1_000_000_000 / i.perSec
		}
	}
}

// nanos is a time stamp of the interface in nanoseconds since 1970, or 0 if it
// cannot be kept as such.
func (i *iface) nanos(t uint64) int64 {
	sec, rest := t/i.perSec, t%i.perSec
	frac := rest * i.decimal
	if i.decimal == 0 {
		hi, lo := bits.Mul64(rest, 1_000_000_000)
		frac, _ = bits.Div64(hi, lo, i.perSec) // rest < perSec, so hi < perSec
	}
	whole := int64(min(sec, math.MaxInt32*4)) + max(min(i.offset, math.MaxInt32), math.MinInt32)
	if sec > math.MaxInt32*4 || whole > math.MaxInt32*4 {
		return 0
	}
	return whole*1_000_000_000 + int64(frac) //nolint:gosec // G115: less than a second
}

// packet reads an enhanced packet block, or the obsolete packet block, which
// differs only in the width of the interface number. The record is made in
// place: its header overwrites the end of the block's own.
func (g *ng) packet(b []byte, obsolete bool) ([]byte, error) {
	if len(b) < 20 {
		return nil, fault.New(fault.Invalid, "a packet block of %d bytes: the file is damaged here", len(b))
	}
	id := g.order.Uint32(b)
	if obsolete {
		id = uint32(g.order.Uint16(b))
	}
	if int(id) >= len(g.ifs) {
		return nil, fault.New(fault.Invalid, "a packet of interface %d, which is not declared: the file is damaged here", id)
	}
	i := &g.ifs[id]
	t := uint64(g.order.Uint32(b[4:]))<<32 | uint64(g.order.Uint32(b[8:]))
	n, orig := g.order.Uint32(b[12:]), g.order.Uint32(b[16:])
	return g.record(20, n, i.nanos(t), i.link, orig, len(b))
}

// simple reads a simple packet block: of the first interface, without a time.
func (g *ng) simple(b []byte) ([]byte, error) {
	if len(b) < 4 || len(g.ifs) == 0 {
		return nil, fault.New(fault.Invalid, "a simple packet block that cannot be: the file is damaged here")
	}
	orig := g.order.Uint32(b)
	n := min(orig, uint32(len(b)-4)) //nolint:gosec // G115: bounded by maxBlock
	if snap := g.ifs[0].snap; snap != 0 {
		n = min(n, snap)
	}
	return g.record(4, n, 0, g.ifs[0].link, orig, len(b))
}

// record makes the record of a packet that begins skip bytes into the body.
func (g *ng) record(skip int, n uint32, ns int64, link uint16, orig uint32, body int) ([]byte, error) {
	if n > maxPacket || skip+int(n) > body {
		return nil, fault.New(fault.Invalid, "a packet of %d bytes in a block of %d: the file is damaged here", n, body)
	}
	raw := g.buf[skip : skip+headerSize+int(n)]
	put(raw, ns, link, orig)
	return raw, nil
}
