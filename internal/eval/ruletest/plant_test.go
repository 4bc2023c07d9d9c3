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

// TestQuietPlant lets the simulated plant live two days of ordinary work,
// before its incidents begin, with its zones and inventory: no rule above
// medium is raised, and few are at all.
func TestQuietPlant(t *testing.T) {
	begin := time.Date(2026, 3, 12, 10, 30, 0, 0, time.UTC)
	plant := demo.New(1, begin)
	now := func() time.Time { return begin }
	devices := asset.New(asset.Config{Zones: plant.Zones()}, nil, now)
	if _, err := devices.Import(bytes.NewReader(plant.Inventory())); err != nil {
		t.Fatal(err)
	}
	chain := detect.NewChain(append(before(), sigma.NewDetector(builtin(t).Set(), sigma.DetectorOptions{}))...)
	reader := ingest.NewReader(edge.Formats(), now)
	const step, days = 10 * time.Minute, 2
	end := begin.Add(-25 * time.Hour) // the first incident is 24 hours old
	events, told := 0, 0
	for at := end.Add(-days * 24 * time.Hour); at.Before(end); at = at.Add(step) {
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
			if f.Family != event.FamilySigma {
				continue
			}
			told++
			if f.Severity > event.Medium {
				t.Errorf("%s: %s (%s), %s to %s:%d: %v", f.Time.Format(time.RFC3339), f.Title, f.Severity, f.Src.IP, f.Dst.IP, f.Dst.Port, f.Reasons)
			}
		}
	}
	t.Logf("%d findings by rules in %d events of %d days", told, events, days)
	if told > 10*days {
		t.Errorf("%d findings in %d days of ordinary work", told, days)
	}
}
