// Package telemetry reads what devices measure: JSON as their makers shape it,
// SenML (RFC 8428) and Sparkplug B. Each number becomes an event of its own,
// with its name, unit and time; what else a record says goes with its events.
//
// It must not know any maker's devices: keys mean what they usually mean.
package telemetry

import (
	"math"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// The bounds of what one record or message gives. What is beyond them stays in
// the raw record.
const (
	maxReadings   = 4000
	maxAttributes = 256
	maxName       = 256      // bytes of a name
	maxList       = 16       // numbers of a list that are readings; a longer one is kept as text
	maxRepeated   = 64 << 10 // bytes that the events of one record may repeat of it
	rawBeginning  = 512      // bytes of raw in the further events of a long record
)

// Message is what one record or payload says.
type Message struct {
	Device   Device
	Time     time.Time // zero if it names none
	Readings []Reading
	// Attributes are what is no reading, under their own names.
	Attributes []event.Extra
	// Topic of MQTT and the client that published there, if known.
	Topic, Client string
}

// Device is how a message names its sender.
type Device struct{ Hostname, IP, MAC string }

// Reading is one thing that was measured.
type Reading struct {
	Name   string
	Value  float64
	Number bool   // Value holds; otherwise Text does
	Text   string // a text, or the value in the source's own spelling where Value is not all of it
	Unit   string
	Time   time.Time // zero: that of the message
	From   Device    // empty: that of the message
	More   []event.Extra
}

// number sets the value by its text and tells whether it is a number.
func (r *Reading) number(text string) bool {
	v, ok := parseNumber(text)
	r.Value, r.Number = v, ok
	if !ok {
		r.Text = text
	}
	return ok
}

// truth is a value of true or false: the number 1 or 0, and the word.
func (r *Reading) truth(v bool) {
	r.Number, r.Value, r.Text = true, 0, "false"
	if v {
		r.Value, r.Text = 1, "true"
	}
}

// Fill puts reading i of the message into an event: all but what
// [record.Finish] sets. The attributes go with each event as long as that
// repeats little.
func (m *Message) Fill(e *event.Event, i int) {
	e.SetClassUID(int64(event.DeviceTelemetry))
	e.SetActivityName("Measure")
	from := &m.Device
	if i < len(m.Readings) && m.Readings[i].From != (Device{}) {
		from = &m.Readings[i].From
	}
	from.fill(e)
	e.SetMQTTTopic(m.Topic)
	e.SetMQTTClientId(m.Client)
	if i < len(m.Readings) {
		r := &m.Readings[i]
		e.SetMetricName(cut(r.Name))
		e.SetMetricUnit(r.Unit)
		if r.Number {
			e.SetMetricValue(r.Value)
		}
		record.Keep(e, "value", r.Text)
		for _, x := range r.More {
			record.Keep(e, x.Name, x.Value)
		}
	}
	if i > 0 && m.weight()*len(m.Readings) > maxRepeated {
		return
	}
	for _, x := range m.Attributes {
		record.Keep(e, x.Name, x.Value)
	}
}

// When is the time of reading i.
func (m *Message) When(i int) time.Time {
	if i < len(m.Readings) && !m.Readings[i].Time.IsZero() {
		return m.Readings[i].Time
	}
	return m.Time
}

// Events is how many events the message gives.
func (m *Message) Events() int { return max(len(m.Readings), 1) }

func (m *Message) weight() int {
	n := 0
	for _, x := range m.Attributes {
		n += len(x.Name) + len(x.Value)
	}
	return n
}

// keep adds an attribute.
func (m *Message) keep(name, v string) {
	if v != "" && len(m.Attributes) < maxAttributes {
		m.Attributes = append(m.Attributes, event.Extra{Name: name, Value: v})
	}
}

func (d *Device) fill(e *event.Event) {
	e.SetDeviceHostname(d.Hostname)
	if d.IP != "" && !e.SetIP(event.SlotDeviceIP, d.IP) {
		record.Keep(e, "device.ip", d.IP)
	}
	e.SetDeviceMAC(record.MAC(d.MAC))
}

// output makes events of messages.
type output struct {
	src record.Source
	log string
	e   event.Event
}

// give emits the events of a message, which came as rec. The further events of
// a long record carry only the beginning of its text.
func (o *output) give(m *Message, rec record.Record, raw string, emit func(*event.Event)) {
	n := m.Events()
	for i := range n {
		o.e.Reset()
		m.Fill(&o.e, i)
		o.e.SetMetadataProduct("telemetry")
		o.e.SetMetadataLogName(o.log)
		if i == 1 && n*len(raw) > maxRepeated {
			raw = strings.ToValidUTF8(raw[:min(len(raw), rawBeginning)], "")
			rec.Raw = rec.Raw[:min(len(rec.Raw), rawBeginning)]
		}
		record.Finish(&o.e, &o.src, rec, raw, i, m.When(i))
		emit(&o.e)
	}
}

func cut(name string) string {
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return name
}

// finite tells whether v can be kept as a number.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
