package api

import (
	"context"
	"net/http"
)

// ReadCall is one reading by a program that may hand what it reads on to a
// model: who it runs for, through which door, what it calls itself, which tool
// it used, and how many bytes it was given.
type ReadCall struct {
	Person string `json:"person"`
	Door   string `json:"door"`
	Client string `json:"client,omitempty"` // its own word
	Tool   string `json:"tool"`
	Bytes  int    `json:"bytes"`
}

// Access keeps the record of readings by programs.
type Access interface {
	// RecordRead returns when the reading is in the audit journal. What cannot
	// be recorded must not be given.
	RecordRead(ctx context.Context, c ReadCall) error
}

func access(mux *http.ServeMux, s Access) {
	mux.HandleFunc("POST /local/access", reply(func(r *http.Request) (any, error) {
		var c ReadCall
		if err := decode(r, &c); err != nil {
			return nil, err
		}
		return struct{}{}, s.RecordRead(r.Context(), c)
	}))
}

// RecordRead implements [Access].
func (c *Client) RecordRead(ctx context.Context, call ReadCall) error {
	var none struct{}
	return c.post(ctx, "/local/access", call, &none)
}
