package ingest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"vedette/internal/event"
)

// counting is a format whose events tell how many records its reading had.
func counting(name string, cut, piecemeal bool) Format {
	f := Format{Name: name, Piecemeal: piecemeal, Detect: func(head []byte, _ string) int {
		if bytes.HasPrefix(head, []byte(name)) {
			return 50
		}
		return 0
	}}
	if cut {
		f.Cut = func(in *bufio.Reader) func() ([]byte, int64, error) {
			done := false
			return func() ([]byte, int64, error) {
				if done {
					return nil, 0, io.EOF
				}
				done = true
				b, err := io.ReadAll(in)
				return b, 0, err
			}
		}
	}
	f.Open = func(o Origin) Reading {
		n := 0
		var e event.Event
		return Reading{Record: func(raw []byte, offset int64, emit func(*event.Event)) error {
			n++
			e.Reset()
			e.SetMessage(fmt.Sprint(n))
			e.SetMetadataUID(fmt.Sprint(o.ID, offset))
			e.SetTimeField(time.Unix(0, 0))
			e.SetMetadataClockSuspect(true)
			if bytes.Contains(raw, []byte("host")) {
				e.SetDeviceHostname("its-own-word")
				e.SetMetricName("temperature")
			}
			emit(&e)
			return nil
		}}
	}
	return f
}

// liveOf returns a parser of payloads and a function that gives it one and tells
// its events.
func liveOf(now func() time.Time, formats ...Format) (*Live, func(t *testing.T, p Payload) ([]event.Event, Report)) {
	l := NewReader(formats, now).Live("spool-x")
	seq := uint64(0)
	return l, func(t *testing.T, p Payload) (out []event.Event, rep Report) {
		t.Helper()
		seq++
		rep, err := l.Payload(t.Context(), p, seq, func(e *event.Event) error { out = append(out, *e.Clone()); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return out, rep
	}
}

// A piecemeal format goes on with its reading for as long as its peer does; one
// of lines begins anew each hour; one that is neither needs a key.
func TestPiecemeal(t *testing.T) {
	now := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	_, give := liveOf(func() time.Time { return now }, counting("flow", true, true), counting("line", false, false), counting("pcap", true, false))
	for i, want := range []string{"1", "2", "3"} {
		flow, _ := give(t, Payload{Source: "s", Peer: "a", Data: []byte("flow")})
		line, _ := give(t, Payload{Source: "s", Peer: "b", Data: []byte("line")})
		if len(flow) != 1 || flow[0].Message() != want {
			t.Errorf("round %d: %d events, want the message %s", i, len(flow), want)
		}
		if len(line) != 1 || line[0].Message() != "1" {
			t.Errorf("round %d: a reading of lines is kept for longer than an hour", i)
		}
		now = now.Add(2 * time.Hour)
	}
	if got, rep := give(t, Payload{Source: "s", Peer: "c", Data: []byte("pcap")}); len(got) != 0 || rep.Rejected != 1 {
		t.Errorf("a capture in parts: %+v", rep)
	}
	if got, rep := give(t, Payload{Source: "s", Peer: "c", Key: "k", Data: []byte("pcap")}); len(got) != 1 || rep.Rejected != 0 {
		t.Errorf("a capture with a key: %+v", rep)
	}
}

// Any number of made-up senders neither grows the table, nor costs a search of
// all of it each, nor drives out who was heard before and still sends.
func TestMadeUpPeers(t *testing.T) {
	l, give := liveOf(time.Now, counting("flow", true, true))
	real := Payload{Source: "s", Peer: "real", Data: []byte("flow")}
	for range steady {
		give(t, real)
	}
	for i := range 10 * maxPeers {
		give(t, Payload{Source: "s", Peer: fmt.Sprint(i), Data: []byte("flow")})
	}
	if len(l.open) > maxPeers {
		t.Errorf("%d peers are kept, at most %d should be", len(l.open), maxPeers)
	}
	if got, _ := give(t, real); len(got) != 1 || got[0].Message() != fmt.Sprint(steady+1) {
		t.Errorf("what the peer told before is forgotten: %v", got)
	}
}

// What a source knows becomes fields: the device is told by the site, all else
// fills gaps; no time is when it was received.
func TestMeta(t *testing.T) {
	at := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	_, give := liveOf(time.Now, counting("flow", true, true))
	meta := map[string]string{MetaDevice: "pump-3", MetaTopic: "plants/a/pump-3/level", MetaMetric: "level", MetaIP: "192.0.2.7", "topic.zone": "a"}
	for data, want := range map[string]struct{ metric, said string }{"flow": {"level", ""}, "flow host": {"temperature", "its-own-word"}} {
		got, _ := give(t, Payload{Source: "s", Received: at, Meta: meta, Data: []byte(data)})
		if len(got) != 1 {
			t.Fatalf("%d events of %q", len(got), data)
		}
		e := &got[0]
		if e.DeviceHostname() != "pump-3" || e.DeviceIP() != "192.0.2.7" || e.MQTTTopic() != "plants/a/pump-3/level" || e.Extra("topic.zone") != "a" {
			t.Errorf("%q: %v", data, e)
		}
		if e.MetricName() != want.metric || e.Extra("said.device.hostname") != want.said {
			t.Errorf("%q: metric %q, the device said it is %q", data, e.MetricName(), e.Extra("said.device.hostname"))
		}
		if !e.TimeField().Equal(at) || e.MetadataClockSuspect() {
			t.Errorf("%q is of %v", data, e.TimeField())
		}
	}
}

// What is not recognised is taken for what the source names.
func TestElse(t *testing.T) {
	text := counting("", false, false)
	text.Name, text.Detect = "text", func([]byte, string) int { return hardly }
	other := counting("value", false, false)
	_, give := liveOf(time.Now, counting("flow", true, true), text, other)
	for data, want := range map[string]string{"flow": "flow", "21.5": "value", "\x00\x01\x02\x03\x04\x05": "value"} {
		if _, rep := give(t, Payload{Source: "s", Peer: data, Else: "value", Data: []byte(data)}); rep.Format != want {
			t.Errorf("%q is read as %q, want %q", data, rep.Format, want)
		}
	}
	if _, rep := give(t, Payload{Source: "s", Peer: "x", Else: "no such", Data: []byte("x")}); rep.Rejected != 1 {
		t.Errorf("%+v", rep)
	}
}
