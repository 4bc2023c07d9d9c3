package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/ingest"
)

// Metrics is what Prometheus scrapes at /metrics, in its text format. Labels are
// names of ours and of the configuration, never texts of devices.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

// scrapeTime is how long the product may take to tell its figures.
const scrapeTime = 5 * time.Second

// NewMetrics makes the metrics of a product; its figures are asked for at each
// scrape.
func NewMetrics(s Service) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vedette_http_request_duration_seconds", Help: "how long requests of the API took", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route", "status"}),
	}
	m.registry.MustRegister(m.requests, figures{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics to who may read them.
func (m *Metrics) Handler(may authz.Authority) http.Handler {
	return Only(authz.MetricsRead, may, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
}

// Count measures the requests that next answers, by route and not by path:
// paths name devices.
func (m *Metrics) Count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &status{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		route := r.Pattern
		if route == "" {
			route = "other"
		}
		m.requests.WithLabelValues(route, strconv.Itoa(seen.code/100)+"xx").Observe(time.Since(began).Seconds())
	})
}

// status notes how a request was answered.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements [http.ResponseWriter].
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets [http.ResponseController] reach deadlines and flushes.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// figures asks the product at each scrape.
type figures struct{ s Service }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("vedette_"+name, help, labels, nil)
}

// Describe implements [prometheus.Collector]: what there is depends on the
// sources that run.
func (figures) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector]. What cannot be told is left out, and
// its condition says why.
func (f figures) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	condition := desc("condition_ok", "1 while a named condition of health is good", "condition")
	for _, c := range f.s.Health(ctx) {
		gauge(condition, one(c.State == api.Good), c.Name)
	}
	if st, err := f.s.Status(ctx); err == nil {
		gauge(desc("events_stored", "events in the store"), float64(st.Events))
		gauge(desc("devices", "devices that are known"), float64(st.Devices))
		if !st.Newest.IsZero() {
			gauge(desc("newest_event_timestamp_seconds", "time of the newest event"), float64(st.Newest.UnixMilli())/1e3)
		}
	}
	if list, err := f.s.Incidents(ctx, false); err == nil {
		by := map[string]float64{"low": 0, "medium": 0, "high": 0, "critical": 0}
		for i := range list {
			by[list[i].Level]++
		}
		open := desc("incidents_open", "open incidents", "severity")
		for level, n := range by {
			gauge(open, n, level)
		}
	}
	if list, err := f.s.Sources(ctx); err == nil {
		sourceFigures(list, out)
	}
}

func sourceFigures(list []ingest.Status, out chan<- prometheus.Metric) {
	labels := []string{"source", "kind"}
	running := desc("source_running", "1 while a source is running", labels...)
	counts := []struct {
		d   *prometheus.Desc
		get func(ingest.Status) int64
	}{
		{desc("source_received_total", "payloads from peers", labels...), func(s ingest.Status) int64 { return s.Received }},
		{desc("source_bytes_total", "bytes from peers", labels...), func(s ingest.Status) int64 { return s.Bytes }},
		{desc("source_stored_total", "events stored", labels...), func(s ingest.Status) int64 { return s.Events }},
		{desc("source_rejected_total", "records that no parser could read", labels...), func(s ingest.Status) int64 { return s.Rejected }},
		{desc("source_refused_total", "payloads that were not taken", labels...), func(s ingest.Status) int64 { return s.Refused }},
		{desc("source_lost_total", "payloads lost under back-pressure", labels...), func(s ingest.Status) int64 { return s.Lost }},
	}
	for _, s := range list {
		out <- prometheus.MustNewConstMetric(running, prometheus.GaugeValue, one(s.State == ingest.Running), s.Name, s.Kind)
		for _, c := range counts {
			out <- prometheus.MustNewConstMetric(c.d, prometheus.CounterValue, float64(c.get(s)), s.Name, s.Kind)
		}
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
