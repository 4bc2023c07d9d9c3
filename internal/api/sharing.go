package api

import (
	"context"
	"net/http"

	"vedette/internal/intel/share"
)

// ShareRequest asks for what this site shares of its own sightings, in a file.
type ShareRequest struct {
	Actor      string `json:"actor"`
	Collection string `json:"collection,omitempty"` // "": the first
}

// ShareFile is that file, a STIX bundle.
type ShareFile struct {
	File
	Objects   int        `json:"objects"`
	Sightings int        `json:"sightings"`
	Left      share.Left `json:"left"`
}

// Sharing tells others of our own sightings.
type Sharing interface {
	// ShareSightings puts a collection into a file. That it did is in the journal.
	ShareSightings(ctx context.Context, req ShareRequest) (ShareFile, error)
}

func sharing(mux *http.ServeMux, s Sharing) {
	mux.HandleFunc("POST /local/intel/sightings", reply(func(r *http.Request) (any, error) {
		var req ShareRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.ShareSightings(r.Context(), req)
	}))
}

// ShareSightings implements [Sharing].
func (c *Client) ShareSightings(ctx context.Context, req ShareRequest) (ShareFile, error) {
	var out ShareFile
	err := c.post(ctx, "/local/intel/sightings", req, &out)
	return out, err
}
