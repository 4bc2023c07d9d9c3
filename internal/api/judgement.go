package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// FindingFilter says which findings are asked for. Zero values ask for all.
type FindingFilter struct {
	Last        string    // of this long before Now, such as "24h"
	Now         time.Time // zero: the newest event
	MinSeverity event.Severity
	Rule        string // id of a rule
	Family      string
	Device      string // uid of a device, on whatever side
	Limit       int    // 0: 100
}

// Findings are some of the findings, newest first, and how many there are.
type Findings struct {
	List  []event.Finding `json:"list"`
	Total int64           `json:"total"`
}

// Evidence is an event that a finding is about, as it was taken in. Raw was
// written by a device or a third party.
type Evidence struct {
	UID    string    `json:"uid"`
	Time   time.Time `json:"time,omitzero"`
	Log    string    `json:"log,omitempty"`
	Source string    `json:"source,omitempty"`
	Raw    string    `json:"raw"`
}

// FindingDetail is a finding with those of its events that are still kept.
type FindingDetail struct {
	Finding event.Finding `json:"finding"`
	Events  []Evidence    `json:"events"`
}

// Judgement shows what was found.
type Judgement interface {
	Findings(ctx context.Context, want FindingFilter) (Findings, error)
	Finding(ctx context.Context, uid string) (FindingDetail, error)
}

func judgement(mux *http.ServeMux, s Judgement) {
	mux.HandleFunc("GET /local/findings", reply(func(r *http.Request) (any, error) {
		v := r.URL.Query()
		if uid := v.Get("uid"); uid != "" {
			return s.Finding(r.Context(), uid)
		}
		want, err := parseFilter(v)
		if err != nil {
			return nil, err
		}
		return s.Findings(r.Context(), want)
	}))
}

// values writes the filter as parameters of a request.
func (f FindingFilter) values() url.Values {
	return url.Values{
		"last": {f.Last}, "now": {formatTime(f.Now)}, "severity": {strconv.Itoa(int(f.MinSeverity))},
		"rule": {f.Rule}, "family": {f.Family}, "device": {f.Device}, "limit": {strconv.Itoa(f.Limit)},
	}
}

func parseFilter(v url.Values) (FindingFilter, error) {
	f := FindingFilter{Last: v.Get("last"), Rule: v.Get("rule"), Family: v.Get("family"), Device: v.Get("device")}
	if text := v.Get("now"); text != "" {
		var err error
		if f.Now, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return f, fault.Wrap(fault.Invalid, err, "reading the parameter now").WithHint("write the time like 2026-01-02T03:04:05Z")
		}
	}
	var severity int
	for name, to := range map[string]*int{"severity": &severity, "limit": &f.Limit} {
		text := v.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return f, fault.New(fault.Invalid, "the parameter %s must be a whole number, not %q", name, text)
		}
		*to = n
	}
	f.MinSeverity = event.Severity(severity)
	return f, nil
}

// Findings implements [Judgement].
func (c *Client) Findings(ctx context.Context, want FindingFilter) (Findings, error) {
	var out Findings
	err := c.do(ctx, http.MethodGet, "/local/findings?"+want.values().Encode(), nil, &out)
	return out, err
}

// Finding implements [Judgement].
func (c *Client) Finding(ctx context.Context, uid string) (FindingDetail, error) {
	var out FindingDetail
	err := c.do(ctx, http.MethodGet, "/local/findings?"+url.Values{"uid": {uid}}.Encode(), nil, &out)
	return out, err
}
