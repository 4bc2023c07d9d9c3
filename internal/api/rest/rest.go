// Package rest is the HTTP API under /api/v1: JSON over what the product can do,
// for people and programs that package account let in. Each route names its
// [authz.Action]; a route without one cannot be made.
//
// It must not hold domain rules: a route decodes, asks who may, calls a service
// and encodes.
package rest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"vedette/internal/api"
	"vedette/internal/api/problem"
	"vedette/internal/asset"
	"vedette/internal/authz"
	"vedette/internal/copilot"
	"vedette/internal/correlate"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/toolbox"
	"vedette/internal/vuln/remedy"
)

// Service is what the routes speak to.
type Service interface {
	Ask(ctx context.Context, req copilot.Request) (*copilot.Answer, error)
	Query(ctx context.Context, text string, now time.Time) (*toolbox.Table, error)
	Devices(ctx context.Context) ([]asset.Device, error)
	FindDevice(ctx context.Context, text string) (asset.Device, error)
	SetDevice(ctx context.Context, actor, text, key, value string) (asset.Device, error)
	Incidents(ctx context.Context, all bool) ([]correlate.Incident, error)
	Incident(ctx context.Context, uid string) (api.IncidentDetail, error)
	DecideIncident(ctx context.Context, d api.IncidentDecision) (api.IncidentDetail, error)
	ListVulns(ctx context.Context, f api.VulnFilter) (api.VulnList, error)
	ShowVuln(ctx context.Context, id string) (api.VulnDetail, error)
	PlanVulns(ctx context.Context, f api.VulnFilter) ([]remedy.Action, error)
	Sources(ctx context.Context) ([]ingest.Status, error)
	IngestStream(ctx context.Context, in io.Reader, name, format string, modified time.Time) (ingest.Summary, error)
}

// Bounds of a request and a page.
const (
	maxBody   = 1 << 20
	maxIngest = 1 << 30 // bytes of one upload
	pageRows  = 100
	maxRows   = 1000
)

// Route is one operation.
type Route struct {
	Pattern string // of [http.ServeMux]
	Action  authz.Action
	handle  func(s Service, r *http.Request) (any, error)
	// narrow says that the answer is kept to the zones of who asks. Who is limited
	// to zones is refused all other routes.
	narrow bool
}

// Routes lists the operations there are.
func Routes() []Route {
	return []Route{
		{Pattern: "GET /api/v1/me", Action: authz.SelfRead, handle: me, narrow: true},
		{Pattern: "POST /api/v1/ask", Action: authz.Ask, handle: ask},
		{Pattern: "POST /api/v1/query", Action: authz.EventsRead, handle: query},
		{Pattern: "GET /api/v1/devices", Action: authz.DevicesRead, handle: devices, narrow: true},
		{Pattern: "GET /api/v1/devices/{uid}", Action: authz.DevicesRead, handle: device, narrow: true},
		{Pattern: "PATCH /api/v1/devices/{uid}", Action: authz.DevicesWrite, handle: setDevice, narrow: true},
		{Pattern: "GET /api/v1/incidents", Action: authz.IncidentsRead, handle: incidents},
		{Pattern: "GET /api/v1/incidents/{uid}", Action: authz.IncidentsRead, handle: incident},
		{Pattern: "POST /api/v1/incidents/{uid}/decisions", Action: authz.IncidentsWrite, handle: decide},
		{Pattern: "GET /api/v1/vulnerabilities", Action: authz.VulnsRead, handle: vulns},
		{Pattern: "GET /api/v1/vulnerabilities/plan", Action: authz.VulnsRead, handle: vulnPlan},
		{Pattern: "GET /api/v1/vulnerabilities/{id}", Action: authz.VulnsRead, handle: vuln},
		{Pattern: "GET /api/v1/sources", Action: authz.SourcesRead, handle: sources},
		{Pattern: "POST /api/v1/ingest", Action: authz.EventsIngest, handle: take},
	}
}

// Handler serves the routes to whoever the context names. It trusts that a guard
// stands before it: a request whose context names nobody is refused.
func Handler(s Service, may authz.Authority) http.Handler {
	mux := http.NewServeMux()
	for _, route := range Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if route.Action == authz.EventsIngest {
				r.Body = &upload{r.Body, http.NewResponseController(w)}
			}
			v, err := route.run(s, may, r)
			if err != nil {
				problem.Write(w, r, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v) // the client has gone if this fails
		})
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, fault.New(fault.NotFound, "there is no %s %.200s", r.Method, r.URL.Path).WithHint("the operations are listed in docs/api.md"))
	})
	return mux
}

func (route Route) run(s Service, may authz.Authority, r *http.Request) (any, error) {
	who, ok := authz.From(r.Context())
	if !ok || route.Action == "" {
		return nil, fault.New(fault.Denied, "nobody is signed in")
	}
	ctx := r.Context()
	if route.narrow {
		ctx = authz.Narrowed(ctx)
	}
	if err := may.Decide(ctx, who, route.Action, ""); err != nil {
		return nil, err
	}
	return route.handle(s, r)
}

// uploadPause is the longest pause of an upload.
const uploadPause = 30 * time.Second

// upload is a body that may take long as long as it comes: each piece moves the
// server's deadline on.
type upload struct {
	io.ReadCloser
	at *http.ResponseController
}

// Read implements [io.Reader].
func (u *upload) Read(b []byte) (int, error) {
	_ = u.at.SetReadDeadline(time.Now().Add(uploadPause)) // a server that has no deadlines bounds nothing
	return u.ReadCloser.Read(b)                           //nolint:wrapcheck // io.EOF must stay itself
}

// decode reads a body strictly.
func decode(r *http.Request, v any) error { return problem.Decode(nil, r, maxBody, v) }

// Welcome stands where the console will be.
func Welcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "Vedette is running. The API is at /api/v1; the console of a server is not built yet (vedette demo has a page).\n") // the browser has gone if this fails
}
