package app_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/intel"
	"vedette/internal/intel/share"
)

const sightedRule = `title: Attempt on the gate's web page
id: 3d1b6d1c-7b1e-4d0f-9a01-0c0ffee00001
status: experimental
logsource: {product: zeek, service: conn}
detection:
  sel: {id.resp_p: 8099}
  condition: sel
level: high
tags: [cve.2024-7777, attack.t0819]
`

// A finding on a device of ours that is about a CVE is exploitation of it, with the
// finding as reason; before it there is none.
func TestOwnSightingIsExploitation(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rules := filepath.Join(dir, "rules")
	if err := os.MkdirAll(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rules, "gate.yml"), []byte(sightedRule), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), app.Config{Dir: filepath.Join(dir, "data"), Now: func() time.Time { return now }, Detect: app.Detect{Rules: []string{rules}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ingest := func(uid, port string) {
		t.Helper()
		line := strings.Replace(connTo(uid, "10.0.0.9", now.Add(-time.Minute)), `"id.resp_p":23`, `"id.resp_p":`+port, 1)
		if sum, err := a.IngestStream(t.Context(), strings.NewReader(line), uid, "", now); err != nil || sum.Stored < 1 {
			t.Fatal(sum, err)
		}
	}
	ingest("C1", "80")
	for key, value := range map[string]string{"vendor": "Acme", "model": "Gate", "firmware": "1.0"} {
		if _, err := a.SetDevice(t.Context(), "ada", "10.0.0.9", key, value); err != nil {
			t.Fatal(err)
		}
	}
	record := `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-7777","state":"PUBLISHED"},"containers":{"cna":{"affected":[{"vendor":"Acme","product":"Gate","versions":[{"version":"0","status":"affected","lessThan":"2.0","versionType":"custom"}]}]}}}`
	if _, err := a.ImportAdvisories(t.Context(), api.VulnImport{Actor: "ada"}, packed(t, record)); err != nil {
		t.Fatal(err)
	}
	rated := func() api.VulnRow {
		t.Helper()
		list, err := a.ListVulns(t.Context(), api.VulnFilter{ID: "CVE-2024-7777"})
		if err != nil || len(list.Rows) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list.Rows[0]
	}
	if r := rated(); r.Exploitation != "none" {
		t.Fatalf("before: %s %v", r.Exploitation, r.Why)
	}
	ingest("C2", "8099")
	now = now.Add(time.Hour) // findings are looked at every few minutes
	r := rated()
	if r.Exploitation != "active" || !strings.Contains(strings.Join(r.Why, "\n"), "exploitation active: seen here on 2026-03-01 at") {
		t.Errorf("after: %s %v", r.Exploitation, r.Why)
	}
}

// TestSightingIsWithdrawn: an attempt on a vulnerability is told others as a sighting
// of it, without addresses of ours; a person's word that it was a false alarm takes
// it back here and there, and the word taken back tells it again.
func TestSightingIsWithdrawn(t *testing.T) {
	p := &plantOf{T: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gate.yml"), []byte(sightedRule), 0o600); err != nil {
		t.Fatal(err)
	}
	p.cfg = app.Config{Dir: filepath.Join(dir, "data"), Now: func() time.Time { return p.now }, Detect: app.Detect{Rules: []string{dir}}, Sharing: app.Sharing{Collections: []share.Collection{
		{Name: "open", TLP: intel.Green}, {Name: "ends", TLP: intel.Green, Addresses: true},
	}}}
	p.open()
	line := strings.Replace(connTo("C2", "10.0.0.9", p.now.Add(-time.Minute)), `"id.resp_p":23`, `"id.resp_p":8099`, 1)
	if sum, err := p.IngestStream(t.Context(), strings.NewReader(line), "conn.log", "", p.now); err != nil || sum.Incidents != 1 {
		t.Fatal(sum, err)
	}
	record := `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-7777","state":"PUBLISHED"},"containers":{"cna":{"affected":[{"vendor":"Acme","product":"Gate","versions":[{"version":"0","status":"affected","lessThan":"2.0","versionType":"custom"}]}]}}}`
	for key, value := range map[string]string{"vendor": "Acme", "model": "Gate", "firmware": "1.0"} {
		if _, err := p.SetDevice(t.Context(), "ada", "10.0.0.9", key, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.ImportAdvisories(t.Context(), api.VulnImport{Actor: "ada"}, packed(t, record)); err != nil {
		t.Fatal(err)
	}
	// now tells how it is rated, and the sightings that are shared: id to revoked.
	now := func() (string, map[string]bool, []share.Object) {
		t.Helper()
		p.now = p.now.Add(time.Hour)
		list, err := p.ListVulns(t.Context(), api.VulnFilter{ID: "CVE-2024-7777"})
		if err != nil || len(list.Rows) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		all, err := p.Shared(t.Context(), "open")
		if err != nil {
			t.Fatal(err)
		}
		told := map[string]bool{}
		for _, o := range all {
			var s struct {
				ID       string
				Of       string `json:"sighting_of_ref"`
				Revoked  bool
				Modified time.Time
				Created  time.Time
			}
			if err := json.Unmarshal(o.JSON, &s); err != nil {
				t.Fatal(err)
			}
			if o.Type == "sighting" {
				told[s.ID] = s.Revoked
				if !strings.HasPrefix(s.Of, "vulnerability--") || s.Revoked != s.Modified.After(s.Created) || !o.Version.Equal(s.Modified) {
					t.Errorf("%s", o.JSON)
				}
			}
			if strings.Contains(string(o.JSON), "10.0.0.") {
				t.Errorf("an address of ours goes out: %s", o.JSON)
			}
		}
		return list.Rows[0].Exploitation, told, all
	}
	rated, told, all := now()
	if rated != "active" || len(told) != 1 {
		t.Fatalf("%s %v", rated, told)
	}
	if !slices.ContainsFunc(all, func(o share.Object) bool {
		return o.Type == "vulnerability" && strings.Contains(string(o.JSON), `"external_references":[{"external_id":"CVE-2024-7777","source_name":"cve"}]`)
	}) {
		t.Errorf("%s", all)
	}
	if ends, err := p.Shared(t.Context(), "ends"); err != nil || !slices.ContainsFunc(ends, func(o share.Object) bool { return strings.Contains(string(o.JSON), "10.0.0.9") }) {
		t.Errorf("%v %s", err, ends)
	}
	incidents, err := p.Incidents(t.Context(), true)
	if err != nil || len(incidents) != 1 {
		t.Fatal(err, incidents)
	}
	decide := func(d api.IncidentDecision) {
		t.Helper()
		d.Actor, d.Why = "ada", "our own scanner"
		if _, err := p.DecideIncident(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	decide(api.IncidentDecision{Action: api.IncidentFeedback, Incident: incidents[0].UID, Verdict: "false"})
	last := all[len(all)-1].Added
	rated, gone, all := now()
	if rated != "none" || len(gone) != 1 {
		t.Errorf("called false: %s %v", rated, gone)
	}
	for id, revoked := range gone {
		if _, same := told[id]; !revoked || !same {
			t.Errorf("%v, after %v", gone, told)
		}
	}
	if i := slices.IndexFunc(all, func(o share.Object) bool { return o.Type == "sighting" }); !all[i].Added.After(last) {
		t.Error("who asks for what was added does not hear of it")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.open()
	if _, again, _ := now(); !maps.Equal(again, gone) {
		t.Errorf("opened again: %v, want %v", again, gone)
	}
	incident, err := p.Incident(t.Context(), incidents[0].UID)
	if err != nil {
		t.Fatal(err)
	}
	decide(api.IncidentDecision{Action: api.IncidentUndo, Incident: incident.History[len(incident.History)-1].ID})
	rated, back, _ := now()
	live := 0
	for _, revoked := range back {
		if !revoked {
			live++
		}
	}
	if rated != "active" || len(back) != 2 || live != 1 {
		t.Errorf("taken back: %s %v", rated, back)
	}
}
