package dnp3

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// controls tells of each control by itself, as ICSNPP does: each is an order to
// one point.
func (m *message) controls(h *header, r *ics.Reader) bool {
	for i := 0; i < h.count && r.Len() > 0; i++ {
		if m.told >= maxParts {
			return false
		}
		e := m.event()
		m.describe(e, h)
		e.SetICSAddress(int64(number(r, h.prefix)))
		e.SetICSQuantity(1)
		var status int
		if h.group == 12 {
			status = relay(e, r)
		} else {
			layout := objects[h.group<<8|h.variation].layout
			if layout == "" {
				m.out.Emit(e, m.raw)
				return false
			}
			e.SetICSValue(value(layout[:1], r))
			status = r.U8()
		}
		switch {
		case !r.OK():
			ics.Odd(e)
		case m.response:
			outcome(e, status)
		}
		m.out.Emit(e, m.raw)
	}
	if !r.OK() {
		return false
	}
	if h.count == 0 || r.Len() == 0 && m.told == 0 {
		e := m.event()
		m.describe(e, h)
		m.out.Emit(e, m.raw)
	}
	return true
}

// relay reads a control relay output block (annex A, group 12 variation 1).
func relay(e *event.Event, r *ics.Reader) (status int) {
	code := r.U8()
	trip, operation := tripNames[code>>6&3], "unknown-"+strconv.Itoa(code&0x0f)
	if op := code & 0x0f; op < len(operationNames) {
		operation = operationNames[op]
	}
	e.SetICSValue(trip + " " + operation)
	e.AddExtra("trip_control_code", trip)
	e.AddExtra("operation_type", operation)
	e.AddExtra("clear_bit", ics.Flag(code&0x20 != 0))
	e.AddExtra("execute_count", strconv.Itoa(r.U8()))
	e.AddExtra("on_time", strconv.Itoa(r.LE32()))
	e.AddExtra("off_time", strconv.Itoa(r.LE32()))
	return r.U8() & 0x7f
}

func outcome(e *event.Event, status int) {
	e.AddExtra("status_code", nameOf(statusNames, status))
	if status == 0 {
		ics.Good(e)
		return
	}
	ics.Bad(e, nameOf(statusNames, status))
}

// sizedObjects reads objects that carry their size: files (group 70) and
// authentication (group 120).
func sizedObjects(e *event.Event, h *header, r *ics.Reader) {
	for i := 0; i < h.count && r.OK() && r.Len() > 0; i++ {
		o := r.Sub(number(r, h.sized))
		if h.group != 70 || i > 0 {
			continue
		}
		switch h.variation {
		case 3: // a command
			at, n := o.LE16(), o.LE16()
			o.Skip(14)
			e.AddExtra("file_length", strconv.Itoa(o.LE32()))
			e.AddExtra("file_mode", strconv.Itoa(o.LE16()))
			o.Skip(at - 26 + 4)
			e.SetFileName(ics.Text(o.Bytes(n)))
		case 4: // its status
			e.AddExtra("file_handle", ics.Code(o.LE32(), 8))
			e.AddExtra("file_length", strconv.Itoa(o.LE32()))
			o.Skip(4)
			if status := o.U8(); status != 0 && o.OK() {
				ics.Bad(e, "file status "+strconv.Itoa(status))
			}
		case 5: // a block of data
			e.AddExtra("file_handle", ics.Code(o.LE32(), 8))
			e.AddExtra("file_block", strconv.Itoa(o.LE32()&0x7fffffff))
			e.AddExtra("block_length", strconv.Itoa(o.Len()))
		}
	}
}

// attributes reads what a device says of itself (annex A, group 0). Only texts
// are of interest; each is an object of its own header.
func attributes(e *event.Event, h *header, r *ics.Reader) ics.Claim {
	kind := r.U8()
	b := r.Bytes(r.U8())
	const text = 1
	if kind != text {
		e.SetICSValue(ics.Hex(b))
		return ics.Claim{}
	}
	v := ics.Text(b)
	e.SetICSValue(v)
	claim := ics.Claim{Source: "dnp3 device attributes"}
	switch h.variation {
	case 242:
		claim.Firmware = v
	case 245:
		claim.Location = v
	case 247:
		claim.Name = v
	case 248:
		claim.Serial = v
	case 250:
		claim.Model = v
	case 252:
		claim.Vendor = v
	}
	return claim
}
