package netflow

import (
	"bytes"
	"encoding/binary"
	"time"

	"vedette/internal/fault"
)

// The bounds of what a decoder remembers and gives.
const (
	maxTemplates = 1024
	maxFields    = 256
	maxKept      = 16 << 10 // fields of all templates
	maxFlows     = 4096     // of one message
)

// templateField is a field specifier (RFC 7011, section 3.2).
type templateField struct {
	id         uint16
	length     int // variable if 65535
	enterprise uint32
}

// template is what data sets of one id hold. One of options has no fields: its
// data are passed over.
type template struct {
	fields  []templateField
	least   int // bytes of a record, at least
	options bool
	raw     []byte // a message that has just this template
}

// templateKey tells templates of different domains and versions apart.
type templateKey struct {
	version uint16
	domain  uint32
	id      uint16
}

// Decoder decodes the messages of one exporter. The zero value is ready for
// use.
type Decoder struct {
	templates map[templateKey]*template
	kept      int    // fields of all templates
	version   uint64 // changes with them
	values    []element
}

// Message calls give for each flow of a message. A set without a known template
// is passed over; if the message has nothing else the error says so.
func (d *Decoder) Message(b []byte, give func(Flow)) error {
	n, err := measure(b)
	if err != nil {
		return err
	}
	if n > len(b) {
		return errShort
	}
	b = b[:n]
	switch binary.BigEndian.Uint16(b) {
	case version5:
		d.message5(b, give)
		return nil
	case version9:
		m := &message{d: d, give: give, version: version9, set: b[head9:]}
		m.flow.Format = "NetFlow v9"
		m.flow.exported, m.flow.boot = clocks(b)
		m.flow.domain = binary.BigEndian.Uint32(b[16:])
		return m.sets()
	}
	m := &message{d: d, give: give, version: versionIP, set: b[headIP:]}
	m.flow.Format = "IPFIX"
	m.flow.exported = time.Unix(int64(binary.BigEndian.Uint32(b[4:])), 0).UTC()
	m.flow.domain = binary.BigEndian.Uint32(b[12:])
	return m.sets()
}

// Learnt gives messages that tell a new decoder all templates, and a number that
// changes when they do.
func (d *Decoder) Learnt() (messages [][]byte, version uint64) {
	for _, t := range d.templates {
		messages = append(messages, t.raw)
	}
	return messages, d.version
}

// clocks reads how long the exporter runs, in milliseconds, and the time, of
// v5 and v9.
func clocks(b []byte) (now, boot time.Time) {
	now = time.Unix(int64(binary.BigEndian.Uint32(b[8:])), 0).UTC()
	if binary.BigEndian.Uint16(b) == version5 {
		now = now.Add(time.Duration(binary.BigEndian.Uint32(b[12:]) % 1e9))
	}
	return now, now.Add(-time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Millisecond)
}

// message is one being decoded.
type message struct {
	d       *Decoder
	give    func(Flow)
	version uint16
	set     []byte // what is left
	flow    Flow
	flows   int
	unknown int // sets without a template
	known   int
}

func (m *message) sets() error {
	for len(m.set) >= 4 {
		id, n := binary.BigEndian.Uint16(m.set), int(binary.BigEndian.Uint16(m.set[2:]))
		if n < 4 || n > len(m.set) {
			return fault.New(fault.Invalid, "a set of %d bytes where %d are left", n, len(m.set))
		}
		body := m.set[4:n]
		m.set = m.set[n:]
		switch {
		case id >= 256:
			m.data(id, body)
		case id == 0 && m.version == version9, id == 2 && m.version == versionIP:
			m.learn(body)
			m.known++
		case id == 1 && m.version == version9, id == 3 && m.version == versionIP:
			m.learnOptions(body)
			m.known++
		}
	}
	if m.unknown > 0 && m.known == 0 {
		return fault.New(fault.Invalid, "no template yet for %d sets of flows", m.unknown)
	}
	return nil
}

// learn reads a set of templates. One without fields withdraws.
func (m *message) learn(b []byte) {
	for len(b) >= 4 {
		id, count := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		fields, rest, ok := m.specifiers(b[4:], count)
		if !ok || id < 256 {
			return
		}
		raw := m.only(false, b[:len(b)-len(rest)])
		b = rest
		m.keep(id, &template{fields: fields, raw: raw})
	}
}

