// Package export sends spans to a collector, by OTLP over HTTP, and only to the one that it is told: the variables of
// the environment that OpenTelemetry knows are not read, and no proxy of the environment is asked.
package export

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"vedette/internal/fault"
	"vedette/internal/trace"
)

// Config says where spans go.
type Config struct {
	URL     string  // of the collector, such as http://127.0.0.1:4318; /v1/traces is added where there is no path
	KeyFile string  // holds what goes into Authorization, such as "Bearer ..."; empty: nothing
	Share   float64 // of the requests that are told, 0 to 1
	Version string  // of the product
	Site    string
	Log     *slog.Logger
}

// Bounds of what waits for a collector and of one sending. What does not fit is dropped: spans never hold work up.
const (
	queueSpans = 4096
	batchSpans = 512
	sendEvery  = 5 * time.Second
	sendTime   = 10 * time.Second
	closeTime  = 5 * time.Second
)

// Exporter sends what its tracer begins.
type Exporter struct {
	provider *sdk.TracerProvider
}

// Open makes an exporter. That the collector cannot be reached is not an error: it is logged, seldom, and spans are
// dropped meanwhile.
func Open(ctx context.Context, cfg Config) (*Exporter, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.New(fault.Invalid, "the collector of traces %.100q is no address", cfg.URL).WithHint("such as http://127.0.0.1:4318")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	headers := map[string]string{} // not nil: else the environment's would be sent
	if cfg.KeyFile != "" {
		key, err := os.ReadFile(cfg.KeyFile)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading the key of the collector of traces").WithHint("correct traces.key_file")
		}
		headers["Authorization"] = strings.TrimSpace(string(key))
	}
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t = &http.Transport{}
	}
	t = t.Clone()
	t.Proxy = nil
	sender, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithHeaders(headers), otlptracehttp.WithTimeout(sendTime),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}),
		otlptracehttp.WithHTTPClient(&http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}),
	)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "preparing the sender of traces")
	}
	share := sdk.TraceIDRatioBased(cfg.Share)
	return &Exporter{sdk.NewTracerProvider(
		sdk.WithBatcher(&quiet{SpanExporter: sender, log: cfg.Log}, sdk.WithMaxQueueSize(queueSpans), sdk.WithMaxExportBatchSize(batchSpans), sdk.WithBatchTimeout(sendEvery), sdk.WithExportTimeout(sendTime)),
		// Whoever sends requests must not decide how much is told of them.
		sdk.WithSampler(sdk.ParentBased(share, sdk.WithRemoteParentSampled(share), sdk.WithRemoteParentNotSampled(share))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "vedette"), attribute.String("service.version", cfg.Version), attribute.String("service.namespace", cfg.Site))),
		sdk.WithRawSpanLimits(sdk.SpanLimits{AttributeValueLengthLimit: 200, AttributeCountLimit: 32, EventCountLimit: 8, LinkCountLimit: 8, AttributePerEventCountLimit: 8, AttributePerLinkCountLimit: 8}),
	)}, nil
}

// Tracer begins the spans that are sent. Of none it begins none.
func (e *Exporter) Tracer() trace.Tracer {
	if e == nil {
		return trace.Tracer{}
	}
	return trace.New(e.provider)
}

// Close sends what is left, for a few seconds at most.
func (e *Exporter) Close(ctx context.Context) error {
	if e == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	err := e.provider.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // the collector does not answer: that has been logged
	}
	return err
}

// tellEvery is how seldom a collector that cannot be reached is logged.
const tellEvery = 10 * time.Minute

// quiet logs failures seldom, instead of the SDK that prints each.
type quiet struct {
	sdk.SpanExporter
	log *slog.Logger

	mu   sync.Mutex
	told time.Time
}

// ExportSpans implements [sdk.SpanExporter].
func (q *quiet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.told) > tellEvery {
		q.told = time.Now()
		q.log.Warn("traces cannot be sent and are dropped", "component", "trace", "err", err)
	}
	return nil
}
