// Package iec104 decodes IEC 60870-5-104: telecontrol of substations over TCP.
// It must not do I/O.
package iec104

import (
	"math"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "iec104"

// Protocol returns IEC 60870-5-104.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{2404}, Probe: probe,
		New: func(*proto.Flow) proto.Decoder { return &decoder{} },
	}
}

const (
	start = 0x68
	head  = 6
)

// size tells the length of a frame (section 5 of the standard).
func size(b []byte) int {
	if len(b) > 0 && b[0] != start {
		return -1
	}
	if len(b) < head {
		return 0
	}
	n := int(b[1])
	c := b[2:head]
	switch {
	case n < 4 || n > 253:
		return -1
	case c[0]&1 == 0 && (n < 4+6 || c[2]&1 != 0): // with data: numbers are even
		return -1
	case c[0]&3 == 1 && (n != 4 || c[0] != 1 || c[1] != 0 || c[2]&1 != 0):
		return -1
	case c[0]&3 == 3 && (n != 4 || uFrames[c[0]] == "" || c[1] != 0 || c[2] != 0 || c[3] != 0):
		return -1
	}
	return 2 + n
}

func probe(data []byte, _ proto.Side, onPort bool) int {
	n := size(data)
	switch {
	case n <= 0:
		return 0
	case onPort:
		return 90
	case n > len(data):
		return 0
	case data[2]&3 == 3 && n == len(data):
		return 70
	case data[2]&1 == 0 && n == len(data) && types[int(data[head])].name != "" && causes[int(data[head+2]&0x3f)] != "":
		return 60
	}
	return 0
}

// uFrames are the unnumbered control functions (section 5.3).
var uFrames = map[byte]string{
	0x07: "STARTDT act", 0x0b: "STARTDT con", 0x13: "STOPDT act", 0x23: "STOPDT con", 0x43: "TESTFR act", 0x83: "TESTFR con",
}

type decoder struct{ frame [2]ics.Framer }

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	return d.frame[p.Side].Cut(p, size, func(b []byte) { message(p.Side, b, out) })
}

func message(side proto.Side, b []byte, out proto.Out) {
	switch c := b[2]; {
	case c&1 == 0:
		asdu(side, b, out)
	case c&3 == 1:
		e := ics.New(out, name, ics.Other, "S")
		e.SetICSWrite(false)
		e.AddExtra("frame", "S")
		e.AddExtra("receive_sequence", strconv.Itoa((int(b[4])|int(b[5])<<8)>>1))
		out.Emit(e, b)
	default:
		half, fn := ics.Request, uFrames[c]
		if fn[len(fn)-3:] == "con" {
			half = ics.Response
		}
		e := ics.New(out, name, half, fn)
		e.AddExtra("frame", "U")
		e.SetICSWrite(false)
		if half == ics.Response {
			ics.Good(e)
		}
		out.Emit(e, b)
	}
}

// asdu reads the unit of data of a frame (IEC 60870-5-101, section 7.2): a
// type, a cause, and objects at addresses.
func asdu(side proto.Side, b []byte, out proto.Out) {
	r := ics.NewReader(b[2:])
	send, receive := r.LE16()>>1, r.LE16()>>1
	kind, qualifier, cause := r.U8(), r.U8(), r.U8()
	originator, common := r.U8(), r.LE16()
	t, known := types[kind]
	if !known {
		t = objectType{name: "unknown-" + strconv.Itoa(kind), size: -1}
	}
	e := ics.New(out, name, halfOf(side, kind, cause&0x3f), t.name)
	e.SetICSFunctionCode(int64(kind))
	e.SetICSUnit(int64(common))
	e.SetICSWrite(changes(kind) && cause&0x3f <= 10)
	e.AddExtra("frame", "I")
	e.AddExtra("send_sequence", strconv.Itoa(send))
	e.AddExtra("receive_sequence", strconv.Itoa(receive))
	e.AddExtra("originator", strconv.Itoa(originator))
	setCause(e, cause)
	objects(e, t, qualifier, r)
	if !r.OK() {
		ics.Odd(e)
	}
	out.Emit(e, b)
}

func halfOf(side proto.Side, kind, cause int) ics.Kind {
	switch {
	case cause == 6 || cause == 8:
		return ics.Request
	case cause == 7 || cause == 9 || cause == 10 || cause >= 44:
		return ics.Response
	case cause == 5 && kind >= 100:
		return ics.Request
	case side == proto.Server && cause >= 20 && cause <= 41:
		return ics.Response
	}
	return ics.Other
}

func setCause(e *event.Event, cause int) {
	why, known := causes[cause&0x3f]
	if !known {
		why = "unknown-" + strconv.Itoa(cause&0x3f)
	}
	e.AddExtra("cause", why)
	if cause&0x80 != 0 {
		e.AddExtra("test", "T")
	}
	switch code := cause & 0x3f; {
	case code >= 44 && code <= 47:
		ics.Bad(e, why)
	case cause&0x40 != 0:
		ics.Bad(e, "negative "+why)
	case code == 7 || code == 9 || code == 10:
		ics.Good(e)
	}
}

// objects reads the information objects: each with its address, or one address
// and those that follow it.
func objects(e *event.Event, t objectType, qualifier int, r *ics.Reader) {
	n := qualifier & 0x7f
	e.SetICSQuantity(int64(n))
	var values, addresses ics.List
	for i := 0; i < n && r.OK() && r.Len() > 0; i++ {
		if i == 0 || qualifier&0x80 == 0 {
			at := r.LE24()
			if i == 0 {
				e.SetICSAddress(int64(at))
			}
			addresses.Int(at)
		}
		if t.size < 0 {
			break
		}
		if v := value(t, r.Sub(t.size)); v != "" && r.OK() {
			values.Add(v)
		}
	}
	if addresses.Len() > 1 {
		e.AddExtra("addresses", addresses.String())
	}
	e.SetICSValue(values.String())
}

func value(t objectType, r *ics.Reader) string {
	switch t.value {
	case none:
	case single:
		return strconv.Itoa(r.U8() & 1)
	case double:
		return strconv.Itoa(r.U8() & 3)
	case integer8:
		return strconv.Itoa(r.U8())
	case step: // seven bits with a sign
		return strconv.Itoa(int(int8(r.U8()<<1)) >> 1) //nolint:gosec // G115: a sign in 7 bits
	case integer16:
		return strconv.Itoa(int(int16(r.LE16()))) //nolint:gosec // G115: 16 bits with a sign
	case integer32:
		return strconv.Itoa(int(int32(r.LE32()))) //nolint:gosec // G115: 32 bits with a sign
	case float:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(r.LE32()))), 'g', -1, 32) //nolint:gosec // G115: 32 bits were read
	}
	return ""
}
