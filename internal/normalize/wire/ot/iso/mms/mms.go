// Package mms decodes the Manufacturing Message Specification (ISO 9506) as
// IEC 61850-8-1 uses it: on ISO session and presentation. It must not do I/O.
package mms

import (
	"bytes"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ber"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "mms"

// The session units (ISO 8327-1) that are of interest.
const (
	spduConnect = 0x0d
	spduAccept  = 0x0e
)

// transfer is how data begins: an empty unit that gives tokens, and one for the
// data.
var transfer = []byte{1, 0, 1, 0}

// Is reports whether b is a session unit as MMS uses it.
func Is(b []byte) bool {
	return bytes.HasPrefix(b, transfer) && len(b) > 8 && b[4] == 0x61 || len(b) > 20 && (b[0] == spduConnect || b[0] == spduAccept)
}

// request is what an answer does not repeat.
type request struct {
	service int
	object  string
}

// Decoder follows one flow.
type Decoder struct {
	Flow  *proto.Flow
	asked ics.Pairs[int, request]
}

// Message tells of one message.
func (d *Decoder) Message(side proto.Side, b []byte, out proto.Out) {
	if b[0] == spduConnect || b[0] == spduAccept {
		half, fn := ics.Request, "initiate"
		if b[0] == spduAccept {
			half = ics.Response
		}
		e := begin(out, half, fn)
		if half == ics.Response {
			ics.Good(e)
		}
		out.Emit(e, b)
		return
	}
	pdu, ok := presentation(b[len(transfer):])
	if !ok || pdu.Class != 2 {
		return
	}
	switch pdu.Tag {
	case 0, 1, 2:
		d.confirmed(side, pdu, b, out)
	case 3:
		e := begin(out, ics.Other, "informationReport")
		e.SetICSWrite(false)
		fill(e, pdu.Body)
		out.Emit(e, b)
	default:
		d.other(pdu, b, out)
	}
}

// presentation unwraps user data (ISO 8823-1, section 8.4): an encoded list of
// values, of which the first is the message.
func presentation(b []byte) (ber.Item, bool) {
	for range 2 {
		item, _, ok := ber.Next(b)
		if !ok {
			return item, false
		}
		b = item.Body
	}
	value, ok := ber.Find(b, 0)
	if !ok {
		return value, false
	}
	pdu, _, ok := ber.Next(value.Body)
	return pdu, ok
}

func begin(out proto.Out, half ics.Kind, function string) *event.Event {
	e := ics.New(out, name, half, function)
	e.SetAppName(name)
	e.SetMetadataLogName("wire/" + name)
	return e
}

func (d *Decoder) other(pdu ber.Item, raw []byte, out proto.Out) {
	names := map[int]string{
		4: "reject", 5: "cancel", 6: "cancel", 7: "cancel", 8: "initiate", 9: "initiate", 10: "initiate", 11: "conclude", 12: "conclude", 13: "conclude",
	}
	fn, ok := names[pdu.Tag]
	if !ok {
		fn = "unknown-" + strconv.Itoa(pdu.Tag)
	}
	half := ics.Response
	switch pdu.Tag {
	case 5, 8, 11:
		half = ics.Request
	}
	e := begin(out, half, fn)
	switch pdu.Tag {
	case 6, 9, 12:
		ics.Good(e)
	case 4, 7, 10, 13:
		ics.Bad(e, fn+" error")
	}
	out.Emit(e, raw)
}

// confirmed tells of a confirmed request, its answer, or its error.
func (d *Decoder) confirmed(side proto.Side, pdu ber.Item, raw []byte, out proto.Out) {
	half := ics.Request
	if pdu.Tag != 0 {
		half = ics.Response
	}
	id, rest, ok := ber.Next(pdu.Body)
	if !ok {
		return
	}
	if item, after, more := ber.Next(rest); more && pdu.Tag == 0 && item.Class == 0 && item.Constructed {
		rest = after // a list of modifiers
	}
	service, _, ok := ber.Next(rest)
	invoke := id.Uint()
	q, matched := request{service: service.Tag}, false
	if half == ics.Response {
		if q, matched = d.asked.Take(invoke); !matched {
			q.service = service.Tag
		}
	}
	fn, known := services[q.service]
	if !known || !ok || pdu.Tag == 2 && !matched {
		fn = "unknown-" + strconv.Itoa(q.service)
	}
	e := begin(out, half, fn)
	e.SetICSFunctionCode(int64(q.service))
	e.SetICSWrite(changes(q.service))
	e.AddExtra("invoke_id", strconv.Itoa(invoke))
	e.SetICSObject(q.object)
	var claim ics.Claim
	switch pdu.Tag {
	case 0:
		fill(e, service.Body)
		d.asked.Put(invoke, request{service.Tag, e.ICSObject()})
	case 1:
		claim = answer(e, service)
	case 2:
		ics.Bad(e, "service error "+ics.Hex(service.Body))
	}
	out.Emit(e, raw)
	ics.Tell(out, d.Flow, side, claim, raw)
}

func answer(e *event.Event, service ber.Item) (claim ics.Claim) {
	ics.Good(e)
	switch service.Tag {
	case identify:
		claim.Source = "mms identify"
		for i, to := range []*string{&claim.Vendor, &claim.Model, &claim.Firmware} {
			if item, ok := ber.Find(service.Body, i); ok {
				*to = ics.Text(item.Body)
			}
		}
	case read:
		results(e, service.Body)
	case write:
		if item, ok := ber.Find(service.Body, 0); ok {
			ics.Bad(e, "data access error "+strconv.Itoa(item.Int()))
		}
	default:
		fill(e, service.Body)
	}
	return claim
}

// results reads the values that were read, and the first error among them.
func results(e *event.Event, b []byte) {
	list, ok := ber.Find(b, 1)
	if !ok {
		return
	}
	var values ics.List
	for rest := list.Body; len(rest) > 0; {
		var item ber.Item
		if item, rest, ok = ber.Next(rest); !ok {
			break
		}
		if item.Is(0) && !item.Constructed {
			ics.Bad(e, "data access error "+strconv.Itoa(item.Int()))
			continue
		}
		if !item.Constructed {
			values.Add(item.Data())
			continue
		}
		ber.Walk(item.Body, func(leaf ber.Item) { values.Add(leaf.Data()) })
	}
	e.SetICSValue(values.String())
}

// fill collects what a request names, and the values it carries.
func fill(e *event.Event, b []byte) {
	const visible = 26
	var names, values ics.List
	domain := ""
	ber.Walk(b, func(item ber.Item) {
		switch {
		case item.Class == 0 && item.Tag == visible && domain == "":
			domain = ics.Text(item.Body)
		case item.Class == 0 && item.Tag == visible:
			names.Add(domain + "/" + ics.Text(item.Body))
			domain = ""
		case item.Class == 2:
			values.Add(item.Data())
		}
	})
	if domain != "" {
		names.Add(domain)
	}
	if names.Len() > 1 {
		e.SetICSQuantity(int64(names.Len()))
	}
	e.SetICSObject(names.String())
	e.SetICSValue(values.String())
}
