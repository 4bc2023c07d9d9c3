package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vedette/internal/asset"
	"vedette/internal/authz"
)

// A change that rests on an old view is refused, and what passes by does not make
// a view old.
func TestIfMatch(t *testing.T) {
	p := device3("Press")
	h := Handler(p, authority(t), here())
	ask := func(method, path, body, match string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Admin)), method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if match != "" {
			r.Header.Set("If-Match", match)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	tag := func() string { return ask("GET", "/api/v1/devices/dev-000", "", "").Header().Get("ETag") }
	first := tag()
	p.list[0].LastSeen = time.Now()
	if first == "" || tag() != first {
		t.Errorf("the tag is %q, then %q", first, tag())
	}
	p.list[0].Attributes[asset.KeyOwner] = asset.Attribute{Value: "ops", Source: asset.SourceOperator}
	if tag() == first {
		t.Error("a person's word does not change the tag")
	}
	for match, want := range map[string]int{"": 200, "*": 200, first: 412, tag(): 200, `"other", ` + tag(): 200} {
		if w := ask("PATCH", "/api/v1/devices/dev-000", `{"owner":"x"}`, match); w.Code != want {
			t.Errorf("If-Match %q: %d %s", match, w.Code, w.Body)
		}
	}
	one := ask("GET", "/api/v1/remediations/t1", "", "").Header().Get("ETag")
	for match, want := range map[string]int{one: http.StatusOK, `"old"`: http.StatusPreconditionFailed} {
		if w := ask("POST", "/api/v1/remediations/t1/decisions", `{"action":"undo"}`, match); w.Code != want || one == "" {
			t.Errorf("decision on a task with If-Match %q: %d", match, w.Code)
		}
	}
	incident := ask("GET", "/api/v1/incidents/i1", "", "").Header().Get("ETag")
	for match, want := range map[string]int{incident: http.StatusOK, `"old"`: http.StatusPreconditionFailed} {
		if w := ask("POST", "/api/v1/incidents/i1/decisions", `{"action":"close","why":"w"}`, match); w.Code != want {
			t.Errorf("decision with If-Match %q: %d", match, w.Code)
		}
	}
}
