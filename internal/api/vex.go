package api

import (
	"context"
	"net/http"
	"net/url"

	"vedette/internal/vuln/vex"
)

// Statements keeps the site's own word on what is affected.
type Statements interface {
	StateVuln(ctx context.Context, req VexRequest) (vex.Statement, error)
	StatedVulns(ctx context.Context, all bool) ([]vex.Statement, error)
}

// VexRequest is a statement and who makes it; with a device the product is what
// the inventory says of that.
type VexRequest struct {
	vex.Statement
	Actor  string `json:"actor"`
	Device string `json:"device,omitempty"`
}

func statements(mux *http.ServeMux, s Statements) {
	mux.HandleFunc("POST /local/vulns/vex", reply(func(r *http.Request) (any, error) {
		var req VexRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.StateVuln(r.Context(), req)
	}))
	mux.HandleFunc("GET /local/vulns/vex", reply(func(r *http.Request) (any, error) {
		return s.StatedVulns(r.Context(), r.URL.Query().Get("all") == "true")
	}))
}

// StateVuln implements [Statements].
func (c *Client) StateVuln(ctx context.Context, req VexRequest) (vex.Statement, error) {
	var out vex.Statement
	err := c.post(ctx, "/local/vulns/vex", req, &out)
	return out, err
}

// StatedVulns implements [Statements].
func (c *Client) StatedVulns(ctx context.Context, all bool) ([]vex.Statement, error) {
	values := url.Values{}
	if all {
		values.Set("all", "true")
	}
	var out []vex.Statement
	err := c.do(ctx, http.MethodGet, "/local/vulns/vex?"+values.Encode(), nil, &out)
	return out, err
}
