package wire

import (
	"vedette/internal/normalize/wire/proto"
)

// app is what is known of the application protocol of a flow.
type app struct {
	mode    appMode
	proto   *proto.Protocol
	log     string // metadata.log_name of its events
	decoder proto.Decoder
	emitted bool   // the decoder gave an event: it was right
	reason  string // why the decoder gave up
}

type appMode uint8

const (
	appSeek   appMode = iota // not recognised yet
	appDecode                // the decoder is at work
	appOff                   // none, or it gave up
)

const (
	minProbe     = 8       // bytes of a stream that are needed to recognise it
	maxUndecided = 8 << 10 // bytes held of a side while the other has not spoken
	maxTries     = 4       // places that are looked at in what a side says
)

// catalogue finds protocols.
type catalogue struct {
	all     []proto.Protocol
	tcp     []*proto.Protocol // that are spoken over it
	udp     []*proto.Protocol
	byPort  map[uint32][]*proto.Protocol // by transport<<16 | port
	byEther map[uint16][]*proto.Protocol
	broke   func(name string, data []byte, what any) // hears of a probe that panicked
}

func newCatalogue(all []proto.Protocol) catalogue {
	c := catalogue{all: all, byPort: map[uint32][]*proto.Protocol{}, byEther: map[uint16][]*proto.Protocol{}}
	for i := range all {
		p := &all[i]
		if len(p.TCP) > 0 {
			c.tcp = append(c.tcp, p)
		}
		if len(p.UDP) > 0 {
			c.udp = append(c.udp, p)
		}
		for _, port := range p.TCP {
			k := protoTCP<<16 | uint32(port)
			c.byPort[k] = append(c.byPort[k], p)
		}
		for _, port := range p.UDP {
			k := protoUDP<<16 | uint32(port)
			c.byPort[k] = append(c.byPort[k], p)
		}
		for _, ether := range p.EtherTypes {
			c.byEther[ether] = append(c.byEther[ether], p)
		}
	}
	return c
}

// serves says how likely a port is a server's.
func (c *catalogue) serves(transport uint8, port uint16) int {
	switch {
	case len(c.byPort[uint32(transport)<<16|uint32(port)]) > 0:
		return 2
	case port < 1024:
		return 1
	}
	return 0
}

// choose finds the protocol that is surest to be spoken, first among those of
// the ports, or of the EtherType.
func (c *catalogue) choose(k *key, data []byte, s proto.Side) *proto.Protocol {
	var best *proto.Protocol
	sure := 0
	try := func(all []*proto.Protocol, onPort bool) {
		for _, p := range all {
			if n := c.probe(p, data, s, onPort); n > sure {
				best, sure = p, n
			}
		}
	}
	if k.family == familyEther {
		try(c.byEther[k.port[0]], true)
		return best
	}
	try(c.byPort[uint32(k.proto)<<16|uint32(k.port[0])], true)
	if k.port[1] != k.port[0] {
		try(c.byPort[uint32(k.proto)<<16|uint32(k.port[1])], true)
	}
	switch k.proto {
	case protoTCP:
		try(c.tcp, false)
	case protoUDP:
		try(c.udp, false)
	}
	return best
}

// deliver takes bytes of a stream that are next.
func (e *Engine) deliver(f *flow, s proto.Side, data []byte, end bool) {
	switch f.app.mode {
	case appSeek:
		e.seek(f, s, data, end)
	case appDecode:
		e.show(f, s, data, end)
	case appOff:
	}
}

// seek tries to recognise the protocol of a stream in what a side said first.
// Where the beginning was not captured, a few segments are tried.
func (e *Engine) seek(f *flow, s proto.Side, data []byte, end bool) {
	t, o := &f.sides[s].in, &f.sides[s.Other()].in
	if !e.keep(f, s, data) {
		return
	}
	if len(t.buf) < minProbe && !end || len(t.buf) == 0 {
		return
	}
	if !t.refused {
		if p := e.apps.choose(&f.key, t.buf, s); p != nil {
			e.adopt(f, p)
			for _, side := range []proto.Side{s.Other(), s} {
				if in := &f.sides[side].in; len(in.buf) > 0 || in.ended {
					e.show(f, side, nil, in.ended)
				}
			}
			return
		}
		t.tries++
		if t.lost == 0 || t.tries >= maxTries {
			t.refused = true
		} else {
			t.lost += len(t.buf)
			e.table.release(t)
		}
	}
	if t.refused && (o.refused || len(t.buf) > maxUndecided || o.ended) {
		e.giveUp(f, "")
	}
}

// keep appends to what is held of a side in order, if that is possible.
func (e *Engine) keep(f *flow, s proto.Side, data []byte) bool {
	if len(data) == 0 {
		return true
	}
	if !e.room(f, len(data)) {
		e.giveUp(f, "too much waits to be decoded")
		return false
	}
	e.table.extend(&f.sides[s].in, data)
	return true
}

func (e *Engine) adopt(f *flow, p *proto.Protocol) {
	f.app.mode, f.app.proto, f.app.log = appDecode, p, "wire/"+p.Name
	e.adoption(f, p)
}

// giveUp stops decoding a flow; it is only counted from here on.
func (e *Engine) giveUp(f *flow, reason string) {
	f.app.mode, f.app.reason = appOff, reason
	f.app.decoder = nil
	for i := range f.sides {
		e.table.drop(&f.sides[i].in)
	}
}

// show gives the decoder what it has not taken yet. Bytes are copied only if
// it leaves some.
func (e *Engine) show(f *flow, s proto.Side, data []byte, end bool) {
	if f.app.mode != appDecode {
		return
	}
	t := &f.sides[s].in
	view, copied := data, false
	if len(t.buf) > 0 {
		if !e.keep(f, s, data) {
			return
		}
		view, copied = t.buf, true
	}
	if len(view) == 0 && !end {
		return
	}
	e.out.flow, e.out.time = f, e.timeOf(f)
	taken, err := e.decode(f, proto.Payload{Side: s, Time: e.out.time, Data: view, Lost: t.lost, End: end})
	if err != nil {
		reason := plain(err)
		if len(view) == 0 { // nothing was shown but the end
			reason = ""
		}
		e.giveUp(f, reason)
		return
	}
	t.lost = 0
	taken = max(0, min(taken, len(view)))
	rest := view[taken:]
	if excess := len(rest) - proto.MaxHeld; excess > 0 {
		t.lost, rest = excess, rest[excess:]
	}
	switch {
	case !copied:
		e.keep(f, s, rest)
	case len(rest) == 0:
		e.table.release(t)
	default:
		t.buf = t.buf[:copy(t.buf, rest)]
	}
}

// datagram shows a datagram or frame to the decoder of its flow.
func (e *Engine) datagram(f *flow, s proto.Side, data []byte) {
	t := &f.sides[s].in
	if f.app.mode == appSeek {
		if p := e.apps.choose(&f.key, data, s); p != nil {
			e.adopt(f, p)
		} else if t.tries++; t.tries >= maxTries {
			f.app.mode = appOff
		}
	}
	if f.app.mode != appDecode {
		return
	}
	e.out.flow, e.out.time = f, e.timeOf(f)
	_, err := e.decode(f, proto.Payload{Side: s, Time: e.out.time, Data: data})
	if err != nil {
		e.giveUp(f, plain(err))
	}
}
