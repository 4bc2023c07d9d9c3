package api

import (
	"context"
	"net/http"
)

// Limit is one bound on what the program takes, and where it is set.
type Limit struct {
	Key     string  `json:"key"` // as under limits in the configuration
	About   string  `json:"about"`
	Live    bool    `json:"live"` // it can be set while the server runs
	Setting Setting `json:"setting"`
}

// LimitsInForce are the bounds that are in force.
type LimitsInForce struct {
	Version int64    `json:"version"` // of what was set here; 0: nothing
	Limits  []Limit  `json:"limits"`
	Notes   []string `json:"notes"` // what they refuse now, in words
}

// LimitsChange sets limits by their keys; an empty text is the default again.
type LimitsChange struct {
	Change

	Set map[string]string `json:"set"`
}

// LimitSettings are the limits that people set while a server runs.
type LimitSettings interface {
	Limits(ctx context.Context) (LimitsInForce, error)
	SetLimits(ctx context.Context, c LimitsChange) (LimitsInForce, error)
}

func limitSettings(mux *http.ServeMux, s LimitSettings) {
	mux.HandleFunc("GET /local/settings/limits", reply(func(r *http.Request) (any, error) { return s.Limits(r.Context()) }))
	mux.HandleFunc("POST /local/settings/limits", reply(func(r *http.Request) (any, error) {
		var c LimitsChange
		if err := decode(r, &c); err != nil {
			return nil, err
		}
		return s.SetLimits(r.Context(), c)
	}))
}

// Limits implements [LimitSettings].
func (c *Client) Limits(ctx context.Context) (LimitsInForce, error) {
	var out LimitsInForce
	err := c.do(ctx, http.MethodGet, "/local/settings/limits", nil, &out)
	return out, err
}

// SetLimits implements [LimitSettings].
func (c *Client) SetLimits(ctx context.Context, ch LimitsChange) (LimitsInForce, error) {
	var out LimitsInForce
	err := c.post(ctx, "/local/settings/limits", ch, &out)
	return out, err
}
