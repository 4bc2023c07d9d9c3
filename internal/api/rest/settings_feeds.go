package rest

import (
	"net/http"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// feedView is one feed that is pulled and where it is set.
type feedView struct{ api.PullView }

func (v feedView) tag() string { return versionTag(v.Version) }

func configuredFeeds(s *server, r *http.Request) (any, error) {
	list, err := s.ConfiguredPulls(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func configuredFeed(s *server, r *http.Request) (any, error) {
	list, err := s.ConfiguredPulls(r.Context())
	for _, v := range list {
		if v.Config.Name == r.PathValue("name") && v.Rests == "" {
			return feedView{v}, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no feed %.100q that is pulled", r.PathValue("name"))
	}
	return nil, err
}

func addFeed(s *server, r *http.Request) (any, error) { return putFeed(s, r, true) }

func replaceFeed(s *server, r *http.Request) (any, error) { return putFeed(s, r, false) }

func putFeed(s *server, r *http.Request, isNew bool) (any, error) {
	var p api.PullPut
	if err := decode(r, &p); err != nil {
		return nil, err
	}
	if err := changeOf(r, &p.Change); err != nil {
		return nil, err
	}
	if name := r.PathValue("name"); !isNew && p.Config.Name != name {
		return nil, fault.New(fault.Invalid, "the feed is called %.100q there and %.100q here", name, p.Config.Name).WithHint("a name is for good: remove it and make another")
	}
	p.New = isNew
	v, err := s.PutPull(r.Context(), p)
	return feedView{v}, err
}

func dropPull(s *server, r *http.Request) (any, error) {
	c, err := changeAsked(r)
	if err != nil {
		return nil, err
	}
	v, err := s.ChangePull(r.Context(), api.PullDeed{Change: c, Name: r.PathValue("name"), Do: "remove"})
	return feedView{v}, err
}

// feedBody pauses or resumes a feed.
type feedBody struct {
	Do  string `json:"do"` // pause or resume
	Why string `json:"why,omitempty"`
}

func feedState(s *server, r *http.Request) (any, error) {
	var b feedBody
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	if b.Do != "pause" && b.Do != "resume" {
		return nil, fault.New(fault.Invalid, "do is %.20q", b.Do).WithHint("pause or resume")
	}
	d := api.PullDeed{Change: api.Change{Why: b.Why}, Name: r.PathValue("name"), Do: b.Do}
	if err := changeOf(r, &d.Change); err != nil {
		return nil, err
	}
	v, err := s.ChangePull(r.Context(), d)
	return feedView{v}, err
}

// feedRoutes lists the operations on what is pulled.
func feedRoutes(page []param) []Route {
	return []Route{
		{"GET /api/v1/settings/feeds", authz.SettingsRead, "the feeds that are pulled as they are set, where, and how they are", configuredFeeds, false, shapes{nil, of[Page[api.PullView]](), page}},
		{"POST /api/v1/settings/feeds", authz.FeedsWrite, "add a feed that is pulled; with check: true tell what would happen, with fetch: true ask it for the head of its answer", addFeed, false, shapes{of[api.PullPut](), of[feedView](), nil}},
		{"GET /api/v1/settings/feeds/{name}", authz.SettingsRead, "one feed that is pulled as it is set", configuredFeed, false, shapes{nil, of[feedView](), nil}},
		{"PUT /api/v1/settings/feeds/{name}", authz.FeedsWrite, "change a feed that is pulled; with check: true tell what would happen", replaceFeed, false, shapes{of[api.PullPut](), of[feedView](), nil}},
		{"DELETE /api/v1/settings/feeds/{name}", authz.FeedsWrite, "pull a feed no more; what it gave is kept", dropPull, false, shapes{nil, of[feedView](), dropped()}},
		{"POST /api/v1/settings/feeds/{name}/state", authz.FeedsWrite, "pause or resume a feed, also one of the configuration", feedState, false, shapes{of[feedBody](), of[feedView](), nil}},
	}
}
