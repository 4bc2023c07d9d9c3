package rest

import (
	"net/http"

	"vedette/internal/api"
)

func zonePolicy(s *server, r *http.Request) (any, error) { return s.ZonePolicy(r.Context()) }

// draftPolicy hands out who talks to whom, so it is on record who took it.
func draftPolicy(s *server, r *http.Request) (any, error) {
	f, err := s.DraftPolicy(r.Context(), r.URL.Query().Get("last"))
	if err != nil {
		return nil, err
	}
	if err := s.RecordRead(r.Context(), api.ReadCall{Person: person(r).Name, Door: "rest", Tool: "conduits.draft", Bytes: len(f.Data)}); err != nil {
		return nil, err
	}
	return file{f.Name, f.Kind, f.Data}, nil
}
