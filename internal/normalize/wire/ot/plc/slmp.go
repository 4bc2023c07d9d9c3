package plc

import (
	"strings"

	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

// The frames of SLMP in binary (Mitsubishi SH-080956, section 5): 3E, and 4E
// with a serial number.
const (
	slmpMax = 8192
	slmp3E  = 0x50
	slmp4E  = 0x54
	answers = 0x80 // added in a response
)

// slmpHead reads what stands before the data.
func slmpHead(b []byte) (serial, length, head int, response, ok bool) {
	if len(b) == 0 {
		return 0, 0, 0, false, false
	}
	r := ics.NewReader(b)
	kind := r.U8()
	response = kind&answers != 0
	if kind &^= answers; kind != slmp3E && kind != slmp4E || r.U8() != 0 {
		return 0, 0, 0, response, false
	}
	head = 9
	if kind == slmp4E {
		serial = r.LE16()
		if r.LE16() != 0 {
			return 0, 0, 0, response, false
		}
		head = 13
	}
	r.Skip(5)
	length = r.LE16()
	return serial, length, head, response, r.OK() && length >= 2 && length <= slmpMax
}

func sizeSLMP(b []byte) int {
	if k := b[0] &^ answers; k != slmp3E && k != slmp4E || len(b) > 1 && b[1] != 0 {
		return -1
	}
	least := 9
	if b[0]&^answers == slmp4E {
		least = 13
	}
	if len(b) < least {
		return 0
	}
	_, n, head, _, ok := slmpHead(b)
	if !ok {
		return -1
	}
	return head + n
}

func probeSLMP(data []byte, side proto.Side, onPort bool) int {
	_, n, head, response, ok := slmpHead(data)
	if !ok || !onPort || head+n != len(data) || response != (side == proto.Server) {
		return 0
	}
	return 80
}

// slmp remembers what was asked: an answer does not say what it answers.
type slmp struct {
	decoder
	asked ics.Pairs[int, int]
}

func newSLMP(f *proto.Flow) proto.Decoder {
	d := &slmp{}
	d.decoder = decoder{flow: f, size: sizeSLMP, message: d.one}
	return d
}

func (d *slmp) one(f *proto.Flow, side proto.Side, b []byte, out proto.Out) {
	serial, _, head, response, ok := slmpHead(b)
	if !ok {
		return
	}
	r := ics.NewReader(b[head:])
	if !response {
		r.Skip(2) // a timer
		code, sub := r.LE16(), r.LE16()
		if !r.OK() {
			return
		}
		c, known := named(slmpCommands, code)
		e := ics.New(out, "melsec", ics.Request, c.name)
		e.SetICSFunctionCode(int64(code))
		if known {
			e.SetICSWrite(c.write)
		}
		e.AddExtra("subcommand", ics.Code(sub, 4))
		if r.Len() >= 6 && strings.HasPrefix(c.name, "Device") {
			address := r.LE24()
			device, named := slmpDevices[r.U8()]
			if named {
				e.SetICSObject(device)
				e.SetICSAddress(int64(address))
				e.SetICSQuantity(int64(r.LE16()))
				e.SetICSValue(ics.Hex(r.Rest()))
			}
		}
		d.asked.Put(serial, code)
		out.Emit(e, b)
		return
	}
	code, matched := d.asked.Take(serial)
	c, _ := named(slmpCommands, code)
	if !matched {
		c.name = "response"
	}
	e := ics.New(out, "melsec", ics.Response, c.name)
	if matched {
		e.SetICSFunctionCode(int64(code))
		e.SetICSWrite(c.write)
	}
	end := r.LE16()
	var claim ics.Claim
	const typeName, width = 0x0101, 16
	switch {
	case end != 0:
		ics.Bad(e, "end code "+ics.Code(end, 4))
	case matched && code == typeName && r.Len() >= width:
		ics.Good(e)
		claim = ics.Claim{Source: "melsec type name", Model: ics.Text(r.Bytes(width))}
	default:
		ics.Good(e)
		e.SetICSValue(ics.Hex(r.Rest()))
	}
	out.Emit(e, b)
	ics.Tell(out, f, side, claim, b)
}

var slmpCommands = map[int]command{
	0x0101: {"Read Type Name", false}, 0x0401: {"Device Read", false}, 0x1401: {"Device Write", true}, 0x0403: {"Random Read", false},
	0x1402: {"Random Write", true}, 0x0406: {"Block Read", false}, 0x1406: {"Block Write", true}, 0x0801: {"Monitor Register", false},
	0x0802: {"Monitor", false}, 0x0613: {"Memory Read", false}, 0x1613: {"Memory Write", true}, 0x0601: {"Extend Unit Read", false},
	0x1601: {"Extend Unit Write", true}, 0x1001: {"Remote Run", true}, 0x1002: {"Remote Stop", true}, 0x1003: {"Remote Pause", true},
	0x1005: {"Remote Latch Clear", true}, 0x1006: {"Remote Reset", true}, 0x0619: {"Self Test", false}, 0x1617: {"Clear Error", true},
	0x1630: {"Remote Password Unlock", true}, 0x1631: {"Remote Password Lock", true}, 0x1810: {"Read Directory", false},
	0x1827: {"Open File", false}, 0x1828: {"Read File", false}, 0x1829: {"Write File", true}, 0x1822: {"Delete File", true}, 0x182a: {"Close File", false},
}

var slmpDevices = map[int]string{
	0x91: "SM", 0xa9: "SD", 0x9c: "X", 0x9d: "Y", 0x90: "M", 0x92: "L", 0x93: "F", 0x94: "V", 0xa0: "B", 0xa8: "D", 0xb4: "W", 0xaf: "R", 0xb0: "ZR",
	0xc2: "TN", 0xc5: "CN", 0xcc: "Z",
}
