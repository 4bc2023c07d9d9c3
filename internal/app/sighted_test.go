package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
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
