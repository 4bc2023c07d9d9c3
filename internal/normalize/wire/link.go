package wire

import (
	"encoding/binary"
	"fmt"

	"vedette/internal/fault"
)

// Link types, https://www.tcpdump.org/linktypes.html.
const (
	linkNull     = 0
	linkEthernet = 1
	linkRawBSD   = 12
	linkRawOpen  = 14
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// linkNames are the link types that people bring and that are not decoded.
var linkNames = map[uint16]string{
	9: "PPP", 50: "PPP", 105: "Wi-Fi", 119: "Wi-Fi", 127: "Wi-Fi", 147: "of private use", 148: "of private use", 149: "of private use",
	187: "Bluetooth", 201: "Bluetooth", 195: "IEEE 802.15.4 (Zigbee)", 215: "IEEE 802.15.4 (Zigbee)", 230: "IEEE 802.15.4 (Zigbee)",
	283: "IEEE 802.15.4 (Zigbee)", 189: "USB", 220: "USB", 249: "USB", 227: "CAN", 251: "Bluetooth", 256: "Bluetooth", 272: "Bluetooth",
}

// EtherTypes, the numbers of IEEE 802.
const (
	etherIPv4  = 0x0800
	etherARP   = 0x0806
	etherVLAN  = 0x8100
	etherIPv6  = 0x86dd
	etherMPLS  = 0x8847
	etherPPPoE = 0x8864
	etherQinQ  = 0x88a8
	etherQOld  = 0x9100
)

// maxTags bounds how many VLAN tags and labels lie around a packet.
const maxTags = 8

var errShortLink = fault.New(fault.Invalid, "a packet shorter than its link header")

// link reads the header of the link and goes on to what it carries.
func (e *Engine) link(link uint16, b []byte) error {
	switch link {
	case linkEthernet:
		return e.ethernet(b)
	case linkRaw, linkRawBSD, linkRawOpen, linkIPv4, linkIPv6:
		return e.anyIP(b)
	case linkNull, linkLoop: // a protocol family of 4 bytes, in either byte order; the packet tells as well
		if len(b) < 4 {
			return errShortLink
		}
		return e.anyIP(b[4:])
	case linkSLL:
		if len(b) < 16 {
			return errShortLink
		}
		return e.cooked(b[4:], b[6:12], binary.BigEndian.Uint16(b[14:]), b[16:])
	case linkSLL2:
		if len(b) < 20 {
			return errShortLink
		}
		return e.cooked(b[10:], b[12:18], binary.BigEndian.Uint16(b), b[20:])
	}
	if name := linkNames[link]; name != "" {
		return fault.New(fault.Invalid, "packets of link type %d, %s, are not decoded", link, name)
	}
	return fault.New(fault.Invalid, "packets of link type %d are not decoded", link)
}

// cooked is Linux's header where there is none: it has the sender's address.
func (e *Engine) cooked(length, addr []byte, ether uint16, b []byte) error {
	if length[1] == 6 && length[0] == 0 {
		copy(e.pk.mac[0][:], addr)
		e.pk.hasMAC[0] = e.pk.mac[0] != [6]byte{}
	}
	return e.carried(ether, b)
}

func (e *Engine) ethernet(b []byte) error {
	if len(b) < 14 {
		return errShortLink
	}
	copy(e.pk.mac[1][:], b)
	copy(e.pk.mac[0][:], b[6:])
	e.pk.hasMAC = [2]bool{e.pk.mac[0] != [6]byte{}, e.pk.mac[1] != [6]byte{}}
	return e.carried(binary.BigEndian.Uint16(b[12:]), b[14:])
}

// carried takes off the tags around a packet and goes on by its EtherType.
func (e *Engine) carried(ether uint16, b []byte) error {
	for range maxTags {
		switch ether {
		case etherVLAN, etherQinQ, etherQOld:
			if len(b) < 4 {
				return errShortLink
			}
			if id := binary.BigEndian.Uint16(b) & 0xfff; id != 0 {
				e.pk.vlan = int(id) // the inner one is the customer's
			}
			ether, b = binary.BigEndian.Uint16(b[2:]), b[4:]
			continue
		case etherMPLS:
			return e.mpls(b)
		case etherPPPoE:
			if len(b) < 8 {
				return errShortLink
			}
			if p := binary.BigEndian.Uint16(b[6:]); p != 0x21 && p != 0x57 { // neither IPv4 nor IPv6: the link's own affairs
				return nil
			}
			return e.anyIP(b[8:])
		case etherIPv4:
			return e.ipv4(b)
		case etherIPv6:
			return e.ipv6(b)
		case etherARP:
			return e.arp(b)
		}
		if ether >= 0x600 {
			return e.frame(ether, b)
		}
		inner, rest, ok := snap(ether, b)
		if !ok {
			return nil // spanning tree and its like: passed over
		}
		ether, b = inner, rest
	}
	return fault.New(fault.Limited, "more than %d tags around a packet", maxTags)
}

// snap finds the EtherType of an IEEE 802.3 frame, whose header has its length
// in that place: only LLC with SNAP and no vendor has one (RFC 1042).
func snap(length uint16, b []byte) (ether uint16, rest []byte, ok bool) {
	if len(b) > int(length) {
		b = b[:length]
	}
	if len(b) < 8 || b[0] != 0xaa || b[1] != 0xaa || b[2] != 3 || b[3]|b[4]|b[5] != 0 {
		return 0, nil, false
	}
	ether = binary.BigEndian.Uint16(b[6:])
	return ether, b[8:], ether >= 0x600
}

// mpls takes off labels to the bottom of the stack (RFC 3032); what lies below
// is taken for IP, or passed over.
func (e *Engine) mpls(b []byte) error {
	for range maxTags {
		if len(b) < 4 {
			return errShortLink
		}
		bottom := b[2]&1 != 0
		if b = b[4:]; bottom {
			if len(b) > 0 && (b[0]>>4 == 4 || b[0]>>4 == 6) {
				return e.anyIP(b)
			}
			return nil
		}
	}
	return nil
}

// etherNames are words for frames that no decoder takes.
var etherNames = map[uint16]string{
	0x0842: "wake-on-lan", 0x8035: "rarp", 0x8809: "lacp", 0x888e: "eapol", 0x8892: "profinet", 0x88a4: "ethercat", 0x88ab: "powerlink",
	0x88b8: "goose", 0x88ba: "sv", 0x88cc: "lldp", 0x88cd: "sercos", 0x88e1: "homeplug", 0x88e3: "mrp", 0x88f7: "ptp", 0x8902: "cfm",
	0x9000: "loopback", 0x8863: "pppoe-discovery", 0x8899: "realtek", 0x890d: "802.11r", 0x893a: "ieee1905", 0x88e5: "macsec",
}

// etherName is a word for an EtherType.
func etherName(ether uint16) string {
	if name := etherNames[ether]; name != "" {
		return name
	}
	return fmt.Sprintf("ethertype 0x%04x", ether)
}
