package ingest

import (
	"time"

	"vedette/internal/event"
)

// marked adds to each event what the source knows beyond the bytes, and the time
// it was received where it tells none.
func marked(p Payload, sink func(*event.Event) error) func(*event.Event) error {
	if len(p.Meta) == 0 && p.Received.IsZero() {
		return sink
	}
	return func(e *event.Event) error {
		if !p.Received.IsZero() && e.TimeField().Equal(time.Unix(0, 0)) {
			e.SetTimeField(p.Received)
			if e.Extra("time") == "" { // else: it told one that cannot be kept
				e.Unset(event.SlotMetadataClockSuspect)
			}
		}
		for name, v := range p.Meta {
			mark(e, name, v)
		}
		return sink(e)
	}
}

// mark puts a value into the field that has its name, else into an extra.
func mark(e *event.Event, name, v string) {
	switch name {
	case MetaDevice:
		tell(e, event.SlotDeviceHostname, name, v)
	case MetaIP:
		tell(e, event.SlotDeviceIP, name, v)
	case MetaMAC:
		tell(e, event.SlotDeviceMAC, name, v)
	case MetaMetric:
		fill(e, event.SlotMetricName, v)
	case MetaTopic:
		fill(e, event.SlotMQTTTopic, v)
	case MetaClient:
		fill(e, event.SlotMQTTClientId, v)
	default:
		if e.Extra(name) == "" {
			e.SetExtra(name, v)
		}
	}
}

// said is put before the name of a field whose value the record said and the
// site tells otherwise.
const said = "said."

// tell sets a field and keeps what the record said there.
func tell(e *event.Event, s event.Slot, name, v string) {
	had := e.Str(s)
	if had == v || v == "" {
		return
	}
	if s == event.SlotDeviceIP {
		if !e.SetIP(s, v) {
			return
		}
	} else {
		e.SetStr(s, v)
	}
	e.SetExtra(said+name, had)
}

// fill sets a field that the record left open.
func fill(e *event.Event, s event.Slot, v string) {
	if !e.Has(s) {
		e.SetStr(s, v)
	}
}
