package wire

import (
	"net/netip"
	"slices"

	"vedette/internal/normalize/wire/proto"
)

// flow is what two ends say to each other.
type flow struct {
	key    key
	client int // which end of the key
	told   proto.Flow
	ends   [2]string // the addresses as text, by proto.Side, once they are asked for
	first  int64
	last   int64

	sides   [2]side // by proto.Side
	history history
	app     app

	prev, next *flow // neighbours in the list
	list       lane

	before, open bool // see [Happening]
}

// side is what one end of a flow has said.
type side struct {
	packets, bytes int64
	state          tcpState
	high           uint32 // of TCP: one past the highest byte seen
	begun          bool   // high is known
	in             stream
}

// tcpState is how far one end of a TCP connection has come.
type tcpState uint8

const (
	tcpInactive tcpState = iota
	tcpPartial           // it speaks, but its SYN was not seen
	tcpSynSent
	tcpSynAckSent
	tcpEstablished
	tcpClosed
	tcpReset
)

// flowOf finds the flow of a packet or begins it, and tells which side sent
// the packet.
func (e *Engine) flowOf(p *packet) (*flow, proto.Side) {
	k, sender := keyOf(p)
	f := e.table.find(&k)
	if f != nil && (e.Live && f.silent(p.at) || p.proto == protoTCP && p.family != familyEther && f.over(p, sender)) {
		e.finish(f)
		f = nil
	}
	if f == nil {
		f = e.begin(k, sender, p)
	}
	s := proto.Server
	if sender == f.client {
		s = proto.Client
	}
	f.last = p.at
	e.table.touch(f)
	return f, s
}

// silent reports whether a flow has ended by its silence. Of a live capture this is asked
// when its next packet comes, since [Engine.expire] waits for late ones there.
func (f *flow) silent(now int64) bool { return now-f.last > silence[f.list] }

// over reports whether a SYN begins another connection between the same ports.
func (f *flow) over(p *packet, sender int) bool {
	if p.flags&(flagSYN|flagACK|flagRST) != flagSYN {
		return false
	}
	s := &f.sides[proto.Server]
	if sender == f.client {
		s = &f.sides[proto.Client]
	}
	if f.list == laneClosed {
		return true
	}
	return s.begun && s.state != tcpInactive && p.seq+1 != s.in.isn && s.state != tcpSynSent
}

func (e *Engine) begin(k key, sender int, p *packet) *flow {
	f := e.table.add(k)
	for f == nil { // full: the one that was idle for longest has to go
		e.finish(e.table.oldest())
		f = e.table.add(k)
	}
	f.first, f.last = p.at, p.at
	f.client = sender
	was, known := e.recall(&k, p)
	f.before = known || e.Live && p.proto == protoTCP && k.family != familyEther && p.flags&flagSYN == 0
	if known {
		f.client = was.client
	} else if e.answers(p) || f.before && e.unclear(p) && likelier(p) {
		f.client = 1 - sender
		f.history.add(proto.Client, '^')
	}
	c := 0
	if f.client != sender {
		c = 1
	}
	f.told = proto.Flow{UID: was.uid, VLAN: p.vlan, Transport: "ethernet"}
	if !known || was.uid == "" {
		f.told.UID = k.uid(p.at, e.table.count())
	}
	if k.family != familyEther {
		f.told.Transport = protoName(k.proto)
		f.told.Client = netip.AddrPortFrom(k.ip(f.client), k.port[f.client])
		f.told.Server = netip.AddrPortFrom(k.ip(1-f.client), k.port[1-f.client])
	}
	if p.hasMAC[c] {
		f.told.ClientMAC = e.names.mac(p.mac[c])
	}
	if p.hasMAC[1-c] {
		f.told.ServerMAC = e.names.mac(p.mac[1-c])
	}
	return f
}

// answers reports whether the first packet seen of a flow is from its server:
// an answer by its flags or type, or from a port that is known as a server's
// to one that is not.
func (e *Engine) answers(p *packet) bool {
	switch {
	case p.family == familyEther:
		return false
	case p.proto == protoTCP && p.flags&flagSYN != 0:
		return p.flags&flagACK != 0
	case p.proto == protoICMP || p.proto == protoICMPv6:
		_, two := icmpAnswer(p.proto, uint8(p.port[0]))                              //nolint:gosec // G115: a type of ICMP
		return two && !icmpAsks(p.proto, uint8(p.port[0])) && p.port[0] != p.port[1] //nolint:gosec // G115: a type of ICMP
	case p.proto == protoTCP || p.proto == protoUDP:
		from, to := e.apps.serves(p.proto, p.port[0]), e.apps.serves(p.proto, p.port[1])
		return from > to && (from > 1 || p.proto == protoTCP) // datagrams begin where they begin, whatever the port
	}
	return false
}

// unclear reports whether the ports of a packet do not tell which end is the server.
func (e *Engine) unclear(p *packet) bool {
	return e.apps.serves(p.proto, p.port[0]) == e.apps.serves(p.proto, p.port[1])
}

// history is Zeek's word for what happened in a connection: a letter for the
// first of each kind, a capital if the client did it.
type history struct {
	letters [24]byte
	n       uint8
}

// add notes a happening, given as the small letter.
func (h *history) add(s proto.Side, letter byte) {
	if s == proto.Client && letter >= 'a' {
		letter -= 'a' - 'A'
	}
	if int(h.n) < len(h.letters) && !slices.Contains(h.letters[:h.n], letter) {
		h.letters[h.n] = letter
		h.n++
	}
}

func (h *history) String() string { return string(h.letters[:h.n]) }
