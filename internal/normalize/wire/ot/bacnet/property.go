package bacnet

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// grammar says under which context tags a service has its object, its
// property, the index of it and its value; -1: nowhere. list is the opening
// tag that holds several properties of an object.
type grammar struct{ object, property, index, value, failure, list int }

// grammar finds the one of a message (clauses 13 to 16 and 21).
func (m *message) grammar() (grammar, bool) {
	one := grammar{object: 0, property: 1, index: 2, value: 3, failure: -1, list: -1}
	if m.pdu == unconfirmedRequest {
		if m.service == 2 {
			return grammar{object: 2, property: 0, index: 1, value: 2, failure: -1, list: 4}, true
		}
		return one, false
	}
	switch m.service {
	case 1:
		return grammar{object: 2, property: 0, index: 1, value: 2, failure: -1, list: 4}, true
	case 5:
		return grammar{object: 1, property: -1, index: -1, value: -1, failure: -1, list: -1}, true
	case 8, 9, 12, 15, 26:
		return one, true
	case 14:
		if m.pdu == complexAck {
			return grammar{object: 0, property: 2, index: 3, value: 4, failure: 5, list: 1}, true
		}
		return grammar{object: 0, property: 0, index: 1, value: -1, failure: -1, list: 1}, true
	case 16:
		return grammar{object: 0, property: 0, index: 1, value: 2, failure: -1, list: 1}, true
	case 28:
		return grammar{object: 1, property: 0, index: 1, value: -1, failure: -1, list: 4}, true
	case 6, 7, 10, 11:
		return grammar{object: -1, property: -1, index: -1, value: -1, failure: -1, list: -1}, true
	}
	return one, false
}

const maxParts = 64

// property is one property of an object, as far as it was read.
type property struct {
	object, instance int // -1: not told
	id, index        int
	values           ics.List
	failed           []int
}

// properties tells of each property that a message names.
func (m *message) properties(g grammar, b []byte) {
	p := &property{object: -1, id: -1, index: -1}
	object, instance := -1, -1
	done := func() {
		if m.told < maxParts {
			m.property(p)
		}
		p = &property{object: object, instance: instance, id: -1, index: -1}
	}
	walk(b, func(t tag, in []int) bool {
		inList := g.list < 0 && len(in) == 0 || g.list >= 0 && len(in) == 1 && in[0] == g.list
		inner := 1
		if g.list >= 0 {
			inner = 2
		}
		switch {
		case t.closing:
			return m.told < maxParts
		case len(in) == 0 && t.context && !t.opening && t.number == g.object, g.object < 0 && !t.context && t.number == tagObject && object < 0:
			if p.id >= 0 {
				done()
			}
			object, instance = t.object()
			p.object, p.instance = object, instance
		case inList && t.context && !t.opening && t.number == g.property:
			if p.id >= 0 {
				done()
			}
			p.id = t.uint()
		case inList && t.context && !t.opening && t.number == g.index:
			p.index = t.uint()
		case len(in) >= inner && in[inner-1] == g.value && !t.opening:
			p.value(t)
		case len(in) >= inner && in[inner-1] == g.failure && t.number == tagEnumerated && !t.context:
			p.failed = append(p.failed, t.uint())
		}
		return m.told < maxParts
	})
	if p.id >= 0 || m.told == 0 {
		done()
	}
}

func (p *property) value(t tag) {
	if t.context {
		p.values.Add(ics.Hex(t.body))
		return
	}
	p.values.Add(t.text(p.id))
}

// property tells of one property.
func (m *message) property(p *property) {
	e := m.begin()
	setObject(e, p.object, p.instance)
	if p.id >= 0 {
		e.AddExtra("property", nameOf(properties, p.id))
	}
	if p.index >= 0 {
		e.AddExtra("array_index", strconv.Itoa(p.index))
	}
	e.SetICSValue(p.values.String())
	if len(p.failed) >= 2 {
		why := nameOf(errorCodes, p.failed[1])
		e.AddExtra("result_code", why)
		ics.Bad(e, why)
	}
	m.out.Emit(e, m.raw)
	if m.pdu == complexAck && p.object == deviceObject {
		m.claim(deviceClaim(p.id, p.values.String()))
	}
}

func setObject(e *event.Event, kind, instance int) {
	if kind < 0 {
		return
	}
	e.SetICSObject(nameOf(objectTypes, kind))
	e.SetICSAddress(int64(instance))
	if kind == deviceObject {
		e.SetICSUnit(int64(instance))
	}
}

// deviceClaim reads who a device is from the properties of its device object
// (clause 12.11).
func deviceClaim(id int, v string) ics.Claim {
	c := ics.Claim{Source: "bacnet device"}
	switch id {
	case 121:
		c.Vendor = v
	case 70:
		c.Model = v
	case 44:
		c.Firmware = v
	case 58:
		c.Location = v
	case 77:
		c.Name = v
	case 372:
		c.Serial = v
	}
	return c
}

// discovery reads the services that find devices and objects (clause 16.9,
// 16.10), and reports whether it was one.
func (m *message) discovery(b []byte) bool {
	switch m.service {
	case iAm, iHave, whoHas, whoIs:
	default:
		return false
	}
	e := m.begin()
	var app []tag
	low, high := -1, -1
	walk(b, func(t tag, _ []int) bool {
		switch {
		case !t.context:
			app = append(app, t)
		case t.number == 0:
			low = t.uint()
		case t.number == 1:
			high = t.uint()
		case t.number == 2:
			kind, instance := t.object()
			setObject(e, kind, instance)
		case t.number == 3:
			e.AddExtra("object_name", characters(t.body))
		}
		return len(app) < 8
	})
	if m.service == whoIs || m.service == whoHas {
		text := "All"
		if low >= 0 && high >= 0 {
			text = strconv.Itoa(low) + "-" + strconv.Itoa(high)
		}
		e.AddExtra("range", text)
	}
	claim := found(e, m.service, app)
	m.out.Emit(e, m.raw)
	m.claim(claim)
	return true
}

// found reads the answers I-Am and I-Have.
func found(e *event.Event, service int, app []tag) (claim ics.Claim) {
	switch {
	case service == iAm && len(app) >= 4:
		kind, instance := app[0].object()
		setObject(e, kind, instance)
		number := app[3].uint()
		vendor, ok := vendors[number]
		if !ok {
			vendor = "vendor " + strconv.Itoa(number)
		}
		e.AddExtra("vendor", vendor)
		e.AddExtra("vendor_id", strconv.Itoa(number))
		e.AddExtra("max_apdu", strconv.Itoa(app[1].uint()))
		return ics.Claim{Source: "bacnet i-am", Vendor: vendor}
	case service == iHave && len(app) >= 3:
		_, device := app[0].object()
		kind, instance := app[1].object()
		setObject(e, kind, instance)
		e.SetICSUnit(int64(device))
		e.AddExtra("device_id_number", strconv.Itoa(device))
		e.AddExtra("object_name", app[2].text(0))
	}
	return ics.Claim{}
}
