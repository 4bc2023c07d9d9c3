package intel

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// addresses are IPv4 addresses in order, four bytes each, with the place where
// each /16 begins.
type addresses struct {
	starts []uint32 // of each /16, and the end
	addrs  []uint32
	refs   []uint32
}

func asUint32(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// newAddresses takes addresses in the high half and references in the low.
func newAddresses(in *chunked[uint64]) addresses {
	if in.n == 0 {
		return addresses{}
	}
	all := make([]uint64, 0, in.n)
	for i, chunk := range in.chunks {
		all = append(all, chunk...)
		in.chunks[i] = nil
	}
	slices.Sort(all)
	all = slices.Compact(all)
	x := addresses{make([]uint32, 1<<16+1), make([]uint32, len(all)), make([]uint32, len(all))}
	for i, v := range all {
		x.addrs[i], x.refs[i] = uint32(v>>32), uint32(v) //nolint:gosec // G115: the halves
		x.starts[v>>48+1]++
	}
	for b := 1; b < len(x.starts); b++ {
		x.starts[b] += x.starts[b-1]
	}
	return x
}

func (x *addresses) find(a uint32) []uint32 {
	if len(x.addrs) == 0 {
		return nil
	}
	lo, hi := x.starts[a>>16], x.starts[a>>16+1]
	addrs := x.addrs[lo:hi]
	at, found := slices.BinarySearch(addrs, a)
	if !found {
		return nil
	}
	end := at + 1
	for end < len(addrs) && addrs[end] == a {
		end++
	}
	return x.refs[int(lo)+at : int(lo)+end]
}

func (x *addresses) bytes() int { return 4 * (cap(x.starts) + cap(x.addrs) + cap(x.refs)) }

// subnets are IPv4 prefixes, laid flat: the address space is cut where a prefix
// begins or ends, and each piece names the narrowest prefix over it; that one
// names the next wider.
type subnets struct {
	starts   []uint32 // pieces before each /16
	cuts     []uint32 // where a piece begins, in order
	over     []int32  // its narrowest prefix, or -1
	prefixes []prefix
}

type prefix struct {
	addr, ref uint32
	wider     int32 // the next prefix around it, or -1
	bits      uint8
	local     bool // it also means addresses that are not on the internet
}

func (p prefix) last() uint32 { return p.addr | uint32(1<<(32-p.bits)-1) }

// newSubnets lays the prefixes flat with a stack of those that are open.
func newSubnets(in []prefix) subnets {
	if len(in) == 0 {
		return subnets{}
	}
	slices.SortFunc(in, func(a, b prefix) int {
		switch {
		case a.addr != b.addr:
			return compare(a.addr, b.addr)
		case a.bits != b.bits:
			return int(a.bits) - int(b.bits) // the wider first
		}
		return compare(a.ref, b.ref)
	})
	x := subnets{prefixes: slices.CompactFunc(in, func(a, b prefix) bool { return a.addr == b.addr && a.bits == b.bits && a.ref == b.ref })}
	var open []int32
	closeBefore := func(addr uint64) {
		for len(open) > 0 {
			last := uint64(x.prefixes[open[len(open)-1]].last())
			if last >= addr {
				return
			}
			open = open[:len(open)-1]
			for len(open) > 0 && uint64(x.prefixes[open[len(open)-1]].last()) == last {
				open = open[:len(open)-1] // ends at the same place
			}
			next := int32(-1)
			if len(open) > 0 {
				next = open[len(open)-1]
			}
			if last+1 < 1<<32 {
				x.cut(uint32(last+1), next)
			}
		}
	}
	for i := range x.prefixes {
		p := &x.prefixes[i]
		closeBefore(uint64(p.addr))
		p.wider = -1
		if len(open) > 0 {
			p.wider = open[len(open)-1]
		}
		open = append(open, int32(i))
		x.cut(p.addr, int32(i))
	}
	closeBefore(1 << 32)
	x.index()
	return x
}

// cut begins a piece; one that begins where the last did replaces it.
func (x *subnets) cut(at uint32, over int32) {
	if n := len(x.cuts); n > 0 && x.cuts[n-1] == at {
		x.over[n-1] = over
		return
	}
	x.cuts, x.over = append(x.cuts, at), append(x.over, over)
}

func (x *subnets) index() {
	x.starts = make([]uint32, 1<<16+1)
	for _, c := range x.cuts {
		x.starts[c>>16+1]++
	}
	for b := 1; b < len(x.starts); b++ {
		x.starts[b] += x.starts[b-1]
	}
	x.cuts, x.over = slices.Clip(x.cuts), slices.Clip(x.over)
}

// find returns the narrowest prefix over the address, or -1.
func (x *subnets) find(a uint32) int32 {
	if len(x.cuts) == 0 {
		return -1
	}
	lo, hi := x.starts[a>>16], x.starts[a>>16+1]
	at, found := slices.BinarySearch(x.cuts[lo:hi], a)
	piece := int(lo) + at
	if !found {
		piece-- // the piece that began before
	}
	if piece < 0 {
		return -1
	}
	return x.over[piece]
}

func (x *subnets) bytes() int {
	return 4*(cap(x.starts)+cap(x.cuts)+cap(x.over)) + 16*cap(x.prefixes)
}

func (p *prefix) netip() netip.Prefix {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], p.addr)
	return netip.PrefixFrom(netip.AddrFrom4(b), int(p.bits))
}
