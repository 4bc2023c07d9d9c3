package api

import (
	"context"
	"net/http"

	"vedette/internal/vuln/match"
)

// VulnGroups counts what is affected by what has it, and what is known by who
// told it.
type VulnGroups interface {
	// GroupVulns counts by device, component or advisory, the most urgent first.
	GroupVulns(ctx context.Context, f GroupFilter) (VulnGrouped, error)
	// AdvisoryFeeds tells what is kept of whom.
	AdvisoryFeeds(ctx context.Context) (AdvisoryFeeds, error)
}

// GroupFilter says what to count by.
type GroupFilter struct {
	Actor    string `json:"actor,omitempty"` // who takes all of it away as a file; the journal tells
	By       string `json:"by"`              // device, component or advisory
	Status   string `json:"status,omitempty"`
	Decision string `json:"decision,omitempty"`
	Text     string `json:"text,omitempty"` // in what is counted: name, component, id or title
	Offset   int    `json:"offset,omitempty"`
	Limit    int    `json:"limit,omitempty"` // 0: as many as one answer has
}

// DecisionCounts are rows by decision.
type DecisionCounts struct {
	Act    int `json:"act"`
	Attend int `json:"attend"`
	Close  int `json:"track*"`
	Track  int `json:"track"`
}

// VulnGroup is what one device, component or vulnerability has.
type VulnGroup struct {
	Key          string         `json:"key"`   // the subject, the part or the id, for a filter
	Label        string         `json:"label"` // name, component or title; untrusted text
	Note         string         `json:"note"`  // what else tells it apart: vendor and model, package URL, sources
	Decision     string         `json:"decision"`
	Status       string         `json:"status"` // of the most urgent row
	Affected     DecisionCounts `json:"affected"`
	Undetermined DecisionCounts `json:"undetermined"`
	Devices      int            `json:"devices"` // that have it; 0 when counted by device
}

// VulnGrouped is a page of groups and the sum of all of them.
type VulnGrouped struct {
	Rows         []VulnGroup    `json:"rows"`
	Total        int            `json:"total"`
	Affected     DecisionCounts `json:"affected"`     // of all that the text finds, whatever decision and status were asked for
	Undetermined DecisionCounts `json:"undetermined"` // as affected
}

func groups(mux *http.ServeMux, s VulnGroups) {
	mux.HandleFunc("POST /local/vulns/groups", reply(func(r *http.Request) (any, error) {
		var f GroupFilter
		if err := decode(r, &f); err != nil {
			return nil, err
		}
		return s.GroupVulns(r.Context(), f)
	}))
	mux.HandleFunc("GET /local/vulns/feeds", reply(func(r *http.Request) (any, error) { return s.AdvisoryFeeds(r.Context()) }))
}

// GroupVulns implements [VulnGroups].
func (c *Client) GroupVulns(ctx context.Context, f GroupFilter) (VulnGrouped, error) {
	var out VulnGrouped
	err := c.post(ctx, "/local/vulns/groups", f, &out)
	return out, err
}

// AdvisoryFeeds is what the advisories that are kept came from.
type AdvisoryFeeds struct {
	Publishers []match.Publisher `json:"publishers"`
	Stats      match.Stats       `json:"stats"`
	Bills      int               `json:"bills"`
	Problems   []string          `json:"problems"` // files that could not be read
}

// AdvisoryFeeds implements [VulnGroups].
func (c *Client) AdvisoryFeeds(ctx context.Context) (AdvisoryFeeds, error) {
	var out AdvisoryFeeds
	err := c.do(ctx, http.MethodGet, "/local/vulns/feeds", nil, &out)
	return out, err
}
