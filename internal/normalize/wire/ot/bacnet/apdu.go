package bacnet

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

// The types of application messages (clause 20.1).
const (
	confirmedRequest = iota
	unconfirmedRequest
	simpleAck
	complexAck
	segmentAck
	errorPDU
	rejectPDU
	abortPDU
)

// application reads the head of an application message.
func (m *message) application(r *ics.Reader) {
	first := r.U8()
	m.pdu = first >> 4
	segmented, more := first&8 != 0, first&4 != 0
	if m.pdu == confirmedRequest {
		r.Skip(1)
	}
	if m.pdu != unconfirmedRequest {
		m.invoke, m.hasInvoke = r.U8(), true
	}
	sequence := -1
	if segmented && (m.pdu == confirmedRequest || m.pdu == complexAck) {
		sequence = r.U8()
		r.Skip(1)
	}
	switch m.pdu {
	case segmentAck:
		e := m.event("segment_ack", ics.Response)
		e.AddExtra("sequence_number", strconv.Itoa(r.U8()))
		e.SetICSWrite(false)
		m.out.Emit(e, ics.Safe(e, m.raw))
		return
	case rejectPDU:
		m.refused("reject", nameOf(rejectReasons, r.U8()))
		return
	case abortPDU:
		m.refused("abort", nameOf(abortReasons, r.U8()))
		return
	}
	m.service = r.U8()
	if !r.OK() || m.pdu > abortPDU {
		return
	}
	body := r.Rest()
	if sequence >= 0 {
		if body = m.d.parts.add(segmentKey{m.side, m.invoke}, sequence, more, body); body == nil {
			return
		}
	}
	m.body(body)
}

func (m *message) refused(function, why string) {
	e := m.event(function, ics.Response)
	e.AddExtra("result_code", why)
	ics.Bad(e, why)
	m.out.Emit(e, ics.Safe(e, m.raw))
}

// begin begins an event of a message with a service.
func (m *message) begin() *event.Event {
	if m.pdu == unconfirmedRequest {
		half := ics.Request
		if m.service == iAm || m.service == iHave {
			half = ics.Response
		}
		e := m.event(nameOf(unconfirmedServices, m.service), half)
		e.SetICSFunctionCode(int64(m.service))
		e.SetICSWrite(unconfirmedChanges(m.service))
		return e
	}
	half := ics.Response
	if m.pdu == confirmedRequest {
		half = ics.Request
	}
	e := m.event(nameOf(confirmedServices, m.service), half)
	e.SetICSFunctionCode(int64(m.service))
	e.SetICSWrite(confirmedChanges(m.service))
	if m.pdu == simpleAck || m.pdu == complexAck {
		ics.Good(e)
	}
	return e
}

// body reads what a service carries.
func (m *message) body(b []byte) {
	switch {
	case m.pdu == errorPDU:
		e := m.begin()
		failure(e, b)
		m.out.Emit(e, ics.Safe(e, m.raw))
	case m.pdu == unconfirmedRequest && m.discovery(b):
	case m.pdu == confirmedRequest && (m.service == reinitialize || m.service == communication):
		e := m.begin()
		control(e, m.service, b)
		m.out.Emit(e, ics.Safe(e, m.raw))
	default:
		if g, ok := m.grammar(); ok && m.pdu != simpleAck {
			m.properties(g, b)
			return
		}
		m.out.Emit(m.begin(), m.raw)
	}
}

// failure reads class and code of an error: the first two enumerations.
func failure(e *event.Event, b []byte) {
	var got []int
	walk(b, func(t tag, _ []int) bool {
		if !t.context && t.number == tagEnumerated {
			got = append(got, t.uint())
		}
		return len(got) < 2
	})
	why := "error"
	if len(got) == 2 {
		why = nameOf(errorCodes, got[1])
	}
	e.AddExtra("result_code", why)
	ics.Bad(e, why)
}

// control reads the orders to restart and to be silent (clauses 16.1, 16.4).
// Their passwords are in the clear; that there is one is told, not what it is.
func control(e *event.Event, service int, b []byte) {
	stateTag, passwordTag, names := 0, 1, deviceStates
	if service == communication {
		stateTag, passwordTag, names = 1, 2, communicationStates
	}
	walk(b, func(t tag, _ []int) bool {
		switch {
		case t.context && t.number == stateTag:
			e.SetICSValue(nameOf(names, t.uint()))
		case t.context && t.number == passwordTag:
			e.AddExtra("password", "given")
		}
		return true
	})
}

// segmentKey is whose segments these are.
type segmentKey struct {
	side   proto.Side
	invoke int
}

const (
	maxSegmented = 256 << 10
	maxOpen      = 8
)

// segments puts segmented messages together (clause 5.2.1.2).
type segments struct {
	of map[segmentKey]*assembly
}

type assembly struct {
	next int
	data []byte
}

// add returns the whole body once its last segment came, else nil.
func (s *segments) add(k segmentKey, sequence int, more bool, b []byte) []byte {
	a := s.of[k]
	switch {
	case sequence == 0:
		if s.of == nil || len(s.of) >= maxOpen {
			s.of = make(map[segmentKey]*assembly)
		}
		a = &assembly{}
		s.of[k] = a
	case a == nil:
		return nil
	case a.next != sequence || len(a.data)+len(b) > maxSegmented:
		if sequence != (a.next-1)&0xff { // not merely repeated
			delete(s.of, k)
		}
		return nil
	}
	a.data, a.next = append(a.data, b...), (sequence+1)&0xff
	if more {
		return nil
	}
	delete(s.of, k)
	return append([]byte{}, a.data...)
}
