package api

import (
	"context"
	"net/http"

	"vedette/internal/ingest"
)

// Sources tells how the live sources of a server stand.
type Sources interface {
	Sources(ctx context.Context) ([]ingest.Status, error)
}

func sources(mux *http.ServeMux, s Sources) {
	mux.HandleFunc("GET /local/sources", reply(func(r *http.Request) (any, error) { return s.Sources(r.Context()) }))
}

// Sources implements [Sources].
func (c *Client) Sources(ctx context.Context) ([]ingest.Status, error) {
	var out []ingest.Status
	err := c.do(ctx, http.MethodGet, "/local/sources", nil, &out)
	return out, err
}
