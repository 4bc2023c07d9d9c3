package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"vedette/internal/vuln/sbom"
)

// Bills tells of the bills of materials that there are and were.
type Bills interface {
	// BillHistory is of a device or product, or of all when subject is "".
	BillHistory(ctx context.Context, subject string) ([]BillEntry, error)
	// DiffBills takes two ids, or a subject and "" for its last two.
	DiffBills(ctx context.Context, before, after string) (BillDiff, error)
	// DeviceBills are the bills that count for a device, its own or its product's,
	// and those that others took the place of.
	DeviceBills(ctx context.Context, uid string) ([]BillEntry, error)
	// ShowBill is one bill with its components and what each is known for.
	ShowBill(ctx context.Context, id string) (BillView, error)
}

// BillEntry is a bill of materials that is or was kept.
type BillEntry struct {
	ID         string     `json:"id"`
	Subject    string     `json:"subject"`
	Path       string     `json:"path"`
	Format     string     `json:"format"`
	Version    string     `json:"version,omitempty"` // of what it is of, as it says
	Components int        `json:"components"`
	Imported   time.Time  `json:"imported"`
	Until      *time.Time `json:"until"` // when another took its place; nil: it counts
}

// BillView is a bill with its components.
type BillView struct {
	Bill       BillEntry       `json:"bill"`
	Product    sbom.Component  `json:"product"`
	Components []BillComponent `json:"components"`
}

// BillComponent is a component and the vulnerabilities that it has or may have,
// rated without a device; what it is cleared of is counted.
type BillComponent struct {
	sbom.Component
	Vulnerabilities []VulnRow `json:"vulnerabilities"`
	Cleared         int       `json:"not_affected"` // vulnerabilities that advisories name it for and that it does not have
}

// BillDiff is what a later bill has otherwise than an earlier one, and which
// vulnerabilities that took away and brought.
type BillDiff struct {
	Before BillEntry `json:"before"`
	After  BillEntry `json:"after"`
	sbom.Difference
	Gone []VulnRow `json:"vulnerabilities_gone"`
	Came []VulnRow `json:"vulnerabilities_new"`
}

func bills(mux *http.ServeMux, s Bills) {
	mux.HandleFunc("GET /local/vulns/bills", reply(func(r *http.Request) (any, error) {
		return s.BillHistory(r.Context(), r.URL.Query().Get("subject"))
	}))
	mux.HandleFunc("GET /local/vulns/bills/device", reply(func(r *http.Request) (any, error) {
		return s.DeviceBills(r.Context(), r.URL.Query().Get("uid"))
	}))
	mux.HandleFunc("GET /local/vulns/bills/show", reply(func(r *http.Request) (any, error) {
		return s.ShowBill(r.Context(), r.URL.Query().Get("id"))
	}))
	mux.HandleFunc("GET /local/vulns/bills/diff", reply(func(r *http.Request) (any, error) {
		return s.DiffBills(r.Context(), r.URL.Query().Get("before"), r.URL.Query().Get("after"))
	}))
}

// DeviceBills implements [Bills].
func (c *Client) DeviceBills(ctx context.Context, uid string) ([]BillEntry, error) {
	var out []BillEntry
	err := c.do(ctx, http.MethodGet, "/local/vulns/bills/device?"+url.Values{"uid": {uid}}.Encode(), nil, &out)
	return out, err
}

// ShowBill implements [Bills].
func (c *Client) ShowBill(ctx context.Context, id string) (BillView, error) {
	var out BillView
	err := c.do(ctx, http.MethodGet, "/local/vulns/bills/show?"+url.Values{"id": {id}}.Encode(), nil, &out)
	return out, err
}

// BillHistory implements [Bills].
func (c *Client) BillHistory(ctx context.Context, subject string) ([]BillEntry, error) {
	var out []BillEntry
	err := c.do(ctx, http.MethodGet, "/local/vulns/bills?"+url.Values{"subject": {subject}}.Encode(), nil, &out)
	return out, err
}

// DiffBills implements [Bills].
func (c *Client) DiffBills(ctx context.Context, before, after string) (BillDiff, error) {
	var out BillDiff
	err := c.do(ctx, http.MethodGet, "/local/vulns/bills/diff?"+url.Values{"before": {before}, "after": {after}}.Encode(), nil, &out)
	return out, err
}
