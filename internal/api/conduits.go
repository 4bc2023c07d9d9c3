package api

import (
	"context"
	"net/http"
	"net/url"
)

// ZonePolicy is what a site allows between its zones, as it is in force.
type ZonePolicy struct {
	Declared bool      `json:"declared"` // there are rules between zones
	Mode     string    `json:"mode"`     // monitor or alert
	Default  string    `json:"default"`  // allow or deny: between zones that no conduit joins
	Isolated []string  `json:"isolated"` // zones within which devices may not talk to each other
	Conduits []Conduit `json:"conduits"`
}

// Conduit is what may pass from some zones to others (IEC 62443). A zone may be
// "internet", "unzoned" or "*" for any.
type Conduit struct {
	Name     string   `json:"name"`
	From     []string `json:"from"`
	To       []string `json:"to"`
	BothWays bool     `json:"both_ways"` // either side may begin
	Deny     bool     `json:"deny"`
	Allows   string   `json:"allows"` // in words
}

// Conduits tells what may pass between zones, and proposes it.
type Conduits interface {
	// ZonePolicy tells, to who is limited to zones, of what touches them alone.
	ZonePolicy(ctx context.Context) (ZonePolicy, error)
	// Passages tells what passes between zones, which conduit covers it, and what of
	// the policy it violates.
	Passages(ctx context.Context, wish PassageWish) (Passages, error)
	// DraftPolicy proposes conduits from what was seen in a time before the newest
	// event, such as 7d, as a file for a person to read.
	DraftPolicy(ctx context.Context, last string) (File, error)
}

func conduits(mux *http.ServeMux, s Conduits) {
	mux.HandleFunc("GET /local/conduits", reply(func(r *http.Request) (any, error) {
		return s.ZonePolicy(r.Context())
	}))
	mux.HandleFunc("POST /local/conduits/passages", reply(func(r *http.Request) (any, error) {
		var wish PassageWish
		if err := decode(r, &wish); err != nil {
			return nil, err
		}
		return s.Passages(r.Context(), wish)
	}))
	mux.HandleFunc("GET /local/conduits/draft", reply(func(r *http.Request) (any, error) {
		return s.DraftPolicy(r.Context(), r.URL.Query().Get("last"))
	}))
}

// ZonePolicy implements [Conduits].
func (c *Client) ZonePolicy(ctx context.Context) (ZonePolicy, error) {
	var out ZonePolicy
	err := c.do(ctx, http.MethodGet, "/local/conduits", nil, &out)
	return out, err
}

// Passages implements [Conduits].
func (c *Client) Passages(ctx context.Context, wish PassageWish) (Passages, error) {
	var out Passages
	err := c.post(ctx, "/local/conduits/passages", wish, &out)
	return out, err
}

// DraftPolicy implements [Conduits].
func (c *Client) DraftPolicy(ctx context.Context, last string) (File, error) {
	var out File
	err := c.do(ctx, http.MethodGet, "/local/conduits/draft?"+url.Values{"last": {last}}.Encode(), nil, &out)
	return out, err
}
