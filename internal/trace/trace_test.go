package trace_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"vedette/internal/fault"
	"vedette/internal/trace"
)

func recorded(t *testing.T) (trace.Tracer, func() tracetest.SpanStubs) {
	t.Helper()
	mem := tracetest.NewInMemoryExporter()
	p := sdk.NewTracerProvider(sdk.WithSyncer(mem))
	t.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	return trace.New(p), mem.GetSpans
}

func attrs(s tracetest.SpanStub) map[string]string {
	out := map[string]string{}
	for _, kv := range s.Attributes {
		out[string(kv.Key)] = kv.Value.String()
	}
	return out
}

// A request is told by its route; what hangs below it is a part of it.
func TestRequests(t *testing.T) {
	tracer, spans := recorded(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/devices/{uid}", func(w http.ResponseWriter, r *http.Request) {
		_, part := trace.StartCall(r.Context(), trace.DBQuery, trace.Word(trace.Database, trace.DuckDB))
		part.Set(trace.Count(trace.Rows, 3), trace.Word(trace.Operation, ""))
		part.End(fault.New(fault.Unavailable, "device pump-7 of 10.1.2.3"))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/devices/pump-7?secret=1", nil)
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	tracer.Requests(mux).ServeHTTP(httptest.NewRecorder(), r)
	got := spans()
	if len(got) != 2 {
		t.Fatalf("%d spans", len(got))
	}
	query, request := got[0], got[1]
	if query.Parent.SpanID() != request.SpanContext.SpanID() || request.Parent.SpanID().String() != "00f067aa0ba902b7" {
		t.Error("they do not hang together")
	}
	if diff := cmp.Diff(map[string]string{"http.request.method": "GET", "http.route": "/api/v1/devices/{uid}", "http.response.status_code": "503"}, attrs(request)); diff != "" || request.Name != "GET /api/v1/devices/{uid}" {
		t.Error(request.Name, diff)
	}
	if diff := cmp.Diff(map[string]string{"db.system.name": "duckdb", "db.response.returned_rows": "3", "error.type": "unavailable"}, attrs(query)); diff != "" {
		t.Error(diff)
	}
	for _, s := range got {
		if text := s.Name + s.Status.Description; strings.Contains(text, "pump-7") || len(s.Events) > 0 {
			t.Errorf("a span tells %q %v", text, s.Events)
		}
	}
}

// What comes from outside does not become a name.
func TestHostileRequests(t *testing.T) {
	tracer, spans := recorded(t)
	h := tracer.Requests(http.NewServeMux())
	for _, r := range []*http.Request{
		httptest.NewRequestWithContext(t.Context(), "PUMP-7", "/x", nil),
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+strings.Repeat("a", 9000), nil),
	} {
		r.Header.Set("Traceparent", "00-zz")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	for i, want := range []string{"_OTHER other", "GET other"} {
		if s := spans()[i]; s.Name != want || s.Parent.IsValid() {
			t.Errorf("%q, below %v", s.Name, s.Parent)
		}
	}
}

// Without an exporter nothing is done, and errors of all kinds end a span.
func TestNone(t *testing.T) {
	var none trace.Tracer
	ctx, s := none.Start(t.Context(), trace.Maintain)
	if ctx != t.Context() {
		t.Error("a span was begun")
	}
	s.Set(trace.Word(trace.Feed, "x"))
	s.End(errors.New("x"))
	if _, s := trace.Start(ctx, trace.Ask); s != (trace.Span{}) {
		t.Error("a part of nothing")
	}
	next := http.NotFoundHandler()
	if got := none.Requests(next); got == nil {
		t.Error("no handler")
	}
	tracer, spans := recorded(t)
	for _, err := range []error{nil, context.Canceled, context.DeadlineExceeded, errors.New("text of a device")} {
		_, s := tracer.Start(t.Context(), trace.Pull, trace.Word(trace.Feed, strings.Repeat("ä", 200)))
		s.End(err)
	}
	for i, want := range []string{"", "canceled", "timeout", "internal"} {
		got := attrs(spans()[i])
		if got["error.type"] != want || len(got["vedette.feed.name"]) > 120 {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// A span that nobody is told of costs nothing worth naming.
func BenchmarkNone(b *testing.B) {
	for b.Loop() {
		_, s := trace.StartCall(b.Context(), trace.DBQuery)
		s.End(nil)
	}
}
