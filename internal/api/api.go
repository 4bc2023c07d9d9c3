// Package api serves a running Vedette to other processes. So far that is the
// local socket in the data directory, by which the commands speak to a server
// that owns the directory: plain JSON over HTTP, for the owner of the
// directory alone (mode 0600).
//
// It must not hold domain rules: each route decodes, calls a service and
// encodes.
package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"vedette/internal/api/problem"
	"vedette/internal/asset"
	"vedette/internal/copilot"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/toolbox"
)

// Asker answers questions and queries. A zero time means the newest event.
type Asker interface {
	Ask(ctx context.Context, req copilot.Request) (*copilot.Answer, error)
	Query(ctx context.Context, text string, now time.Time) (*toolbox.Table, error)
}

// Intake takes in one source. Settle is called after the last one: a product
// that is about to end tells what its detectors held back; a server, which goes
// on, does not.
type Intake interface {
	IngestStream(ctx context.Context, in io.Reader, name, format string, modified time.Time) (ingest.Summary, error)
	// IngestCapture takes the packets of a capture alone that a filter in the language of
	// tcpdump takes.
	IngestCapture(ctx context.Context, in io.Reader, name, filter string, modified time.Time) (ingest.Summary, error)
	Settle(ctx context.Context) (Settled, error)
}

// Settled is what detectors held back: how many findings, and the incidents
// that they are part of.
type Settled struct {
	Findings  int
	Incidents []string
}

// Inventory shows and changes devices.
type Inventory interface {
	Devices(ctx context.Context) ([]asset.Device, error)
	FindDevice(ctx context.Context, text string) (asset.Device, error)
	SetDevice(ctx context.Context, actor, text, key, value string) (asset.Device, error)
	ImportDevices(ctx context.Context, actor string, in io.Reader) (asset.ImportReport, error)
	ExportDevices(ctx context.Context, out io.Writer) error
}

// Judging takes a person's word on which devices are one.
type Judging interface {
	MergeDevices(ctx context.Context, actor, text, other, why string) (asset.Device, error)
	SplitDevice(ctx context.Context, actor, text, address, why string) (asset.Device, error)
	UndoDevice(ctx context.Context, actor, text, why string) (asset.Device, error)
}

// Service is all that the local socket serves.
type Service interface {
	Asker
	Intake
	Inventory
	Keeper
	Judging
	Judgement
	Incidents
	Intelligence
	Vulnerabilities
	Conduits
	Access
	Analyst
	Egress
	Models
	Sources
	Settings
	SourceSettings
	RuleSettings
	ZoneSettings
	PullSettings
	ModelSettings
	LimitSettings
	BrokerSettings
	Spool
	Users
	Tokens
}

// SocketName is the socket's name in the data directory.
const SocketName = "vedette.sock"

// maxBody bounds a request that is read whole.
const maxBody = 1 << 20

type queryRequest struct {
	Query string    `json:"query"`
	Now   time.Time `json:"now"`
}

type setRequest struct{ Actor, Device, Key, Value string }

type judgeRequest struct{ Actor, Device, Other, Why string }

type failure struct {
	Kind fault.Kind `json:"kind"`
	Text string     `json:"text"`
	Hint string     `json:"hint,omitempty"`
}

// Local returns the handler of the local socket.
func Local(s Service) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /local/ask", reply(func(r *http.Request) (any, error) {
		var req copilot.Request
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.Ask(r.Context(), req)
	}))
	mux.HandleFunc("POST /local/query", reply(func(r *http.Request) (any, error) {
		var req queryRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.Query(r.Context(), req.Query, req.Now)
	}))
	mux.HandleFunc("POST /local/ingest", reply(func(r *http.Request) (any, error) {
		v := r.URL.Query()
		modified, _ := time.Parse(time.RFC3339Nano, v.Get("modified")) // absent or odd: unknown
		if filter := v.Get("filter"); filter != "" {
			return s.IngestCapture(r.Context(), r.Body, v.Get("name"), filter, modified)
		}
		return s.IngestStream(r.Context(), r.Body, v.Get("name"), v.Get("format"), modified)
	}))
	devices(mux, s)
	keeper(mux, s)
	judging(mux, s)
	judgement(mux, s)
	incidents(mux, s)
	intelligence(mux, s)
	conduits(mux, s)
	vulnerabilities(mux, s)
	access(mux, s)
	analyst(mux, s)
	egress(mux, s)
	models(mux, s)
	sources(mux, s)
	settings(mux, s)
	sourceSettings(mux, s)
	ruleSettings(mux, s)
	zoneSettings(mux, s)
	pullSettings(mux, s)
	modelSettings(mux, s)
	limitSettings(mux, s)
	brokerSettings(mux, s)
	spool(mux, s)
	accounts(mux, s)
	return mux
}

func devices(mux *http.ServeMux, s Inventory) {
	mux.HandleFunc("GET /local/devices", reply(func(r *http.Request) (any, error) {
		if text := r.URL.Query().Get("find"); text != "" {
			return s.FindDevice(r.Context(), text)
		}
		return s.Devices(r.Context())
	}))
	mux.HandleFunc("POST /local/devices/set", reply(func(r *http.Request) (any, error) {
		var req setRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.SetDevice(r.Context(), req.Actor, req.Device, req.Key, req.Value)
	}))
	mux.HandleFunc("POST /local/devices/import", reply(func(r *http.Request) (any, error) {
		return s.ImportDevices(r.Context(), r.URL.Query().Get("actor"), r.Body)
	}))
	mux.HandleFunc("GET /local/devices/export", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		if err := s.ExportDevices(r.Context(), w); err != nil {
			fail(w, err)
		}
	})
}

func judging(mux *http.ServeMux, s Judging) {
	route := func(name string, act func(context.Context, judgeRequest) (asset.Device, error)) {
		mux.HandleFunc("POST /local/devices/"+name, reply(func(r *http.Request) (any, error) {
			var req judgeRequest
			if err := decode(r, &req); err != nil {
				return nil, err
			}
			return act(r.Context(), req)
		}))
	}
	route("merge", func(ctx context.Context, q judgeRequest) (asset.Device, error) {
		return s.MergeDevices(ctx, q.Actor, q.Device, q.Other, q.Why)
	})
	route("split", func(ctx context.Context, q judgeRequest) (asset.Device, error) {
		return s.SplitDevice(ctx, q.Actor, q.Device, q.Other, q.Why)
	})
	route("undo", func(ctx context.Context, q judgeRequest) (asset.Device, error) {
		return s.UndoDevice(ctx, q.Actor, q.Device, q.Why)
	})
}

func decode(r *http.Request, v any) error {
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the request")
	}
	return nil
}

func reply(f func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // the client has gone if this fails
	}
}

func fail(w http.ResponseWriter, err error) {
	text, hint := fault.Public(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(problem.Status(fault.KindOf(err)))
	_ = json.NewEncoder(w).Encode(failure{fault.KindOf(err), text, hint})
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
