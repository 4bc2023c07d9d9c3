package behave_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/event"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// bench shows events to a detector and keeps what it raised.
type site struct {
	t        testing.TB
	d        *behave.Detector
	findings []event.Finding
	n        int
}

func newSite(t testing.TB, cfg behave.Config) *site { return &site{t: t, d: behave.New(cfg)} }

func (s *site) show(e *event.Event) *event.Event {
	s.n++
	e.SetMetadataUID(fmt.Sprintf("uid-%d", s.n))
	s.d.Inspect(e, s.raise)
	return e
}

func (s *site) raise(f event.Finding) { s.findings = append(s.findings, f) }

func (s *site) end() []event.Finding {
	s.d.Tick(time.Time{}, true, s.raise)
	out := s.findings
	s.findings = nil
	return out
}

func (s *site) has(fs []event.Finding, rule string) bool {
	return slices.ContainsFunc(fs, func(f event.Finding) bool { return f.Rule == rule })
}

// flow is a connection of a device.
func flow(at time.Time, device, peer string, port int64) *event.Event {
	e := new(event.Event)
	e.SetTimeField(at)
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetSrcEndpointUID(device)
	e.SetDeviceUID(device)
	e.SetSrcEndpointIP("10.0.0.1")
	e.SetDstEndpointIP(peer)
	e.SetDstEndpointPort(port)
	e.SetConnectionInfoProtocolName("tcp")
	e.SetTrafficBytesOut(300)
	e.SetTrafficBytesIn(500)
	return e
}

// usual lets a device do its usual work for some hours and returns the time
// after it.
func (s *site) usual(device string, from time.Time, hours int) time.Time {
	for m := range hours * 60 {
		at := from.Add(time.Duration(m) * time.Minute)
		s.show(flow(at, device, "10.0.0.9", 502))
		s.show(flow(at.Add(time.Second), device, "10.0.0.9", 502))
		if m%10 == 0 {
			s.show(flow(at.Add(2*time.Second), device, "10.0.0.53", 53))
		}
	}
	return from.Add(time.Duration(hours) * time.Hour)
}

func TestNovelty(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("plc-1", start, 48)
	if fs := s.end(); len(fs) > 0 {
		t.Errorf("usual work was told: %+v", fs)
	}
	e := s.show(flow(at, "plc-1", "203.0.113.7", 4444))
	if got, want := e.AnomalyNovel(), []string{"peer", "port"}; !slices.Equal(got, want) {
		t.Errorf("novel %v, want %v", got, want)
	}
	if e.AnomalyScore() < 0.5 || len(e.AnomalyReasons()) == 0 {
		t.Errorf("score %v, reasons %q", e.AnomalyScore(), e.AnomalyReasons())
	}
	e = s.show(flow(at.Add(time.Minute), "plc-1", "203.0.113.7", 4444))
	if e.AnomalyNovel() != nil {
		t.Errorf("the second time is novel too: %v", e.AnomalyNovel())
	}
}

func TestWrite(t *testing.T) {
	s := newSite(t, behave.Config{})
	ot := func(at time.Time, src, ip, function string, write bool) *event.Event {
		e := flow(at, src, "10.0.0.9", 502)
		e.SetSrcEndpointIP(ip)
		e.SetDstEndpointUID("plc")
		e.SetICSProtocol("modbus")
		e.SetICSFunction(function)
		e.SetICSWrite(write)
		return s.show(e)
	}
	for m := range 48 * 60 {
		ot(start.Add(time.Duration(m)*time.Minute), "hmi", "10.0.0.1", "read holding registers", false)
	}
	e := ot(start.Add(48*time.Hour), "laptop", "10.0.0.66", "write single register", true)
	for _, w := range []string{"peer", "write", "function"} {
		if !slices.Contains(e.AnomalyNovel(), w) {
			t.Errorf("novel %v has no %s", e.AnomalyNovel(), w)
		}
	}
	fs := s.end()
	if !s.has(fs, "behave.new-write") || fs[0].Device != "plc" || fs[0].Severity < event.Medium {
		t.Fatalf("findings %+v", fs)
	}
}

func TestScan(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("cam", start, 24)
	for i := range 2000 {
		e := flow(at.Add(time.Duration(i)*20*time.Millisecond), "cam", fmt.Sprintf("10.1.%d.%d", i/250, i%250+1), 23)
		e.SetStatus(event.Failure)
		s.show(e)
	}
	fs := s.end()
	if len(fs) == 0 || len(fs) > 3 || !s.has(fs, "behave.machine-speed") {
		for _, f := range fs {
			t.Errorf("%s %s %d %v", f.Rule, f.Severity, f.Count, f.Reasons)
		}
	}
}

var _ detect.Detector = (*behave.Detector)(nil)
