package event_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
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

// TestUIDIsTheHash checks short and long records against the definition.
func TestUIDIsTheHash(t *testing.T) {
	src := event.SourceID([]byte("head"))
	for _, n := range []int{0, 1, 300, 991, 992, 993, 5000} {
		raw := bytes.Repeat([]byte("x"), n)
		all := append(binary.BigEndian.AppendUint64([]byte(src), 7), raw...)
		sum := sha256.Sum256(all)
		if got, want := event.UID(src, 7, raw), hex.EncodeToString(sum[:16]); got != want {
			t.Errorf("of %d bytes: %s, not %s", n, got, want)
		}
	}
}

func TestAddressesAreCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:DB8::1": "2001:db8::1", "2001:db8:0:0:0:0:0:1": "2001:db8::1",
		"2001:db8::1": "2001:db8::1", "fe80::1%eth0": "fe80::1", "::ffff:1.2.3.4%x": "1.2.3.4", "192.0.2.07": "", "host": "", "": "",
	} {
		var e event.Event
		if ok := e.SetIP(event.SlotSrcEndpointIP, in); ok != (want != "") || e.SrcEndpointIP() != want {
			t.Errorf("%q became %q, %v", in, e.SrcEndpointIP(), ok)
		}
	}
}
