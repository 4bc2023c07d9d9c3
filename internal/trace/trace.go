// Package trace tells operators where time goes: spans of what the product does, which hang together from a request
// down to the query and the model behind it, in OpenTelemetry's form. Package export sends them.
//
// It must not carry content: a span has a name, times, a kind of error and attributes of a closed list of keys
// (names.go), never what was asked, found, received or answered. Without an exporter it does nothing.
package trace

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"vedette/internal/fault"
)

// scope is what made the spans.
const scope = "vedette"

// maxWord bounds the text of an attribute.
const maxWord = 120

// Tracer begins spans that have no span above them, and those below a request of somebody else's. The zero value
// begins none.
type Tracer struct{ provider trace.TracerProvider }

// New makes a tracer of a provider.
func New(p trace.TracerProvider) Tracer { return Tracer{p} }

// Start begins a span; whatever is begun below ctx becomes a part of it.
func (t Tracer) Start(ctx context.Context, name string, attrs ...Attr) (context.Context, Span) {
	if t.provider == nil {
		return ctx, Span{}
	}
	return begin(ctx, t.provider, name, trace.SpanKindInternal, attrs)
}

// Start begins a part of the span of ctx; where there is none it does nothing.
func Start(ctx context.Context, name string, attrs ...Attr) (context.Context, Span) {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return ctx, Span{}
	}
	return begin(ctx, above.TracerProvider(), name, trace.SpanKindInternal, attrs)
}

// StartCall is Start for what another system does for us: a model, a feed.
func StartCall(ctx context.Context, name string, attrs ...Attr) (context.Context, Span) {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return ctx, Span{}
	}
	return begin(ctx, above.TracerProvider(), name, trace.SpanKindClient, attrs)
}

func begin(ctx context.Context, p trace.TracerProvider, name string, kind trace.SpanKind, attrs []Attr) (context.Context, Span) {
	ctx, s := p.Tracer(scope).Start(ctx, clip(name), trace.WithSpanKind(kind))
	out := Span{s}
	out.Set(attrs...)
	return ctx, out
}

// Span is a stretch of time. The zero value is none.
type Span struct{ span trace.Span }

// Attr is one attribute.
type Attr struct{ kv attribute.KeyValue }

// Word is an attribute with a text: a name of ours or of the configuration, never one of a device.
func Word(k Key, v string) Attr { return Attr{attribute.String(string(k), clip(v))} }

// Count is an attribute with a number.
func Count[N int | int64](k Key, n N) Attr { return Attr{attribute.Int64(string(k), int64(n))} }

// Set adds attributes.
func (s Span) Set(attrs ...Attr) {
	if s.span == nil || !s.span.IsRecording() {
		return
	}
	for _, a := range attrs {
		if a.kv.Value.Type() != attribute.STRING || a.kv.Value.AsString() != "" {
			s.span.SetAttributes(a.kv)
		}
	}
}

// End ends the span, with the kind of an error; the error's text may name devices and is left out.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		kind := fault.KindOf(err).String()
		switch {
		case errors.Is(err, context.Canceled):
			kind = "canceled"
		case errors.Is(err, context.DeadlineExceeded):
			kind = "timeout"
		}
		s.span.SetStatus(codes.Error, kind)
		s.span.SetAttributes(attribute.String(string(ErrorType), kind))
	}
	s.span.End()
}

// Requests begins a span for each request that next answers, below that of whoever sent it (W3C Trace Context). It
// is called by its route, since paths name devices.
func (t Tracer) Requests(next http.Handler) http.Handler {
	if t.provider == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.provider.Tracer(scope).Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
		seen := &answered{ResponseWriter: w, code: http.StatusOK}
		r = r.WithContext(ctx)
		defer span.End()
		next.ServeHTTP(seen, r)
		route := r.Pattern
		if route == "" || route == "/" {
			route = "other"
		}
		method, path, ok := strings.Cut(route, " ")
		if !ok {
			method, path = methodOf(r.Method), route
		}
		span.SetName(method + " " + path)
		Span{span}.Set(Word(Method, method), Word(Route, path), Count(Status, seen.code))
		if seen.code >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(seen.code))
		}
	})
}

// methodOf keeps what a client may call a method to those that there are.
func methodOf(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "_OTHER"
}

// answered notes how a request was answered.
type answered struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements [http.ResponseWriter].
func (a *answered) WriteHeader(code int) {
	a.code = code
	a.ResponseWriter.WriteHeader(code)
}

// Unwrap lets [http.ResponseController] reach deadlines and flushes.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func clip(s string) string {
	if len(s) <= maxWord {
		return s
	}
	return strings.ToValidUTF8(s[:maxWord], "")
}
