package behave_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"vedette/internal/detect/behave"
	"vedette/internal/event"
)

func modbus(at time.Time, function string) *event.Event {
	e := flow(at, "hmi", "10.0.0.9", 502)
	e.SetDstEndpointUID("plc")
	e.SetICSProtocol("modbus")
	e.SetICSFunction(function)
	return e
}

// TestBackfill: a backlog that is taken in file by file shows old devices in
// one log after the other. The first functions of each are not new; a function
// that comes when those of the device are known is.
func TestBackfill(t *testing.T) {
	s := newSite(t, behave.Config{})
	const days = 5
	for m := range days * 24 * 60 {
		e := flow(start.Add(time.Duration(m)*time.Minute), "hmi", "10.0.0.9", 502)
		e.SetDstEndpointUID("plc")
		s.show(e)
	}
	novel := 0
	for m := range days * 24 * 60 { // the same days in the log of the protocol
		function := []string{"read coils", "read holding registers", "read input registers", "diagnostics"}[m%4]
		if m == 40 {
			function = "read device identification"
		}
		if slices.Contains(s.show(modbus(start.Add(time.Duration(m)*time.Minute), function)).AnomalyNovel(), "function") {
			novel++
		}
	}
	if fs := s.end(); novel > 0 || len(fs) > 0 {
		t.Errorf("%d functions are new in a log that begins late, findings %+v", novel, fs)
	}
	s.again()
	e := s.show(modbus(start.AddDate(0, 0, days), "write multiple registers"))
	if !slices.Contains(e.AnomalyNovel(), "function") || e.AnomalyScore() < 0.5 {
		t.Errorf("a new function of a device that is known: novel %v, score %v", e.AnomalyNovel(), e.AnomalyScore())
	}
}

// TestLateNames: a log of names that begins late makes no device new; a device
// that asks for its first name when all others did so for long is.
func TestLateNames(t *testing.T) {
	s := newSite(t, behave.Config{})
	ask := func(at time.Time, device, name string) *event.Event {
		e := flow(at, device, "10.0.0.53", 53)
		e.SetQueryHostname(name)
		return s.show(e)
	}
	for m := range 3 * 24 * 60 {
		for i := range 5 {
			s.show(flow(start.Add(time.Duration(m)*time.Minute), fmt.Sprintf("d%d", i), "10.0.0.53", 53))
		}
	}
	at := start.AddDate(0, 0, 3)
	early := 0
	for m := range 24 * 60 {
		for i := range 4 { // all but d4
			e := ask(at.Add(time.Duration(m)*time.Minute), fmt.Sprintf("d%d", i), fmt.Sprintf("n%d.example.org", m%3))
			if e.AnomalyNovel() != nil {
				early++
			}
		}
		s.show(flow(at.Add(time.Duration(m)*time.Minute), "d4", "10.0.0.53", 53))
	}
	if early > 0 {
		t.Errorf("%d names are new in a log that begins late", early)
	}
	if e := ask(at.AddDate(0, 0, 1), "d4", "tunnel.example.net"); !slices.Contains(e.AnomalyNovel(), "name") {
		t.Errorf("the first name of a device that never asked: novel %v", e.AnomalyNovel())
	}
}
