// Package enip decodes EtherNet/IP and the Common Industrial Protocol (CIP)
// that it carries (ODVA, CIP networks library, volumes 1 and 2). It must not do
// I/O.
package enip

import (
	"bytes"
	"net/netip"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const (
	name    = "enip"
	nameCIP = "cip"
)

// Protocol returns EtherNet/IP with CIP.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{44818, 2222}, UDP: []uint16{44818, 2222}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

// head is the length of the encapsulation header (volume 2, section 2-3).
const head = 24

// The commands that are treated by themselves.
const (
	listIdentity    = 0x63
	registerSession = 0x65
	sendRRData      = 0x6f
	sendUnitData    = 0x70
)

// maxLength is of what may follow the header (section 2-3.3).
const maxLength = 65511

func size(b []byte) int {
	if len(b) < head {
		return 0
	}
	r := ics.NewReader(b)
	command, n := r.LE16(), r.LE16()
	if _, known := commands[command]; !known || n > maxLength {
		return -1
	}
	r.Skip(4)
	if status := r.LE32(); status > 0xff {
		return -1
	}
	return head + n
}

func probe(data []byte, _ proto.Side, onPort bool) int {
	if isIO(data) {
		return 80
	}
	n := size(data)
	if n <= 0 {
		return 0
	}
	if onPort {
		return 90
	}
	r := ics.NewReader(data)
	command := r.LE16()
	r.Skip(18)
	options := r.LE32()
	switch {
	case options != 0 || n != len(data):
	case command == registerSession && n == head+4 && r.LE32() == 1:
		return 85
	case (command == sendRRData || command == sendUnitData) && r.LE32() == 0:
		r.Skip(2)
		if items := r.LE16(); items >= 2 && items <= 4 {
			return 75
		}
	}
	return 0
}

// isIO recognises a connected datagram (section 2-6.3): a sequenced address
// and data.
func isIO(b []byte) bool {
	r := ics.NewReader(b)
	if r.LE16() != 2 || r.LE16() != itemSequenced || r.LE16() != 8 {
		return false
	}
	r.Skip(8)
	return r.LE16() == itemConnected && r.LE16() == r.Len() && r.OK()
}

type decoder struct {
	flow  *proto.Flow
	frame [2]ics.Framer
	asked ics.Pairs[key, []target]

	session, options code // they stay for long
	context          context
}

// code is a number and its text, made when it changes.
type code struct {
	of   int
	text string
}

func (c *code) as(v int) string {
	if c.text == "" || c.of != v {
		*c = code{v, ics.Code(v, 8)}
	}
	return c.text
}

// context is the one of a sender and its text, made when it changes.
type context struct {
	of   []byte // its own copy
	text string
}

func (c *context) as(b []byte) string {
	if c.text == "" || !bytes.Equal(c.of, b) {
		c.of, c.text = append(c.of[:0], b...), ics.HexCode(b)
	}
	return c.text
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.flow.Transport != "udp" {
		return d.frame[p.Side].Cut(p, size, func(b []byte) { d.message(p.Side, b, out) })
	}
	if isIO(p.Data) {
		io(p.Data, out)
	} else if n := size(p.Data); n > 0 && n <= len(p.Data) {
		d.message(p.Side, p.Data[:n], out)
	}
	return len(p.Data), nil
}

// io tells of cyclic data of a connection.
func io(b []byte, out proto.Out) {
	r := ics.NewReader(b)
	r.Skip(6)
	e := ics.New(out, nameCIP, ics.Other, "IO Data")
	e.SetAppName(nameCIP)
	e.SetMetadataLogName("wire/cip")
	e.SetICSWrite(false)
	e.AddExtra("connection_id", ics.Code(r.LE32(), 8))
	e.AddExtra("sequence_number", strconv.Itoa(r.LE32()))
	r.Skip(4)
	e.AddExtra("data_length", strconv.Itoa(r.Len()))
	e.SetICSValue(ics.Hex(r.Rest()))
	out.Emit(e, b)
}

// message is what the events of one encapsulated message share.
type message struct {
	d        *decoder
	out      proto.Out
	raw      []byte
	side     proto.Side
	command  int
	length   int
	size     string // the length as text, once it is asked for
	session  int
	status   int
	context  string
	options  int
	sequence int // of a connected message; -1: none
	told     int
}

func (d *decoder) message(side proto.Side, b []byte, out proto.Out) {
	r := ics.NewReader(b)
	m := &message{d: d, out: out, raw: b, side: side, sequence: -1, command: r.LE16(), length: r.LE16(), session: r.LE32(), status: r.LE32()}
	m.context = d.context.as(r.Bytes(8))
	m.options = r.LE32()
	if (m.command == sendRRData || m.command == sendUnitData) && m.status == 0 && r.Len() > 8 {
		r.Skip(6)
		m.items(r)
		if m.told > 0 {
			return
		}
	}
	e := m.event()
	m.out.Emit(e, m.raw)
	if m.command == listIdentity && m.length > 0 {
		m.listIdentity(r)
	}
}

// event tells of the encapsulation itself.
func (m *message) event() *event.Event {
	half := ics.Request
	if m.side == proto.Server || m.command == listIdentity && m.length > 0 {
		half = ics.Response
	}
	e := ics.New(m.out, name, half, commands[m.command])
	e.SetICSFunctionCode(int64(m.command))
	e.SetICSWrite(false)
	m.encapsulation(e)
	if half == ics.Response {
		if m.status == 0 {
			ics.Good(e)
		} else {
			ics.Bad(e, nameOf(statuses, m.status))
		}
	}
	return e
}

func (m *message) encapsulation(e *event.Event) {
	e.AddExtra("enip_command_code", ics.Code(m.command, 2))
	e.AddExtra("enip_command", commands[m.command])
	if m.size == "" {
		m.size = strconv.Itoa(m.length)
	}
	e.AddExtra("length", m.size)
	e.AddExtra("session_handle", m.d.session.as(m.session))
	e.AddExtra("enip_status", nameOf(statuses, m.status))
	e.AddExtra("sender_context", m.context)
	e.AddExtra("options", m.d.options.as(m.options))
}

// The types of items in a packet (section 2-6).
const (
	itemIdentity    = 0x000c
	itemConnected   = 0x00b1
	itemUnconnected = 0x00b2
	itemSequenced   = 0x8002
)

const maxItems = 16

// items reads the common packet format.
func (m *message) items(r *ics.Reader) {
	n := r.LE16()
	for i := 0; i < n && i < maxItems && r.OK(); i++ {
		kind := r.LE16()
		item := r.Sub(min(r.LE16(), r.Len()))
		switch kind {
		case itemConnected:
			m.sequence = item.LE16()
			m.cip(item)
		case itemUnconnected:
			m.cip(item)
		}
	}
}

// listIdentity reads who answers a search (section 2-4.2).
func (m *message) listIdentity(r *ics.Reader) {
	n := r.LE16()
	for i := 0; i < n && i < maxItems && r.OK(); i++ {
		kind := r.LE16()
		item := r.Sub(r.LE16())
		if kind != itemIdentity {
			continue
		}
		item.Skip(2 + 2 + 2)
		addr, _ := netip.AddrFromSlice(item.Bytes(4))
		item.Skip(8)
		claim, ok := identity(item)
		if !ok {
			continue
		}
		if addr.IsValid() && !addr.IsUnspecified() && !ics.Address(m.d.flow, m.side).IsValid() {
			claim.IP = addr.String()
		}
		ics.Tell(m.out, m.d.flow, m.side, claim, m.raw)
	}
}

// identity reads the attributes 1 to 7 of the identity object (volume 1,
// section 5A-2).
func identity(r *ics.Reader) (ics.Claim, bool) {
	vendor, kind := r.LE16(), r.LE16()
	r.Skip(2)
	major, minor := r.U8(), r.U8()
	r.Skip(2)
	serial := r.LE32()
	product := ics.Text(r.Bytes(r.U8()))
	return ics.Claim{
		Source: "enip identity", Vendor: numbered(vendors, vendor, "vendor "), Type: numbered(deviceTypes, kind, "device type "),
		Firmware: strconv.Itoa(major) + "." + strconv.Itoa(minor), Serial: ics.Code(serial, 8), Model: product,
	}, r.OK() && product != ""
}

func numbered(names map[int]string, n int, otherwise string) string {
	if s, ok := names[n]; ok {
		return s
	}
	return otherwise + strconv.Itoa(n)
}
