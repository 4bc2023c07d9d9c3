// Package hart decodes HART-IP (FieldComm Group, HCF_SPEC-085): commands to
// field devices through a gateway. It must not do I/O.
package hart

import (
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "hart_ip"

// Protocol returns HART-IP.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{5094}, UDP: []uint16{5094}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

const (
	head       = 8
	maxMessage = 4096
)

// The kinds of messages, and what they carry.
var (
	kinds = map[int]string{0: "Request", 1: "Response", 2: "Publish", 15: "NAK"}
	ids   = map[int]string{0: "Session Initiate", 1: "Session Close", 2: "Keep Alive", 3: "Token Passing PDU", 4: "Direct PDU", 128: "Discovery"}
)

const tokenPassing = 3

func size(b []byte) int {
	if b[0] != 1 && b[0] != 2 {
		return -1
	}
	if len(b) < head {
		return 0
	}
	n := int(b[6])<<8 | int(b[7])
	if kinds[int(b[1]&0x0f)] == "" || ids[int(b[2])] == "" || n < head || n > maxMessage {
		return -1
	}
	return n
}

func probe(data []byte, _ proto.Side, onPort bool) int {
	if onPort && len(data) > 0 && size(data) > 0 {
		return 85
	}
	return 0
}

type decoder struct {
	flow  *proto.Flow
	frame [2]ics.Framer
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.flow.Transport == "udp" {
		if len(p.Data) > 0 {
			if n := size(p.Data); n > 0 && n <= len(p.Data) {
				d.message(p.Side, p.Data[:n], out)
			}
		}
		return len(p.Data), nil
	}
	return d.frame[p.Side].Cut(p, size, func(b []byte) { d.message(p.Side, b, out) })
}

func (d *decoder) message(side proto.Side, b []byte, out proto.Out) {
	r := ics.NewReader(b)
	r.Skip(1)
	kind, id, status, sequence := r.U8()&0x0f, r.U8(), r.U8(), r.BE16()
	r.Skip(2)
	half := ics.Other
	switch kind {
	case 0:
		half = ics.Request
	case 1, 15:
		half = ics.Response
	}
	e := ics.New(out, name, half, ids[id])
	e.SetICSWrite(false)
	e.AddExtra("message_type", kinds[kind])
	e.AddExtra("sequence_number", strconv.Itoa(sequence))
	switch {
	case half == ics.Response && status != 0:
		ics.Bad(e, "status "+strconv.Itoa(status))
	case kind == 1:
		ics.Good(e)
	}
	var claim ics.Claim
	if id == tokenPassing {
		claim = pdu(e, half == ics.Response, r)
	}
	out.Emit(e, b)
	ics.Tell(out, d.flow, side, claim, b)
}

// pdu reads a token passing message (HCF_SPEC-081): delimiter, address,
// command, data, checksum.
func pdu(e *event.Event, response bool, r *ics.Reader) ics.Claim {
	delimiter := r.U8()
	address := 1
	if delimiter&0x80 != 0 {
		address = 5
	}
	e.AddExtra("address", ics.Hex(r.Bytes(address)))
	r.Skip(delimiter >> 5 & 3)
	code := r.U8()
	data := r.Sub(r.U8())
	if !r.OK() {
		ics.Odd(e)
		return ics.Claim{}
	}
	c, known := commands[code]
	if !known {
		c.name = "Command " + strconv.Itoa(code)
	}
	e.SetICSFunction(c.name)
	e.SetICSFunctionCode(int64(code))
	if known {
		e.SetICSWrite(c.write)
	}
	if response {
		result := data.U8()
		data.Skip(1) // the state of the device
		if result != 0 && result&0x80 == 0 {
			const warning = 8
			if result != warning {
				ics.Bad(e, "response code "+strconv.Itoa(result))
			}
		}
	}
	b := data.Rest()
	e.SetICSValue(ics.Hex(b))
	const readTag, readLongTag = 13, 20
	switch {
	case response && code == readTag && len(b) >= 6:
		return ics.Claim{Source: "hart tag", Name: packed(b[:6])}
	case response && code == readLongTag:
		return ics.Claim{Source: "hart tag", Name: ics.Text(b)}
	}
	return ics.Claim{}
}

// packed reads text of six bits a letter (HCF_SPEC-183): bit 6 is the
// complement of bit 5.
func packed(b []byte) string {
	var sb strings.Builder
	bits, n := 0, 0
	for _, c := range b {
		bits, n = bits<<8|int(c), n+8
		for n >= 6 {
			n -= 6
			v := byte(bits >> n & 0x3f)
			if v&0x20 == 0 {
				v |= 0x40
			}
			sb.WriteByte(v)
		}
	}
	return strings.TrimSpace(sb.String())
}

// commands are the universal ones, and common practice (HCF_SPEC-127, -151).
var commands = map[int]struct {
	name  string
	write bool
}{
	0: {"Read Unique Identifier", false}, 1: {"Read Primary Variable", false}, 2: {"Read Loop Current And Percent Of Range", false},
	3: {"Read Dynamic Variables And Loop Current", false}, 6: {"Write Polling Address", true}, 7: {"Read Loop Configuration", false},
	8: {"Read Dynamic Variable Classifications", false}, 9: {"Read Device Variables With Status", false},
	11: {"Read Unique Identifier Associated With Tag", false}, 12: {"Read Message", false}, 13: {"Read Tag, Descriptor, Date", false},
	14: {"Read Primary Variable Transducer Information", false}, 15: {"Read Device Information", false}, 16: {"Read Final Assembly Number", false},
	17: {"Write Message", true}, 18: {"Write Tag, Descriptor, Date", true}, 19: {"Write Final Assembly Number", true}, 20: {"Read Long Tag", false},
	21: {"Read Unique Identifier Associated With Long Tag", false}, 22: {"Write Long Tag", true}, 33: {"Read Device Variables", false},
	34: {"Write Primary Variable Damping Value", true}, 35: {"Write Primary Variable Range Values", true}, 36: {"Set Primary Variable Upper Range Value", true},
	37: {"Set Primary Variable Lower Range Value", true}, 38: {"Reset Configuration Changed Flag", true}, 40: {"Enter/Exit Fixed Current Mode", true},
	41: {"Perform Self Test", true}, 42: {"Perform Device Reset", true}, 43: {"Set Primary Variable Zero", true}, 44: {"Write Primary Variable Units", true},
	45: {"Trim Loop Current Zero", true}, 46: {"Trim Loop Current Gain", true}, 47: {"Write Primary Variable Transfer Function", true},
	48: {"Read Additional Device Status", false}, 59: {"Write Number Of Response Preambles", true}, 74: {"Read I/O System Capabilities", false},
	75: {"Poll Sub-Device", false}, 77: {"Send Command To Sub-Device", false}, 84: {"Read Sub-Device Identity Summary", false},
}
