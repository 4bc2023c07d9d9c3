package api_test

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/api"
	"vedette/internal/fault"
)

// leaving answers as an Egress; the other services are not asked.
type leaving struct {
	api.Service
	asked  api.ModelsQuestion
	broken bool
}

func (l *leaving) ExplainModels(_ context.Context, q api.ModelsQuestion) (api.ModelsExplained, error) {
	if l.asked = q; q.Question == "" {
		return api.ModelsExplained{}, fault.New(fault.Invalid, "no question").WithHint("ask one")
	}
	return api.ModelsExplained{
		Question: q.Question, Mode: "hybrid", Endpoints: []api.EndpointShown{}, Tasks: []api.TaskExplained{{
			Task: "plan", Offers: []api.OfferShown{{Endpoint: "here", Fields: map[string]int{"a": 1}, Cost: 0.5}}, Refused: []api.RefusalShown{{Endpoint: "us", Reason: "far"}},
		}},
	}, nil
}

func (l *leaving) ExportAudit(_ context.Context, out io.Writer) error {
	_, _ = io.WriteString(out, strings.Repeat("line\n", 10_000))
	if l.broken {
		return fault.New(fault.Unavailable, "the disk is gone")
	}
	return nil
}

func TestEgressRoutes(t *testing.T) {
	h := api.Local(&leaving{})
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/local/models/explain", `{"question":"q"}`, 200, `"mode":"hybrid"`},
		{"POST", "/local/models/explain", `{"question":""}`, 400, `"hint":"ask one"`},
		{"POST", "/local/models/explain", `{"other":1}`, 400, "reading the request"},
		{"GET", "/local/models/explain", "", 405, "Method Not Allowed"},
		{"GET", "/local/audit", "", 200, "line\n"},
		{"POST", "/local/audit", "", 405, "Method Not Allowed"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %.200s, want %d with %s", tt.method, tt.path, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

// Half a journal does not come over as a whole one.
func TestEgressOverTheSocket(t *testing.T) {
	dir := t.TempDir()
	l := &leaving{}
	srv := httptest.NewUnstartedServer(api.Local(l))
	srv.Listener = listen(t, dir)
	srv.Start()
	defer srv.Close()
	c, err := api.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := api.ModelsQuestion{Question: "q", Now: time.Unix(5, 0).UTC(), Follow: "c-1", Person: "ada"}
	want, _ := l.ExplainModels(t.Context(), q)
	got, err := c.ExplainModels(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got) + cmp.Diff(q, l.asked); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	if err := c.ExportAudit(t.Context(), &out); err != nil || out.Len() != 50_000 {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	l.broken = true
	if err := c.ExportAudit(t.Context(), io.Discard); err == nil {
		t.Error("half a journal passes for a whole one")
	}
}
