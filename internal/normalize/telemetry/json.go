package telemetry

import (
	"bytes"
	"slices"
	"strings"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// JSON is what devices send as JSON, one object a message, in whatever shape.
// An object with a topic and a payload is a message of MQTT, whose payload may
// also be SenML or Sparkplug B, as text, hexadecimal or base64.
func JSON() record.Dialect {
	return record.Dialect{
		Name: "telemetry-json", Detect: detectJSON, Memoryless: true,
		New: func(src record.Source) record.Parser {
			return &parser{out: output{src: src, log: "telemetry/json"}, frame: src.Frame()}
		},
	}
}

// How sure the keys of an object make: more than any dialect is of JSON that it
// knows little about, less than one is of its own.
const (
	sureDevice = 60 // numbers, and who measured them or in which unit
	sureTime   = 45 // numbers and a time
	maxLooked  = 10 // objects
)

// detectJSON is as sure as of the least sure of the first objects.
func detectJSON(head []byte, _ string) int {
	least, looked := 100, 0
	var scan jsonleaf.Scanner
	lines := bytes.Split(head, []byte("\n"))
	for i, line := range lines {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		leaves, err := scan.Read(string(line))
		if err != nil && i == len(lines)-1 && looked > 0 {
			break // cut off
		}
		if err != nil {
			return 0
		}
		if least = min(least, sureOf(leaves)); least == 0 {
			return 0
		}
		if looked++; looked == maxLooked {
			break
		}
	}
	if looked == 0 {
		return 0
	}
	return least
}

// sureOf judges one object.
func sureOf(leaves []jsonleaf.Leaf) int {
	for i := range leaves {
		key := strings.ToLower(leaves[i].Key.Name)
		_, number := parseNumber(leaves[i].Value)
		if number && key == "level" { // of a tank
			continue
		}
		if logWords[key] || logWords[plainKey(key)] {
			return 0
		}
	}
	m := understand(&Reader{}, leaves, moment.Frame{})
	numbers, units := 0, 0
	for _, r := range m.Readings {
		if r.Number {
			numbers++
		}
		if r.Unit != "" {
			units++
		}
	}
	switch {
	case m.Topic != "" && len(m.Readings) > 0:
		return sureDevice
	case numbers == 0:
		return 0
	case m.Device != (Device{}) && !m.Time.IsZero(), units > 0:
		return sureDevice
	case !m.Time.IsZero() || m.Device != (Device{}):
		return sureTime
	}
	return 0
}

type parser struct {
	out     output
	frame   moment.Frame
	scan    jsonleaf.Scanner
	reader  Reader
	carrier record.Carrier
}

// Hear implements [record.Hearer].
func (p *parser) Hear(c record.Carrier) {
	p.carrier = c
	p.out.src.Clock(c)
	p.frame = p.out.src.Frame()
}

// Parse implements [record.Parser].
func (p *parser) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := p.out.src.Keep(rec.Raw)
	leaves, err := p.scan.Read(raw)
	if err != nil {
		return err
	}
	if len(leaves) == 0 {
		return fault.New(fault.Invalid, "an empty JSON object")
	}
	m := understand(&p.reader, leaves, p.frame)
	m.came(p.carrier)
	p.out.give(&m, rec, record.Text(raw), emit)
	return nil
}

// understand reads one object: a message of MQTT with what it carries, or a
// record of its own.
func understand(reader *Reader, leaves []jsonleaf.Leaf, frame moment.Frame) Message {
	var topic, payload, client string
	at := -1
	for i := range leaves {
		switch leaves[i].Key.Name {
		case "topic":
			topic = leaves[i].Value
		case "payload":
			payload, at = leaves[i].Value, i
		case "clientid", "client_id", "clientId":
			client = leaves[i].Value
		}
	}
	if topic == "" {
		return fromLeaves(leaves, frame)
	}
	inner, ok := reader.Payload(topic, carried(payload), frame)
	if !ok {
		m := fromLeaves(leaves, frame)
		m.from(topic, client)
		return m
	}
	rest := make([]jsonleaf.Leaf, 0, len(leaves))
	rest = append(append(rest, leaves[:at]...), leaves[at+1:]...)
	outer := fromLeaves(rest, frame) // what it takes for readings is the broker's
	for _, r := range outer.Readings {
		outer.keep(r.Name, r.spelling())
	}
	inner.Attributes = append(inner.Attributes, outer.Attributes...)
	if inner.Time.IsZero() {
		inner.Time = outer.Time
	}
	if inner.Device == (Device{}) {
		inner.Device = outer.Device
	}
	inner.from(topic, client)
	return inner
}

// came notes how the message came, unless it says so itself.
func (m *Message) came(c record.Carrier) {
	if m.Topic == "" {
		m.Topic = c.Topic
	}
	if m.Client == "" {
		m.Client = c.Client
	}
}

// from notes the topic and who published there.
func (m *Message) from(topic, client string) {
	m.Topic, m.Client = topic, client
	m.Attributes = slices.DeleteFunc(m.Attributes, func(x event.Extra) bool { return x.Name == "topic" })
}
