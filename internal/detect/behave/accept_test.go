package behave_test

import (
	"fmt"
	"testing"
	"time"

	"vedette/internal/detect/behave"
	"vedette/internal/event"
)

// named is how a person's word names findings.
func named(fs []event.Finding) []behave.Deed {
	var out []behave.Deed
	for _, f := range fs {
		out = append(out, behave.Deed{Rule: f.Rule, Device: f.Device, First: f.First, Last: f.Time})
	}
	return out
}

// again keeps what the detector knows and gives it to a new one.
func (s *site) again() {
	s.t.Helper()
	data, err := s.d.Snapshot()
	if err != nil {
		s.t.Fatal(err)
	}
	s.d = behave.New(behave.Config{})
	if err := s.d.Restore(data); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) accept(word string, fs []event.Finding, want int) {
	s.t.Helper()
	if n, err := s.d.Accept(word, named(fs)); err != nil || n != want {
		s.t.Fatalf("accepted %d findings, want %d: %v", n, want, err)
	}
}

// call is an attack's call: a new peer, port and failure.
func (s *site) call(at time.Time, peer string) *event.Event {
	e := flow(at, "cam", peer, 6667)
	e.SetAppName("irc")
	e.SetStatus(event.Failure)
	return s.show(e)
}

// TestAcceptThings: what a finding told of becomes usual, nothing else does,
// and the word can be taken back; a restart in between changes nothing.
func TestAcceptThings(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("cam", start, 240)
	s.end()
	first := s.call(at, "198.51.100.7").AnomalyScore()
	fs := s.end()
	if len(fs) != 1 {
		t.Fatalf("%d findings of the first call, score %v", len(fs), first)
	}
	s.again()
	s.accept("w1", fs, 1)
	s.accept("w1", fs, 0) // a second time changes nothing
	s.again()
	at = s.usual("cam", at, 48)
	if e := s.call(at, "198.51.100.7"); e.AnomalyScore() > 0 || len(s.end()) > 0 {
		t.Errorf("score %v after it was accepted: %q", e.AnomalyScore(), e.AnomalyReasons())
	}
	if e := s.call(at.Add(time.Hour), "203.0.113.80"); len(e.AnomalyNovel()) == 0 {
		t.Error("another peer is not new: more was accepted than was told")
	}
	s.end()
	if n := s.d.Revoke("w1"); n != 1 || s.d.Revoke("w1") != 0 {
		t.Errorf("took %d findings back", n)
	}
	s.again()
	if e := s.call(at.Add(2*time.Hour), "198.51.100.7"); e.AnomalyScore() < 0.9 || len(s.end()) != 1 {
		t.Errorf("score %v after the word was taken back", e.AnomalyScore())
	}
}

// TestAcceptTwice: what two persons accept stays until both take it back.
func TestAcceptTwice(t *testing.T) {
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		s := newSite(t, behave.Config{})
		at := s.usual("cam", start, 240)
		s.end()
		s.call(at, "198.51.100.7")
		fs := s.end()
		s.accept("a", fs, 1)
		s.accept("b", fs, 1)
		at = at.Add(26 * time.Hour)
		s.d.Revoke(order[0])
		if e := s.call(at, "198.51.100.7"); e.AnomalyScore() > 0 {
			t.Errorf("score %v while one word stands", e.AnomalyScore())
		}
		s.d.Revoke(order[1])
		if e := s.call(at.Add(time.Hour), "198.51.100.7"); e.AnomalyScore() < 0.9 {
			t.Errorf("score %v after both words were taken back", e.AnomalyScore())
		}
	}
}

// TestAcceptRate: a peak that a person accepted may be reached, not passed.
func TestAcceptRate(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("cam", start, 72)
	s.end()
	upload := func(at time.Time, bytes int64) int {
		for i := range 10 {
			e := flow(at.Add(time.Duration(i)*time.Second), "cam", "10.0.0.9", 502)
			e.SetTrafficBytesOut(bytes)
			s.show(e)
		}
		return len(s.end())
	}
	for i := range 10 {
		e := flow(at.Add(time.Duration(i)*time.Second), "cam", "10.0.0.9", 502)
		e.SetTrafficBytesOut(5_000_000)
		s.show(e)
	}
	fs := s.end()
	if len(fs) != 1 || !s.has(fs, "behave.volume") {
		t.Fatalf("findings %+v", fs)
	}
	s.accept("w", fs, 1)
	at = s.usual("cam", at.Add(time.Hour), 48)
	if n := upload(at.Add(time.Minute), 5_000_000); n > 0 {
		t.Error("the same volume was told again after it was accepted")
	}
	if n := upload(at.Add(time.Hour), 500_000_000); n != 1 {
		t.Errorf("%d findings of a hundred times more", n)
	}
	s.d.Revoke("w")
	at = s.usual("cam", at.Add(2*time.Hour), 48)
	if n := upload(at.Add(time.Minute), 5_000_000); n != 1 {
		t.Errorf("%d findings after the word was taken back", n)
	}
}

// TestAcceptReadings: where readings stood becomes a place where they may
// stand, and the way there and back is usual too; elsewhere is not.
func TestAcceptReadings(t *testing.T) {
	s := newSite(t, behave.Config{})
	second := 0
	run := func(samples int, by float64) []event.Finding {
		pumpAt(s, second, samples, func(v *[3]float64) { v[0] += by })
		second += samples
		return s.end()
	}
	run(1200, 0)
	fs := run(200, -8)
	if len(fs) == 0 {
		t.Fatal("nothing was told")
	}
	run(600, 0)
	s.accept("w", fs, len(fs))
	s.again()
	second += 2 * 86400
	for range 3 {
		if got := run(300, -8); len(got) > 0 {
			t.Errorf("told after it was accepted: %s %v", got[0].Rule, got[0].Reasons)
		}
		if got := run(300, 0); len(got) > 0 {
			t.Errorf("told on the way back: %s %v", got[0].Rule, got[0].Reasons)
		}
	}
	if got := run(200, 8); len(got) == 0 {
		t.Error("the other direction is usual too")
	}
	run(600, 0)
	s.d.Revoke("w")
	second += 2 * 86400
	if got := run(200, -8); len(got) == 0 {
		t.Error("not told after the word was taken back")
	}
}

// TestDeedsAreBounded: what findings were of is remembered for the newest, and
// an old one cannot be accepted any more.
func TestDeedsAreBounded(t *testing.T) {
	s := newSite(t, behave.Config{})
	var all []event.Finding
	for i := range 5000 {
		at := start.Add(time.Duration(i) * time.Second)
		for k := range 60 {
			e := flow(at, fmt.Sprintf("d%d", i), fmt.Sprintf("10.1.%d.%d", k, i%250+1), 23)
			e.SetStatus(event.Failure)
			s.show(e)
		}
		if i%100 == 99 {
			all = append(all, s.end()...)
		}
	}
	if len(all) < 4500 {
		t.Fatalf("%d findings", len(all))
	}
	if n, err := s.d.Accept("old", named(all[:100])); n != 0 || err != nil {
		t.Errorf("accepted %d old findings: %v", n, err)
	}
	s.accept("new", all[len(all)-100:], 100)
	if _, err := s.d.Accept("most", named(all)); err == nil {
		t.Error("more was accepted than may be")
	}
	s.again()
	if n := s.d.Revoke("new"); n != 100 {
		t.Errorf("took %d back", n)
	}
}
