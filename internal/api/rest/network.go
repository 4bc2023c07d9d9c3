package rest

import (
	"net/http"

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
	if text := ask.Get("last"); text != "" {
		if wish.Span, err = typed.ParseDuration(text); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading last").WithHint("such as 24h or 7d")
		}
	}
	got, err := s.Crossings(r.Context(), wish)
	return Page[api.Crossing]{Rows: got.List, Total: got.Total}, err
}
