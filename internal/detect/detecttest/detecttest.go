// Package detecttest is the conformance suite of the Detector seam: what every
// family of judgement must do whatever it judges. A family's tests call [Run]
// with a function that makes a detector.
//
// It must not know what is worth a finding.
package detecttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"vedette/internal/detect"
	"vedette/internal/event"
)

// events is how many events the suite shows.
const events = 1500

// Run shows a detector made-up events: usual and hostile texts, missing fields,
// clocks that lie and go backwards. The same detector twice over the same
// events must say the same.
func Run(t *testing.T, make func() detect.Detector) {
	t.Helper()
	t.Run("changes nothing but its anomaly fields", func(t *testing.T) { changesNothing(t, make()) })
	t.Run("findings are complete", func(t *testing.T) { complete(t, make()) })
	t.Run("says the same again", func(t *testing.T) { repeats(t, make) })
	t.Run("keeps no memory of an event", func(t *testing.T) { keepsNothing(t, make) })
	t.Run("snapshot", func(t *testing.T) { snapshot(t, make) })
}

// Events yields the events of the suite; the same seed gives the same.
func Events(seed uint64, f func(e *event.Event)) {
	r := rand.New(rand.NewPCG(seed, 7))
	at := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	for i := range events {
		e := new(event.Event)
		e.SetMetadataUID(fmt.Sprintf("%032x", i))
		at = at.Add(time.Duration(r.IntN(120)) * time.Second)
		switch r.IntN(40) {
		case 0: // no time at all
		case 1:
			e.SetTimeField(at.AddDate(r.IntN(90)-60, 0, 0))
			e.SetMetadataClockSuspect(true)
		case 2:
			e.SetTimeField(at.Add(-time.Duration(r.IntN(86400)) * time.Second))
		default:
			e.SetTimeField(at)
		}
		fill(e, r)
		f(e)
	}
}

func fill(e *event.Event, r *rand.Rand) {
	one := func(list ...string) string { return list[r.IntN(len(list))] }
	hostile := func() string {
		return one("plain", "", "\x00\xff", "a*b?c\\", "ignore all previous instructions", string(bytes.Repeat([]byte("x"), 5000)), "日本", "1e999", "-0")
	}
	classes := []event.Class{event.NetworkActivity, event.DNSActivity, event.Authentication, event.ProcessActivity, event.DeviceTelemetry, event.DetectionFinding, event.BaseEvent}
	e.SetClassUID(int64(classes[r.IntN(len(classes))]))
	device := r.IntN(20)
	e.SetDeviceUID(fmt.Sprintf("dev-%d", device))
	e.SetSrcEndpointUID(fmt.Sprintf("dev-%d", device))
	e.SetSrcEndpointIP(fmt.Sprintf("10.0.0.%d", device+1))
	e.SetDstEndpointIP(one("10.0.1.1", "10.0.1.2", "203.0.113.9", "fd00::1", fmt.Sprintf("198.51.100.%d", r.IntN(250))))
	e.SetDstEndpointPort([]int64{502, 80, 23, 0, 65535, -1}[r.IntN(6)])
	e.SetMetadataLogName(one("zeek/conn", "zeek/modbus", "windows/sysmon", hostile()))
	e.SetICSProtocol(one("", "modbus", "s7comm", hostile()))
	e.SetICSFunction(one("", "WRITE_SINGLE_REGISTER", hostile()))
	e.SetICSWrite(r.IntN(5) == 0)
	e.SetQueryHostname(one("", "example.com", "xn--", hostile()))
	e.SetUserName(hostile())
	e.SetProcessCmdLine(hostile())
	e.SetStatus(one(event.Success, event.Failure, ""))
	e.SetTrafficBytesOut(r.Int64N(1 << 40))
	e.SetMetricName(one("", "level", "flow"))
	e.SetMetricValue(r.NormFloat64() * 1e6)
	e.SetStr(event.SlotDeviceType, one("", "plc", "hmi", "industrial sensor"))
	e.SetStr(event.SlotSrcEndpointZone, one("", "Cell", "Office"))
	e.SetStr(event.SlotDstEndpointZone, one("", "Cell", "Office"))
	e.SetRawField(hostile())
	e.AddExtra(one("EventID", "Hashes", "x.y"), hostile())
}

// without is an event's JSON without what a detector may set.
func without(e *event.Event) string {
	c := e.Clone()
	for _, s := range []event.Slot{event.SlotAnomalyScore, event.SlotAnomalyReasons, event.SlotAnomalyNovel} {
		c.Unset(s)
	}
	return string(c.AppendJSON(nil))
}

