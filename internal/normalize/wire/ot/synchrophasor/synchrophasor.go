// Package synchrophasor decodes IEEE C37.118.2: what phasor measurement units
// tell, and what they are told. It must not do I/O.
package synchrophasor

import (
	"strconv"

	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "synchrophasor"

// Protocol returns IEEE C37.118.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{4712}, UDP: []uint16{4713}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

const (
	sync = 0xaa
	head = 14
	tail = 2
)

// The types of frames (section 6.2), by ICSNPP's names.
const (
	dataFrame    = 0
	headerFrame  = 1
	config1      = 2
	config2      = 3
	commandFrame = 4
	config3      = 5
)

var frameNames = [...]string{
	dataFrame: "Data", headerFrame: "Header", config1: "Configuration 1", config2: "Configuration 2", commandFrame: "Command", config3: "Configuration 3",
}

func size(b []byte) int {
	if len(b) > 0 && b[0] != sync || len(b) > 1 && (b[1]&0x80 != 0 || b[1]>>4 > config3) {
		return -1
	}
	if len(b) < 4 {
		return 0
	}
	if n := int(b[2])<<8 | int(b[3]); n >= head+tail {
		return n
	}
	return -1
}

// checksum is the CRC of annex B: CRC-CCITT that begins with ones.
func checksum(b []byte) uint16 {
	crc := uint16(0xffff)
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			if high := crc & 0x8000; high != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

func sound(b []byte) bool {
	n := len(b) - tail
	return checksum(b[:n]) == uint16(b[n])<<8|uint16(b[n+1])
}

func probe(data []byte, _ proto.Side, onPort bool) int {
	n := size(data)
	switch {
	case n <= 0:
		return 0
	case n <= len(data) && sound(data[:n]):
		return 95
	case onPort:
		return 60
	}
	return 0
}

type decoder struct {
	flow  *proto.Flow
	frame [2]ics.Framer
	state map[int]int // the status of each stream, as it was told last
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.flow.Transport == "udp" {
		if n := size(p.Data); n > 0 && n <= len(p.Data) {
			d.message(p.Side, p.Data[:n], out)
		}
		return len(p.Data), nil
	}
	return d.frame[p.Side].Cut(p, size, func(b []byte) { d.message(p.Side, b, out) })
}

const maxStreams = 256

func (d *decoder) message(side proto.Side, b []byte, out proto.Out) {
	kind := int(b[1] >> 4)
	r := ics.NewReader(b[4 : len(b)-tail])
	id := r.BE16()
	r.Skip(8)
	half := ics.Other
	switch kind {
	case commandFrame:
		half = ics.Request
	case headerFrame, config1, config2, config3:
		half = ics.Response
	case dataFrame:
		// Tens a second: told are the first, and changes of the status.
		state := r.BE16()
		if last, told := d.state[id]; told && last == state {
			return
		}
		if d.state == nil || len(d.state) >= maxStreams {
			d.state = make(map[int]int)
		}
		d.state[id] = state
	}
	e := ics.New(out, name, half, frameNames[kind])
	e.SetICSFunctionCode(int64(kind))
	e.SetICSUnit(int64(id))
	e.SetICSWrite(false)
	e.AddExtra("version", strconv.Itoa(int(b[1]&0x0f)))
	if len(b) <= maxChecked && !sound(b) {
		ics.Odd(e)
	}
	var claims []ics.Claim
	switch kind {
	case dataFrame:
		e.AddExtra("stat", ics.Code(d.state[id], 4))
	case headerFrame:
		e.SetICSValue(ics.Text(r.Rest()))
	case commandFrame:
		code := r.BE16()
		e.SetICSObject(command(code))
		e.AddExtra("command", ics.Code(code, 4))
		e.SetICSWrite(code == 1 || code == 2 || code == 8)
	case config1, config2:
		claims = stations(r)
		e.SetICSQuantity(int64(len(claims)))
		var names ics.List
		for _, c := range claims {
			names.Add(c.Name)
		}
		e.SetICSObject(names.String())
	}
	out.Emit(e, b)
	if len(claims) == 1 { // of several the sender is a concentrator, and none of them
		ics.Tell(out, d.flow, side, claims[0], b)
	}
}

// maxChecked is how long a frame may be to be seen whole.
const maxChecked = proto.MaxHeld / 2

// stations reads the stations of a configuration (section 6.4).
func stations(r *ics.Reader) (all []ics.Claim) {
	r.Skip(4)
	n := r.BE16()
	const nameLength = 16
	for i := 0; i < n && i < ics.MaxValues; i++ {
		station := ics.Text(r.Bytes(nameLength))
		r.Skip(4)
		phasors, analogs, digitals := r.BE16(), r.BE16(), r.BE16()
		if !r.OK() {
			break
		}
		all = append(all, ics.Claim{Source: "synchrophasor configuration", Name: station, Type: "phasor measurement unit"})
		r.Skip(nameLength*(phasors+analogs+16*digitals) + 4*(phasors+analogs+digitals) + 4)
	}
	return all
}

// command names an order (section 6.6).
func command(code int) string {
	names := [...]string{1: "turn off transmission", 2: "turn on transmission", 3: "send header", 4: "send configuration 1", 5: "send configuration 2", 6: "send configuration 3", 7: "unknown-7", 8: "extended frame"}
	if code > 0 && code < len(names) {
		return names[code]
	}
	return "unknown-" + strconv.Itoa(code)
}
