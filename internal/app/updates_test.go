package app_test

import (
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/copilot"
)

const downgradeRule = "697fb1f1-e2a8-5ff3-8b3d-793121fb74e7"

func (p *plantOf) rows(text string) [][]any {
	p.Helper()
	got, err := p.Query(p.Context(), text, p.now)
	if err != nil {
		p.Fatal(err)
	}
	return got.Rows
}

// TestFirmwareChangesAreEvents: seen in traffic, said by a person, or named by a
// bill, each change is an event, once, whatever is taken in again or killed.
func TestFirmwareChangesAreEvents(t *testing.T) {
	p := &plantOf{T: t, now: time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)}
	p.cfg = app.Config{Dir: t.TempDir(), Now: func() time.Time { return p.now }, Detect: app.Detect{BuiltIn: true}}
	p.open()
	const mine = `software_inventory previous_version exists last 365d`
	count := func(want int, what string) {
		t.Helper()
		if got := p.rows(mine + " | select activity_name, previous_version, version, message"); len(got) != want {
			t.Fatalf("%s: %v, want %d", what, got, want)
		}
	}
	begin := p.now
	p.seen("2.7", 1, 2)
	count(0, "what a device tells first is no change")
	p.now = begin.Add(24 * time.Hour)
	p.seen("2.8", 1, 2)
	count(2, "an update of two")
	p.now = begin
	p.seen("2.7", 1, 2) // the old log again
	p.now = begin.Add(24 * time.Hour)
	p.seen("2.8", 1, 2)
	count(2, "taken in again")
	p.now = begin.Add(48 * time.Hour)
	p.seen("V2.8.0", 2) // the same, written otherwise
	count(2, "the same version")
	p.seen("2.6", 1)
	got := p.rows(mine + " activity_name=Downgrade | select device.name, previous_version, version, message, identity.source")
	if len(got) != 1 || got[0][1] != "2.8" || got[0][2] != "2.6" || got[0][3] != "firmware downgraded from 2.8 to 2.6" || !strings.HasPrefix(got[0][4].(string), "identity: ") {
		t.Errorf("%v", got)
	}
	if got := p.rows(`detection_finding finding_info.uid=` + downgradeRule + ` last 365d | select device.uid, message`); len(got) != 1 {
		t.Errorf("findings of the downgrade: %v", got)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.open()
	count(3, "opened again")
	// A person, and a bill of the device.
	p.now = p.now.Add(time.Hour)
	for _, v := range []string{"2.6", "2.9"} {
		if _, err := p.SetDevice(t.Context(), "ada", "10.0.0.1", "firmware", v); err != nil {
			t.Fatal(err)
		}
		p.now = p.now.Add(time.Hour)
	}
	count(4, "a person's word")
	for _, v := range []string{"2.8", "3.0"} {
		bill := `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"firmware","name":"Gate","version":"` + v + `"}},"components":[]}`
		for range 2 {
			if _, err := p.ImportBills(t.Context(), api.VulnImport{Actor: "ada", Device: "10.0.0.2"}, packed(t, bill)); err != nil {
				t.Fatal(err)
			}
			p.now = p.now.Add(time.Hour)
		}
	}
	count(5, "a bill")
	d, err := p.FindDevice(t.Context(), "10.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	moments, err := p.DeviceChanges(t.Context(), d.UID)
	if err != nil || len(moments) != 2 || moments[0].Kind != "firmware" || moments[0].What != "firmware updated from 2.8 to 3.0" {
		t.Errorf("%v %+v", err, moments)
	}
	answer, err := p.Ask(t.Context(), copilot.Request{Question: "Which devices changed firmware last week?", Now: p.now})
	if err != nil || answer.Status != "answered" || !strings.Contains(answer.ReadAs, "firmware") || len(answer.Evidence) == 0 || len(answer.Evidence[0].Rows) != 2 {
		t.Errorf("%v %+v", err, answer)
	}
}

// TestFirmwareThatFlaps: two parts of a device that answer in turn, or one that
// makes up versions, do not fill the store.
func TestFirmwareThatFlaps(t *testing.T) {
	p := newPlant(t, 0)
	for i := range 60 {
		p.now = p.now.Add(time.Minute)
		p.seen([]string{"2.7", "9.1"}[i%2], 1)
		p.seen("3."+string(rune('a'+i%26))+string(rune('a'+i/26)), 2)
	}
	flapping, err := p.FindDevice(t.Context(), "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.rows(`software_inventory previous_version exists device.uid=` + flapping.UID + ` last 365d | select message`); len(got) != 2 {
		t.Errorf("%v", got)
	}
	if got := p.rows(`software_inventory previous_version exists last 365d | select message`); len(got) > 2+16 {
		t.Errorf("%d changes in an hour", len(got))
	}
}
