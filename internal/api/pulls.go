package api

import (
	"context"
	"net/http"

	"vedette/internal/intel/pull"
)

// Pulls gets feeds over HTTP and tells how they are.
type Pulls interface {
	Pulls(ctx context.Context) ([]pull.Health, error)
	// Pull gets one now. Its error is also in the health.
	Pull(ctx context.Context, req PullRequest) (pull.Health, error)
}

// PullRequest asks for one feed.
type PullRequest struct {
	Actor string `json:"actor,omitempty"` // the person who asks; the journal tells
	Name  string `json:"name"`
	Fresh bool   `json:"fresh"` // as if for the first time
}

func pulls(mux *http.ServeMux, s Pulls) {
	mux.HandleFunc("GET /local/intel/pulls", reply(func(r *http.Request) (any, error) { return s.Pulls(r.Context()) }))
	mux.HandleFunc("POST /local/intel/pull", reply(func(r *http.Request) (any, error) {
		var req PullRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.Pull(r.Context(), req)
	}))
}

// Pulls implements [Pulls].
func (c *Client) Pulls(ctx context.Context) ([]pull.Health, error) {
	var out []pull.Health
	err := c.do(ctx, http.MethodGet, "/local/intel/pulls", nil, &out)
	return out, err
}

// Pull implements [Pulls].
func (c *Client) Pull(ctx context.Context, req PullRequest) (pull.Health, error) {
	var out pull.Health
	err := c.post(ctx, "/local/intel/pull", req, &out)
	return out, err
}
