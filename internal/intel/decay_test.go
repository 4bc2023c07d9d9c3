package intel

import (
	"testing"
	"time"
)

func TestDecay(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := NewBuilder()
	for _, in := range []Indicator{{Type: Domain, Value: "evil.example"}, {Type: MD5, Value: "d41d8cd98f00b204e9800998ecf8427e"}, {Type: URL, Value: "evil.example/x.sh"}} {
		in.Source, in.Confidence, in.First = "feed", 80, at.AddDate(-3, 0, 0)
		if err := b.Add(in); err != nil {
			t.Fatal(err)
		}
	}
	plain := b.Build()
	if hit, ok := plain.Domain("evil.example", at); !ok || hit.Confidence != 80 {
		t.Errorf("a source that nobody dated: %+v", hit)
	}
	b = NewBuilder()
	_ = b.Add(Indicator{Type: Domain, Value: "evil.example", Source: "feed", Confidence: 80, First: at.AddDate(-3, 0, 0)})
	_ = b.Add(Indicator{Type: MD5, Value: "d41d8cd98f00b204e9800998ecf8427e", Source: "feed", Confidence: 80})
	b.Vouched("feed", at)
	s := b.Build()
	for days, want := range map[int]int{-500: 80, 0: 80, 1: 80, 180: 40, 360: 20, 5000: 1} {
		hit, ok := s.Domain("evil.example", at.AddDate(0, 0, days))
		if !ok || hit.Confidence != want || want != 80 && hit.Stated != 80 {
			t.Errorf("after %d days: %+v, want %d", days, hit, want)
		}
	}
	if hit, ok := s.Hash("d41d8cd98f00b204e9800998ecf8427e", at.AddDate(9, 0, 0)); !ok || hit.Confidence != 80 {
		t.Errorf("a hash: %+v", hit)
	}
}

// TestReliability: a better grade never counts less, and no grade changes nothing.
func TestReliability(t *testing.T) {
	for c := range 101 {
		last := 101
		for _, r := range []Reliability{"A", "B", "C", "D", "E"} {
			got := r.Weigh(c)
			if got > last || got > c || c > 0 && got < 1 {
				t.Fatalf("%s of %d is %d, the grade above %d", r, c, got, last)
			}
			last = got
		}
		if Reliability("").Weigh(c) != c {
			t.Fatal(c)
		}
	}
	for text, ok := range map[string]bool{"": true, "a": true, "F": true, "G": false, "AB": false, "1": false} {
		if _, got := GoodReliability(text); got != ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}
