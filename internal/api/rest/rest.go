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
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/api/problem"
	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/copilot"
	"vedette/internal/correlate"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/bulk"
	"vedette/internal/store"
	"vedette/internal/toolbox"
)

// Service is what the routes speak to.
type Service interface {
	Ask(ctx context.Context, req copilot.Request) (*copilot.Answer, error)
	Query(ctx context.Context, text string, now time.Time) (*toolbox.Table, error)
	DeviceRows(ctx context.Context) ([]store.Device, error)
	FindDevice(ctx context.Context, text string) (asset.Device, error)
	SetDevice(ctx context.Context, actor, text, key, value string) (asset.Device, error)
	DeviceBehaviour(ctx context.Context, wish api.DeviceSpanWish) (api.DeviceBehaviour, error)
	DeviceMUD(ctx context.Context, device string) (api.DeviceMUD, error)
	DeviceMUDFile(ctx context.Context, device string) (api.File, error)
	DeviceChanges(ctx context.Context, device string) ([]api.DeviceChange, error)
	DeviceLife(ctx context.Context, device string) (api.DeviceLife, error)
	Crossings(ctx context.Context, wish api.CrossingWish) (api.Crossings, error)
	Incidents(ctx context.Context, all bool) ([]correlate.Incident, error)
	IncidentPage(ctx context.Context, w api.IncidentWish) (rows []correlate.Incident, total int, err error)
	Incident(ctx context.Context, uid string) (api.IncidentDetail, error)
	ExportIncident(ctx context.Context, e api.IncidentExport) (api.File, error)
	DecideIncident(ctx context.Context, d api.IncidentDecision) (api.IncidentDetail, error)
	api.Vulnerabilities
	api.Intelligence
	api.Remediations
	api.Conduits
	Assignable(ctx context.Context) ([]api.Assignable, error)
	Sources(ctx context.Context) ([]ingest.Status, error)
	api.Spool
	Findings(ctx context.Context, want api.FindingFilter) (api.Findings, error)
	Finding(ctx context.Context, uid string) (api.FindingDetail, error)
	Event(ctx context.Context, uid string, at time.Time) (map[string]any, error)
	DeviceNames(ctx context.Context, uids []string) map[string]string
	Status(ctx context.Context) (api.Overview, error)
	Latest(ctx context.Context, n int) ([]api.Happening, error)
	Health(ctx context.Context) []api.Condition
	Journal(ctx context.Context, n int) ([]audit.Entry, error)
	api.Access
	api.Minds
	api.Settings
	api.SourceSettings
	api.RuleSettings
	api.ZoneSettings
	api.PullSettings
	api.ModelSettings
	api.LimitSettings
	api.BrokerSettings
	TakeBulk(ctx context.Context, body io.Reader, from bulk.Sender) (bulk.Taken, error)
	TakeLogs(ctx context.Context, body []byte, isJSON bool, peer string) (refused int64, err error)
	IngestStream(ctx context.Context, in io.Reader, name, format string, modified time.Time) (ingest.Summary, error)
	IngestCapture(ctx context.Context, in io.Reader, name, filter string, modified time.Time) (ingest.Summary, error)
}

// Authority decides, and tells what it would decide.
type Authority interface {
	authz.Authority
	// Allowed lists what p may do somewhere.
	Allowed(p authz.Principal) []authz.Action
}

// About is what a server tells of itself.
type About struct {
	Version  string
	Demo     bool     // its plant is simulated
	Examples []string // questions that its data has answers to
	Now      func() time.Time
	Still    func(*http.Request) error // whether who asks is still let in; nil: always
}

// server is what the routes work with.
type server struct {
	Service
	may     Authority
	about   About
	fleet   fleet
	found   recent[api.Findings] // by filter
	streams streams
	recheck time.Duration
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
	Summary string
	handle  func(s *server, r *http.Request) (any, error)
	// narrow says that the answer is kept to the zones of who asks. Who is limited
	// to zones is refused all other routes.
	narrow bool
	shapes
}

// uploads reports whether the body is a file, which may take long.
func (route Route) uploads() bool {
	return route.Action == authz.EventsIngest || route.in == nil && strings.HasPrefix(route.Pattern, "POST ")
}

// Handler serves the routes to whoever the context names. It trusts that a guard
// stands before it: a request whose context names nobody is refused.
func Handler(service Service, may Authority, about About) http.Handler {
	s := &server{Service: service, may: may, about: about, recheck: stillEvery}
	mux := http.NewServeMux()
	for _, route := range Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if route.uploads() {
				r.Body = &upload{r.Body, http.NewResponseController(w)}
			}
			v, err := route.run(s, r)
			switch {
			case errors.Is(err, errStale), errors.Is(err, api.ErrStale):
				problem.WriteAs(w, r, http.StatusPreconditionFailed, err)
				return
			case err != nil:
				problem.Write(w, r, err)
				return
			}
			switch v := v.(type) {
			case file:
				v.send(w)
			case stream:
				s.send(w, r, v)
			case exported:
				v.send(w)
			case bulk.Taken:
				write(w, http.StatusAccepted, v)
			default:
				if t, ok := v.(tagged); ok {
					w.Header().Set("ETag", t.tag())
				}
				write(w, http.StatusOK, v)
			}
		})
	}
	mux.HandleFunc("GET /api/openapi.json", openAPI(s))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, fault.New(fault.NotFound, "there is no %s %.200s", r.Method, r.URL.Path).WithHint("the operations are listed at /api/openapi.json"))
	})
	return mux
}

// Only lets those through that may do one thing.
func Only(do authz.Action, may authz.Authority, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := authz.From(r.Context())
		if !ok {
			problem.Write(w, r, fault.New(fault.Denied, "nobody is signed in"))
			return
		}
		if err := may.Decide(r.Context(), who, do, ""); err != nil {
			problem.Write(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (route Route) run(s *server, r *http.Request) (any, error) {
	who, ok := authz.From(r.Context())
	if !ok || route.Action == "" {
		return nil, fault.New(fault.Denied, "nobody is signed in")
	}
	ctx := r.Context()
	if route.narrow {
		ctx = authz.Narrowed(ctx)
	}
	if err := s.may.Decide(ctx, who, route.Action, ""); err != nil {
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

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone if this fails
}
