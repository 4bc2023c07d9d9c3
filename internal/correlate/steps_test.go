package correlate_test

import (
	"testing"
	"time"

	"vedette/content"
	"vedette/internal/correlate"
	"vedette/internal/event"
)

// One finding whose rule has techniques of several tactics is one step, not an
// attack that advances; the same stages by findings after each other are.
func TestOneFindingIsOneStep(t *testing.T) {
	techniques, err := correlate.LoadTechniques(content.Techniques())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	finding := func(n int, ids ...string) event.Finding {
		rule := "r" + string(rune('a'+n))
		return event.Finding{
			UID: event.FindingUID(rule, "", "e"), Rule: rule, Title: rule, Family: event.FamilySigma, Severity: event.Medium, Techniques: ids, Count: 1,
			Time: at.Add(time.Duration(n) * time.Minute), First: at.Add(time.Duration(n) * time.Minute), Device: "d1",
			Src: event.Side{UID: "d2", IP: "10.0.0.2"}, Dst: event.Side{UID: "d1", IP: "10.0.0.1"}, Evidence: []string{"e"},
		}
	}
	severity := func(list ...event.Finding) event.Severity {
		c := correlate.New(correlate.Config{Techniques: techniques}, func() time.Time { return at })
		for _, f := range list {
			c.Add(f)
		}
		all := c.Incidents()
		if len(all) != 1 {
			t.Fatalf("%d incidents, want one", len(all))
		}
		return all[0].Severity
	}
	if got := severity(finding(0, "T1595", "T0846", "T0861")); got != event.Medium {
		t.Errorf("one finding of three tactics is %s, want medium", got)
	}
	if got := severity(finding(0, "T1595"), finding(1, "T0846"), finding(2, "T0861")); got != event.High {
		t.Errorf("three findings of three tactics are %s, want high", got)
	}
}
