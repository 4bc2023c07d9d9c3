package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"vedette/internal/fault"
	"vedette/internal/intel"
	"vedette/internal/intel/library"
)

// Intelligence keeps feeds of indicators and looks things up in them.
type Intelligence interface {
	// ImportIntel takes in a feed: a stream that feed.Pack wrote.
	ImportIntel(ctx context.Context, req library.Request, in io.Reader) (library.Report, error)
	IntelFeeds(ctx context.Context) ([]library.Feed, error)
	// LookupIntel looks up values as people write them, at a time; a zero one
	// means the clock.
	LookupIntel(ctx context.Context, values []string, at time.Time) ([]IntelAnswer, error)
	// AllowIntel adds values to the allow-list, or takes them off it. Without
	// values it tells the list.
	AllowIntel(ctx context.Context, req IntelAllow) ([]library.Allowed, error)
	RemoveIntel(ctx context.Context, actor, name string) error
	Pulls
	Sharing
	Techniques
}

// IntelAnswer is what is known of one value.
type IntelAnswer struct {
	Asked   string      `json:"asked"`
	Problem string      `json:"problem,omitempty"` // why it cannot be looked up
	Hits    []intel.Hit `json:"hits"`
}

// IntelAllow changes the allow-list.
type IntelAllow struct {
	Actor  string   `json:"actor"`
	Why    string   `json:"why"`
	Values []string `json:"values"`
	Remove bool     `json:"remove"`
}

type intelLookup struct {
	Values []string  `json:"values"`
	At     time.Time `json:"at"`
}

type intelRemove struct{ Actor, Name string }

func intelligence(mux *http.ServeMux, s Intelligence) {
	pulls(mux, s)
	sharing(mux, s)
	techniques(mux, s)
	mux.HandleFunc("POST /local/intel/import", reply(func(r *http.Request) (any, error) {
		var req library.Request
		if err := json.Unmarshal([]byte(r.URL.Query().Get("request")), &req); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading the request")
		}
		return s.ImportIntel(r.Context(), req, r.Body)
	}))
	mux.HandleFunc("GET /local/intel/feeds", reply(func(r *http.Request) (any, error) { return s.IntelFeeds(r.Context()) }))
	mux.HandleFunc("POST /local/intel/lookup", reply(func(r *http.Request) (any, error) {
		var req intelLookup
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.LookupIntel(r.Context(), req.Values, req.At)
	}))
	mux.HandleFunc("POST /local/intel/allow", reply(func(r *http.Request) (any, error) {
		var req IntelAllow
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.AllowIntel(r.Context(), req)
	}))
	mux.HandleFunc("POST /local/intel/remove", reply(func(r *http.Request) (any, error) {
		var req intelRemove
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return struct{}{}, s.RemoveIntel(r.Context(), req.Actor, req.Name)
	}))
}

// ImportIntel implements [Intelligence].
func (c *Client) ImportIntel(ctx context.Context, req library.Request, in io.Reader) (library.Report, error) {
	var out library.Report
	text, err := json.Marshal(req)
	if err != nil {
		return out, err
	}
	err = c.do(ctx, http.MethodPost, "/local/intel/import?"+url.Values{"request": {string(text)}}.Encode(), in, &out)
	return out, err
}

// IntelFeeds implements [Intelligence].
func (c *Client) IntelFeeds(ctx context.Context) ([]library.Feed, error) {
	var out []library.Feed
	err := c.do(ctx, http.MethodGet, "/local/intel/feeds", nil, &out)
	return out, err
}

// LookupIntel implements [Intelligence].
func (c *Client) LookupIntel(ctx context.Context, values []string, at time.Time) ([]IntelAnswer, error) {
	var out []IntelAnswer
	err := c.post(ctx, "/local/intel/lookup", intelLookup{values, at}, &out)
	return out, err
}

// AllowIntel implements [Intelligence].
func (c *Client) AllowIntel(ctx context.Context, req IntelAllow) ([]library.Allowed, error) {
	var out []library.Allowed
	err := c.post(ctx, "/local/intel/allow", req, &out)
	return out, err
}

// RemoveIntel implements [Intelligence].
func (c *Client) RemoveIntel(ctx context.Context, actor, name string) error {
	var out struct{}
	return c.post(ctx, "/local/intel/remove", intelRemove{actor, name}, &out)
}
