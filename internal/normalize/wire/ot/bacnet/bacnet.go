// Package bacnet decodes BACnet/IP (ANSI/ASHRAE 135): the virtual link, the
// network layer and the application layer with its properties. It must not do
// I/O.
package bacnet

import (
	"net/netip"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "bacnet"

// Protocol returns BACnet/IP.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, UDP: []uint16{47808}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

const (
	bvlcType  = 0x81
	forwarded = 4
	bvlcHead  = 4
)

func probe(data []byte, _ proto.Side, onPort bool) int {
	r := ics.NewReader(data)
	kind, fn, n := r.U8(), r.U8(), r.BE16()
	if kind != bvlcType || fn > 11 || n > len(data) || n < bvlcHead || !r.OK() {
		return 0
	}
	if fn == forwarded {
		r.Skip(6)
	}
	switch {
	case onPort:
		return 90
	case n != len(data):
		return 0
	case fn != forwarded && fn < 9, r.U8() != 1:
		return 0 // nothing else in it is fixed
	}
	return 70
}

type decoder struct {
	flow  *proto.Flow
	parts segments
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	d.link(p.Side, p.Data, out)
	return len(p.Data), nil
}

// message is what the events of one message share.
type message struct {
	d         *decoder
	out       proto.Out
	raw       []byte
	side      proto.Side
	bvlc      string
	pdu       int
	invoke    int
	hasInvoke bool
	service   int
	routed    bool   // the sender is behind a router: its address is not the packet's
	origin    string // of a forwarded message
	net       []event.Extra
	told      int
}

// link reads the virtual link layer (annex J).
func (d *decoder) link(side proto.Side, b []byte, out proto.Out) {
	r := ics.NewReader(b)
	kind, fn := r.U8(), r.U8()
	r.Skip(2) // some senders state a wrong length; the datagram has the true one
	if kind != bvlcType || !r.OK() {
		return
	}
	m := &message{d: d, out: out, raw: b, side: side, bvlc: nameOf(linkFunctions, fn), pdu: -1}
	switch {
	case fn == forwarded:
		if addr, ok := netip.AddrFromSlice(r.Bytes(4)); ok {
			m.origin = addr.String()
			m.net = append(m.net, event.Extra{Name: "forwarded_for", Value: m.origin})
		}
		r.Skip(2)
	case fn < 9:
		e := m.event(m.bvlc, ics.Other)
		m.linkMessage(e, fn, r)
		out.Emit(e, b)
		return
	}
	m.network(r)
}

// linkMessage reads what is addressed to the link itself.
func (m *message) linkMessage(e *event.Event, fn int, r *ics.Reader) {
	e.SetICSFunctionCode(int64(fn))
	e.SetICSWrite(fn == 1 || fn == 5 || fn == 8)
	switch fn {
	case 0:
		e.SetActivityName("Response")
		if code := r.BE16(); code == 0 {
			ics.Good(e)
		} else {
			ics.Bad(e, nameOf(linkResults, code))
		}
	case 3, 7:
		e.SetActivityName("Response")
	case 5:
		e.SetActivityName("Request")
		e.SetICSValue(strconv.Itoa(r.BE16()))
	default:
		e.SetActivityName("Request")
	}
}

// network reads the network layer (clause 6).
func (m *message) network(r *ics.Reader) {
	version, control := r.U8(), r.U8()
	if version != 1 || !r.OK() {
		return
	}
	if control&0x20 != 0 {
		m.net = append(m.net, event.Extra{Name: "destination_network", Value: strconv.Itoa(r.BE16())})
		r.Skip(r.U8())
	}
	if control&0x08 != 0 {
		m.routed = true
		m.net = append(m.net, event.Extra{Name: "source_network", Value: strconv.Itoa(r.BE16())})
		if mac := ics.Hex(r.Bytes(r.U8())); mac != "" {
			m.net = append(m.net, event.Extra{Name: "source_address", Value: mac})
		}
	}
	if control&0x20 != 0 {
		r.Skip(1)
	}
	if !r.OK() {
		return
	}
	if control&0x80 != 0 {
		code := r.U8()
		e := m.event(nameOf(networkMessages, code), ics.Other)
		e.SetICSFunctionCode(int64(code))
		e.AddExtra("layer", "network")
		m.out.Emit(e, m.raw)
		return
	}
	m.application(r)
}

// event begins an event of the message.
func (m *message) event(function string, half ics.Kind) *event.Event {
	e := ics.New(m.out, name, half, function)
	e.AddExtra("bvlc_function", m.bvlc)
	if m.pdu >= 0 {
		e.AddExtra("pdu_type", nameOf(pduTypes, m.pdu))
	}
	if m.hasInvoke {
		e.AddExtra("invoke_id", strconv.Itoa(m.invoke))
	}
	for _, x := range m.net {
		e.AddExtra(x.Name, x.Value)
	}
	if m.told++; m.told > 1 {
		e.AddExtra("part", strconv.Itoa(m.told))
	}
	return e
}

// claim tells what the sender says of itself; of one behind a router it is not
// known which device that is.
func (m *message) claim(c ics.Claim) {
	if m.routed {
		return
	}
	c.IP = m.origin
	ics.Tell(m.out, m.d.flow, m.side, c, m.raw)
}
