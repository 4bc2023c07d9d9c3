package problem

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vedette/internal/fault"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		status     int // 0: it is read
	}{
		{"application/json", `{"a":1}`, 0},
		{"application/json; charset=utf-8", " {\"a\":1}\n", 0},
		{"application/merge-patch+json", `{"a":1}`, 0},
		{"", `{"a":1}`, 400},
		{"text/plain", `{"a":1}`, 400}, // a form of another site can send that
		{"application/x-www-form-urlencoded", `{"a":1}`, 400},
		{"application/json", ``, 400},
		{"application/json", `{"a":1,"b":2}`, 400},
		{"application/json", `{"a":1} {"a":2}`, 400},
		{"application/json", `{"a":1} x`, 400},
		{"application/json", `{"a":` + strings.Repeat(" ", 200) + `1}`, 413},
		{"application/json", `{"a":1}` + strings.Repeat(" ", 200), 413},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/p", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		w := httptest.NewRecorder()
		var v struct{ A int }
		err := Decode(w, r, 100, &v)
		if err == nil != (c.status == 0) || err == nil && v.A != 1 {
			t.Errorf("%q %q: %v, %+v", c.kind, c.body, err, v)
		}
		if err == nil {
			continue
		}
		Write(w, r, err)
		var d Details
		if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != c.status || d.Status != c.status || d.Detail == "" || d.Instance != "/p" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q %q: %d %+v, %v", c.kind, c.body, w.Code, d, err)
		}
	}
}

// What went wrong inside is not told.
func TestCausesStayInside(t *testing.T) {
	w := httptest.NewRecorder()
	cause := fault.New(fault.Internal, "the secret of the cause")
	Write(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/p", nil), fault.Wrap(fault.Unavailable, cause, "reading the store").WithHint("try again"))
	if body := w.Body.String(); w.Code != 503 || strings.Contains(body, "secret") || !strings.Contains(body, "try again") {
		t.Errorf("%d %s", w.Code, body)
	}
}
