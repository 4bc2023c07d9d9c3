package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/correlate"
	"vedette/internal/ingest"
)

func scrape(t *testing.T, h http.Handler, role authz.Role) (int, string) {
	t.Helper()
	ctx := t.Context()
	if role != "" {
		ctx = authz.With(ctx, as(role))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
	return w.Code, w.Body.String()
}

func TestMetrics(t *testing.T) {
	p := &plant{
		health:  []api.Condition{{Name: "store", State: api.Good}, {Name: "sources", State: api.Failed}},
		stored:  api.Overview{Events: 12, Devices: 3},
		open:    []correlate.Incident{{Level: "high"}, {Level: "high"}},
		sources: []ingest.Status{{Name: "plant", Kind: "syslog", State: ingest.Running, Received: 7, Lost: 2}, {Name: "old", Kind: "syslog", State: ingest.Silent}},
	}
	m, may := NewMetrics(p), authority(t)
	counted := m.Count(Handler(p, may, here()))
	for _, path := range []string{"/api/v1/devices/dev-secret", "/api/v1/devices/dev-other", "/api/v1/nothing"} {
		counted.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Viewer)), http.MethodGet, path, nil))
	}
	code, text := scrape(t, m.Handler(may), authz.Viewer)
	if code != http.StatusOK {
		t.Fatal(code)
	}
	for _, line := range []string{
		`vedette_condition_ok{condition="store"} 1`, `vedette_condition_ok{condition="sources"} 0`, `vedette_events_stored 12`, `vedette_devices 3`,
		`vedette_incidents_open{severity="high"} 2`, `vedette_incidents_open{severity="critical"} 0`,
		`vedette_source_received_total{kind="syslog",source="plant"} 7`, `vedette_source_lost_total{kind="syslog",source="plant"} 2`, `vedette_source_running{kind="syslog",source="old"} 0`,
		`vedette_http_request_duration_seconds_count{route="GET /api/v1/devices/{uid}",status="4xx"} 2`, `go_goroutines`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(text, "dev-secret") {
		t.Error("a label names a device")
	}
	if code, _ := scrape(t, m.Handler(may), ""); code != http.StatusForbidden {
		t.Errorf("nobody: %d", code)
	}
}
