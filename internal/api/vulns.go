package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"vedette/internal/fault"
	"vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/remedy"
)

// Vulnerabilities takes in bills of materials and advisories, and tells what is
// affected.
type Vulnerabilities interface {
	// ImportBills and ImportAdvisories take in a stream that feed.Pack wrote.
	ImportBills(ctx context.Context, req VulnImport, in io.Reader) (library.BillReport, error)
	ImportAdvisories(ctx context.Context, req VulnImport, in io.Reader) (library.Report, error)
	MatchVulns(ctx context.Context, q match.Query) ([]VulnRow, error)
	ShowVuln(ctx context.Context, id string) (VulnDetail, error)
	ListVulns(ctx context.Context, f VulnFilter) (VulnList, error)
	// PlanVulns groups what is affected by what to do.
	PlanVulns(ctx context.Context, f PlanFilter) (VulnPlan, error)
	VulnGroups
	Bills
	Statements
	Remediations
}

// VulnImport says who takes something in, and of what.
type VulnImport struct {
	Actor   string `json:"actor"`
	Device  string `json:"device,omitempty"`
	Product string `json:"product,omitempty"`
}

// VulnFilter narrows the list of what is affected; an empty one is all of it.
type VulnFilter struct {
	ID       string `json:"id,omitempty"`       // one vulnerability
	Subject  string `json:"subject,omitempty"`  // device:UID or product:NAME
	Part     string `json:"part,omitempty"`     // one component, by what a row or group names it
	Status   string `json:"status,omitempty"`   // affected or undetermined; with an id or a subject also not_affected
	Decision string `json:"decision,omitempty"` // act, attend, track* or track
	Offset   int    `json:"offset,omitempty"`
	Limit    int    `json:"limit,omitempty"` // 0: as many as one answer has
}

// PlanFilter narrows the plan; an empty one is all of it.
type PlanFilter struct {
	ID       string `json:"id,omitempty"`       // one vulnerability
	Subject  string `json:"subject,omitempty"`  // device:UID or product:NAME
	Decision string `json:"decision,omitempty"` // act, attend, track* or track
	Text     string `json:"text,omitempty"`     // in what to do, for what or on what
	Offset   int    `json:"offset,omitempty"`
	Limit    int    `json:"limit,omitempty"` // 0: all
	Names    int    `json:"names,omitempty"` // most subjects told of each action; 0: up to 1000, fewer when there are many actions
}

// VulnPlan is a page of the plan.
type VulnPlan struct {
	Rows   []remedy.Action `json:"rows"`
	Total  int             `json:"total"`
	Counts map[string]int  `json:"counts"` // by decision, whichever was asked for
}

// VulnList is a page of the list, and how long all of it is.
type VulnList struct {
	Rows  []VulnRow `json:"rows"`
	Total int       `json:"total"`
}

// VulnRow is the answer for one vulnerability and one product.
type VulnRow struct {
	Subject         string   `json:"subject,omitempty"` // the device or product, in a list
	Component       string   `json:"component,omitempty"`
	Part            string   `json:"part,omitempty"` // what names the component in a filter
	ID              string   `json:"id"`
	Title           string   `json:"title"`
	Status          string   `json:"status"`
	Reason          string   `json:"reason"`
	Source          string   `json:"source"`
	Fix             string   `json:"fix"`
	Confidence      float64  `json:"confidence"`
	Exploitation    string   `json:"exploitation"`
	Automatable     string   `json:"automatable"`
	TechnicalImpact string   `json:"technical_impact"`
	Mission         string   `json:"mission"`
	Exposure        string   `json:"exposure"` // how far the device is reached: open, controlled, small, or "" when nothing tells
	Decision        string   `json:"decision"`
	Horizon         string   `json:"horizon"` // now, next or never
	Why             []string `json:"why"`     // how points and decision came about
}

// VulnScore is a CVSS score of a source.
type VulnScore struct {
	Version  string  `json:"version"`
	Vector   string  `json:"vector"`
	Base     float64 `json:"base"`
	Severity string  `json:"severity"`
	Source   string  `json:"source"`
	// Computed is what the vector gives, if the source says another score.
	Computed *float64 `json:"computed,omitempty"`
}

// VulnAffected is what a source says of a product.
type VulnAffected struct {
	Vendor   string `json:"vendor"`
	Product  string `json:"product"`
	Versions string `json:"versions"`
	Status   string `json:"status"`
	Source   string `json:"source"`
}

// VulnRemedy is what a source says to do.
type VulnRemedy struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	URL    string `json:"url,omitempty"`
	Fix    string `json:"fix,omitempty"`
	Source string `json:"source"`
}

// VulnSource is an advisory that speaks of it.
type VulnSource struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Publisher string `json:"publisher"`
	Updated   string `json:"updated"`
	Title     string `json:"title,omitempty"`
	Text      string `json:"text,omitempty"`
	SSVC      string `json:"ssvc,omitempty"` // decision points that it gives itself
}

