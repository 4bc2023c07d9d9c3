package wire

import (
	"encoding/binary"
	"strconv"

	"vedette/internal/fault"
	"vedette/internal/normalize/wire/proto"
)

// IP protocol numbers.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// protoNames are words for the protocols above IP, as Zeek and Suricata have
// them where they do.
var protoNames = map[uint8]string{
	protoICMP: "icmp", protoTCP: "tcp", protoUDP: "udp", protoICMPv6: "icmp", 2: "igmp", 4: "ipip", 41: "ipv6", 47: "gre", 50: "esp",
	51: "ah", 59: "ipv6-nonxt", 88: "eigrp", 89: "ospf", 103: "pim", 112: "vrrp", 132: "sctp", 136: "udplite",
}

func protoName(p uint8) string {
	if name := protoNames[p]; name != "" {
		return name
	}
	return "ip-" + strconv.Itoa(int(p))
}

// The flags of TCP.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

var (
	errShortTCP  = fault.New(fault.Invalid, "a cut-off TCP header")
	errBadTCP    = fault.New(fault.Invalid, "a TCP header that cannot be")
	errShortUDP  = fault.New(fault.Invalid, "a cut-off UDP header")
	errShortICMP = fault.New(fault.Invalid, "a cut-off ICMP header")
)

// transport reads the header above IP and hands the packet to its flow.
func (e *Engine) transport() error {
	p := &e.pk
	switch p.proto {
	case protoTCP:
		return e.tcp(p)
	case protoUDP:
		return e.udp(p)
	case protoICMP, protoICMPv6:
		return e.icmp(p)
	}
	f, side := e.flowOf(p)
	e.count(f, side, p.size)
	return nil
}

func (e *Engine) tcp(p *packet) error {
	b := p.payload
	if len(b) < 20 {
		return errShortTCP
	}
	head := int(b[12]>>4) * 4
	if head < 20 || head > p.size {
		return errBadTCP
	}
	if head > len(b) {
		return errShortTCP
	}
	p.port = [2]uint16{binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])}
	p.seq, p.ack, p.flags = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), b[13]
	p.payload, p.size = b[head:], p.size-head
	f, side := e.flowOf(p)
	e.segment(f, side, p)
	return nil
}

func (e *Engine) udp(p *packet) error {
	b := p.payload
	if len(b) < 8 {
		return errShortUDP
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size < 8 || size > p.size { // 0: longer than the field can say, or cut up by the network card
		size = p.size
	}
	p.port = [2]uint16{binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])}
	p.payload, p.size = b[8:min(size, len(b))], size-8
	f, side := e.flowOf(p)
	e.count(f, side, p.size)
	if p.size > 0 {
		f.history.add(side, 'd')
		e.datagram(f, side, p.payload)
	}
	return nil
}

// frame takes an Ethernet frame that is not IP.
func (e *Engine) frame(ether uint16, b []byte) error {
	p := &e.pk
	if !p.hasMAC[0] {
		return nil // a link without addresses
	}
	p.family, p.payload, p.size = familyEther, b, len(b)
	p.port = [2]uint16{ether, ether}
	for i := range p.mac {
		copy(p.addr[i][:], p.mac[i][:])
	}
	f, side := e.flowOf(p)
	e.count(f, side, p.size)
	e.datagram(f, side, b)
	return nil
}

// icmp takes a message of ICMP. As Zeek has it, the type stands in the place
// of the client's port, and in that of the server's the type of the answer, or
// the code where there is none.
func (e *Engine) icmp(p *packet) error {
	b := p.payload
	if len(b) < 4 {
		return errShortICMP
	}
	kind, code := uint16(b[0]), uint16(b[1])
	answer, two := icmpAnswer(p.proto, b[0])
	p.port = [2]uint16{kind, code}
	if two {
		p.port[1] = uint16(answer)
	}
	p.size = max(p.size-8, 0)
	f, side := e.flowOf(p)
	e.count(f, side, p.size)
	return nil
}

// icmpAnswer is the type of message that answers another one.
func icmpAnswer(p, kind uint8) (uint8, bool) {
	pairs := icmp4Pairs
	if p == protoICMPv6 {
		pairs = icmp6Pairs
	}
	for _, pair := range pairs {
		if pair[0] == kind {
			return pair[1], true
		}
		if pair[1] == kind {
			return pair[0], true
		}
	}
	return 0, false
}

// Questions and answers (RFC 792, 1256, 950; RFC 4443, 4861, 2894, 4620).
var (
	icmp4Pairs = [][2]uint8{{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}}
	icmp6Pairs = [][2]uint8{{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}}
)

// asks reports whether a type of message is one that is answered.
func icmpAsks(p, kind uint8) bool {
	pairs := icmp4Pairs
	if p == protoICMPv6 {
		pairs = icmp6Pairs
	}
	for _, pair := range pairs {
		if pair[0] == kind {
			return true
		}
	}
	return false
}

// count notes a packet of a flow.
func (e *Engine) count(f *flow, s proto.Side, size int) {
	f.sides[s].packets++
	f.sides[s].bytes += int64(size)
}
