package wire

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"vedette/internal/model"
)

// FuzzProblem: whatever an endpoint writes with whatever status, the error is
// typed, its text is ours, and its detail is one short line without the key.
func FuzzProblem(f *testing.F) {
	f.Add(400, `{"error":{"message":"too long `+"\u202e"+`","type":"exceed_context_size_error","code":7}}`)
	f.Add(503, `{"error":{"message":"Loading model"}}`)
	f.Add(401, `[{"error":"sk-abcdefgh1234 is wrong"}]`)
	f.Add(307, "sk-abcdefgh1234\x00\xff")
	const key = "sk-abcdefgh1234"
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 || status == http.StatusOK {
			return
		}
		c := &Client{endpoint: "e", key: key, limits: model.Limits{}.WithDefaults()}
		w := newWatch(t.Context(), c.limits)
		defer w.end()
		rec := httptest.NewRecorder()
		rec.Header().Set("Retry-After", body[:min(len(body), 20)])
		rec.WriteHeader(status)
		rec.Body.WriteString(body)
		resp := rec.Result()
		defer resp.Body.Close()
		e := c.status(w, resp)
		if e.Kind == 0 || e.Kind == model.Canceled || e.Status != status || e.RetryAfter < 0 {
			t.Fatalf("%+v", e)
		}
		odd := strings.ContainsFunc(e.Detail, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
		if len(e.Detail) > maxDetail || !utf8.ValidString(e.Detail) || odd || strings.Contains(e.Detail, key) {
			t.Fatalf("the detail is %q", e.Detail)
		}
		if len(e.Detail) > 20 && strings.Contains(e.Error(), e.Detail) || !errors.As(error(e), new(*model.Error)) {
			t.Fatalf("its words are in ours: %v", e)
		}
	})
}