// VulnDetail is all that is known of one vulnerability.
type VulnDetail struct {
	ID              string         `json:"id"`
	Title           string         `json:"title"`
	Text            string         `json:"description"`
	Exploitation    string         `json:"exploitation"`
	Automatable     string         `json:"automatable"`
	TechnicalImpact string         `json:"technical_impact"`
	Decision        string         `json:"decision"`
	Why             []string       `json:"why"` // how the points came about
	KEV             bool           `json:"kev"`
	KEVSince        string         `json:"kev_since,omitempty"`
	EPSS            *float64       `json:"epss"`
	CVSS            []VulnScore    `json:"cvss"`
	CWE             []string       `json:"cwe"`
	Affected        []VulnAffected `json:"affected"`
	Remedies        []VulnRemedy   `json:"remediations"`
	References      []string       `json:"references"`
	Sources         []VulnSource   `json:"sources"`
}

func vulnerabilities(mux *http.ServeMux, s Vulnerabilities) {
	request := func(r *http.Request) (VulnImport, error) {
		var req VulnImport
		if err := json.Unmarshal([]byte(r.URL.Query().Get("request")), &req); err != nil {
			return req, fault.Wrap(fault.Invalid, err, "reading the request")
		}
		return req, nil
	}
	mux.HandleFunc("POST /local/vulns/bills", reply(func(r *http.Request) (any, error) {
		req, err := request(r)
		if err != nil {
			return nil, err
		}
		return s.ImportBills(r.Context(), req, r.Body)
	}))
	mux.HandleFunc("POST /local/vulns/advisories", reply(func(r *http.Request) (any, error) {
		req, err := request(r)
		if err != nil {
			return nil, err
		}
		return s.ImportAdvisories(r.Context(), req, r.Body)
	}))
	mux.HandleFunc("POST /local/vulns/plan", reply(func(r *http.Request) (any, error) {
		var f PlanFilter
		if err := decode(r, &f); err != nil {
			return nil, err
		}
		return s.PlanVulns(r.Context(), f)
	}))
	bills(mux, s)
	groups(mux, s)
	statements(mux, s)
	remediations(mux, s)
	mux.HandleFunc("POST /local/vulns/match", reply(func(r *http.Request) (any, error) {
		var q match.Query
		if err := decode(r, &q); err != nil {
			return nil, err
		}
		return s.MatchVulns(r.Context(), q)
	}))
	mux.HandleFunc("GET /local/vulns/show", reply(func(r *http.Request) (any, error) {
		return s.ShowVuln(r.Context(), r.URL.Query().Get("id"))
	}))
	mux.HandleFunc("POST /local/vulns/list", reply(func(r *http.Request) (any, error) {
		var f VulnFilter
		if err := decode(r, &f); err != nil {
			return nil, err
		}
		return s.ListVulns(r.Context(), f)
	}))
}

func (c *Client) sendPacked(ctx context.Context, path string, req VulnImport, in io.Reader, out any) error {
	text, err := json.Marshal(req)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path+"?"+url.Values{"request": {string(text)}}.Encode(), in, out)
}

// ImportBills implements [Vulnerabilities].
func (c *Client) ImportBills(ctx context.Context, req VulnImport, in io.Reader) (library.BillReport, error) {
	var out library.BillReport
	err := c.sendPacked(ctx, "/local/vulns/bills", req, in, &out)
	return out, err
}

// ImportAdvisories implements [Vulnerabilities].
func (c *Client) ImportAdvisories(ctx context.Context, req VulnImport, in io.Reader) (library.Report, error) {
	var out library.Report
	err := c.sendPacked(ctx, "/local/vulns/advisories", req, in, &out)
	return out, err
}

// MatchVulns implements [Vulnerabilities].
func (c *Client) MatchVulns(ctx context.Context, q match.Query) ([]VulnRow, error) {
	var out []VulnRow
	err := c.post(ctx, "/local/vulns/match", q, &out)
	return out, err
}

// ShowVuln implements [Vulnerabilities].
func (c *Client) ShowVuln(ctx context.Context, id string) (VulnDetail, error) {
	var out VulnDetail
	err := c.do(ctx, http.MethodGet, "/local/vulns/show?"+url.Values{"id": {id}}.Encode(), nil, &out)
	return out, err
}

// ListVulns implements [Vulnerabilities].
func (c *Client) ListVulns(ctx context.Context, f VulnFilter) (VulnList, error) {
	var out VulnList
	err := c.post(ctx, "/local/vulns/list", f, &out)
	return out, err
}

// PlanVulns implements [Vulnerabilities].
func (c *Client) PlanVulns(ctx context.Context, f PlanFilter) (VulnPlan, error) {
	var out VulnPlan
	err := c.post(ctx, "/local/vulns/plan", f, &out)
	return out, err
}
