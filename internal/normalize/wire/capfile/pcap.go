package capfile

import (
	"encoding/binary"

	"vedette/internal/fault"
)

// flavour is how a pcap file writes numbers and times (draft-ietf-opsawg-pcap).
type flavour struct {
	order binary.ByteOrder
	unit  int64 // nanoseconds in a unit of the fraction
	head  int   // bytes before each packet: 24 in the variant of A. Kuznetsov
}

const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34
)

func pcapFlavour(head []byte) (flavour, bool) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(head) {
		case magicMicro:
			return flavour{order, 1000, 16}, true
		case magicNano:
			return flavour{order, 1, 16}, true
		case magicModified:
			return flavour{order, 1000, 24}, true
		}
	}
	return flavour{}, false
}

// classic reads the packets of a pcap file.
type classic struct {
	*reader
	flavour
	link uint16
}

func (c *classic) next() ([]byte, int64, error) {
	at := c.pos
	h, err := c.peek(c.head)
	if err != nil {
		return nil, at, err
	}
	sec, frac := c.order.Uint32(h), c.order.Uint32(h[4:])
	n, orig := c.order.Uint32(h[8:]), c.order.Uint32(h[12:])
	if n > maxPacket {
		return nil, at, fault.New(fault.Invalid, "a packet of %d bytes: the file is damaged here", n)
	}
	if err := c.skip(c.head); err != nil {
		return nil, at, err
	}
	raw, err := c.fill(int(n))
	if err != nil {
		return nil, at, err
	}
	put(raw, int64(sec)*1e9+int64(frac)*c.unit, c.link, orig)
	return raw, at, nil
}
