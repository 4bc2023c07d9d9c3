package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vedette/internal/authz"
)

// Two who change one thing: the second is told, by 412. Nobody says who they are.
func TestSettingsAreGuardedByTheirVersion(t *testing.T) {
	p := &plant{}
	h := Handler(p, authority(t), here())
	for _, c := range []struct {
		method, path, match, body string
		want                      int
	}{
		{"PUT", "/api/v1/settings/retention", "", `{"events":"30d"}`, 200},
		{"PUT", "/api/v1/settings/retention", `"v3"`, `{"events":"30d"}`, 200},
		{"PUT", "/api/v1/settings/retention", `"v2"`, `{"events":"30d"}`, 412},
		{"PUT", "/api/v1/settings/retention", `"else"`, `{"events":"30d"}`, 412},
		{"PUT", "/api/v1/settings/retention", "", `{"events":"30d","actor":"bob"}`, 400},
		{"PUT", "/api/v1/settings/retention", "", `{"events":"30d","seen":3}`, 400},
		{"PUT", "/api/v1/settings/retention", "", `{"event":"30d"}`, 400},
		{"PUT", "/api/v1/settings/sources/one", "", `{"config":{"name":"two","kind":"syslog"}}`, 400},
		{"POST", "/api/v1/settings/sources", "", `{"config":{"name":"two","kind":"syslog","password":"secret"}}`, 400},
		{"POST", "/api/v1/settings/sources/list/state", "", `{"do":"remove"}`, 400},
	} {
		r := httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Admin)), c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("If-Match", c.match)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s %s %s: %d, not %d: %s", c.method, c.path, c.match, c.body, w.Code, c.want, w.Body)
		}
		if w.Code == http.StatusOK && w.Header().Get("ETag") != `"v3"` {
			t.Errorf("%s: the tag is %q", c.path, w.Header().Get("ETag"))
		}
	}
	if len(p.did) != 2 {
		t.Errorf("done: %q", p.did)
	}
}
