// Package goose decodes what protection devices publish straight over
// Ethernet: GOOSE (IEC 61850-8-1) and, lightly, Sampled Values (IEC 61850-9-2).
// It must not do I/O.
package goose

import (
	"strconv"

	"vedette/internal/normalize/wire/ot/ber"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

// Protocols returns GOOSE and Sampled Values.
func Protocols() []proto.Protocol {
	return []proto.Protocol{
		{Name: "goose", EtherTypes: []uint16{0x88b8}, Probe: probe(1, 1), New: func(*proto.Flow) proto.Decoder { return goose{} }},
		{Name: "sv", EtherTypes: []uint16{0x88ba}, Probe: probe(1, 0), New: func(*proto.Flow) proto.Decoder { return &sampled{} }},
	}
}

// head is the length of what stands before the message: an id, the length, two
// reserved words (IEC 61850-8-1, annex C).
const head = 8

// probe recognises a message by its outermost tag.
func probe(class, tag int) func([]byte, proto.Side, bool) int {
	return func(data []byte, _ proto.Side, onPort bool) int {
		if pdu, ok := open(data); ok && onPort && pdu.Class == class && pdu.Tag == tag {
			return 90
		}
		return 0
	}
}

func open(data []byte) (ber.Item, bool) {
	if len(data) <= head {
		return ber.Item{}, false
	}
	pdu, _, ok := ber.Next(data[head:])
	return pdu, ok && pdu.Class == 1
}

type goose struct{}

// gooseFields are the parts of a message by their tags, under the names that
// they have in the standard.
var gooseFields = map[int]string{
	1: "time_allowed_to_live", 5: "st_num", 6: "sq_num", 7: "test", 8: "conf_rev", 9: "nds_com", 10: "num_dat_set_entries",
}

// Decode implements [proto.Decoder].
func (goose) Decode(p proto.Payload, out proto.Out) (int, error) {
	pdu, ok := open(p.Data)
	if !ok {
		return len(p.Data), nil
	}
	e := ics.New(out, "goose", ics.Other, "GOOSE")
	e.SetICSWrite(false)
	e.AddExtra("app_id", ics.Code(int(p.Data[0])<<8|int(p.Data[1]), 4))
	for rest := pdu.Body; len(rest) > 0; {
		var item ber.Item
		if item, rest, ok = ber.Next(rest); !ok {
			ics.Odd(e)
			break
		}
		switch {
		case item.Class != 2:
		case item.Tag == 0:
			e.SetICSObject(ics.Text(item.Body))
			e.SetExtra("gocb_ref", ics.Text(item.Body))
		case item.Tag == 2:
			e.SetExtra("dat_set", ics.Text(item.Body))
		case item.Tag == 3:
			e.SetExtra("go_id", ics.Text(item.Body))
		case item.Tag == 7 || item.Tag == 9:
			e.SetExtra(gooseFields[item.Tag], ics.Flag(item.Int() != 0))
		case item.Tag == 10:
			e.SetICSQuantity(int64(item.Uint()))
		case item.Tag == 11:
			var l ics.List
			ber.Walk(item.Body, func(leaf ber.Item) { l.Add(leaf.Data()) })
			e.SetICSValue(l.String())
		case gooseFields[item.Tag] != "":
			e.SetExtra(gooseFields[item.Tag], strconv.Itoa(item.Uint()))
		}
	}
	out.Emit(e, p.Data)
	return len(p.Data), nil
}

// sampled follows a stream of samples. There are thousands a second: told are
// the first of each stream, and changes of what describes it.
type sampled struct{ last map[string]string }

const maxStreams = 64

// Decode implements [proto.Decoder].
func (s *sampled) Decode(p proto.Payload, out proto.Out) (int, error) {
	pdu, ok := open(p.Data)
	if !ok {
		return len(p.Data), nil
	}
	list, ok := ber.Find(pdu.Body, 2)
	for rest := list.Body; ok && len(rest) > 0; {
		var unit ber.Item
		if unit, rest, ok = ber.Next(rest); ok {
			s.unit(unit.Body, p.Data, out)
		}
	}
	return len(p.Data), nil
}

func (s *sampled) unit(b, raw []byte, out proto.Out) {
	text := func(tag int) string {
		item, _ := ber.Find(b, tag)
		return ics.Text(item.Body)
	}
	number := func(tag int) string {
		item, ok := ber.Find(b, tag)
		if !ok {
			return ""
		}
		return strconv.Itoa(item.Uint())
	}
	id, revision, sync := text(0), number(3), number(5)
	state := revision + "/" + sync
	if s.last[id] == state {
		return
	}
	if s.last == nil || len(s.last) >= maxStreams {
		s.last = make(map[string]string)
	}
	s.last[id] = state
	e := ics.New(out, "sv", ics.Other, "Sampled Values")
	e.SetICSWrite(false)
	e.SetICSObject(id)
	e.AddExtra("dat_set", text(1))
	e.AddExtra("smp_cnt", number(2))
	e.AddExtra("conf_rev", revision)
	e.AddExtra("smp_synch", sync)
	out.Emit(e, raw)
}
