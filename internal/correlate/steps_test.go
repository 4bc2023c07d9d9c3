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

// Work on a controller and an attack on it have the same stages. By rules alone,
// between two ends and in a short time, they make no incident above medium;
// whatever shows that it is no work does.
func TestOneSitting(t *testing.T) {
	techniques, err := correlate.LoadTechniques(content.Techniques())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	work := func() []event.Finding {
		list := make([]event.Finding, 4)
		for i, technique := range []string{"T0888", "T0861", "T0843", "T0881"} {
			rule := "r" + string(rune('a'+i))
			list[i] = event.Finding{
				UID: event.FindingUID(rule, "", "e"), Rule: rule, Title: rule, Family: event.FamilySigma, Severity: event.Medium, Techniques: []string{technique}, Count: 1,
				Time: at.Add(time.Duration(i) * time.Minute), First: at.Add(time.Duration(i) * time.Minute), Device: "plc",
				Src: event.Side{UID: "ews", IP: "10.0.0.2"}, Dst: event.Side{UID: "plc", IP: "10.0.0.1"}, Evidence: []string{"e"},
			}
		}
		return list
	}
	for _, test := range []struct {
		name   string
		change func(f []event.Finding)
		want   event.Severity
	}{
		{"work", func([]event.Finding) {}, event.Medium},
		{"it never did so", func(f []event.Finding) { f[2].Family = event.FamilyBehaviour }, event.High},
		{"from where nobody may", func(f []event.Finding) { f[2].Family = event.FamilyPolicy }, event.High},
		{"after breaking in", func(f []event.Finding) { f[0].Techniques = []string{"T1110"} }, event.High},
		{"over hours", func(f []event.Finding) { f[3].Time = at.Add(time.Hour) }, event.High},
		{"a grave rule", func(f []event.Finding) { f[3].Severity = event.High }, event.Critical},
		{"another controller", func(f []event.Finding) { f[3].Dst, f[3].Device = event.Side{UID: "plc2", IP: "10.0.0.3"}, "plc2" }, event.High},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := work()
			test.change(list)
			c := correlate.New(correlate.Config{Techniques: techniques}, func() time.Time { return at })
			for _, f := range list {
				c.Add(f)
			}
			if all := c.Incidents(); len(all) != 1 || all[0].Severity != test.want {
				t.Errorf("got %v, want one incident of severity %v", all, test.want)
			}
		})
	}
}
