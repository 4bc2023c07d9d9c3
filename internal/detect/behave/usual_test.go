package behave_test

import (
	"slices"
	"testing"
	"time"

	"vedette/internal/detect/behave"
)

// What is told of a device is what it was seen to do, of both sides of a
// connection, and nothing of devices that were not seen.
func TestUsual(t *testing.T) {
	s := newSite(t, behave.Config{})
	for minute := range 90 {
		for i := range 3 {
			e := flow(start.Add(time.Duration(minute)*time.Minute+time.Duration(i)*time.Second), "plc", "10.0.0.9", 502)
			e.SetDstEndpointUID("server")
			e.SetAppName("modbus")
			e.SetICSProtocol("modbus")
			e.SetICSFunction("read_coils")
			e.SetICSFunctionCode(1)
			s.show(e)
		}
	}
	u, ok := s.d.Usual("plc", nil)
	if !ok || !u.Learnt || u.Events != 270 || u.Minutes != 89 {
		t.Fatalf("%v %+v", ok, u)
	}
	events := u.Rates[0]
	if events.Name != "events" || events.Low > 3 || events.High < 3 || events.Mid < 2.5 || events.Mid > 3.5 || events.Peak < 2.9 || events.Peak > 3.1 || events.Limit < events.Peak {
		t.Errorf("three events a minute are told as %+v", events)
	}
	if u.Hours.Events[0] < 2.5 || u.Hours.Events[0] > 3.5 || u.Hours.Events[5] != 0 || u.Hours.EventsLimit[0] <= u.Hours.Events[0] {
		t.Errorf("hours: %v", u.Hours)
	}
	things := []behave.Thing{
		{Kind: "peer", Text: "10.0.0.9", Ours: true},
		{Kind: "peer", Text: "10.0.0.10", Ours: true},
		{Kind: "service", Text: "modbus"},
		{Kind: "service", Text: "ssh"},
		{Kind: "function", Protocol: "modbus", Text: "read_coils", Code: 1},
		{Kind: "function", Protocol: "modbus", Text: "write_coil", Code: 5},
		{Kind: "weather"},
	}
	if got, want := s.d.Knows("plc", things), []string{"usual", "", "usual", "", "usual", "", ""}; !slices.Equal(got, want) {
		t.Errorf("the client is known to do %q, not %q", got, want)
	}
	asked := []behave.Thing{{Kind: "peer", Text: "10.0.0.1", Asked: true}, {Kind: "peer", Text: "10.0.0.2", Asked: true}, {Kind: "function", Protocol: "modbus", Text: "read_coils", Code: 1, Asked: true}, {Kind: "service", Text: "modbus", Asked: true}}
	if got, want := s.d.Knows("server", asked), []string{"usual", "", "usual", ""}; !slices.Equal(got, want) {
		t.Errorf("the server is known to meet %q, not %q", got, want)
	}
	if _, ok := s.d.Usual("nobody", nil); ok {
		t.Error("something is usual of a device that was never seen")
	}
	if got := s.d.Knows("nobody", things[:1]); !slices.Equal(got, []string{""}) {
		t.Errorf("%q", got)
	}
}

// The readings of a device are told by their names.
func TestUsualReadings(t *testing.T) {
	s := newSite(t, behave.Config{})
	pump(s, 1, 900, nil)
	u, ok := s.d.Usual("pump", []string{"pressure", "nothing", "flow"})
	if !ok || len(u.Tags) != 2 || u.Tags[0].Name != "pressure" || u.Tags[1].Name != "flow" {
		t.Fatalf("%v %+v", ok, u.Tags)
	}
	if f := u.Tags[1]; !f.Judged || f.Mean < 29 || f.Mean > 31 || f.Low > 28 || f.High < 32 || f.Low < 24 || f.High > 36 || f.Sigma <= 0 {
		t.Errorf("a flow of 30 with a deviation of 1 is told as %+v", f)
	}
}

// A day counts once, however events come in disorder around midnight.
func TestADayCountsOnce(t *testing.T) {
	s := newSite(t, behave.Config{})
	midnight := start.Truncate(24 * time.Hour).Add(24 * time.Hour)
	for day := range 3 {
		for i := range 60 {
			at := midnight.AddDate(0, 0, day).Add(time.Duration(i-30) * time.Second)
			if i%2 == 1 {
				at = at.Add(-20 * time.Second)
			}
			s.show(flow(at, "plc", "10.0.0.9", 502))
		}
	}
	if u, ok := s.d.Usual("plc", nil); !ok || u.Hours.Days != 4 {
		t.Errorf("%v: %d days were counted of four", ok, u.Hours.Days)
	}
}
