package wire

import (
	"encoding/binary"
	"time"

	"vedette/internal/fault"
)

// packet is what the headers of the packet at hand say. Index 0 is the sender
// and 1 the receiver.
type packet struct {
	time   time.Time
	at     int64 // nanoseconds since 1970
	mac    [2][6]byte
	hasMAC [2]bool
	vlan   int

	family  uint8 // familyEther, familyIPv4 or familyIPv6
	addr    [2][16]byte
	proto   uint8
	port    [2]uint16
	payload []byte // as captured
	size    int    // of the payload on the wire
	whole   bool   // it was put together from fragments

	seq, ack uint32 // of TCP
	flags    uint8
}

const (
	familyEther uint8 = 2
	familyIPv4  uint8 = 4
	familyIPv6  uint8 = 6
)

var (
	errShortIP = fault.New(fault.Invalid, "a cut-off IP header")
	errBadIP   = fault.New(fault.Invalid, "an IP header that cannot be")
)

func (e *Engine) anyIP(b []byte) error {
	if len(b) == 0 {
		return errShortIP
	}
	switch b[0] >> 4 {
	case 4:
		return e.ipv4(b)
	case 6:
		return e.ipv6(b)
	}
	return errBadIP
}

// ipv4 reads a header of RFC 791.
func (e *Engine) ipv4(b []byte) error {
	if len(b) < 20 {
		return errShortIP
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if b[0]>>4 != 4 || head < 20 || total != 0 && total < head {
		return errBadIP
	}
	if head > len(b) {
		return errShortIP
	}
	if total == 0 { // the network card cut it up after it was captured
		total = len(b)
	}
	p := &e.pk
	p.family, p.proto = familyIPv4, b[9]
	copy(p.addr[0][:], b[12:16])
	copy(p.addr[1][:], b[16:20])
	p.payload, p.size = b[head:min(total, len(b))], total-head
	part := binary.BigEndian.Uint16(b[6:])
	if part&0x3fff == 0 {
		return e.transport()
	}
	id := uint32(binary.BigEndian.Uint16(b[4:]))
	return e.fragment(id, int(part&0x1fff)*8, part&0x2000 != 0)
}

// The extension headers of IPv6 (RFC 8200, section 4).
const (
	extHop      = 0
	extRouting  = 43
	extFragment = 44
	extAuth     = 51
	extOptions  = 60
	extMobility = 135
	maxExt      = 16
)

// ipv6 reads a header of RFC 8200 and the extension headers after it.
func (e *Engine) ipv6(b []byte) error {
	if len(b) < 40 {
		return errShortIP
	}
	if b[0]>>4 != 6 {
		return errBadIP
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size == 0 { // a jumbogram, or cut up by the network card
		size = len(b) - 40
	}
	p := &e.pk
	p.family = familyIPv6
	copy(p.addr[0][:], b[8:24])
	copy(p.addr[1][:], b[24:40])
	return e.extensions(b[6], b[40:min(len(b), 40+size)], size)
}

func (e *Engine) extensions(next uint8, b []byte, size int) error {
	for range maxExt {
		n := 0
		switch next {
		case extHop, extRouting, extOptions, extMobility:
			if len(b) < 8 {
				return errShortIP
			}
			n = 8 + int(b[1])*8
		case extAuth:
			if len(b) < 8 {
				return errShortIP
			}
			n = 8 + int(b[1])*4
		case extFragment:
			if len(b) < 8 {
				return errShortIP
			}
			part := binary.BigEndian.Uint16(b[2:])
			e.pk.proto, e.pk.payload, e.pk.size = b[0], b[8:], size-8
			if part&^6 == 0 { // in one piece (RFC 6946)
				n = 8
				break
			}
			if e.pk.whole { // fragments inside of fragments
				return errBadIP
			}
			return e.fragment(binary.BigEndian.Uint32(b[4:]), int(part&^7), part&1 != 0)
		default:
			e.pk.proto, e.pk.payload, e.pk.size = next, b, size
			return e.transport()
		}
		if n > len(b) {
			return errShortIP
		}
		next, b, size = b[0], b[n:], size-n
	}
	return errBadIP
}
