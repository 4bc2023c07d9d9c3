package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"vedette/internal/correlate"
)

// IncidentDetail is an incident in full, with earlier ones that it resembles.
type IncidentDetail struct {
	correlate.Incident
	Similar []correlate.Similar `json:"similar"`
}

// IncidentAction is what a person decides on an incident.
type IncidentAction string

// The decisions. Split takes the uid of a merged part, Undo the id of
// feedback or of a note. Assign and Note need no reason.
const (
	IncidentClose    IncidentAction = "close"
	IncidentReopen   IncidentAction = "reopen"
	IncidentFeedback IncidentAction = "feedback"
	IncidentSplit    IncidentAction = "split"
	IncidentUndo     IncidentAction = "undo"
	IncidentAssign   IncidentAction = "assign"
	IncidentNote     IncidentAction = "note"
)

// IncidentDecision is a person's word on an incident. It is kept in the audit
// journal.
type IncidentDecision struct {
	Actor    string            `json:"actor"`
	Action   IncidentAction    `json:"action"`
	Incident string            `json:"incident"`          // uid, or its start
	Verdict  correlate.Verdict `json:"verdict,omitempty"` // of feedback
	To       string            `json:"to,omitempty"`      // of assign: a person's name, me or nobody
	Text     string            `json:"text,omitempty"`    // of note
	Query    string            `json:"query,omitempty"`   // of note: what was asked the store; the answer of now is kept with it
	Why      string            `json:"why,omitempty"`
}

// Incidents shows what findings add up to and takes decisions on it.
type Incidents interface {
	Incidents(ctx context.Context, all bool) ([]correlate.Incident, error)
	Incident(ctx context.Context, uid string) (IncidentDetail, error)
	DecideIncident(ctx context.Context, d IncidentDecision) (IncidentDetail, error)
	// ExportIncident puts an incident into a file. That it did is in the journal.
	ExportIncident(ctx context.Context, e IncidentExport) (File, error)
	Suppress(ctx context.Context, s correlate.Suppression) (correlate.Suppression, error)
	Unsuppress(ctx context.Context, actor, id, why string) error
	Suppressions(ctx context.Context) ([]correlate.Suppression, error)
}

// IncidentWish asks for a part of the incidents, the gravest first.
type IncidentWish struct {
	All           bool   // closed ones too
	Assignee      string // a person's name, me (who asks) or nobody; "": all
	Asks          string // the name of who asks
	Offset, Limit int
}

// Assignable is somebody whom an incident can be given to.
type Assignable struct {
	Name string `json:"name"`
}

// AssignedTo keeps the incidents of one person: a name, me (who asks), or
// nobody. Without a name all are kept.
func AssignedTo(list []correlate.Incident, who, asks string) []correlate.Incident {
	switch who {
	case "":
		return list
	case correlate.Me:
		who = asks
	case correlate.Nobody:
		who = ""
	}
	return slices.DeleteFunc(list, func(i correlate.Incident) bool { return i.Assignee != who })
}

// IncidentExport asks for an incident as a file.
type IncidentExport struct {
	Actor    string `json:"actor"`
	Incident string `json:"incident"` // uid, or its start
	Format   string `json:"format"`   // json or md
}

// File is what was exported.
type File struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // media type
	Data []byte `json:"data"`
}

// IncidentFile is an exported incident as JSON.
type IncidentFile struct {
	IncidentDetail
	Names      map[string]string `json:"names"` // of devices, by uid
	ExportedAt time.Time         `json:"exported_at"`
	ExportedBy string            `json:"exported_by"`
}

type unsuppressRequest struct{ Actor, ID, Why string }

func incidents(mux *http.ServeMux, s Incidents) {
	mux.HandleFunc("GET /local/incidents", reply(func(r *http.Request) (any, error) {
		if uid := r.URL.Query().Get("uid"); uid != "" {
			return s.Incident(r.Context(), uid)
		}
		return s.Incidents(r.Context(), r.URL.Query().Get("all") == "true")
	}))
	mux.HandleFunc("POST /local/incidents/decide", reply(func(r *http.Request) (any, error) {
		var d IncidentDecision
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.DecideIncident(r.Context(), d)
	}))
	mux.HandleFunc("POST /local/incidents/export", reply(func(r *http.Request) (any, error) {
		var e IncidentExport
		if err := decode(r, &e); err != nil {
			return nil, err
		}
		return s.ExportIncident(r.Context(), e)
	}))
	mux.HandleFunc("GET /local/suppressions", reply(func(r *http.Request) (any, error) { return s.Suppressions(r.Context()) }))
	mux.HandleFunc("POST /local/suppressions", reply(func(r *http.Request) (any, error) {
		var rule correlate.Suppression
		if err := decode(r, &rule); err != nil {
			return nil, err
		}
		return s.Suppress(r.Context(), rule)
	}))
	mux.HandleFunc("POST /local/suppressions/end", reply(func(r *http.Request) (any, error) {
		var req unsuppressRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return struct{}{}, s.Unsuppress(r.Context(), req.Actor, req.ID, req.Why)
	}))
}

// Incidents implements [Incidents].
func (c *Client) Incidents(ctx context.Context, all bool) ([]correlate.Incident, error) {
	var out []correlate.Incident
	err := c.do(ctx, http.MethodGet, "/local/incidents?"+url.Values{"all": {strconv.FormatBool(all)}}.Encode(), nil, &out)
	return out, err
}

// Incident implements [Incidents].
func (c *Client) Incident(ctx context.Context, uid string) (IncidentDetail, error) {
	var out IncidentDetail
	err := c.do(ctx, http.MethodGet, "/local/incidents?"+url.Values{"uid": {uid}}.Encode(), nil, &out)
	return out, err
}

// DecideIncident implements [Incidents].
func (c *Client) DecideIncident(ctx context.Context, d IncidentDecision) (IncidentDetail, error) {
	var out IncidentDetail
	err := c.post(ctx, "/local/incidents/decide", d, &out)
	return out, err
}

// ExportIncident implements [Incidents].
func (c *Client) ExportIncident(ctx context.Context, e IncidentExport) (File, error) {
	var out File
	err := c.post(ctx, "/local/incidents/export", e, &out)
	return out, err
}

// Suppress implements [Incidents].
func (c *Client) Suppress(ctx context.Context, s correlate.Suppression) (correlate.Suppression, error) {
	var out correlate.Suppression
	err := c.post(ctx, "/local/suppressions", s, &out)
	return out, err
}

// Unsuppress implements [Incidents].
func (c *Client) Unsuppress(ctx context.Context, actor, id, why string) error {
	var out struct{}
	return c.post(ctx, "/local/suppressions/end", unsuppressRequest{actor, id, why}, &out)
}

// Suppressions implements [Incidents].
func (c *Client) Suppressions(ctx context.Context) ([]correlate.Suppression, error) {
	var out []correlate.Suppression
	err := c.do(ctx, http.MethodGet, "/local/suppressions", nil, &out)
	return out, err
}
