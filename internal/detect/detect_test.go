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

// TestFold: the first is told at once, repeats once with their count, and the
// counts add up to what was raised.
func TestFold(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := detect.NewChain(loud{})
	for i := range 100 {
		c.Inspect(at(i, start.Add(time.Duration(i)*time.Second), "10.0.0.1"))
	}
	if got := c.Take(); len(got) != 1 || got[0].Count != 1 {
		t.Fatalf("told at once: %+v, want one", got)
	}
	c.Inspect(at(100, start.Add(time.Second), "10.0.0.2"))
	c.Inspect(at(101, start.Add(-time.Hour), "10.0.0.1")) // time goes backwards
	c.End()
	var total, largest int
	for _, f := range c.Take() {
		total += f.Count
		largest = max(largest, f.Count)
		if len(f.Evidence) > event.MaxEvidence {
			t.Errorf("%d uids of evidence", len(f.Evidence))
		}
	}
	if total != 101 || largest != 99 {
		t.Errorf("counts %d in all, largest %d; want 101 and 99", total, largest)
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
