// Package opcua decodes OPC UA binary over TCP (IEC 62541-6, OPC 10000-6):
// connections, secure channels and their chunks, and the services that are not
// encrypted. It must not do I/O.
package opcua

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "opcua"

// Protocol returns OPC UA.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{4840}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

const (
	head     = 8
	maxChunk = 16 << 20
)

// size tells the length of a chunk (part 6, section 7.1.2.2).
func size(b []byte) int {
	if len(b) < head {
		return 0
	}
	switch string(b[:3]) {
	case "HEL", "ACK", "ERR", "RHE":
		if b[3] != 'F' {
			return -1
		}
	case "OPN", "MSG", "CLO":
		if b[3] != 'F' && b[3] != 'C' && b[3] != 'A' {
			return -1
		}
	default:
		return -1
	}
	if n := ics.NewReader(b[4:]).LE32(); n >= head && n <= maxChunk {
		return n
	}
	return -1
}

func probe(data []byte, _ proto.Side, onPort bool) int {
	if size(data) <= 0 {
		return 0
	}
	if onPort {
		return 95
	}
	return 80
}

// request is what an answer is matched with.
type request struct{ detail string }

type decoder struct {
	flow  *proto.Flow
	frame [2]ics.Framer
	parts [2]assembly
	asked ics.Pairs[int, request]
}

// assembly is a message of several chunks that is not complete yet.
type assembly struct {
	open bool
	id   int
	data []byte
}

// maxMessage bounds what chunks are put together to.
const maxMessage = 256 << 10

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	if p.Lost > 0 {
		d.parts[p.Side] = assembly{}
	}
	return d.frame[p.Side].Cut(p, size, func(b []byte) { d.chunk(p.Side, b, out) })
}

// message is what the events of one message share.
type message struct {
	d            *decoder
	out          proto.Out
	raw          []byte
	side         proto.Side
	kind         string
	size         int
	channel      int
	sequence, id int
	policy       string
}

func (d *decoder) chunk(side proto.Side, b []byte, out proto.Out) {
	r := ics.NewReader(b)
	m := &message{d: d, out: out, raw: b, side: side, kind: string(r.Bytes(3))}
	final := r.U8()
	m.size = r.LE32()
	switch m.kind {
	case "HEL", "ACK", "ERR", "RHE":
		m.connection(r)
		return
	}
	m.channel = r.LE32()
	if m.kind == "OPN" {
		m.policy = str(r)
		n := blob(r) // the sender's certificate
		thumb := blob(r)
		if len(n) > 0 || len(thumb) > 0 { // signed, and in practice encrypted
			e := m.event("OpenSecureChannel", m.half())
			e.AddExtra("encrypted", "T")
			m.out.Emit(e, b)
			return
		}
	} else {
		r.Skip(4) // the token
	}
	m.sequence, m.id = r.LE32(), r.LE32()
	if !r.OK() {
		return
	}
	body, ok := d.join(side, m.id, final, r.Rest())
	if ok {
		m.service(body)
	}
}

// join puts the chunks of a message together.
func (d *decoder) join(side proto.Side, id, final int, b []byte) ([]byte, bool) {
	a := &d.parts[side]
	if final == 'A' { // given up by its sender
		*a = assembly{}
		return nil, false
	}
	if !a.open && final == 'F' {
		return b, true
	}
	if !a.open || a.id != id {
		*a = assembly{open: true, id: id}
	}
	if len(a.data)+len(b) <= maxMessage {
		a.data = append(a.data, b...)
	}
	if final != 'F' {
		return nil, false
	}
	b = a.data
	*a = assembly{}
	return b, true
}

func (m *message) half() ics.Kind {
	if m.side == proto.Server {
		return ics.Response
	}
	return ics.Request
}

func (m *message) event(function string, half ics.Kind) *event.Event {
	e := ics.New(m.out, name, half, function)
	e.AddExtra("msg_type", m.kind)
	e.AddExtra("msg_size", strconv.Itoa(m.size))
	if m.channel != 0 {
		e.AddExtra("sec_channel_id", strconv.Itoa(m.channel))
	}
	e.AddExtra("sec_policy_uri", m.policy)
	if m.id != 0 {
		e.AddExtra("req_id", strconv.Itoa(m.id))
		e.AddExtra("seq_number", strconv.Itoa(m.sequence))
	}
	return e
}

// connection reads the messages that open a connection (section 7.1.2.3 on).
func (m *message) connection(r *ics.Reader) {
	half := ics.Request
	if m.kind == "ACK" || m.kind == "ERR" {
		half = ics.Response
	}
	e := m.event(map[string]string{"HEL": "Hello", "ACK": "Acknowledge", "ERR": "Error", "RHE": "ReverseHello"}[m.kind], half)
	e.SetICSWrite(false)
	switch m.kind {
	case "HEL", "ACK":
		for _, name := range []string{"version", "rcv_buf_size", "snd_buf_size", "max_msg_size", "max_chunk_cnt"} {
			e.AddExtra(name, strconv.Itoa(r.LE32()))
		}
		if m.kind == "HEL" {
			e.AddExtra("endpoint_url", str(r))
		} else {
			ics.Good(e)
		}
	case "RHE":
		e.AddExtra("server_uri", str(r))
		e.AddExtra("endpoint_url", str(r))
	case "ERR":
		code := r.LE32()
		e.AddExtra("error", ics.Code(code, 8))
		e.AddExtra("reason", str(r))
		ics.Bad(e, statusName(code))
	}
	if !r.OK() {
		ics.Odd(e)
	}
	m.out.Emit(e, ics.Safe(e, m.raw))
}

// service tells of a service request or answer.
func (m *message) service(b []byte) {
	r := ics.NewReader(b)
	id := readNode(r)
	fn, known := services[id.number]
	if !r.OK() || id.namespace != 0 || !id.numeric || !known {
		// encrypted, or not known: the type cannot be told
		e := m.event(m.unknown(id), m.half())
		m.out.Emit(e, ics.Safe(e, m.raw))
		return
	}
	half := ics.Response
	if fn.request {
		half = ics.Request
	}
	e := m.event(fn.name, half)
	e.AddExtra("identifier", strconv.Itoa(id.number))
	e.SetICSFunctionCode(int64(id.number))
	e.SetICSWrite(fn.write)
	var claims []ics.Claim
	if fn.request {
		requestHeader(e, r)
		detail(e, id.number, r)
		m.d.asked.Put(m.id, request{e.ICSObject()})
	} else {
		q, _ := m.d.asked.Take(m.id)
		e.SetICSObject(q.detail)
		if responseHeader(e, r) {
			claims = answer(e, id.number, r)
		}
	}
	if !r.OK() {
		e.AddExtra("incomplete", "T")
	}
	m.out.Emit(e, ics.Safe(e, m.raw))
	for _, c := range claims {
		ics.Tell(m.out, m.d.flow, m.side, c, m.raw)
	}
}

func (m *message) unknown(id node) string {
	switch {
	case m.kind == "CLO":
		return "CloseSecureChannelRequest"
	case id.namespace == 0 && id.numeric && id.number != 0 && id.number < 1<<16:
		return "unknown-" + strconv.Itoa(id.number)
	}
	return "encrypted"
}
