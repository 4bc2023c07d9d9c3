package event_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
)

func TestValuesComeBackAsSet(t *testing.T) {
	var e event.Event
	when := time.Date(2025, 3, 1, 12, 0, 0, 123456789, time.UTC)
	e.SetTimeField(when)
	e.SetDuration(0.25)
	e.SetDstEndpointPort(502)
	e.SetICSWrite(false)
	e.SetAnswers([]string{"a", "b"})
	e.SetSrcEndpointIP("::ffff:10.0.0.1")
	e.SetExtra("missed_bytes", "0")

	if got := e.TimeField(); !got.Equal(when) {
		t.Errorf("time = %v", got)
	}
	if e.Duration() != 0.25 || e.DstEndpointPort() != 502 || e.SrcEndpointIP() != "10.0.0.1" || e.Extra("missed_bytes") != "0" {
		t.Errorf("got %v", string(e.AppendJSON(nil)))
	}
	if !e.Has(event.SlotICSWrite) || e.ICSWrite() {
		t.Error("a false bool must be set and false")
	}
	if diff := cmp.Diff([]string{"a", "b"}, e.Answers()); diff != "" {
		t.Error(diff)
	}
}

func TestUnsetKeepsTheOthers(t *testing.T) {
	var e event.Event
	e.SetMessage("m")
	e.SetUserName("u")
	e.SetStatus(event.Failure)
	e.SetMessage("")
	if e.Has(event.SlotMessage) || e.UserName() != "u" || e.Status() != event.Failure {
		t.Errorf("after unset: %s", e.AppendJSON(nil))
	}
	e.SetDuration(math.NaN())
	e.SetTimeField(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	if e.Has(event.SlotDuration) || e.Has(event.SlotTime) {
		t.Error("NaN and unrepresentable times must stay unset")
	}
	e.Reset()
	if len(e.Slots()) != 0 || e.Has(event.SlotUserName) {
		t.Error("Reset left a field")
	}
}

func TestEveryFieldFitsAndIsFound(t *testing.T) {
	if event.NumSlots > 254 {
		t.Fatal("slot positions no longer fit a byte")
	}
	schema := event.NewSchema()
	seen := map[string]string{}
	for _, f := range event.Fields() {
		if got, ok := schema.Lookup(f.Name); !ok || got.Name != f.Name {
			t.Errorf("Lookup(%q) = %q, %v", f.Name, got.Name, ok)
		}
		for _, a := range f.Aliases {
			if other := seen[a]; other != "" {
				t.Errorf("alias %q of %q is taken by %q", a, f.Name, other)
			}
			seen[a] = f.Name
		}
	}
}

func TestJSONIsFlatAndValid(t *testing.T) {
	var e event.Event
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetMessage("bad \xff byte, \"quote\" and \u2028")
	e.SetExtra("x.y", "1")
	var m map[string]any
	if err := json.Unmarshal(e.AppendJSON(nil), &m); err != nil {
		t.Fatal(err)
	}
	if m["class_name"] != "network_activity" || m["unmapped"].(map[string]any)["x.y"] != "1" {
		t.Errorf("got %v", m)
	}
}

func TestUIDTellsEqualRecordsApart(t *testing.T) {
	src := event.SourceID([]byte("head"))
	a, b := event.UID(src, 0, []byte("line")), event.UID(src, 5, []byte("line"))
	if a == b || a != event.UID(src, 0, []byte("line")) || len(a) != 32 {
		t.Errorf("uids %s %s", a, b)
	}
}

func BenchmarkSetAndReset(b *testing.B) {
	var e event.Event
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		e.SetDstEndpointPort(502)
		e.SetSrcEndpointHostname("plc")
		e.SetStatus(event.Success)
	}
}
