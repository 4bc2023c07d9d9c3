// Package dnp3 decodes DNP3 (IEEE 1815-2012) over TCP and UDP: link frames
// with their checksums, transport segments, and application fragments with
// their objects. It must not do I/O.
package dnp3

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "dnp3"

// Protocol returns DNP3.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{20000, 19999}, UDP: []uint16{20000}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

// probe needs no port: the header has two fixed bytes and a checksum.
func probe(data []byte, _ proto.Side, _ bool) int {
	if size(data) > 0 {
		return 95
	}
	return 0
}

type decoder struct {
	flow  *proto.Flow
	frame [2]ics.Framer
	parts [2]segments
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	one := func(b []byte) { d.link(p.Side, b, out) }
	if d.flow.Transport != "udp" {
		return d.frame[p.Side].Cut(p, size, one)
	}
	for b := p.Data; len(b) > 0; {
		n := size(b)
		if n <= 0 || n > len(b) {
			break
		}
		one(b[:n])
		b = b[n:]
	}
	return len(p.Data), nil
}

// link tells of a frame of the link layer, or of the fragment that it
// completes.
func (d *decoder) link(side proto.Side, b []byte, out proto.Out) {
	f := readFrame(b)
	if f.hasData() && f.sound {
		if fragment := d.parts[side].add(&f); len(fragment) >= 2 {
			d.fragment(&f, side, fragment, b, out)
		}
		return
	}
	kind, names := ics.Response, secondaryNames
	if f.primary {
		kind, names = ics.Request, primaryNames
	}
	fn, known := names[f.function]
	if !known {
		fn = "unknown-" + strconv.Itoa(f.function)
	}
	e := ics.New(out, name, kind, fn)
	setLink(e, &f)
	e.AddExtra("layer", "link")
	e.SetICSWrite(f.primary && f.function <= 1)
	if !f.sound {
		e.SetStatus(event.Failure)
		e.SetStatusDetail("bad checksum")
	}
	out.Emit(e, b)
}

func setLink(e *event.Event, f *frame) {
	e.SetICSUnit(int64(f.outstation()))
	e.AddExtra("link_source", strconv.Itoa(f.src))
	e.AddExtra("link_destination", strconv.Itoa(f.dst))
}

// message is what the events of one application fragment share.
type message struct {
	d        *decoder
	out      proto.Out
	raw      []byte
	link     *frame
	side     proto.Side
	function int
	sequence int
	iin      int
	response bool
	told     int // events so far
}

// maxParts bounds the events of one fragment.
const maxParts = 64

// fragment tells of an application fragment: one event, and one more for each
// further object header or control.
func (d *decoder) fragment(f *frame, side proto.Side, b, raw []byte, out proto.Out) {
	r := ics.NewReader(b)
	control := r.U8()
	m := &message{d: d, out: out, raw: raw, link: f, side: side, function: r.U8(), sequence: control & 0x0f}
	if len(b) > blockSize {
		m.raw = b // of several frames the fragment tells more
	}
	if m.response = m.function >= 0x81; m.response {
		m.iin = r.BE16()
	}
	if !r.OK() {
		m.malformed()
		return
	}
	for r.Len() > 0 && m.told < maxParts {
		if !m.object(r) {
			break
		}
	}
	if m.told == 0 {
		out.Emit(m.event(), m.raw)
	}
}

// event begins an event of the fragment.
func (m *message) event() *event.Event {
	kind := ics.Request
	if m.response {
		kind = ics.Response
	}
	e := ics.New(m.out, name, kind, functionName(m.function))
	e.SetICSFunctionCode(int64(m.function))
	setLink(e, m.link)
	e.AddExtra("sequence", strconv.Itoa(m.sequence))
	e.SetICSWrite(changes(m.function))
	if m.told++; m.told > 1 {
		e.AddExtra("part", strconv.Itoa(m.told))
	}
	if !m.response {
		return e
	}
	e.AddExtra("iin", strconv.Itoa(m.iin))
	e.AddExtra("iin_flags", flags(m.iin))
	if why := flags(m.iin & iinErrors); why != "" {
		ics.Bad(e, why)
	} else {
		ics.Good(e)
	}
	return e
}

func (m *message) malformed() {
	e := m.event()
	ics.Odd(e)
	m.out.Emit(e, m.raw)
}
