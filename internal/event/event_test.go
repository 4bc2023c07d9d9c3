package event_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/netip"
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

// Which times can be kept is told by seconds; this tells it by the years.
func TestTimesAreKeptFrom1678To2261(t *testing.T) {
	for _, c := range []struct {
		when time.Time
		kept bool
	}{
		{time.Date(1677, 12, 31, 23, 59, 59, 999999999, time.UTC), false},
		{time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), true},
		{time.Date(2261, 12, 31, 23, 59, 59, 999999999, time.UTC), true},
		{time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC), false},
	} {
		var e event.Event
		e.SetTimeField(c.when)
		if e.Has(event.SlotTime) != c.kept || c.kept && !e.TimeField().Equal(c.when) {
			t.Errorf("%v: kept %v as %v", c.when, e.Has(event.SlotTime), e.TimeField())
		}
	}
}

// FuzzSetIP holds the short way for usual addresses against package netip.
func FuzzSetIP(f *testing.F) {
	for _, v := range []string{
		"10.0.0.1", "0.0.0.0", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", ".1.2.3", "1.2.3.",
		"1.2.3.4 ", "::ffff:1.2.3.4", "fe80::1%eth0", "FE80::A", "::", "1.2.3.0000", "", "modbus",
	} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		var e event.Event
		ok := e.SetIP(event.SlotDeviceIP, v)
		addr, err := netip.ParseAddr(v)
		want := ""
		if err == nil {
			want = addr.Unmap().WithZone("").String()
		}
		if ok != (err == nil) || e.DeviceIP() != want {
			t.Errorf("%q: %v %q, want %q, %v", v, ok, e.DeviceIP(), want, err)
		}
	})
}

// A list is kept apart from the other values: it must survive what is set and
// taken away around it, and a copy must have its own.
func TestListsStandAlone(t *testing.T) {
	var e event.Event
	e.SetAnswers([]string{"a"})
	e.SetDHCPMessageType([]string{"ack"})
	e.SetMessage("m")
	e.SetAnswers(nil)
	e.SetStr(event.SlotAnswers, "no list")
	if e.Answers() != nil || e.DHCPMessageType()[0] != "ack" {
		t.Errorf("got %q, %q", e.Answers(), e.DHCPMessageType())
	}
	c := e.Clone()
	e.DHCPMessageType()[0] = "nak"
	e.Reset()
	e.SetAnswers([]string{"b"})
	if got := c.DHCPMessageType(); len(got) != 1 || got[0] != "ack" {
		t.Errorf("the copy has %q", got)
	}
	if e.DHCPMessageType() != nil || e.Answers()[0] != "b" {
		t.Errorf("after Reset: %q, %q", e.Answers(), e.DHCPMessageType())
	}
}
