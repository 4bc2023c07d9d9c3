package it

import (
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
	"vedette/internal/normalize/wire/proto"
)

// maxMeasured is how many readings of one published message are told.
const maxMeasured = 256

// measured tells what a published message measures, if it is telemetry. raw is
// the packet without its payload. The time of the event is that of the packet,
// the one that the sender wrote is kept beside it: clocks of devices are often
// wrong.
func (d *mqtt) measured(topic string, payload, raw []byte, out proto.Out) {
	m, ok := d.reader.Payload(topic, payload, moment.Frame{})
	if !ok {
		return
	}
	m.Client = d.client
	for i := range min(len(m.Readings), maxMeasured) {
		e := out.New(event.DeviceTelemetry)
		m.Fill(e, i)
		if when := m.When(i); !when.IsZero() {
			record.Keep(e, "telemetry.time", when.Format(time.RFC3339Nano))
		}
		out.Emit(e, raw)
	}
}
