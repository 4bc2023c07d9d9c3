// Package pcapfilter reads the filters of packets that people know from tcpdump,
// and compiles them for the kernel or for a file.
//
// It owns a part of the language pcap-filter, which docs/sources.md lists, and the
// code made of it. What it does not know it refuses; it must not guess what a
// filter means, ask for names over the network, or open a socket.
//
// One thing is other than in tcpdump: what a filter says of addresses, protocols
// and ports counts behind one or two VLAN tags, too, wherever in the filter the
// word vlan stands. Tcpdump shifts the rest of the filter at each vlan, and passes
// over tagged packets of a file without one.
package pcapfilter

import (
	"golang.org/x/net/bpf"

	"vedette/internal/fault"
)

// The bounds of a filter. The kernel takes no more than maxCode instructions.
const (
	MaxText = 4096

	maxCode  = 4096
	maxDepth = 32
)

// Filter says which packets are taken.
type Filter struct {
	text string
	rule rule
}

// String is the text that was parsed.
func (f *Filter) String() string { return f.text }

// Parse reads a filter. The kind of its errors is Invalid, and they name the word.
func Parse(text string) (*Filter, error) {
	words, err := split(text)
	if err != nil {
		return nil, err
	}
	p := &parser{words: words}
	r, err := p.whole()
	if err != nil {
		return nil, err
	}
	f := &Filter{text: text, rule: r}
	for _, link := range []uint16{LinkEthernet, LinkRaw} { // so that what is read can be used
		if _, err := f.Program(link, true, 1); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Link types that a filter can be compiled for, tcpdump.org/linktypes.html.
const (
	LinkEthernet uint16 = 1
	LinkRaw      uint16 = 101 // IP without a link header
	linkCooked   uint16 = 113
	linkCooked2  uint16 = 276
)

// Instruction is one of classic BPF, as linux/filter.h has it.
type Instruction struct {
	Op     uint16
	Jt, Jf uint8
	K      uint32
}

// Program compiles a filter for packets of a link. Live means that it is the kernel
// that runs it, which keeps one VLAN tag beside the packet. Take is what the program
// gives for a packet that fits: how many of its bytes are taken.
func (f *Filter) Program(link uint16, live bool, take uint32) ([]Instruction, error) {
	code, err := f.code(link, live, take)
	if err != nil {
		return nil, err
	}
	raw, err := bpf.Assemble(code)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "assembling the filter %q", f.text)
	}
	out := make([]Instruction, len(raw))
	for i, x := range raw {
		out[i] = Instruction(x)
	}
	return out, nil
}

func (f *Filter) code(link uint16, live bool, take uint32) ([]bpf.Instruction, error) {
	v, ok := viewOf(link)
	if !ok {
		return nil, fault.New(fault.Invalid, "a filter for link type %d is not there", link).WithHint("filters read Ethernet, Linux cooked and raw IP; leave the filter out")
	}
	v.live = live
	code := compile(f.rule, v, take)
	if len(code) > maxCode {
		return nil, fault.New(fault.Invalid, "the filter becomes %d instructions, more than the %d that the kernel takes", len(code), maxCode).WithHint("name networks in the place of single addresses")
	}
	return code, nil
}

// Matcher gives what tells whether a packet of a link in a file fits. It belongs to
// one goroutine.
func (f *Filter) Matcher(link uint16) (func(data []byte) bool, error) {
	code, err := f.code(link, false, 1)
	if err != nil {
		return nil, err
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "making the filter %q", f.text)
	}
	return func(data []byte) bool {
		n, err := vm.Run(data)
		return err == nil && n > 0
	}, nil
}
