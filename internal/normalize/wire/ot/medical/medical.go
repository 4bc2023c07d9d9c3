// Package medical decodes, lightly, the protocols of hospitals: DICOM and
// HL7 version 2. It tells which applications talk and what they do, and never
// what they say of patients. It must not do I/O.
package medical

import (
	"bytes"
	"strconv"
	"strings"

	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

// Protocols returns DICOM and HL7.
func Protocols() []proto.Protocol {
	return []proto.Protocol{
		{Name: "dicom", TCP: []uint16{104, 11112}, Probe: probeDICOM, New: func(f *proto.Flow) proto.Decoder { return &dicom{flow: f} }},
		{Name: "hl7", TCP: []uint16{2575}, Probe: probeHL7, New: func(f *proto.Flow) proto.Decoder { return &hl7{flow: f} }},
	}
}

// HL7 over the minimal lower layer protocol: a message between two control
// bytes (HL7 transport specification, release 1).
const (
	startBlock = 0x0b
	maxMessage = 32 << 10
)

var (
	endBlock = []byte{0x1c, 0x0d}
	mshStart = []byte("\x0bMSH|^~\\&")
)

func sizeHL7(b []byte) int {
	if b[0] != startBlock {
		return -1
	}
	i := bytes.Index(b[:min(len(b), maxMessage)], endBlock)
	switch {
	case i >= 0:
		return i + len(endBlock)
	case len(b) >= maxMessage:
		return -1
	}
	return 0
}

func probeHL7(data []byte, _ proto.Side, onPort bool) int {
	switch {
	case bytes.HasPrefix(data, mshStart):
		return 95
	case onPort && len(data) > 8 && data[0] == startBlock && bytes.HasPrefix(data[1:], []byte("MSH")):
		return 90
	}
	return 0
}

type hl7 struct {
	flow  *proto.Flow
	frame [2]ics.Framer
}

// Decode implements [proto.Decoder].
func (d *hl7) Decode(p proto.Payload, out proto.Out) (int, error) {
	return d.frame[p.Side].Cut(p, sizeHL7, func(b []byte) { d.message(p.Side, b, out) })
}

// message reads the header segment, and of an answer whether it accepts
// (HL7 version 2, chapter 2). Nothing else of the message is kept.
func (d *hl7) message(side proto.Side, b []byte, out proto.Out) {
	segments := strings.Split(string(b[1:len(b)-len(endBlock)]), "\r")
	header := segments[0]
	if len(header) < 8 || !strings.HasPrefix(header, "MSH") {
		return
	}
	fields := strings.Split(header, header[3:4])
	field := func(i int) string { // MSH-1 is the separator itself
		if i-1 < len(fields) {
			return ics.Text([]byte(fields[i-1]))
		}
		return ""
	}
	half := ics.Request
	answer := ""
	for _, s := range segments[1:] {
		if strings.HasPrefix(s, "MSA"+header[3:4]) {
			half = ics.Response
			answer, _, _ = strings.Cut(s[4:], header[3:4])
		}
	}
	e := ics.New(out, "hl7", half, field(9))
	e.AddExtra("sending_application", field(3))
	e.AddExtra("sending_facility", field(4))
	e.AddExtra("receiving_application", field(5))
	e.AddExtra("receiving_facility", field(6))
	e.AddExtra("control_id", field(10))
	e.AddExtra("version", field(12))
	switch answer {
	case "":
	case "AA", "CA":
		ics.Good(e)
	default:
		ics.Bad(e, ics.Text([]byte(answer)))
	}
	raw := []byte(header)
	out.Emit(e, raw)
	ics.Tell(out, d.flow, side, ics.Claim{Source: "hl7 header", Name: field(3), Location: field(4)}, raw)
}

// The units of DICOM's upper layer (PS3.8, section 9.3).
const (
	associateRequest = 1
	associateAccept  = 2
	associateReject  = 3
	dataTransfer     = 4
	abort            = 7
	unitHead         = 6
	maxUnit          = 16 << 20
	titleLength      = 16
)

var unitNames = [...]string{
	associateRequest: "A-ASSOCIATE-RQ", associateAccept: "A-ASSOCIATE-AC", associateReject: "A-ASSOCIATE-RJ", dataTransfer: "P-DATA-TF",
	5: "A-RELEASE-RQ", 6: "A-RELEASE-RP", abort: "A-ABORT",
}

func sizeDICOM(b []byte) int {
	if b[0] < associateRequest || b[0] > abort || len(b) > 1 && b[1] != 0 {
		return -1
	}
	if len(b) < unitHead {
		return 0
	}
	if n := ics.NewReader(b[2:]).BE32(); n >= 4 && n <= maxUnit {
		return unitHead + n
	}
	return -1
}

func probeDICOM(data []byte, _ proto.Side, onPort bool) int {
	if len(data) <= 74 || data[0] != associateRequest && data[0] != associateAccept {
		return 0
	}
	if n := sizeDICOM(data); n < 74 || n > 64<<10 || data[6] != 0 || data[7] != 1 || !ics.Printable(data[10:10+2*titleLength]) || data[74] != 0x10 {
		return 0
	}
	if onPort {
		return 95
	}
	return 85
}

type dicom struct {
	flow  *proto.Flow
	frame [2]ics.Framer
}

// Decode implements [proto.Decoder].
func (d *dicom) Decode(p proto.Payload, out proto.Out) (int, error) {
	return d.frame[p.Side].Cut(p, sizeDICOM, func(b []byte) { d.unit(p.Side, b, out) })
}

func (d *dicom) unit(side proto.Side, b []byte, out proto.Out) {
	kind := int(b[0])
	r := ics.NewReader(b[unitHead:])
	if kind == dataTransfer {
		command(r, out)
		return
	}
	half := ics.Request
	if kind == associateAccept || kind == associateReject || kind == 6 {
		half = ics.Response
	}
	e := ics.New(out, "dicom", half, unitNames[kind])
	e.SetICSFunctionCode(int64(kind))
	e.SetICSWrite(false)
	var claim ics.Claim
	switch kind {
	case associateRequest, associateAccept:
		r.Skip(4)
		called, calling := ics.Text(r.Bytes(titleLength)), ics.Text(r.Bytes(titleLength))
		r.Skip(32)
		e.AddExtra("called_ae_title", called)
		e.AddExtra("calling_ae_title", calling)
		claim = ics.Claim{Source: "dicom association", Name: calling}
		if kind == associateAccept {
			claim.Name = called
			ics.Good(e)
		}
		class, version := implementation(r)
		e.AddExtra("implementation_class_uid", class)
		e.AddExtra("implementation_version", version)
		claim.Firmware = version
	case associateReject:
		ics.Bad(e, "rejected")
	case abort:
		ics.Bad(e, "aborted")
	}
	out.Emit(e, b)
	ics.Tell(out, d.flow, side, claim, b)
}

// implementation reads who wrote the software from the user information (PS3.7,
// annex D.3.3.2).
func implementation(r *ics.Reader) (class, version string) {
	const userInformation, classUID, versionName = 0x50, 0x52, 0x55
	for r.Len() >= 4 {
		kind := r.U8()
		r.Skip(1)
		item := r.Sub(r.BE16())
		if kind != userInformation {
			continue
		}
		for item.Len() >= 4 {
			sub := item.U8()
			item.Skip(1)
			v := item.Bytes(item.BE16())
			switch sub {
			case classUID:
				class = ics.Text(v)
			case versionName:
				version = ics.Text(v)
			}
		}
	}
	return class, version
}

// commands are the values of the element (0000,0100) (PS3.7, annex E.1); an
// answer adds 0x8000.
var commands = map[int]struct {
	name  string
	write bool
}{
	0x0001: {"C-STORE", true}, 0x0010: {"C-GET", false}, 0x0020: {"C-FIND", false}, 0x0021: {"C-MOVE", false}, 0x0030: {"C-ECHO", false},
	0x0100: {"N-EVENT-REPORT", false}, 0x0110: {"N-GET", false}, 0x0120: {"N-SET", true}, 0x0130: {"N-ACTION", true}, 0x0140: {"N-CREATE", true},
	0x0150: {"N-DELETE", true}, 0x0fff: {"C-CANCEL", false},
}

// command reads the command of a data unit. Data sets, which are about
// patients, are passed over.
func command(r *ics.Reader, out proto.Out) {
	n := r.BE32()
	v := r.Sub(min(n, r.Len()))
	v.Skip(1)
	const isCommand = 1
	if v.U8()&isCommand == 0 || !v.OK() {
		return
	}
	raw := v.Peek()
	code, status, class := -1, -1, ""
	for v.Len() >= 8 {
		group, element := v.LE16(), v.LE16()
		body := v.Bytes(v.LE32())
		if group != 0 || !v.OK() {
			break
		}
		b := ics.NewReader(body)
		switch element {
		case 0x0002:
			class = ics.Text(body)
		case 0x0100:
			code = b.LE16()
		case 0x0900:
			status = b.LE16()
		}
	}
	if code < 0 {
		return
	}
	const answer = 0x8000
	c, known := commands[code&^answer]
	if !known {
		c.name = "unknown-" + ics.Code(code, 4)
	}
	half := ics.Request
	if code&answer != 0 {
		half = ics.Response
	}
	e := ics.New(out, "dicom", half, c.name)
	e.SetICSFunctionCode(int64(code))
	e.SetICSWrite(c.write)
	e.SetICSObject(class)
	switch {
	case half == ics.Request || status < 0:
	case status == 0 || status&0xff00 == 0xff00: // done, or more to come
		ics.Good(e)
	default:
		ics.Bad(e, "status "+strconv.FormatInt(int64(status), 16))
	}
	out.Emit(e, raw)
}