func changesNothing(t *testing.T, d detect.Detector) {
	Events(1, func(e *event.Event) {
		before := without(e)
		d.Inspect(e, func(event.Finding) {})
		if after := without(e); after != before {
			t.Fatalf("the event was changed from\n%s\nto\n%s", before, after)
		}
		if s := e.AnomalyScore(); s < 0 || s > 1 {
			t.Fatalf("the score is %v", s)
		}
	})
}

// over shows all events and tells what was raised.
func over(d detect.Detector, seed uint64, raise detect.Raise) {
	newest := time.Time{}
	n := 0
	Events(seed, func(e *event.Event) {
		if at := e.TimeField(); !e.MetadataClockSuspect() && at.After(newest) {
			newest = at
		}
		d.Inspect(e, raise)
		if n++; n%500 == 0 {
			tick(d, newest, false, raise)
		}
	})
	tick(d, newest, true, raise)
}

func tick(d detect.Detector, now time.Time, final bool, raise detect.Raise) {
	if x, ok := d.(detect.Ticker); ok {
		x.Tick(now, final, raise)
	}
}

func complete(t *testing.T, d detect.Detector) {
	over(d, 2, func(f event.Finding) {
		switch {
		case f.UID == "", f.Rule == "", f.Title == "", f.Family == "", f.Count < 1, f.Severity < event.Informational, f.Severity > event.Fatal:
			t.Errorf("incomplete: %+v", f)
		case len(f.Evidence) == 0, len(f.Evidence) > event.MaxEvidence:
			t.Errorf("%d uids of evidence: %+v", len(f.Evidence), f)
		case f.First.After(f.Time), f.Confidence < 0, f.Confidence > 1:
			t.Errorf("from %v to %v, confidence %v: %+v", f.First, f.Time, f.Confidence, f)
		}
		if _, err := f.Event(); err != nil {
			t.Errorf("%v: %+v", err, f)
		}
	})
	if c, ok := d.(detect.Conditioner); ok {
		for _, x := range c.Conditions() {
			if x.Detector != d.Name() || x.Code == "" || x.Text == "" {
				t.Errorf("condition %+v of %s", x, d.Name())
			}
		}
	}
}

func raised(d detect.Detector) []string {
	var out []string
	over(d, 3, func(f event.Finding) {
		e, err := f.Event()
		if err != nil {
			out = append(out, err.Error())
			return
		}
		out = append(out, e.RawField())
	})
	return out
}

func repeats(t *testing.T, make func() detect.Detector) {
	a, b := raised(make()), raised(make())
	if len(a) != len(b) {
		t.Fatalf("%d findings, then %d", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("finding %d was\n%s\nand then\n%s", i, a[i], b[i])
		}
	}
}

// keepsNothing overwrites the texts of each event after it was shown, as a
// parser does that uses its memory again.
func keepsNothing(t *testing.T, make func() detect.Detector) {
	want := raised(make())
	d := make()
	var got []string
	newest, n := time.Time{}, 0
	var kept []event.Finding
	raise := func(f event.Finding) { kept = append(kept, f) }
	Events(3, func(e *event.Event) {
		if at := e.TimeField(); !e.MetadataClockSuspect() && at.After(newest) {
			newest = at
		}
		again := new(event.Event)
		arena := borrow(again, e)
		d.Inspect(again, raise)
		for i := range arena {
			arena[i] = '#'
		}
		if n++; n%500 == 0 {
			tick(d, newest, false, raise)
		}
	})
	tick(d, newest, true, raise)
	for i := range kept {
		e, err := kept[i].Event()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.RawField())
	}
	if len(got) != len(want) {
		t.Fatalf("%d findings, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("finding %d kept memory of an event:\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
}

// snapshot: what was learnt is the same after a restart, and what is no
// snapshot is refused and leaves an empty detector that works.
func snapshot(t *testing.T, make func() detect.Detector) {
	first, ok := make().(detect.Keeper)
	if !ok {
		t.Skip("it keeps nothing")
	}
	over(first.(detect.Detector), 4, func(event.Finding) {})
	data, err := first.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	second := make().(detect.Keeper)
	if err := second.Restore(data); err != nil {
		t.Fatalf("reading a snapshot back: %v", err)
	}
	again, err := second.Snapshot()
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("a snapshot of what was restored differs (%d and %d bytes), %v", len(data), len(again), err)
	}
	for _, cut := range []int{0, 1, len(data) / 2, len(data) - 1} {
		third := make().(detect.Keeper)
		if err := third.Restore(data[:cut]); err == nil {
			t.Errorf("%d of %d bytes were taken for a snapshot", cut, len(data))
		}
		over(third.(detect.Detector), 5, func(event.Finding) {})
	}
}
