// Package console is the web console: a page that shows that Vedette lives,
// takes questions and shows answers with their evidence.
//
// It must not hold domain rules: it asks services and shows what they say.
// What a device wrote reaches the browser as JSON only and is put on the page
// as text, never as markup; the page loads nothing from elsewhere.
package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"html/template"
	"io"
	"mime"
	"net/http"
	"time"

	"vedette/internal/copilot"
	"vedette/internal/fault"
)

//go:embed page.html denied.html console.css console.js
var files embed.FS

// Service is what the console shows. A status may be asked every two seconds.
type Service interface {
	Ask(ctx context.Context, req copilot.Request) (*copilot.Answer, error)
	Status(ctx context.Context) (Status, error)
	Latest(ctx context.Context, n int) ([]Happening, error)
	Health(ctx context.Context) []Condition
	Incidents
	Minds
}

// Status is what is stored. Loading is the share of a history that is in, 1
// when nothing is being loaded.
type Status struct {
	Events  int64     `json:"events"`
	Devices int       `json:"devices"`
	Zones   int       `json:"zones"`
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
	Loading float64   `json:"loading"`
}

// Happening is one event in short. Severity is low, medium, high or "".
type Happening struct {
	Time     time.Time `json:"time"`
	Log      string    `json:"log"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	What     string    `json:"what"`
	Severity string    `json:"severity,omitempty"`
}

// State is how a named condition stands.
type State string

// The states, from good to bad.
const (
	OK       State = "ok"
	Starting State = "starting"
	Failed   State = "failed"
)

// Condition is one named condition of health, with a text for people.
type Condition struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	Text  string `json:"text"`
}

// Config says who may see the console and what it offers.
type Config struct {
	Token    string // of the link that opens the console; must be secret and random
	Port     int    // the loopback port that the Host header must name
	Demo     bool   // say that the plant is simulated
	Examples []string
	Now      func() time.Time // what "past 24 hours" refers to

	// MCP, if not nil, is served at /mcp to programs that send the token as
	// Authorization: Bearer TOKEN.
	MCP http.Handler
}

// Bounds of a request.
const (
	maxBody     = 16 << 10
	maxQuestion = 2000 // bytes
	latest      = 10   // happenings shown
)

// console serves the routes.
type console struct {
	cfg     Config
	service Service
	page    []byte
	denied  []byte
	token   [sha256.Size]byte
	session string
}

// New returns the console's handler. It is complete: it checks the host, the
// session and the origin of each request by itself.
func New(cfg Config, service Service) (http.Handler, error) {
	c := &console{cfg: cfg, service: service, token: sha256.Sum256([]byte(cfg.Token)), session: newSession()}
	if len(cfg.Token) < 16 {
		return nil, fault.New(fault.Internal, "the console's token is too short")
	}
	pages, err := template.ParseFS(files, "page.html", "denied.html")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the console's pages")
	}
	for name, to := range map[string]*[]byte{"page.html": &c.page, "denied.html": &c.denied} {
		var b bytes.Buffer
		if err := pages.ExecuteTemplate(&b, name, cfg); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "making the console's %s", name)
		}
		*to = b.Bytes()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.start)
	mux.HandleFunc("GET /console.css", asset("console.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /console.js", asset("console.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /state", c.state)
	mux.HandleFunc("GET /incidents/{uid}", c.incident)
	mux.HandleFunc("POST /ask", c.ask)
	mux.HandleFunc("GET /ai", c.ai)
	mux.HandleFunc("POST /ai/find", c.findModels)
	mux.HandleFunc("POST /ai/use", c.useModel)
	mux.HandleFunc("GET /healthz", c.health)
	if cfg.MCP != nil {
		mux.Handle("/mcp", cfg.MCP)
	}
	return c.guard(mux), nil
}

func asset(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body, err := files.ReadFile(name)
		if err != nil {
			fail(w, fault.Wrap(fault.Internal, err, "reading %s", name))
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(body) // the browser has gone if this fails
	}
}

func (c *console) start(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(c.page) // the browser has gone if this fails
}

// state is what the page shows of a living Vedette.
func (c *console) state(w http.ResponseWriter, r *http.Request) {
	status, err := c.service.Status(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	list, err := c.service.Latest(r.Context(), latest)
	if err != nil {
		fail(w, err)
		return
	}
	incidents, err := c.service.OpenIncidents(r.Context(), shownIncidents)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, struct {
		Status
		Now       time.Time   `json:"now"`
		Latest    []Happening `json:"latest"`
		Incidents []Incident  `json:"incidents"`
	}{status, c.cfg.Now().UTC(), list, incidents})
}

type question struct {
	Question string `json:"question"`
	Follow   string `json:"follow"`
}

func (c *console) ask(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, fault.New(fault.Invalid, "a question is sent as application/json"))
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		problem(w, http.StatusRequestEntityTooLarge, fault.Wrap(fault.Limited, err, "the question is too long").WithHint("ask in at most %d characters", maxQuestion))
		return
	}
	var q question
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		fail(w, fault.Wrap(fault.Invalid, err, "reading the question"))
		return
	}
	switch {
	case q.Question == "":
		fail(w, fault.New(fault.Invalid, "there is no question").WithHint("type one, or choose an example"))
		return
	case len(q.Question) > maxQuestion:
		fail(w, fault.New(fault.Invalid, "the question is too long").WithHint("ask in at most %d characters", maxQuestion))
		return
	}
	ans, err := c.service.Ask(r.Context(), copilot.Request{Question: q.Question, Follow: q.Follow, Now: c.cfg.Now()})
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, ans)
}

// health answers without a session: names and states of conditions, no data.
func (c *console) health(w http.ResponseWriter, r *http.Request) {
	list := c.service.Health(r.Context())
	worst, status := OK, http.StatusOK
	for _, one := range list {
		if one.State == Failed || one.State == Starting && worst == OK {
			worst, status = one.State, http.StatusServiceUnavailable
		}
	}
	reply(w, status, struct {
		Status     State       `json:"status"`
		Conditions []Condition `json:"conditions"`
	}{worst, list})
}

func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v) // escapes <, > and &
	if err != nil {
		fail(w, fault.Wrap(fault.Internal, err, "writing the answer"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the browser has gone if this fails
}

func fail(w http.ResponseWriter, err error) { problem(w, statusOf(fault.KindOf(err)), err) }

// problem tells a person what failed and what to do; causes stay inside.
func problem(w http.ResponseWriter, status int, err error) {
	text, hint := fault.Public(err)
	body, _ := json.Marshal(map[string]string{"kind": fault.KindOf(err).String(), "text": text, "hint": hint}) // strings always marshal
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the browser has gone if this fails
}

func statusOf(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
	}
	return http.StatusInternalServerError
}
