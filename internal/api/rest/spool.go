package rest

import (
	"net/http"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// spoolRoutes are about payloads that the program failed on. They may hold anything
// of any zone, so only who may change sources sees them.
func spoolRoutes(page []param) []Route {
	return []Route{
		{"GET /api/v1/spool/aside", authz.SourcesWrite, "list payloads of live sources that the program failed on, and why", setAside, false, shapes{nil, of[Page[api.AsidePayload]](), page}},
		{"GET /api/v1/spool/aside/{id}", authz.SourcesWrite, "the beginning of one payload that is set aside, escaped", showAside, false, shapes{nil, of[api.AsideShown](), nil}},
		{"POST /api/v1/spool/replay", authz.SourcesWrite, "read payloads that are set aside again; what is stored of them already is not stored twice, what fails again stays", replayAside, false, shapes{of[api.AsideWish](), of[api.AsideReplayed](), nil}},
		{"POST /api/v1/spool/drop", authz.SourcesWrite, "delete payloads that are set aside, with how many they are and a reason", dropAside, false, shapes{of[api.AsideWish](), of[api.AsideDropped](), nil}},
	}
}

func setAside(s *server, r *http.Request) (any, error) {
	list, err := s.SetAside(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func showAside(s *server, r *http.Request) (any, error) {
	return s.ShowAside(r.Context(), r.PathValue("id"))
}

func asideWish(r *http.Request) (api.AsideWish, error) {
	var w api.AsideWish
	if err := decode(r, &w); err != nil {
		return w, err
	}
	if w.Actor != "" {
		return w, fault.New(fault.Invalid, "who asks is known: leave actor out")
	}
	w.Actor = person(r).Name
	return w, nil
}

func replayAside(s *server, r *http.Request) (any, error) {
	w, err := asideWish(r)
	if err != nil {
		return nil, err
	}
	return s.ReplayAside(r.Context(), w)
}

func dropAside(s *server, r *http.Request) (any, error) {
	w, err := asideWish(r)
	if err != nil {
		return nil, err
	}
	return s.DropAside(r.Context(), w)
}
