package modbus

import (
	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// request reads what is asked for.
func (d *decoder) request(e *event.Event, q *request, r *ics.Reader) {
	switch q.function {
	case 1, 2, 3, 4:
		q.address, q.quantity = r.BE16(), r.BE16()
	case 5, 6:
		single(e, q, r)
	case 15, 16:
		q.address, q.quantity = r.BE16(), r.BE16()
		values(e, q, r.Bytes(r.U8()))
	case 22:
		q.address = r.BE16()
		masks(e, r)
	case 23:
		e.AddExtra("read_start_address", itoa(r.BE16()))
		e.AddExtra("read_quantity", itoa(r.BE16()))
		q.address, q.quantity = r.BE16(), r.BE16()
		written := ics.Words(r.Bytes(r.U8()))
		e.SetICSValue(written)
		e.AddExtra("write_registers", written)
	case 24:
		q.address = r.BE16()
	default:
		other(e, q.function, r)
	}
	if !r.OK() {
		ics.Odd(e)
		return
	}
	setRange(e, *q)
}

// other reads requests that address no register.
func other(e *event.Event, fn int, r *ics.Reader) {
	switch fn {
	case 8:
		sub := r.BE16()
		e.AddExtra("request_subfunction_code", diagnostic(sub))
		e.AddExtra("request_data", ics.Hex(r.Rest()))
		e.SetICSWrite(changing(sub))
	case 20:
		records(e, r.Sub(r.U8()), false)
	case 21:
		records(e, r.Sub(r.U8()), true)
	case 43:
		mei := r.U8()
		e.AddExtra("mei_type", encapsulated(mei))
		if mei == 14 {
			e.AddExtra("read_device_id_code", itoa(r.U8()))
			e.AddExtra("object_id", itoa(r.U8()))
		}
	default:
		e.AddExtra("request_data", ics.Hex(r.Rest()))
	}
}

// answer reads a response; q is its request, as far as that is known.
func answer(e *event.Event, q request, r *ics.Reader) (claim ics.Claim) {
	switch q.function {
	case 1, 2:
		b := r.Bytes(r.U8())
		n := q.quantity
		if n == 0 {
			n = 8 * len(b)
		}
		e.SetICSValue(ics.Bits(b, n))
	case 3, 4:
		e.SetICSValue(ics.Words(r.Bytes(r.U8())))
	case 5, 6:
		single(e, &q, r)
		setRange(e, q)
	case 15, 16:
		q.address, q.quantity = r.BE16(), r.BE16()
		setRange(e, q)
	case 22:
		q.address = r.BE16()
		masks(e, r)
		setRange(e, q)
	case 23:
		read := ics.Words(r.Bytes(r.U8()))
		e.SetICSValue(read)
		e.AddExtra("read_registers", read)
	case 24:
		r.Skip(2)
		n := r.BE16()
		e.SetICSQuantity(int64(n))
		e.SetICSValue(ics.Words(r.Bytes(2 * n)))
	default:
		claim = otherAnswer(e, q.function, r)
	}
	if !r.OK() {
		ics.Odd(e)
	}
	return claim
}

func otherAnswer(e *event.Event, fn int, r *ics.Reader) ics.Claim {
	switch fn {
	case 7:
		e.SetICSValue(itoa(r.U8()))
	case 8:
		sub := r.BE16()
		e.AddExtra("response_subfunction_code", diagnostic(sub))
		e.AddExtra("response_data", ics.Hex(r.Rest()))
		e.SetICSWrite(changing(sub))
	case 11:
		e.AddExtra("comm_status", ics.Code(r.BE16(), 4))
		e.SetICSValue(itoa(r.BE16()))
	case 17:
		return slaveID(e, r.Bytes(r.U8()))
	case 20:
		fileData(e, r.Sub(r.U8()))
	case 21:
		records(e, r.Sub(r.U8()), true)
	case 43:
		return identification(e, r)
	default:
		e.AddExtra("response_data", ics.Hex(r.Rest()))
	}
	return ics.Claim{}
}

// single reads the write of one coil or register. A coil is on at 0xff00.
func single(e *event.Event, q *request, r *ics.Reader) {
	q.address, q.quantity = r.BE16(), 1
	v := r.BE16()
	if q.function == 5 && v == 0xff00 {
		v = 1
	}
	e.SetICSValue(itoa(v))
}

func values(e *event.Event, q *request, b []byte) {
	if q.function == 15 {
		e.SetICSValue(ics.Bits(b, q.quantity))
		return
	}
	e.SetICSValue(ics.Words(b))
}

func masks(e *event.Event, r *ics.Reader) {
	and, or := itoa(r.BE16()), itoa(r.BE16())
	e.SetICSValue(and + "," + or)
	e.AddExtra("and_mask", and)
	e.AddExtra("or_mask", or)
}

// records reads the groups of a file request (section 6.14): the first is the
// event's, all are told in one text.
func records(e *event.Event, r *ics.Reader, withData bool) {
	var all, data ics.List
	for n := 0; r.Len() >= 7; n++ {
		r.Skip(1)
		file, record, length := r.BE16(), r.BE16(), r.BE16()
		if n == 0 {
			e.SetICSAddress(int64(record))
			e.SetICSQuantity(int64(length))
			e.AddExtra("file_number", itoa(file))
		}
		all.Add(itoa(file) + "/" + itoa(record) + "+" + itoa(length))
		if withData {
			data.Add(ics.Hex(r.Bytes(2 * length)))
		}
	}
	e.AddExtra("file_records", all.String())
	e.SetICSValue(data.String())
}

func fileData(e *event.Event, r *ics.Reader) {
	var data ics.List
	for r.Len() >= 2 {
		n := r.U8()
		r.Skip(1)
		data.Add(ics.Words(r.Bytes(n - 1)))
	}
	e.SetICSValue(data.String())
}

// slaveID reads what a device says of itself in its own words (section 6.13).
// Most put the name of the model there, after an id and whether it runs.
func slaveID(e *event.Event, b []byte) ics.Claim {
	e.SetICSValue(ics.Hex(b))
	const before = 2
	if len(b) < before+4 || !ics.Printable(b[before:]) {
		return ics.Claim{}
	}
	text := ics.Text(b[before:])
	e.AddExtra("slave_id_text", text)
	return ics.Claim{Source: "modbus slave id", Model: text}
}

// objectNames are the objects of Read Device Identification (section 6.21).
var objectNames = [...]string{"vendor_name", "product_code", "revision", "vendor_url", "product_name", "model_name", "user_application_name"}

func identification(e *event.Event, r *ics.Reader) ics.Claim {
	mei := r.U8()
	e.AddExtra("mei_type", encapsulated(mei))
	if mei != 14 {
		e.AddExtra("response_data", ics.Hex(r.Rest()))
		return ics.Claim{}
	}
	e.AddExtra("read_device_id_code", itoa(r.U8()))
	e.AddExtra("conformity_level", ics.Code(r.U8(), 2))
	r.Skip(2)
	var got [len(objectNames)]string
	n := r.U8()
	e.SetICSQuantity(int64(n))
	for range n {
		id := r.U8()
		text := ics.Text(r.Bytes(r.U8()))
		if r.OK() && id < len(got) {
			got[id] = text
			e.SetExtra(objectNames[id], text)
		}
	}
	claim := ics.Claim{Source: "modbus device identification", Vendor: got[0], Firmware: got[2], Name: got[6], Model: got[5]}
	for _, other := range []string{got[4], got[1]} {
		if claim.Model == "" {
			claim.Model = other
		}
	}
	return claim
}
