package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"vedette/internal/asset"
	"vedette/internal/vuln/task"
)

// Remediations keeps what persons took on against vulnerabilities.
type Remediations interface {
	OpenRemediation(ctx context.Context, o RemediationOpen) (RemediationView, error)
	Remediations(ctx context.Context, f RemediationFilter) ([]RemediationView, error)
	Remediation(ctx context.Context, uid string, zones []string) (RemediationView, error)
	DecideRemediation(ctx context.Context, d RemediationDecision) (RemediationView, error)
	// ExportRemediations gives the ticket of one, or all as CSV when uid is "".
	ExportRemediations(ctx context.Context, uid string, zones []string) (File, error)
	FirmwareHistory(ctx context.Context, device string) ([]asset.Run, error)
}

// RemediationOpen opens a task from an action of the plan.
type RemediationOpen struct {
	Actor    string     `json:"actor,omitempty"`
	Action   string     `json:"action"`             // id of the action
	Subjects []string   `json:"subjects,omitempty"` // these alone; without any: all of the action
	Zone     string     `json:"zone,omitempty"`     // devices of this zone alone
	Owner    string     `json:"owner,omitempty"`
	Due      *time.Time `json:"due,omitempty"`
	Zones    []string   `json:"-"` // those that who asks may see; empty: all
}

// RemediationFilter narrows the list.
type RemediationFilter struct {
	// State is one of the states, active, overdue, doubted, or archived: verified long
	// ago. Without any, and for verified, those in the archive come too.
	State   string   `json:"state,omitempty"`
	Owner   string   `json:"owner,omitempty"`
	Text    string   `json:"text,omitempty"` // in what names it, in any case of letters
	Subject string   `json:"subject,omitempty"`
	Zones   []string `json:"zones,omitempty"`
}

// RemediationDecision is what a person does to a task: set (Order), note (Text) or
// undo.
type RemediationDecision struct {
	Actor  string     `json:"actor,omitempty"`
	UID    string     `json:"uid,omitempty"`
	Action string     `json:"action"` // set, note or undo
	Order  task.Order `json:"order,omitzero"`
	Text   string     `json:"text,omitempty"`
	Why    string     `json:"why,omitempty"`
	Zones  []string   `json:"-"`
}

// RemediationView is a task as it stands now.
type RemediationView struct {
	task.Task
	Title    string            `json:"title"`
	Overdue  bool              `json:"overdue"`
	Archived bool              `json:"archived,omitempty"` // verified long ago: nothing opens it again
	Verified int               `json:"verified_subjects"`
	Affected int               `json:"affected_subjects"` // seen with an affected version since it was opened
	Doubted  int               `json:"doubted_subjects"`  // of them, long after somebody said that it is done
	Names    map[string]string `json:"names"`             // of subjects that are devices
}

func remediations(mux *http.ServeMux, s Remediations) {
	mux.HandleFunc("POST /local/remediations/open", reply(func(r *http.Request) (any, error) {
		var o RemediationOpen
		if err := decode(r, &o); err != nil {
			return nil, err
		}
		return s.OpenRemediation(r.Context(), o)
	}))
	mux.HandleFunc("POST /local/remediations/list", reply(func(r *http.Request) (any, error) {
		var f RemediationFilter
		if err := decode(r, &f); err != nil {
			return nil, err
		}
		return s.Remediations(r.Context(), f)
	}))
	mux.HandleFunc("GET /local/remediations/show", reply(func(r *http.Request) (any, error) {
		return s.Remediation(r.Context(), r.URL.Query().Get("uid"), nil)
	}))
	mux.HandleFunc("POST /local/remediations/decide", reply(func(r *http.Request) (any, error) {
		var d RemediationDecision
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.DecideRemediation(r.Context(), d)
	}))
	mux.HandleFunc("GET /local/remediations/export", reply(func(r *http.Request) (any, error) {
		return s.ExportRemediations(r.Context(), r.URL.Query().Get("uid"), nil)
	}))
	mux.HandleFunc("GET /local/firmware", reply(func(r *http.Request) (any, error) {
		return s.FirmwareHistory(r.Context(), r.URL.Query().Get("device"))
	}))
}

// OpenRemediation implements [Remediations].
func (c *Client) OpenRemediation(ctx context.Context, o RemediationOpen) (RemediationView, error) {
	var out RemediationView
	err := c.post(ctx, "/local/remediations/open", o, &out)
	return out, err
}

// Remediations implements [Remediations].
func (c *Client) Remediations(ctx context.Context, f RemediationFilter) ([]RemediationView, error) {
	var out []RemediationView
	err := c.post(ctx, "/local/remediations/list", f, &out)
	return out, err
}

// Remediation implements [Remediations].
func (c *Client) Remediation(ctx context.Context, uid string, _ []string) (RemediationView, error) {
	var out RemediationView
	err := c.do(ctx, http.MethodGet, "/local/remediations/show?"+url.Values{"uid": {uid}}.Encode(), nil, &out)
	return out, err
}

// DecideRemediation implements [Remediations].
func (c *Client) DecideRemediation(ctx context.Context, d RemediationDecision) (RemediationView, error) {
	var out RemediationView
	err := c.post(ctx, "/local/remediations/decide", d, &out)
	return out, err
}

// ExportRemediations implements [Remediations].
func (c *Client) ExportRemediations(ctx context.Context, uid string, _ []string) (File, error) {
	var out File
	err := c.do(ctx, http.MethodGet, "/local/remediations/export?"+url.Values{"uid": {uid}}.Encode(), nil, &out)
	return out, err
}

// FirmwareHistory implements [Remediations].
func (c *Client) FirmwareHistory(ctx context.Context, device string) ([]asset.Run, error) {
	var out []asset.Run
	err := c.do(ctx, http.MethodGet, "/local/firmware?"+url.Values{"device": {device}}.Encode(), nil, &out)
	return out, err
}
