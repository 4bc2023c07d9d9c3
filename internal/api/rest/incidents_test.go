package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vedette/internal/authz"
	"vedette/internal/correlate"
)

// Lists of incidents are narrowed to a person; an export is a file with its name,
// taken in the name of who asks.
func TestCasework(t *testing.T) {
	p := device3()
	p.open = []correlate.Incident{{UID: "i1", Assignee: "ann"}, {UID: "i2"}, {UID: "i3", Assignee: "bob"}}
	h := Handler(p, authority(t), here())
	for who, want := range map[string]string{"": "i1 i2 i3", "me": "i1", "ann": "i1", "bob": "i3", "nobody": "i2", "eve": ""} {
		_, out := call(t, h, as(authz.Viewer), "GET", "/api/v1/incidents?assignee="+who, "")
		var got []string
		for _, row := range out["rows"].([]any) {
			got = append(got, row.(map[string]any)["uid"].(string))
		}
		if strings.Join(got, " ") != want || out["total"] != float64(len(got)) {
			t.Errorf("of %q: %q, total %v", who, got, out["total"])
		}
	}
	for query, want := range map[string]string{"": "json", "?format=md": "md"} {
		r := httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Viewer)), http.MethodGet, "/api/v1/incidents/i1/export"+query, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Content-Disposition") != `attachment; filename="incident.json"` || p.did[len(p.did)-1] != "ann takes i1 as "+want {
			t.Errorf("%s: %d %v %q", query, w.Code, w.Header(), p.did)
		}
	}
}
