package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Spool looks after the payloads of live sources that the program failed on: they
// are set aside, neither stored nor lost.
type Spool interface {
	// SetAside lists them, the oldest first.
	SetAside(ctx context.Context) ([]AsidePayload, error)
	// ShowAside shows the beginning of one, escaped.
	ShowAside(ctx context.Context, id string) (AsideShown, error)
	// ReplayAside reads them again, such as with a newer version. What was stored of
	// them before is not stored twice; what fails again stays.
	ReplayAside(ctx context.Context, w AsideWish) (AsideReplayed, error)
	// DropAside deletes them for good.
	DropAside(ctx context.Context, w AsideWish) (AsideDropped, error)
}

// AsidePayload is one that is set aside. All but the id may be what a device wrote.
type AsidePayload struct {
	ID       string    `json:"id"`
	Source   string    `json:"source"`
	Peer     string    `json:"peer,omitempty"`
	Format   string    `json:"format,omitempty"`
	Received time.Time `json:"received,omitzero"`
	Size     int64     `json:"size"` // bytes on disk
	At       time.Time `json:"at"`   // when it was set aside, or failed last
	Reason   string    `json:"reason"`
}

// AsideShown is one with its first lines, in ASCII with all else escaped.
type AsideShown struct {
	AsidePayload
	Lines []string `json:"lines"`
	Shown int      `json:"shown"` // bytes of the payload that the lines stand for
	Bytes int      `json:"bytes"` // of the payload
}

// AsideWish names payloads.
type AsideWish struct {
	IDs   []string `json:"ids,omitempty"`
	All   bool     `json:"all,omitempty"`
	Count int      `json:"count,omitempty"` // to drop: how many they are, so that none goes by mistake
	Why   string   `json:"why,omitempty"`   // to drop
	Actor string   `json:"actor,omitempty"` // who; the door says it
}

// AsideReplayed is what became of what was read again.
type AsideReplayed struct {
	Payloads   []AsideOutcome `json:"payloads"`
	Stored     int            `json:"stored"`     // events
	Duplicates int            `json:"duplicates"` // events that were there
	Rejected   int            `json:"rejected"`   // records that no parser could read
	Left       int            `json:"left"`       // payloads that stay set aside
}

// AsideOutcome is what became of one.
type AsideOutcome struct {
	ID         string `json:"id"`
	Stored     int    `json:"stored"`
	Duplicates int    `json:"duplicates"`
	Rejected   int    `json:"rejected"`
	Problem    string `json:"problem,omitempty"` // why it stays
}

// AsideDropped is what was deleted.
type AsideDropped struct {
	Payloads int   `json:"payloads"`
	Bytes    int64 `json:"bytes"`
}

func spool(mux *http.ServeMux, s Spool) {
	mux.HandleFunc("GET /local/spool/aside", reply(func(r *http.Request) (any, error) {
		if id := r.URL.Query().Get("id"); id != "" {
			return s.ShowAside(r.Context(), id)
		}
		return s.SetAside(r.Context())
	}))
	mux.HandleFunc("POST /local/spool/replay", reply(func(r *http.Request) (any, error) {
		var w AsideWish
		if err := decode(r, &w); err != nil {
			return nil, err
		}
		return s.ReplayAside(r.Context(), w)
	}))
	mux.HandleFunc("POST /local/spool/drop", reply(func(r *http.Request) (any, error) {
		var w AsideWish
		if err := decode(r, &w); err != nil {
			return nil, err
		}
		return s.DropAside(r.Context(), w)
	}))
}

// SetAside implements [Spool].
func (c *Client) SetAside(ctx context.Context) ([]AsidePayload, error) {
	var out []AsidePayload
	err := c.do(ctx, http.MethodGet, "/local/spool/aside", nil, &out)
	return out, err
}

// ShowAside implements [Spool].
func (c *Client) ShowAside(ctx context.Context, id string) (AsideShown, error) {
	var out AsideShown
	err := c.do(ctx, http.MethodGet, "/local/spool/aside?"+url.Values{"id": {id}}.Encode(), nil, &out)
	return out, err
}

// ReplayAside implements [Spool].
func (c *Client) ReplayAside(ctx context.Context, w AsideWish) (AsideReplayed, error) {
	var out AsideReplayed
	err := c.post(ctx, "/local/spool/replay", w, &out)
	return out, err
}

// DropAside implements [Spool].
func (c *Client) DropAside(ctx context.Context, w AsideWish) (AsideDropped, error) {
	var out AsideDropped
	err := c.post(ctx, "/local/spool/drop", w, &out)
	return out, err
}
