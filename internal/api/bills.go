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
	mux.HandleFunc("GET /local/vulns/bills/diff", reply(func(r *http.Request) (any, error) {
		return s.DiffBills(r.Context(), r.URL.Query().Get("before"), r.URL.Query().Get("after"))
	}))
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
