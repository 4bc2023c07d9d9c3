package enip

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// key finds the request of an answer: by the sequence of a connection, or by
// the context that the client chose.
type key struct {
	session, sequence int
	context           string
}

// target is what a request acts on. A number that is not told is -1.
type target struct {
	service                    int
	class, instance, attribute int
	symbol                     string
}

func newTarget(service int) target {
	return target{service: service, class: -1, instance: -1, attribute: -1}
}

// The services that are treated by themselves (volume 1, appendix A).
const (
	svcGetAll        = 0x01
	svcMultiple      = 0x0a
	svcGetSingle     = 0x0e
	svcSetSingle     = 0x10
	svcPCCC          = 0x4b
	svcReadTag       = 0x4c
	svcWriteTag      = 0x4d
	svcForwardClose  = 0x4e
	svcUnconnected   = 0x52
	svcForwardOpen   = 0x54
	classIdentity    = 0x01
	classConnections = 0x06
	maxNested        = 3
	maxServices      = 64
	responseFlag     = 0x80
)

// cip tells of a CIP request or answer with all that it carries.
func (m *message) cip(r *ics.Reader) {
	if r.Len() < 2 {
		return
	}
	k := key{session: m.session, sequence: m.sequence}
	if m.sequence < 0 {
		k.context = m.context
	}
	if r.Peek()[0]&responseFlag == 0 {
		var all []target
		m.request(r, &all, 0)
		m.d.asked.Put(k, all)
		return
	}
	all, _ := m.d.asked.Take(k)
	m.response(r, &all, 0)
}

// begin begins the event of a service.
func (m *message) begin(t target, half ics.Kind) *event.Event {
	e := ics.New(m.out, nameCIP, half, t.name())
	e.SetAppName(nameCIP)
	e.SetMetadataLogName("wire/cip")
	e.SetICSFunctionCode(int64(t.service))
	e.SetICSWrite(t.writes())
	if m.told++; m.told > 1 {
		e.AddExtra("part", strconv.Itoa(m.told))
	}
	if m.sequence >= 0 {
		e.AddExtra("cip_sequence_count", strconv.Itoa(m.sequence))
	}
	m.encapsulation(e)
	t.set(e)
	return e
}

func (t target) set(e *event.Event) {
	if t.class >= 0 {
		e.AddExtra("class_id", ics.Code(t.class, 2))
		e.SetICSObject(t.className())
		e.AddExtra("class_name", t.className())
	}
	if t.instance >= 0 {
		e.AddExtra("instance_id", ics.Code(t.instance, 2))
		e.SetICSAddress(int64(t.instance))
	}
	if t.attribute >= 0 {
		e.AddExtra("attribute_id", ics.Code(t.attribute, 2))
	}
	if t.symbol != "" {
		e.SetICSObject(t.symbol)
	}
}

// request reads a request and those inside it.
func (m *message) request(r *ics.Reader, all *[]target, depth int) {
	if r.Len() < 2 || depth > maxNested || len(*all) >= maxServices {
		return
	}
	t := newTarget(r.U8())
	t.path(r.Sub(2 * r.U8()))
	*all = append(*all, t)
	e := m.begin(t, ics.Request)
	if !r.OK() {
		ics.Odd(e)
		m.out.Emit(e, m.raw)
		return
	}
	switch {
	case t.service == svcMultiple:
		m.out.Emit(e, m.raw)
		multiple(r, func(one *ics.Reader) { m.request(one, all, depth+1) })
		return
	case t.class == classConnections && t.service == svcUnconnected:
		m.out.Emit(e, m.raw)
		r.Skip(2)
		m.request(r.Sub(r.LE16()), all, depth+1)
		return
	case t.class == classConnections && (t.service == svcForwardOpen || t.service == svcForwardClose):
		forward(e, t.service, r)
	case t.service == svcPCCC:
		pccc(e, r)
	case t.service == svcReadTag:
		e.SetICSQuantity(int64(r.LE16()))
	case t.service == svcWriteTag && t.class != classConnections:
		e.AddExtra("data_type", ics.Code(r.LE16(), 4))
		e.SetICSQuantity(int64(r.LE16()))
		e.SetICSValue(ics.Hex(r.Rest()))
	default:
		e.SetICSValue(ics.Hex(r.Rest()))
	}
	m.out.Emit(e, m.raw)
}