// learnOptions notes which sets hold options, so that they are passed over
// knowingly.
func (m *message) learnOptions(b []byte) {
	for len(b) >= 6 {
		id, count := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if id < 256 {
			return
		}
		if m.version == version9 { // lengths in bytes of scopes and options
			count = (count + int(binary.BigEndian.Uint16(b[4:]))) / 4
		}
		_, rest, ok := m.specifiers(b[6:], count)
		if !ok {
			return
		}
		raw := m.only(true, b[:len(b)-len(rest)])
		b = rest
		m.keep(id, &template{options: true, raw: raw})
	}
}

func (m *message) specifiers(b []byte, count int) (fields []templateField, rest []byte, ok bool) {
	if count > maxFields {
		return nil, nil, false
	}
	for range count {
		if len(b) < 4 {
			return nil, nil, false
		}
		f := templateField{id: binary.BigEndian.Uint16(b), length: int(binary.BigEndian.Uint16(b[2:]))}
		b = b[4:]
		if m.version == versionIP && f.id&0x8000 != 0 {
			if len(b) < 4 {
				return nil, nil, false
			}
			f.id, f.enterprise, b = f.id&0x7fff, binary.BigEndian.Uint32(b), b[4:]
		}
		fields = append(fields, f)
	}
	return fields, b, true
}

// only is a message that has one template and nothing else.
func (m *message) only(options bool, t []byte) []byte {
	var b []byte
	set := uint16(0)
	if m.version == version9 {
		b = append(binary.BigEndian.AppendUint32(nil, version9<<16|1), make([]byte, head9-8)...)
	} else {
		set = 2
		b = append(binary.BigEndian.AppendUint32(nil, uint32(versionIP)<<16|uint32(headIP+4+len(t))), make([]byte, headIP-8)...) //nolint:gosec // G115: part of a message
	}
	if options {
		set++
	}
	b = binary.BigEndian.AppendUint32(b, m.flow.domain)
	b = binary.BigEndian.AppendUint32(b, uint32(set)<<16|uint32(4+len(t))) //nolint:gosec // G115: likewise
	return append(b, t...)
}

func (m *message) keep(id uint16, t *template) {
	key := templateKey{m.version, m.flow.domain, id}
	if old := m.d.templates[key]; old == nil || !bytes.Equal(old.raw, t.raw) {
		m.d.version++
	}
	for _, f := range t.fields {
		if f.length == variable {
			t.least++
		} else {
			t.least += f.length
		}
	}
	if old := m.d.templates[key]; old != nil {
		m.d.kept -= len(old.fields)
		delete(m.d.templates, key)
	}
	if t.least == 0 && !t.options {
		return
	}
	if m.d.templates == nil || len(m.d.templates) >= maxTemplates || m.d.kept+len(t.fields) > maxKept {
		m.d.templates, m.d.kept = make(map[templateKey]*template), 0
	}
	m.d.templates[key] = t
	m.d.kept += len(t.fields)
}

// variable is the length of a field that begins with its length in each record
// (section 7).
const variable = 65535

// data reads the records of a set. Fewer bytes than a record has are padding.
func (m *message) data(id uint16, b []byte) {
	t := m.d.templates[templateKey{m.version, m.flow.domain, id}]
	if t == nil {
		m.unknown++
		return
	}
	m.known++
	for !t.options && len(b) >= t.least && m.flows < maxFlows {
		n, ok := m.d.split(t, b)
		if !ok {
			return
		}
		m.flow.Raw, m.flow.fields = b[:n], m.d.values
		m.flows++
		b = b[n:]
		m.give(m.flow)
	}
}

// split cuts one record into the values of its fields.
func (d *Decoder) split(t *template, b []byte) (size int, ok bool) {
	d.values = d.values[:0]
	at := 0
	for _, f := range t.fields {
		n := f.length
		if n == variable {
			if at >= len(b) {
				return 0, false
			}
			n = int(b[at])
			at++
			if n == 255 {
				if at+2 > len(b) {
					return 0, false
				}
				n = int(binary.BigEndian.Uint16(b[at:]))
				at += 2
			}
		}
		if at+n > len(b) {
			return 0, false
		}
		d.values = append(d.values, element{f.id, f.enterprise, b[at : at+n]})
		at += n
	}
	return at, true
}
