// Package modbus decodes Modbus over TCP and UDP: Modbus application protocol
// V1.1b3 and Modbus messaging on TCP/IP V1.0b. It must not do I/O.
package modbus

import (
	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "modbus"

// Protocol returns Modbus.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{502}, UDP: []uint16{502}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

const (
	headLen = 7   // of the MBAP header, with the unit
	maxPDU  = 253 // messaging guide, section 3.1.3
)

// size tells the length of a message from its MBAP header.
func size(b []byte) int {
	if len(b) < headLen+1 {
		return 0
	}
	r := ics.NewReader(b)
	r.Skip(2)
	if protocol, length := r.BE16(), r.BE16(); protocol == 0 && length >= 2 && length <= 1+maxPDU && b[headLen] != 0 {
		return headLen - 1 + length
	}
	return -1
}

func probe(data []byte, side proto.Side, onPort bool) int {
	n := size(data)
	if n <= 0 {
		return 0
	}
	_, known := functions[int(data[headLen]&0x7f)]
	switch {
	case onPort && known:
		return 90
	case onPort:
		return 40
	case known && n == len(data) && wellFormed(data[headLen:], side):
		return 55
	}
	return 0
}

// wellFormed reports whether a message of a frequent function has exactly the
// form that it must have; without a port nothing else proves it.
func wellFormed(pdu []byte, side proto.Side) bool {
	body := pdu[1:]
	switch fn := pdu[0]; {
	case fn >= 1 && fn <= 4 && side == proto.Client:
		return len(body) == 4 && (body[2] != 0 || body[3] != 0) && body[2] < 8
	case fn >= 1 && fn <= 4:
		return len(body) > 1 && int(body[0]) == len(body)-1
	case fn == 16 && side == proto.Client:
		return len(body) > 5 && int(body[4]) == len(body)-5 && int(body[3])*2 == int(body[4])
	case fn == 43:
		return len(body) > 2 && body[0] == 14
	}
	return false
}

// request is what an answer does not repeat.
type request struct {
	function, address, quantity int
}

type key struct{ transaction, unit int }

type decoder struct {
	flow  *proto.Flow
	frame [2]ics.Framer
	asked ics.Pairs[key, request]
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.flow.Transport == "udp" {
		if n := size(p.Data); n > 0 && n <= len(p.Data) {
			d.message(p.Side, p.Data[:n], out)
		}
		return len(p.Data), nil
	}
	return d.frame[p.Side].Cut(p, size, func(b []byte) { d.message(p.Side, b, out) })
}

// message tells of one message.
func (d *decoder) message(side proto.Side, b []byte, out proto.Out) {
	r := ics.NewReader(b)
	k := key{transaction: r.BE16()}
	r.Skip(4)
	k.unit = r.U8()
	code := r.U8()
	fn := code & 0x7f
	f, known := functions[fn]
	if !known {
		f.name = "unknown-" + itoa(fn)
	}
	kind := ics.Request
	if side == proto.Server {
		kind = ics.Response
	}
	e := ics.New(out, name, kind, f.name)
	e.SetICSFunctionCode(int64(fn))
	e.SetICSUnit(int64(k.unit))
	e.SetICSObject(f.object)
	if known {
		e.SetICSWrite(f.write)
	}
	e.AddExtra("tid", itoa(k.transaction))
	if side == proto.Client {
		q := request{function: fn}
		d.request(e, &q, r)
		d.asked.Put(k, q)
		out.Emit(e, b)
		return
	}
	q, matched := d.asked.Take(k)
	if matched = matched && q.function == fn; matched {
		e.AddExtra("matched", "T")
		setRange(e, q)
	} else {
		q = request{function: fn}
	}
	if code&0x80 != 0 {
		ics.Bad(e, exception(r.U8()))
		out.Emit(e, b)
		return
	}
	ics.Good(e)
	claim := answer(e, q, r)
	out.Emit(e, b)
	ics.Tell(out, d.flow, side, claim, b)
}

// setRange tells what an exchange touches.
func setRange(e *event.Event, q request) {
	switch q.function {
	case 1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 24:
		e.SetICSAddress(int64(q.address))
		if q.quantity > 0 {
			e.SetICSQuantity(int64(q.quantity))
		}
	}
}
