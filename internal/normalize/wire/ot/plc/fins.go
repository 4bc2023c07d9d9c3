package plc

import (
	"bytes"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

// The header of FINS over TCP (Omron W421, section 7-4): "FINS", a length, a
// command and an error.
const (
	finsTCP    = 16
	finsHead   = 10
	finsMaxTCP = 4096
)

var finsMagic = []byte("FINS")

func sizeFINS(b []byte) int {
	if !bytes.HasPrefix(b, finsMagic[:min(4, len(b))]) {
		return -1
	}
	if len(b) < 8 {
		return 0
	}
	if n := ics.NewReader(b[4:]).BE32(); n >= 8 && n <= finsMaxTCP {
		return 8 + n
	}
	return -1
}

func probeFINS(data []byte, _ proto.Side, onPort bool) int {
	if sizeFINS(data) > 0 {
		return 90
	}
	if onPort && isFINS(data) {
		return 85
	}
	return 0
}

// isFINS recognises a frame: flags, a reserved byte, few gateways, a command
// that is known.
func isFINS(b []byte) bool {
	if len(b) < finsHead+2 || b[0]&0x3e != 0 || b[0]&0x80 == 0 || b[1] != 0 || b[2] > 7 {
		return false
	}
	_, known := finsCommands[int(b[finsHead])<<8|int(b[finsHead+1])]
	return known
}

func finsMessage(f *proto.Flow, side proto.Side, b []byte, out proto.Out) {
	raw := b
	if bytes.HasPrefix(b, finsMagic) {
		const sendFrame = 2
		if len(b) < finsTCP || ics.NewReader(b[8:]).BE32() != sendFrame {
			return // the nodes agree on their addresses
		}
		b = b[finsTCP:]
	}
	r := ics.NewReader(b)
	flags := r.U8()
	r.Skip(2)
	dna, da1 := r.U8(), r.U8()
	r.Skip(1)
	sna, sa1 := r.U8(), r.U8()
	r.Skip(1)
	sid, code := r.U8(), r.BE16()
	if !r.OK() {
		return
	}
	c, known := named(finsCommands, code)
	half := ics.Request
	if flags&0x40 != 0 {
		half = ics.Response
	}
	e := ics.New(out, "omron_fins", half, c.name)
	e.SetICSFunctionCode(int64(code))
	if known {
		e.SetICSWrite(c.write)
	}
	e.AddExtra("destination", itoa(dna)+"."+itoa(da1))
	e.AddExtra("source", itoa(sna)+"."+itoa(sa1))
	e.AddExtra("sid", itoa(sid))
	var claim ics.Claim
	if half == ics.Request {
		finsRequest(e, code, r)
	} else {
		claim = finsAnswer(e, code, r)
	}
	out.Emit(e, raw)
	ics.Tell(out, f, side, claim, raw)
}

func finsRequest(e *event.Event, code int, r *ics.Reader) {
	if code>>8 != 1 || r.Len() < 6 {
		return
	}
	area := r.U8()
	e.SetICSObject("area " + ics.Code(area, 2))
	e.SetICSAddress(int64(r.BE16()))
	r.Skip(1)
	e.SetICSQuantity(int64(r.BE16()))
	e.SetICSValue(ics.Hex(r.Rest()))
}

func finsAnswer(e *event.Event, code int, r *ics.Reader) ics.Claim {
	end := r.BE16() &^ 0x80c0 // without the flags of a relay and of errors of the CPU
	if !r.OK() {
		ics.Odd(e)
		return ics.Claim{}
	}
	if end != 0 {
		ics.Bad(e, "end code "+ics.Code(end, 4))
		return ics.Claim{}
	}
	ics.Good(e)
	const controllerData, width = 0x0501, 20
	if code == controllerData && r.Len() >= 2*width {
		return ics.Claim{Source: "omron fins", Model: ics.Text(r.Bytes(width)), Firmware: ics.Text(r.Bytes(width))}
	}
	e.SetICSValue(ics.Hex(r.Rest()))
	return ics.Claim{}
}

// finsCommands are those of Omron W342, section 5.
var finsCommands = map[int]command{
	0x0101: {"Memory Area Read", false}, 0x0102: {"Memory Area Write", true}, 0x0103: {"Memory Area Fill", true},
	0x0104: {"Multiple Memory Area Read", false}, 0x0105: {"Memory Area Transfer", true}, 0x0201: {"Parameter Area Read", false},
	0x0202: {"Parameter Area Write", true}, 0x0203: {"Parameter Area Clear", true}, 0x0301: {"Program Area Protect", true},
	0x0302: {"Program Area Protect Clear", true}, 0x0306: {"Program Area Read", false}, 0x0307: {"Program Area Write", true},
	0x0308: {"Program Area Clear", true}, 0x0401: {"Run", true}, 0x0402: {"Stop", true}, 0x0501: {"Controller Data Read", false},
	0x0502: {"Connection Data Read", false}, 0x0601: {"Controller Status Read", false}, 0x0602: {"Network Status Read", false},
	0x0620: {"Cycle Time Read", false}, 0x0701: {"Clock Read", false}, 0x0702: {"Clock Write", true}, 0x0801: {"Loopback", false},
	0x0920: {"Message Read", false}, 0x0c01: {"Access Right Acquire", true}, 0x0c02: {"Access Right Forced Acquire", true},
	0x0c03: {"Access Right Release", true}, 0x2101: {"Error Clear", true}, 0x2102: {"Error Log Read", false}, 0x2103: {"Error Log Clear", true},
	0x2201: {"File Name Read", false}, 0x2202: {"Single File Read", false}, 0x2203: {"Single File Write", true}, 0x2204: {"File Memory Format", true},
	0x2205: {"File Delete", true}, 0x2207: {"File Copy", true}, 0x2208: {"File Name Change", true}, 0x2301: {"Forced Set/Reset", true},
	0x2302: {"Forced Set/Reset Cancel", true},
}
