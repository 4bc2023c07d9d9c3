// Package s7 decodes S7comm, the protocol of Siemens S7 controllers, and
// recognises S7comm-plus. Neither is published; what is known of them is from
// Wireshark's dissector, the Snap7 library and captures. It must not do I/O.
package s7

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const (
	name     = "s7comm"
	namePlus = "s7comm_plus"
)

// The first byte of a message.
const (
	classic = 0x32
	plus    = 0x72
)

// The kinds of messages.
const (
	job      = 1
	ack      = 2
	ackData  = 3
	userData = 7
)

// Is reports whether b is a message of S7comm or S7comm-plus.
func Is(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	return b[0] == classic && kindNames[int(b[1])] != "" || b[0] == plus && b[1] != 0
}

// Decoder follows one flow.
type Decoder struct {
	Flow  *proto.Flow
	asked ics.Pairs[int, request]
	lists lists
}

// request is what an answer does not repeat.
type request struct {
	function int
	items    []item
}

// message is what the events of one message share.
type message struct {
	d               *Decoder
	out             proto.Out
	raw             []byte
	side            proto.Side
	kind, reference int
	class, code     int // of an error
	param, data     *ics.Reader
	told            int
}

// Message tells of one message.
func (d *Decoder) Message(side proto.Side, b []byte, out proto.Out) {
	if b[0] == plus {
		messagePlus(b, out)
		return
	}
	r := ics.NewReader(b)
	r.Skip(1)
	m := &message{d: d, out: out, raw: b, side: side, kind: r.U8()}
	r.Skip(2)
	m.reference = r.LE16() // shown as the other way around; it only has to be the same in both
	params, data := r.BE16(), r.BE16()
	if m.kind == ack || m.kind == ackData {
		m.class, m.code = r.U8(), r.U8()
	}
	m.param = r.Sub(params)
	m.data = r.Sub(min(data, r.Len()))
	if !r.OK() {
		e := m.event("unknown")
		ics.Odd(e)
		out.Emit(e, b)
		return
	}
	if m.kind == userData {
		m.userData()
		return
	}
	m.service()
}

// event begins an event of the message.
func (m *message) event(function string) *event.Event {
	half := ics.Request
	if m.kind == ack || m.kind == ackData {
		half = ics.Response
	}
	e := ics.New(m.out, name, half, function)
	e.SetAppName(name)
	e.SetMetadataLogName("wire/" + name)
	e.AddExtra("rosctr_name", kindNames[m.kind])
	e.AddExtra("pdu_reference", strconv.Itoa(m.reference))
	if m.told++; m.told > 1 {
		e.AddExtra("part", strconv.Itoa(m.told))
	}
	if half == ics.Response {
		e.AddExtra("error_class", nameOf(errorClasses, m.class))
		e.AddExtra("error_code", ics.Code(m.code, 2))
		if m.class != 0 || m.code != 0 {
			ics.Bad(e, nameOf(errorClasses, m.class))
		} else {
			ics.Good(e)
		}
	}
	return e
}

// service tells of a job or its answer.
func (m *message) service() {
	fn := -1
	if m.param.Len() > 0 {
		fn = m.param.U8()
	}
	q, matched := request{function: fn}, false
	if m.kind != job {
		if q, matched = m.d.asked.Take(m.reference); !matched || fn >= 0 && q.function != fn {
			q = request{function: fn}
		}
		fn = q.function
	}
	begin := func() *event.Event {
		e := m.event(nameOf(functions, fn))
		if fn >= 0 {
			e.SetICSFunctionCode(int64(fn))
			e.SetICSWrite(changes(fn))
		}
		return e
	}
	switch {
	case fn == fnRead || fn == fnWrite:
		m.variables(&q, begin)
	case m.kind == job:
		e := begin()
		job1(e, fn, m.param)
		m.out.Emit(e, m.raw)
	default:
		e := begin()
		answer(e, fn, m)
		m.out.Emit(e, m.raw)
	}
	if m.kind == job {
		m.d.asked.Put(m.reference, q)
	}
}

// messagePlus tells what is plain to see of an S7comm-plus message.
func messagePlus(b []byte, out proto.Out) {
	r := ics.NewReader(b)
	r.Skip(1)
	version := r.U8()
	length := r.BE16()
	half, op, fn := ics.Other, 0, 0
	if version == 3 && r.Len() > 33 && r.Peek()[0] == 0x20 {
		r.Skip(33) // a digest
	}
	if length > 0 && r.Len() >= 5 {
		op = r.U8()
		r.Skip(2)
		fn = r.BE16()
	}
	switch op {
	case 0x31:
		half = ics.Request
	case 0x32:
		half = ics.Response
	}
	function, known := plusFunctions[fn]
	switch {
	case known && op != 0x33:
	case op == 0x33:
		function = "Notification"
	default:
		function = "unknown"
	}
	e := ics.New(out, namePlus, half, function)
	e.SetAppName(namePlus)
	e.SetMetadataLogName("wire/" + namePlus)
	e.AddExtra("version", strconv.Itoa(version))
	if op != 0 {
		e.AddExtra("opcode", ics.Code(op, 2))
	}
	if known {
		e.SetICSFunctionCode(int64(fn))
		e.SetICSWrite(plusChanges(fn))
	}
	out.Emit(e, b)
}
