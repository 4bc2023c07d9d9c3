package pcapfilter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// cond is what a packet fulfils or not.
type cond struct {
	op   op
	of   []cond
	load []bpf.Instruction // leaves in the register what is compared
	test bpf.JumpTest
	with uint32
}

type op int

const (
	never op = iota
	always
	check
	all
	some
	not
)

// builder holds a program from its end to its beginning, so that what is jumped to
// is there before the jump. A label is a place in it.
type builder struct{ back []bpf.Instruction }

// The labels of the two ends.
const (
	labelDrop = iota
	labelTake
)

// compile makes the program of a rule. Where tags matter there are three copies of
// it, for packets with no tag, one and two, so that each reads fixed places.
func compile(r rule, v view, take uint32) []bpf.Instruction {
	b := &builder{back: []bpf.Instruction{bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: take}}}
	start := b.add(r(v), labelTake, labelDrop)
	if v.ether && readsBeyondMACs(r(v)) {
		one, two := v.tagged(1), v.tagged(2)
		inner := b.add(one.tag(), b.add(r(two), labelTake, labelDrop), b.add(r(one), labelTake, labelDrop))
		start = b.add(v.tag(), inner, start)
	}
	if start != len(b.back)-1 {
		b.push(bpf.Jump{Skip: b.skip(start)})
	}
	out := make([]bpf.Instruction, 0, len(b.back))
	for _, x := range slices.Backward(b.back) {
		out = append(out, x)
	}
	return out
}

// readsBeyondMACs tells whether a condition depends on what follows the addresses
// of Ethernet: on its type or what that moves.
func readsBeyondMACs(c cond) bool {
	for _, l := range c.load {
		if a, ok := l.(bpf.LoadAbsolute); !ok || a.Off >= 12 {
			return true
		}
	}
	return c.op == never || slices.ContainsFunc(c.of, readsBeyondMACs) // never: as vlan is where there is no tag
}

func (b *builder) push(i bpf.Instruction) int {
	b.back = append(b.back, i)
	return len(b.back) - 1
}

// skip is how many instructions the next one to be pushed passes over on its way to
// a label.
func (b *builder) skip(label int) uint32 { return uint32(len(b.back) - 1 - label) } //nolint:gosec // G115: labels are in the program

// near gives a label that a condition reaches: the same, or a jump to it.
func (b *builder) near(label int) int {
	if b.skip(label) > 250 {
		return b.push(bpf.Jump{Skip: b.skip(label)})
	}
	return label
}

// add puts a condition before what is there, and gives the label where it begins.
func (b *builder) add(c cond, yes, no int) int {
	switch c.op {
	case never:
		return no
	case always:
		return yes
	case not:
		return b.add(c.of[0], no, yes)
	case all:
		for _, x := range slices.Backward(c.of) {
			yes = b.add(x, yes, no)
		}
		return yes
	case some:
		for _, x := range slices.Backward(c.of) {
			no = b.add(x, yes, no)
		}
		return no
	case check:
	}
	yes, no = b.near(yes), b.near(no)
	at := b.push(bpf.JumpIf{Cond: c.test, Val: c.with, SkipTrue: uint8(b.skip(yes)), SkipFalse: uint8(b.skip(no))}) //nolint:gosec // G115: near saw to it
	for _, x := range slices.Backward(c.load) {
		at = b.push(x)
	}
	return at
}
