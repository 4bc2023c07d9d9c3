package s7

import (
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// userData tells of a message of user data: functions of the engineering
// station.
func (m *message) userData() {
	r := m.param
	r.Skip(4)
	method, what, sub := r.U8(), r.U8(), r.U8()
	sequence := r.U8()
	group := what & 0x0f
	function, half := groups[group], "Request"
	switch what >> 4 {
	case 4:
		function = "Request: " + function
	case 8:
		function, half = "Response: "+function, "Response"
	default:
		function, half = "Push: "+function, "Traffic"
	}
	e := m.event(function)
	e.SetActivityName(half)
	e.SetICSFunctionCode(int64(what))
	e.SetICSWrite(userChanges(group, sub) && half != "Traffic")
	e.AddExtra("subfunction_code", ics.Code(sub, 2))
	e.AddExtra("subfunction_name", nameOf(subfunctions, group<<8|sub))
	unit, more := 0, false
	if method == 0x12 && r.Len() >= 4 {
		unit, more = r.U8(), r.U8() != 0
		code := r.BE16()
		if code != 0 {
			e.AddExtra("error_class", "Parameter Error")
			e.AddExtra("error_code", ics.Code(code, 2))
			if half == "Response" {
				ics.Bad(e, "Parameter Error "+ics.Code(code, 4))
			}
		} else if half == "Response" {
			e.AddExtra("error_class", "No error")
			e.AddExtra("error_code", "0x00")
			ics.Good(e)
		}
	}
	if !r.OK() {
		ics.Odd(e)
	}
	var claim ics.Claim
	if group == 4 && sub == 1 && e.Status() != event.Failure {
		claim = m.list(e, half == "Response", part{unit, sequence, more})
	}
	m.out.Emit(e, m.raw)
	ics.Tell(m.out, m.d.Flow, m.side, claim, m.raw)
}

// part says how a message belongs to an answer of several.
type part struct {
	unit, sequence int
	more           bool
}

// lists puts together system status lists that need several messages, one at
// a time.
type lists struct {
	open bool
	id   int
	unit int
	data []byte
}

const maxList = 16 << 10

// list reads a request for, or a part of, a system status list.
func (m *message) list(e *event.Event, response bool, p part) ics.Claim {
	r := m.data
	code := r.U8()
	r.Skip(1)
	n := r.BE16()
	l := &m.d.lists
	later := response && l.open && p.unit != 0 && p.unit == l.unit
	if !later && n >= 4 && r.Len() >= 4 {
		id := r.BE16()
		e.AddExtra("szl_id", ics.Code(id, 4))
		e.SetICSObject(nameOf(listNames, id&0xff))
		e.AddExtra("szl_index", ics.Code(r.BE16(), 4))
		*l = lists{id: id, unit: p.unit, open: response}
	}
	e.AddExtra("return_code", ics.Code(code, 2))
	e.AddExtra("return_code_name", nameOf(returnCodes, code))
	if !response {
		return ics.Claim{}
	}
	if code != 0xff {
		ics.Bad(e, nameOf(returnCodes, code))
		l.open = false
		return ics.Claim{}
	}
	if !l.open || len(l.data)+r.Len() > maxList {
		return ics.Claim{}
	}
	l.data = append(l.data, r.Rest()...)
	if p.more {
		return ics.Claim{}
	}
	l.open = false
	defer func() { l.data = nil }()
	return identity(e, l.id, l.data)
}

// identity reads who a module is from the lists 0x0011 and 0x001c.
func identity(e *event.Event, id int, b []byte) ics.Claim {
	r := ics.NewReader(b)
	width, count := r.BE16(), r.BE16()
	e.SetICSQuantity(int64(count))
	claim := ics.Claim{Source: "s7 szl"}
	for i := 0; i < count && i < maxItems && width > 2 && r.Len() >= width; i++ {
		rec := r.Sub(width)
		index := rec.BE16()
		switch id & 0xff {
		case 0x11:
			module(&claim, index, rec)
		case 0x1c:
			component(e, &claim, index, ics.Text(rec.Rest()))
		}
	}
	return claim
}

// module reads a record of the list 0x0011: order number and versions.
func module(claim *ics.Claim, index int, r *ics.Reader) {
	order := ics.Text(r.Bytes(20))
	r.Skip(2)
	version := r.Bytes(4)
	if !r.OK() {
		return
	}
	switch index {
	case 1:
		claim.Model = order
	case 7:
		if version[0] == 'V' {
			claim.Firmware = "V" + strconv.Itoa(int(version[1])) + "." + strconv.Itoa(int(version[2])) + "." + strconv.Itoa(int(version[3]))
		}
	}
}

// component reads a record of the list 0x001c: names and numbers.
func component(e *event.Event, claim *ics.Claim, index int, text string) {
	switch index {
	case 1:
		claim.Name = text
		e.AddExtra("automation_system_name", text)
	case 2:
		e.AddExtra("module_name", text)
		if claim.Model == "" {
			claim.Model = text
		}
	case 3:
		e.AddExtra("plant_name", text)
	case 4:
		if strings.Contains(text, "Siemens") {
			claim.Vendor = "Siemens"
		}
	case 5:
		claim.Serial = text
		e.AddExtra("module_serial", text)
	case 7:
		claim.Model = text
	case 11:
		claim.Location = text
	}
}
