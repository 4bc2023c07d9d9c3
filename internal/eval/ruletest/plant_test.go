package ruletest_test

import (
	"bytes"
	"testing"
	"time"

	"vedette/internal/asset"
	"vedette/internal/demo"
	"vedette/internal/detect"
	"vedette/internal/detect/sigma"
	"vedette/internal/edge"
	"vedette/internal/event"
	"vedette/internal/ingest"
)

// plantBegin is when a person would begin to watch the simulated plant; its
// first incident is a day older.
var plantBegin = time.Date(2026, 3, 12, 10, 30, 0, 0, time.UTC)

// written is how often logs are taken in as they are written.
const written = 10 * time.Minute

// live lets the simulated plant live for a while, with its zones and
// inventory, its logs taken in one after the other, those of a step at once. It
// gives the findings by rules.
func live(t *testing.T, from, to time.Time, step time.Duration) (findings []event.Finding, events int) {
	t.Helper()
	plant := demo.New(1, plantBegin)
	now := func() time.Time { return plantBegin }
	devices := asset.New(asset.Config{Zones: plant.Zones()}, nil, now)
	if _, err := devices.Import(bytes.NewReader(plant.Inventory())); err != nil {
		t.Fatal(err)
	}
	chain := detect.NewChain(append(before(), sigma.NewDetector(builtin(t).Set(), sigma.DetectorOptions{}))...)
	reader := ingest.NewReader(edge.Formats(), now)
	for at := from; at.Before(to); at = at.Add(step) {
		for _, s := range plant.Logs(at, at.Add(step)) {
			_, err := reader.Stream(t.Context(), bytes.NewReader(s.Text), s.Name, "", at, func(e *event.Event) error {
				events++
				devices.Observe(e)
				chain.Inspect(e)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range chain.Take() {
			if f.Family == event.FamilySigma {
				findings = append(findings, f)
			}
		}
	}
	return findings, events
}

// TestQuietPlant: in two days of ordinary work no rule above medium is raised,
// and few are at all.
func TestQuietPlant(t *testing.T) {
	end := plantBegin.Add(-25 * time.Hour)
	findings, events := live(t, end.Add(-48*time.Hour), end, written)
	for _, f := range findings {
		if f.Severity > event.Medium {
			t.Errorf("%s: %s (%s), %s to %s:%d: %v", f.Time.Format(time.RFC3339), f.Title, f.Severity, f.Src.IP, f.Dst.IP, f.Dst.Port, f.Reasons)
		}
	}
	t.Logf("%d findings by rules in %d events of 2 days", len(findings), events)
	if len(findings) > 20 {
		t.Errorf("%d findings in 2 days of ordinary work", len(findings))
	}
}

// TestBackfilledPlant: a backlog of four days that is taken in log by log does
// not make each function of each controller new.
func TestBackfilledPlant(t *testing.T) {
	end := plantBegin.Add(-25 * time.Hour)
	findings, events := live(t, end.Add(-96*time.Hour), end, 48*time.Hour)
	for _, f := range findings {
		if f.Title == "Controller asked for a function that it was never asked for" {
			t.Errorf("%s: %s, %s to %s:%d: %v", f.Time.Format(time.RFC3339), f.Title, f.Src.IP, f.Dst.IP, f.Dst.Port, f.Reasons)
		}
	}
	t.Logf("%d findings by rules in %d events of 4 days, taken in log by log", len(findings), events)
}

// TestPlantIncidents: each incident of the plant raises a rule that names it.
func TestPlantIncidents(t *testing.T) {
	findings, _ := live(t, plantBegin.Add(-24*time.Hour), plantBegin.Add(time.Hour), written)
	raised := map[string]bool{}
	for _, f := range findings {
		raised[f.Title] = true
	}
	for incident, title := range map[string]string{
		"infected camera":      "Telnet ports of many addresses are tried",
		"leaking sensor":       "Control device talks to the internet",
		"guessed password":     "Login right after guessing",
		"writes to the boiler": "Controller written from above the control room",
		"locked out account":   "Password guessed at one device",
		"changed building":     "BACnet device told to reinitialise",
	} {
		if !raised[title] {
			t.Errorf("%s: %q is not raised", incident, title)
		}
	}
}
