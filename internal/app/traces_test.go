package app_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"vedette/internal/app"
	"vedette/internal/copilot"
)

// catcher is a collector that keeps what it is sent.
type catcher struct {
	mu    sync.Mutex
	keys  []string
	bytes []byte
	spans []*spans.Span
}

func (c *catcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		in, _ = gzip.NewReader(r.Body)
	}
	raw, err := io.ReadAll(in)
	var req collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(raw, &req) != nil {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, r.Header.Get("Authorization"), r.Header.Get("X-Env"))
	c.bytes = append(c.bytes, raw...)
	for _, rs := range req.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			c.spans = append(c.spans, ss.GetSpans()...)
		}
	}
}

// A collector is told how long what took, with the question above its queries, and
// not a word of what was asked, stored or answered.
func TestTracesHaveNoContent(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-env=leak") // is not read
	c := &catcher{}
	srv := httptest.NewServer(c)
	defer srv.Close()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("Bearer k\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "auth.log")
	if err := os.WriteFile(log, []byte(logins(50)), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), app.Config{
		Dir: filepath.Join(dir, "data"), Now: func() time.Time { return clock },
		Traces: app.Traces{URL: srv.URL, KeyFile: key, Share: 1, Site: "north"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ingest(t.Context(), []string{log}, "", nil); err != nil {
		t.Fatal(err)
	}
	ans, err := a.Ask(t.Context(), copilot.Request{Question: "which sources have the most failed logins in the past 24 hours?", Now: time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)})
	if err != nil || len(ans.Answer) == 0 {
		t.Fatal(ans, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	ask := c.named("invoke_agent vedette")
	if len(ask) != 1 {
		t.Fatalf("%d questions are told", len(ask))
	}
	below := slices.DeleteFunc(c.named("query duckdb"), func(s *spans.Span) bool { return string(s.GetParentSpanId()) != string(ask[0].GetSpanId()) })
	if len(below) == 0 {
		t.Error("no query hangs below the question")
	}
	for _, word := range []string{"failed logins", "sources have", "203.0.113", "root", "gw1", "sshd", ans.Answer[0].Text, "SELECT"} {
		if strings.Contains(string(c.bytes), word) {
			t.Errorf("the collector was told %q", word)
		}
	}
	if !strings.Contains(string(c.bytes), "north") || !slices.Contains(c.keys, "Bearer k") || slices.Contains(c.keys, "leak") {
		t.Errorf("site or key missing, or the environment read: %v", c.keys)
	}
}

func (c *catcher) named(name string) []*spans.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*spans.Span
	for _, s := range c.spans {
		if s.GetName() == name {
			out = append(out, s)
		}
	}
	return out
}

// A collector that is not there, or that does not answer, holds nothing up.
func TestTracesHoldNothingUp(t *testing.T) {
	hangs := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-hangs
	}))
	defer slow.Close()
	defer close(hangs)
	for _, url := range []string{"http://127.0.0.1:1", slow.URL} {
		a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Traces: app.Traces{URL: url, Share: 1}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := a.Ask(t.Context(), copilot.Request{Question: "how many events were there?"}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: a question took %v", url, took)
		}
		if err := a.Close(); err != nil {
			t.Error(url, err)
		}
	}
	if _, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Traces: app.Traces{URL: "collector:4318"}}); err == nil {
		t.Error("an address that is none was taken")
	}
}
