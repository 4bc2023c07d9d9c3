package pcapfilter

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
)

// way is which end of a packet is meant.
type way int

const (
	either way = iota
	source
	target
	both
)

// of puts the conditions for the two ends together.
func (w way) of(src, dst cond) cond {
	switch w {
	case source:
		return src
	case target:
		return dst
	case both:
		return allOf(src, dst)
	case either:
	}
	return anyOf(src, dst)
}

// The numbers of protocols that have a word, and which versions of IP carry them.
func numberOf(word string) (n uint32, four, six bool) {
	switch word {
	case "tcp":
		return 6, true, true
	case "udp":
		return 17, true, true
	case "sctp":
		return 132, true, true
	case "icmp":
		return 1, true, false
	case "igmp":
		return 2, true, false
	case "icmp6":
		return 58, false, true
	}
	return 0, false, false
}

// carried is whether IP carries a protocol; in version 6 right behind the header, or
// behind that of a fragment.
func carried(n uint32, four, six bool) rule {
	return func(v view) cond {
		var list []cond
		if four {
			list = append(list, allOf(v.kind(typeIP), equal(v.base+9, 1, n)))
		}
		if six {
			list = append(list, allOf(v.kind(typeIP6), anyOf(equal(v.base+6, 1, n), allOf(equal(v.base+6, 1, 44), equal(v.base+40, 1, n)))))
		}
		return anyOf(list...)
	}
}

// address is a network of IPv4 in IP, ARP or RARP, or of IPv6.
func address(net netip.Prefix, w way, kinds ...uint32) rule {
	return func(v view) cond {
		var list []cond
		for _, k := range kinds {
			switch {
			case k == typeIP6 && net.Addr().Is6():
				list = append(list, allOf(v.kind(k), w.of(inside6(v.base+8, net), inside6(v.base+24, net))))
			case k == typeIP && net.Addr().Is4():
				list = append(list, allOf(v.kind(k), w.of(inside4(v.base+12, net), inside4(v.base+16, net))))
			case (k == typeARP || k == typeRARP) && net.Addr().Is4():
				list = append(list, allOf(v.kind(k), w.of(inside4(v.base+14, net), inside4(v.base+24, net))))
			}
		}
		return anyOf(list...)
	}
}

func inside4(at uint32, net netip.Prefix) cond {
	if net.Bits() == 0 {
		return cond{op: always}
	}
	a := net.Addr().As4()
	return masked(at, 4, maskOf(net.Bits()), binary.BigEndian.Uint32(a[:]))
}

func inside6(at uint32, net netip.Prefix) cond {
	a := net.Addr().As16()
	var list []cond
	for i := range (net.Bits() + 31) / 32 {
		list = append(list, masked(at+4*uint32(i), 4, maskOf(net.Bits()-32*i), binary.BigEndian.Uint32(a[4*i:])))
	}
	return allOf(list...)
}

// maskOf has so many bits set, from the left.
func maskOf(bits int) uint32 {
	return uint32(uint64(0xffffffff00000000) >> min(max(bits, 0), 32)) //nolint:gosec // G115: the low half
}

// ports is whether TCP, UDP or SCTP goes to or comes from a port. Later fragments
// have none.
func ports(low, high uint32, w way, protos ...uint32) rule {
	return func(v view) cond {
		four, six := make([]cond, len(protos)), make([]cond, len(protos))
		for i, n := range protos {
			four[i], six[i] = equal(v.base+9, 1, n), equal(v.base+6, 1, n)
		}
		whole := cond{op: not, of: []cond{{op: check, load: []bpf.Instruction{bpf.LoadAbsolute{Off: v.base + 6, Size: 2}}, test: bpf.JumpBitsSet, with: 0x1fff}}}
		behind := func(more uint32) cond {
			return within([]bpf.Instruction{bpf.LoadMemShift{Off: v.base}, bpf.LoadIndirect{Off: v.base + more, Size: 2}}, low, high)
		}
		fixed := func(more uint32) cond {
			return within([]bpf.Instruction{bpf.LoadAbsolute{Off: v.base + 40 + more, Size: 2}}, low, high)
		}
		return anyOf(
			allOf(v.kind(typeIP), anyOf(four...), whole, w.of(behind(0), behind(2))),
			allOf(v.kind(typeIP6), anyOf(six...), w.of(fixed(0), fixed(2))),
		)
	}
}

// hardware is whether an Ethernet frame goes to or comes from an address.
func hardware(mac []byte, w way) rule {
	return func(v view) cond {
		if !v.ether {
			return cond{op: never}
		}
		at := func(off uint32) cond {
			return allOf(equal(off+2, 4, binary.BigEndian.Uint32(mac[2:])), equal(off, 2, uint32(binary.BigEndian.Uint16(mac))))
		}
		return w.of(at(6), at(0))
	}
}

// group is whether an Ethernet frame goes to several.
func group(v view) cond {
	if !v.ether {
		return cond{op: never}
	}
	return cond{op: check, load: []bpf.Instruction{bpf.LoadAbsolute{Off: 0, Size: 1}}, test: bpf.JumpBitsSet, with: 1}
}
