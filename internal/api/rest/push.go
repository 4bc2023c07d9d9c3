package rest

import (
	"compress/gzip"
	"io"
	"net/http"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest/bulk"
)

// take reads a file or log as vedette ingest does. The answer comes when all of
// it is stored; the same bytes again store nothing new.
func take(s *server, r *http.Request) (any, error) {
	v := r.URL.Query()
	name := v.Get("name")
	if name == "" {
		name = "upload of " + person(r).Name
	}
	body := http.MaxBytesReader(nil, r.Body, maxIngest)
	filter, format := v.Get("filter"), v.Get("format")
	switch {
	case filter == "":
		return s.IngestStream(r.Context(), body, name, format, time.Time{})
	case format != "" && format != "capture":
		return nil, fault.New(fault.Invalid, "a filter is for captures of packets, not for the format %.40q", format).WithHint("leave one of the two out")
	}
	return s.IngestCapture(r.Context(), body, name, filter, time.Time{})
}

// maxKey is the longest idempotency key.
const maxKey = 128

// push puts the lines of a body into the spool, and answers when they survive a
// kill. Header Idempotency-Key: the same body with the same key is stored once.
// Content-Encoding: gzip is understood. 429 says that the spool is full.
func push(s *server, r *http.Request) (any, error) {
	from := bulk.Sender{Peer: person(r).ID, Format: r.URL.Query().Get("format"), Key: r.Header.Get("Idempotency-Key")}
	if len(from.Key) > maxKey {
		return nil, fault.New(fault.Invalid, "the idempotency key has %d bytes", len(from.Key)).WithHint("at most %d", maxKey)
	}
	body, err := unzipped(r, maxIngest)
	if err != nil {
		return nil, err
	}
	return s.TakeBulk(r.Context(), body, from)
}

// unzipped is a body of at most so many bytes, as it is and as it unfolds.
func unzipped(r *http.Request, most int64) (io.Reader, error) {
	body := http.MaxBytesReader(nil, r.Body, most)
	switch kind := r.Header.Get("Content-Encoding"); kind {
	case "", "identity":
		return body, nil
	case "gzip":
		zip, err := gzip.NewReader(body)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the body is not gzip")
		}
		return http.MaxBytesReader(nil, zip, most), nil
	default:
		return nil, fault.New(fault.Invalid, "bodies of encoding %.40q are not understood", kind).WithHint("send them plain or as gzip")
	}
}