// multiple cuts a packet of several services (volume 1, A-4.10): offsets from
// the count on, in order.
func multiple(r *ics.Reader, visit func(*ics.Reader)) {
	b := r.Rest()
	o := ics.NewReader(b)
	n := o.LE16()
	var at []int
	for i := 0; i < n && i < maxServices && o.OK(); i++ {
		at = append(at, o.LE16())
	}
	for i, from := range at {
		to := len(b)
		if i+1 < len(at) {
			to = at[i+1]
		}
		if from < 2 || to < from || to > len(b) {
			return
		}
		visit(ics.NewReader(b[from:to]))
	}
}

// forward reads the opening or closing of a connection (volume 1, 3-5.4).
func forward(e *event.Event, service int, r *ics.Reader) {
	r.Skip(2)
	if service == svcForwardOpen {
		e.AddExtra("originator_connection_id", ics.Code(r.LE32(), 8))
		e.AddExtra("target_connection_id", ics.Code(r.LE32(), 8))
	}
	e.AddExtra("connection_serial_number", ics.Code(r.LE16(), 4))
	e.AddExtra("originator_vendor_id", numbered(vendors, r.LE16(), "vendor "))
	e.AddExtra("originator_serial_number", ics.Code(r.LE32(), 8))
	if !r.OK() {
		ics.Odd(e)
	}
}

// pccc reads the head of a command of older Allen-Bradley controllers (DF1
// protocol, publication 1770-6.5.16).
func pccc(e *event.Event, r *ics.Reader) {
	id := r.U8()
	r.Skip(id - 1)
	command := r.U8()
	r.Skip(3)
	const withFunction = 0x0f
	if command != withFunction || !r.OK() {
		e.AddExtra("pccc_command", ics.Code(command, 2))
		return
	}
	fn := r.U8()
	f, known := pcccFunctions[fn]
	if !known {
		f.name = "unknown-" + ics.Code(fn, 2)
	}
	e.AddExtra("pccc_function", f.name)
	if known {
		e.SetICSWrite(f.write)
	}
	e.SetICSValue(ics.Hex(r.Rest()))
}

// response reads an answer and those inside it; all are the requests, in
// order.
func (m *message) response(r *ics.Reader, all *[]target, depth int) {
	if r.Len() < 4 || depth > maxNested || m.told >= maxServices {
		return
	}
	t := newTarget(r.U8() &^ responseFlag)
	if len(*all) > 0 && (*all)[0].service == t.service {
		t = (*all)[0]
	} else if len(*all) > 1 && (*all)[0].service == svcUnconnected && (*all)[1].service == t.service {
		t, *all = (*all)[1], (*all)[1:] // the router answers with what the target said
	}
	if len(*all) > 0 {
		*all = (*all)[1:]
	}
	r.Skip(1)
	status := r.U8()
	extended := r.Sub(2 * r.U8())
	e := m.begin(t, ics.Response)
	e.AddExtra("cip_status_code", ics.Code(status, 2))
	e.AddExtra("cip_status", nameOf(cipStatuses, status))
	if extended.Len() >= 2 {
		e.AddExtra("cip_extended_status_code", ics.Code(extended.LE16(), 4))
	}
	const partial = 6
	if status == 0 || status == partial {
		ics.Good(e)
	} else {
		ics.Bad(e, nameOf(cipStatuses, status))
	}
	if t.service == svcMultiple {
		m.out.Emit(e, m.raw)
		multiple(r, func(one *ics.Reader) { m.response(one, all, depth+1) })
		return
	}
	data := r.Rest()
	e.SetICSValue(ics.Hex(data))
	m.out.Emit(e, m.raw)
	if status == 0 && t.class == classIdentity && t.service == svcGetAll {
		if claim, ok := identity(ics.NewReader(data)); ok {
			ics.Tell(m.out, m.d.flow, m.side, claim, m.raw)
		}
	}
}
