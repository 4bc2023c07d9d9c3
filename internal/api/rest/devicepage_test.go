package rest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"vedette/internal/authz"
	"vedette/internal/fault"
)

// The span of behaviour is read strictly; the policy is a file that is on record.
func TestDevicePageRoutes(t *testing.T) {
	p := device3("Press", "Dock")
	h := Handler(p, authority(t), here())
	for query, want := range map[string]int{"": 200, "?last=7d": 200, "?last=1m": 400, "?last=x": 400, "?last=-5h": 400} {
		if got, out := call(t, h, as(authz.Viewer), "GET", "/api/v1/devices/dev-000/behaviour"+query, ""); got != want {
			t.Errorf("%s: %d %v", query, got, out)
		}
	}
	if !slices.Contains(p.did, "behaviour of dev-000 over 168h0m0s") {
		t.Errorf("%q", p.did)
	}
	if got, _ := call(t, h, as(authz.Viewer), "GET", "/api/v1/devices/dev-000/policy?format=exe", ""); got != 400 {
		t.Errorf("a policy as exe: %d", got)
	}
	get := func(p authz.Principal, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(authz.With(t.Context(), p), http.MethodGet, path, nil))
		return w
	}
	w := get(as(authz.Viewer), "/api/v1/devices/dev-000/policy?format=mud")
	if w.Code != 200 || w.Body.String() != "{}" || !strings.Contains(w.Header().Get("Content-Disposition"), "mud.json") || !slices.Contains(p.did, "ann reads device.mud by rest") {
		t.Errorf("%d %q %v %q", w.Code, w.Body, w.Header(), p.did)
	}
	p.unrecorded = fault.New(fault.Unavailable, "the journal cannot be written")
	if w := get(as(authz.Viewer), "/api/v1/devices/dev-000/policy?format=mud"); w.Code == 200 {
		t.Error("what is not on record was handed out")
	}
	if got, _ := call(t, h, as(authz.Viewer, "Dock"), "GET", "/api/v1/devices/dev-000/life", ""); got != 404 {
		t.Errorf("the life of a device of another zone: %d", got)
	}
	if got, _ := call(t, h, as(authz.Viewer, "Dock"), "GET", "/api/v1/devices/dev-001/life", ""); got != 200 {
		t.Errorf("the life of a device of the own zone: %d", got)
	}
}
