// Package problem writes errors for programs as RFC 9457 has it, and reads JSON
// bodies strictly, alike at every door of the network.
//
// It must not decide who may see what: an error shows its public text and hint,
// and causes stay inside.
package problem

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"vedette/internal/fault"
)

// Status maps a kind of failure to the HTTP status that every door uses.
func Status(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
	}
	return http.StatusInternalServerError
}

// Details are the members of an application/problem+json document, RFC 9457
// section 3.1, and two of our own.
type Details struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Hint     string `json:"hint,omitempty"` // what to do
	Kind     string `json:"kind"`
	Instance string `json:"instance,omitempty"` // the path of the request
}

// Write answers a request with an error. A body that was too long is 413,
// whatever became of it.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	status := Status(fault.KindOf(err))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	}
	if status == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "5")
	}
	WriteAs(w, r, status, err)
}

// WriteAs is Write with a status of its own.
func WriteAs(w http.ResponseWriter, r *http.Request, status int, err error) {
	text, hint := fault.Public(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Details{"about:blank", http.StatusText(status), status, text, hint, fault.KindOf(err).String(), r.URL.Path}) // the client has gone if this fails
}

// Decode reads a body that is one JSON value of at most limit bytes without
// unknown fields. It asks for the JSON media type, which a form of another site
// cannot send.
func Decode(w http.ResponseWriter, r *http.Request, limit int64, out any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return fault.New(fault.Invalid, "the request's body must be JSON").WithHint("send the header Content-Type: application/json")
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return unreadable(err, limit)
	}
	switch _, err := dec.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return unreadable(err, limit)
	}
	return fault.New(fault.Invalid, "the request's body has more than one value")
}

func unreadable(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fault.Wrap(fault.Limited, err, "the request's body has more than %d bytes", limit)
	}
	return fault.Wrap(fault.Invalid, err, "reading the request's body").WithHint("see docs/api.md for what it takes")
}
