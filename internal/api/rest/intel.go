package rest

import (
	"net/http"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
)

// done says that something was done that has nothing to show.
type done struct {
	Done string `json:"done"`
}

func dropFeed(s *server, r *http.Request) (any, error) {
	name := r.PathValue("name")
	if err := s.RemoveIntel(r.Context(), person(r).Name, name); err != nil {
		return nil, err
	}
	return done{"the feed " + name + " is forgotten"}, nil
}

func technique(s *server, r *http.Request) (any, error) {
	return s.Technique(r.Context(), r.PathValue("id"))
}

// pullBody says how to pull.
type pullBody struct {
	Fresh bool `json:"fresh,omitempty"` // as if for the first time
}

func pullNow(s *server, r *http.Request) (any, error) {
	var b pullBody
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	return s.Pull(r.Context(), api.PullRequest{Actor: person(r).Name, Name: r.PathValue("name"), Fresh: b.Fresh})
}

// maxWhy bounds a reason.
const maxWhy = 500

// allowBody changes the allow-list.
type allowBody struct {
	Values []string `json:"values"`
	Why    string   `json:"why"`
	Remove bool     `json:"remove,omitempty"`
}

func allowList(s *server, r *http.Request) (any, error) {
	list, err := s.AllowIntel(r.Context(), api.IntelAllow{})
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func allowValues(s *server, r *http.Request) (any, error) {
	var b allowBody
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	if len(b.Values) == 0 || len(b.Values) > maxLookups {
		return nil, fault.New(fault.Invalid, "%d values are given", len(b.Values)).WithHint("1 to %d", maxLookups)
	}
	if strings.TrimSpace(b.Why) == "" || len(b.Why) > maxWhy {
		return nil, fault.New(fault.Invalid, "why is missing, or longer than %d bytes", maxWhy).WithHint("say in a sentence why no feed counts for it, or counts again")
	}
	list, err := s.AllowIntel(r.Context(), api.IntelAllow{Actor: person(r).Name, Why: b.Why, Values: b.Values, Remove: b.Remove})
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func intelSeen(s *server, r *http.Request) (any, error) { return s.Seen(r.Context()) }
