// Package iso decodes ISO transport over TCP (RFC 1006) and its connections
// (ISO 8073, class 0), and finds out which protocol they carry: S7comm,
// S7comm-plus or MMS. It must not do I/O.
package iso

import (
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/ot/iso/mms"
	"vedette/internal/normalize/wire/ot/iso/s7"
	"vedette/internal/normalize/wire/proto"
)

const name = "cotp"

// Protocol returns ISO transport with all that it carries.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{102}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder {
			return &decoder{s7: s7.Decoder{Flow: f}, mms: mms.Decoder{Flow: f}}
		},
	}
}

// The types of transport units (ISO 8073, section 13).
const (
	tpduCR = 0x0e
	tpduCC = 0x0d
	tpduDT = 0x0f
)

var tpduNames = map[int]string{
	0x1: "ED Expedited Data", 0x2: "EA Expedited Data Acknowledgement", 0x5: "RJ Reject", 0x6: "AK Data Acknowledgement",
	0x7: "ER TPDU Error", 0x8: "DR Disconnect Request", 0xc: "DC Disconnect Confirm", tpduCC: "CC Connection Confirm",
	tpduCR: "CR Connection Request", tpduDT: "DT Data",
}

// head is the length of the packet header of RFC 1006, section 6.
const head = 4

func size(b []byte) int {
	if len(b) > 0 && b[0] != 3 || len(b) > 1 && b[1] != 0 {
		return -1
	}
	if len(b) < head+2 {
		return 0
	}
	n, indicator := int(b[2])<<8|int(b[3]), int(b[4])
	if _, known := tpduNames[int(b[5]>>4)]; !known || indicator < 1 || head+1+indicator > n {
		return -1
	}
	return n
}

func probe(data []byte, _ proto.Side, onPort bool) int {
	n := size(data)
	if n <= 0 {
		return 0
	}
	if onPort {
		return 85
	}
	if n > len(data) || len(data) < head+3 {
		return 0
	}
	switch data[5] >> 4 {
	case tpduDT: // what it carries tells
		if b := data[head+1+int(data[4]) : n]; s7.Is(b) || mms.Is(b) {
			return 80
		}
	case tpduCR, tpduCC: // remote desktops have no selectors
		if src, dst, _ := parameters(data[head+1 : head+1+int(data[4])]); len(src) > 0 && len(dst) > 0 {
			return 60
		}
	}
	return 0
}

// parameters reads the variable part of a connection unit.
func parameters(b []byte) (src, dst []byte, tpduSize int) {
	r := ics.NewReader(b)
	for r.Skip(6); r.Len() >= 2; {
		code := r.U8()
		v := r.Bytes(r.U8())
		switch {
		case code == 0xc1:
			src = v
		case code == 0xc2:
			dst = v
		case code == 0xc0 && len(v) == 1 && v[0] < 16:
			tpduSize = 1 << v[0]
		}
	}
	return src, dst, tpduSize
}

// maxUnit bounds what is put together of several units of data.
const maxUnit = 64 << 10

type decoder struct {
	frame [2]ics.Framer
	parts [2][]byte
	s7    s7.Decoder
	mms   mms.Decoder
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	if p.Lost > 0 {
		d.parts[p.Side] = nil
	}
	return d.frame[p.Side].Cut(p, size, func(b []byte) { d.packet(p.Side, b, out) })
}

func (d *decoder) packet(side proto.Side, b []byte, out proto.Out) {
	indicator := int(b[4])
	unit, data := b[head+1:head+1+indicator], b[head+1+indicator:]
	kind := int(unit[0] >> 4)
	if kind == tpduDT {
		if len(unit) < 2 || len(d.parts[side])+len(data) > maxUnit {
			d.parts[side] = nil
			return
		}
		last := unit[1]&0x80 != 0
		if !last || len(d.parts[side]) > 0 {
			d.parts[side] = append(d.parts[side], data...)
			data = d.parts[side]
		}
		if last {
			d.parts[side] = nil
			d.carry(side, data, out)
		}
		return
	}
	half := ics.Request
	if kind == tpduCC || kind == 0xc {
		half = ics.Response
	}
	e := ics.New(out, name, half, tpduNames[kind])
	e.SetICSFunctionCode(int64(kind))
	e.SetICSWrite(false)
	e.AddExtra("pdu_code", ics.Code(kind, 2))
	if kind == tpduCC || kind == tpduCR {
		src, dst, _ := parameters(unit)
		e.AddExtra("src_tsap", selector(src))
		e.AddExtra("dst_tsap", selector(dst))
	}
	out.Emit(e, b)
}

// selector writes a transport selector as text where it is some.
func selector(b []byte) string {
	if ics.Printable(b) {
		return ics.Text(b)
	}
	return ics.Hex(b)
}

func (d *decoder) carry(side proto.Side, b []byte, out proto.Out) {
	switch {
	case s7.Is(b):
		d.s7.Message(side, b, out)
	case mms.Is(b):
		d.mms.Message(side, b, out)
	}
}
