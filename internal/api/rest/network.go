package rest

import (
	"net/http"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	typed "vedette/internal/query"
)

// crossings tells what the devices of some zones exchange with other zones; of who is
// limited, his zones.
func crossings(s *server, r *http.Request) (any, error) {
	ask := r.URL.Query()
	wish := api.CrossingWish{Zones: ask["zone"]}
	if len(wish.Zones) == 0 && len(person(r).Zones) == 0 {
		return nil, fault.New(fault.Invalid, "no zone is named").WithHint("zone=NAME, which may come several times")
	}
	var err error
	if wish.Span, err = lastOf(r); err != nil {
		return nil, err
	}
	got, err := s.Crossings(r.Context(), wish)
	return Page[api.Crossing]{Rows: got.List, Total: got.Total}, err
}

// passages tells what passes between zones and what the site's policy says of it; of
// who is limited, what has an end in his zones.
func passages(s *server, r *http.Request) (any, error) {
	span, err := lastOf(r)
	if err != nil {
		return nil, err
	}
	return s.Passages(r.Context(), api.PassageWish{Zones: r.URL.Query()["zone"], Span: span})
}

// lastOf reads a time before the newest event; 0: all that is stored.
func lastOf(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("last")
	if text == "" {
		return 0, nil
	}
	span, err := typed.ParseDuration(text)
	if err != nil {
		return 0, fault.Wrap(fault.Invalid, err, "reading last").WithHint("such as 24h or 7d")
	}
	return span, nil
}
