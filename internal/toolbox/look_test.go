package toolbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
)

// The past that a time is compared with is all that is stored, of a large store a
// whole number of such times, and at least one.
func TestPast(t *testing.T) {
	day := 24 * time.Hour
	asked := query.TimeRange{From: now.Add(-day), To: now}
	stored := func(events int64, days float64) Bounds {
		return Bounds{Events: events, Oldest: now.Add(-time.Duration(days * float64(day))), Newest: now}
	}
	for name, c := range map[string]struct {
		rng    query.TimeRange
		stored Bounds
		spans  float64
		from   time.Time
	}{
		"nothing stored":    {asked, Bounds{}, 0, time.Time{}},
		"nothing before":    {asked, stored(1000, 0.5), 0, time.Time{}},
		"since ever":        {query.TimeRange{To: now}, stored(1000, 9), 0, time.Time{}},
		"a small store":     {asked, stored(1000, 3.5), 2.5, time.Time{}},
		"just not too many": {asked, stored(2*pastEvents, 2), 1, time.Time{}},
		"a large store":     {asked, stored(10*pastEvents, 30), 3, now.Add(-4 * day)},
		"a huge store":      {asked, stored(1000*pastEvents, 30), 1, now.Add(-2 * day)},
	} {
		p := pastOf(c.rng, c.stored)
		if p.spans != c.spans || !p.from.Equal(c.from) {
			t.Errorf("%s: %v times from %v, want %v from %v", name, p.spans, p.from, c.spans, c.from)
		}
	}
	if got := (past{from: now}).since(); got != " since 2026-03-10 12:00 UTC" {
		t.Errorf("since %q", got)
	}
}

// Reasons of what was learnt are those of the highest score of each source, and of no
// other source.
func TestUnusualReadsTheReasonsOfTheHighestScore(t *testing.T) {
	f := newFixture(t)
	f.calmPast()
	for i, s := range []string{"10.0.0.1", "10.0.0.2"} {
		for n, score := range []float64{0.5, 0.999 - float64(i)*0.01, 0.6} {
			f.flow(now.Add(-time.Duration(n+1)*time.Hour), s, "10.0.0.100", 1883, func(e *event.Event) {
				e.SetAnomalyScore(score)
				e.SetAnomalyReasons([]string{fmt.Sprintf("reason %d of %s", n, s)})
			})
		}
	}
	got := f.unusual("")
	if len(got.Rows) != 2 || got.Rows[0][0] != "10.0.0.1" {
		t.Fatalf("ranked %v", got.Rows)
	}
	for _, row := range got.Rows {
		if reasons := fmt.Sprint(row[4]); !strings.Contains(reasons, fmt.Sprintf("reason 1 of %s", row[0])) || strings.Count(reasons, "reason ") != 1 {
			t.Errorf("%s: %s", row[0], reasons)
		}
	}
}

// Of very many sources those with the highest scores are ranked, whatever else they did.
func TestUnusualOfManySources(t *testing.T) {
	f := newFixture(t)
	for i := range query.MaxLimit + 50 {
		src := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		f.flow(now.Add(-30*time.Hour), src, "172.16.0.1", 502)
		for range 2 {
			f.flow(now.Add(-time.Hour), src, "172.16.0.1", 502)
		}
	}
	f.flow(now.Add(-30*time.Hour), "192.0.2.7", "172.16.0.1", 502)
	f.flow(now.Add(-time.Hour), "192.0.2.7", "172.16.0.1", 502, func(e *event.Event) { e.SetAnomalyScore(0.9999) })
	got := f.unusual("")
	if len(got.Rows) == 0 || got.Rows[0][0] != "192.0.2.7" || fmt.Sprint(got.Rows[0][4]) != "[unusual for what was learnt of it]" {
		t.Fatalf("ranked %v", got.Rows)
	}
}

// An address that is another device's now has no new peers for that, and who has is
// found among very many sources.
func TestNewPeersAreThoseOfTheAddress(t *testing.T) {
	f := newFixture(t)
	f.device("old", "old", "camera")
	f.device("new", "new", "camera")
	for h := 1; h <= 72; h++ {
		uid := "old"
		if h <= 24 {
			uid = "new"
		}
		f.flow(now.Add(-time.Duration(h)*time.Hour), "10.0.0.1", "10.0.0.100", 1883, func(e *event.Event) { e.SetSrcEndpointUID(uid) })
	}
	if got := f.unusual(""); len(got.Rows) > 0 {
		t.Errorf("ranked %v", got.Rows)
	}
	for i := range query.MaxLimit + 50 {
		src := fmt.Sprintf("10.1.%d.%d", i>>8, i&255)
		f.flow(now.Add(-30*time.Hour), src, "172.16.0.1", 502)
		f.flow(now.Add(-time.Hour), src, "172.16.0.1", 502)
		f.flow(now.Add(-time.Hour), src, "172.16.0.1", 502)
	}
	f.flow(now.Add(-30*time.Hour), "192.0.2.7", "172.16.0.1", 502)
	f.flow(now.Add(-time.Hour), "192.0.2.7", "172.16.0.9", 502)
	got := f.unusual("")
	if len(got.Rows) != 1 || got.Rows[0][0] != "192.0.2.7" || !strings.Contains(fmt.Sprint(got.Rows[0][4]), "1 peer seen for the first time (172.16.0.9)") {
		t.Errorf("ranked %v", got.Rows)
	}
}
