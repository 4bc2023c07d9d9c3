package pcapfilter

import "golang.org/x/net/bpf"

// view is where things are in the packets that a copy of the program reads.
type view struct {
	ether  bool
	typeAt uint32 // of the type of what follows the link header
	base   uint32 // where that begins
	raw    bool   // there is no link header
	tags   uint32 // VLAN tags in the packet
	live   bool   // there may be one beside it
}

// rule is a part of a filter, to be looked at in a view.
type rule func(view) cond

func viewOf(link uint16) (view, bool) {
	switch link {
	case LinkEthernet:
		return view{ether: true, typeAt: 12, base: 14}, true
	case LinkRaw:
		return view{raw: true}, true
	case linkCooked:
		return view{typeAt: 14, base: 16}, true
	case linkCooked2:
		return view{typeAt: 0, base: 20}, true
	}
	return view{}, false
}

// tagged is the view behind so many tags more.
func (v view) tagged(n uint32) view {
	v.tags += n
	v.typeAt += 4 * n
	v.base += 4 * n
	return v
}

// tag is whether a VLAN tag comes next.
func (v view) tag() cond {
	return anyOf(equal(v.typeAt, 2, 0x8100), equal(v.typeAt, 2, 0x88a8), equal(v.typeAt, 2, 0x9100))
}

const (
	typeIP   = 0x0800
	typeARP  = 0x0806
	typeRARP = 0x8035
	typeIP6  = 0x86dd
)

// kind is whether the packet is of an Ethernet type.
func (v view) kind(t uint32) cond {
	switch {
	case !v.raw:
		return equal(v.typeAt, 2, t)
	case t == typeIP:
		return masked(v.base, 1, 0xf0, 0x40)
	case t == typeIP6:
		return masked(v.base, 1, 0xf0, 0x60)
	}
	return cond{op: never}
}

// vlan is whether the packet has a tag; of that number if one is given.
func (v view) vlan(id uint32, given bool) cond {
	var list []cond
	if v.live {
		c := cond{op: check, load: []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}}, test: bpf.JumpNotEqual}
		if given {
			c = allOf(c, cond{op: check, load: []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTag}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}}, test: bpf.JumpEqual, with: id})
		}
		list = append(list, c)
	}
	for i := range v.tags {
		if !given {
			return cond{op: always}
		}
		list = append(list, masked(14+4*i, 2, 0xfff, id))
	}
	return anyOf(list...)
}

func allOf(list ...cond) cond { return cond{op: all, of: list} }

func anyOf(list ...cond) cond {
	if len(list) == 0 {
		return cond{op: never}
	}
	return cond{op: some, of: list}
}

func equal(at uint32, size int, with uint32) cond {
	return cond{op: check, load: []bpf.Instruction{bpf.LoadAbsolute{Off: at, Size: size}}, test: bpf.JumpEqual, with: with}
}

func masked(at uint32, size int, mask, with uint32) cond {
	c := equal(at, size, with)
	if mask != 1<<(8*size)-1 {
		c.load = append(c.load, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
	}
	return c
}

// within is whether a loaded number is in a range.
func within(load []bpf.Instruction, low, high uint32) cond {
	c := cond{op: check, load: load, test: bpf.JumpEqual, with: low}
	if low == high {
		return c
	}
	c.test = bpf.JumpGreaterOrEqual
	return allOf(c, cond{op: check, load: load, test: bpf.JumpLessOrEqual, with: high})
}
