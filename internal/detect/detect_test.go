package detect_test

import (
	"fmt"
	"testing"
	"time"

	"vedette/internal/detect"
	"vedette/internal/event"
)

// loud raises a finding for every event.
type loud struct{}

func (loud) Name() string { return "loud" }

func (loud) Inspect(e *event.Event, raise detect.Raise) {
	f := event.NewFinding("r1", e)
	f.Title, f.Family, f.Severity = "loud", event.FamilySigma, event.Low
	raise(f)
}

func at(i int, when time.Time, src string) *event.Event {
	e := new(event.Event)
	e.SetTimeField(when)
	e.SetMetadataUID(fmt.Sprintf("uid-%d", i))
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetSrcEndpointIP(src)
	return e
}

// TestFold: the first is told at once, repeats with their count, ever more
// rarely, and the counts add up to what was raised whatever the order of time.
func TestFold(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := detect.NewChain(loud{})
	total, told := 0, 0
	take := func() {
		for _, f := range c.Take() {
			total += f.Count
			told++
			if len(f.Evidence) > event.MaxEvidence || f.First.After(f.Time) {
				t.Errorf("%d uids of evidence, from %v to %v", len(f.Evidence), f.First, f.Time)
			}
		}
	}
	c.Inspect(at(0, start, "10.0.0.1"))
	if take(); total != 1 {
		t.Fatalf("%d told at once, want one", total)
	}
	for i := range 3 * 24 * 60 { // one a minute for three days
		c.Inspect(at(1+i, start.Add(time.Duration(i)*time.Minute), "10.0.0.1"))
	}
	take()
	if told > 14 {
		t.Errorf("told %d times in three days", told)
	}
	c.Inspect(at(10_000, start.Add(time.Second), "10.0.0.2"))
	c.Inspect(at(10_001, start.Add(-time.Hour), "10.0.0.1")) // time goes backwards
	c.End()
	if take(); total != 3*24*60+3 {
		t.Errorf("the findings stand for %d events, want %d", total, 3*24*60+3)
	}
	c.Inspect(at(10_002, start.Add(300*time.Hour), "10.0.0.1"))
	if before := total; true {
		if take(); total != before+1 {
			t.Errorf("after a long quiet it is not told at once")
		}
	}
}

// TestOwnFindings: what we found is not judged again, an alert of another tool is.
func TestOwnFindings(t *testing.T) {
	c := detect.NewChain(loud{})
	f := event.NewFinding("r1", at(1, time.Now(), "10.0.0.1"))
	f.Family = event.FamilySigma
	e, err := f.Event()
	if err != nil {
		t.Fatal(err)
	}
	c.Inspect(e)
	if got := c.Take(); len(got) != 0 {
		t.Errorf("an own finding was judged: %+v", got)
	}
	e.SetMetadataProduct("suricata")
	c.Inspect(e)
	if got := c.Take(); len(got) != 1 {
		t.Errorf("an alert was not judged")
	}
}
