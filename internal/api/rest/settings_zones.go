package rest

import (
	"net/http"
	"slices"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// zoneView is one zone and where it is set.
type zoneView struct{ api.ZoneView }

func (v zoneView) tag() string { return versionTag(v.Version) }

func configuredZones(s *server, r *http.Request) (any, error) {
	list, err := s.ConfiguredZones(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func configuredZone(s *server, r *http.Request) (any, error) {
	list, err := s.ConfiguredZones(r.Context())
	for _, v := range list {
		if v.Config.Name == r.PathValue("name") && v.Rests == "" {
			return zoneView{v}, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no zone %.100q", r.PathValue("name"))
	}
	return nil, err
}

func addZone(s *server, r *http.Request) (any, error) { return putZone(s, r, true) }

func replaceZone(s *server, r *http.Request) (any, error) { return putZone(s, r, false) }

func putZone(s *server, r *http.Request, isNew bool) (any, error) {
	var p api.ZonePut
	if err := decode(r, &p); err != nil {
		return nil, err
	}
	if err := changeOf(r, &p.Change); err != nil {
		return nil, err
	}
	if name := r.PathValue("name"); !isNew && p.Config.Name != name {
		return nil, fault.New(fault.Invalid, "the zone is called %.100q there and %.100q here", name, p.Config.Name).WithHint("another name is given by POST to its path with /name behind it")
	}
	p.New = isNew
	v, err := s.PutZone(r.Context(), p)
	s.fleet.drop() // its rows have zones
	return zoneView{v}, err
}

// changeAsked reads a change from the query, since not all clients send a body with
// DELETE.
func changeAsked(r *http.Request) (api.Change, error) {
	ask := r.URL.Query()
	c := api.Change{Why: ask.Get("why")}
	for key, into := range map[string]*bool{"check": &c.Check, "confirm": &c.Confirm} {
		text := ask.Get(key)
		if !slices.Contains([]string{"", "true", "false"}, text) {
			return c, fault.New(fault.Invalid, "%s is %.20q", key, text).WithHint("true or false")
		}
		*into = text == "true"
	}
	return c, changeOf(r, &c)
}

// dropped are the parameters of changeAsked.
func dropped() []param {
	return []param{{"why", "the reason, for journal and history"}, {"check", "true: tell what would happen and change nothing"}, {"confirm", "true: what it does to others is meant"}}
}

func dropZone(s *server, r *http.Request) (any, error) {
	c, err := changeAsked(r)
	if err != nil {
		return nil, err
	}
	v, err := s.RemoveZone(r.Context(), api.ZoneDeed{Change: c, Name: r.PathValue("name")})
	s.fleet.drop()
	return zoneView{v}, err
}

func renameZone(s *server, r *http.Request) (any, error) {
	var n api.ZoneRename
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	if err := changeOf(r, &n.Change); err != nil {
		return nil, err
	}
	n.Name = r.PathValue("name")
	v, err := s.RenameZone(r.Context(), n)
	s.fleet.drop() // its rows have zones
	return zoneView{v}, err
}

// zoneRoutes lists the operations on zones.
func zoneRoutes(page []param) []Route {
	return []Route{
		{"GET /api/v1/settings/zones", authz.SettingsRead, "the zones as they are set, where, and how many devices are in each", configuredZones, false, shapes{nil, of[Page[api.ZoneView]](), page}},
		{"POST /api/v1/settings/zones", authz.SettingsWrite, "add a zone, which counts at once; with check: true tell which devices, accounts and conduits it touches", addZone, false, shapes{of[api.ZonePut](), of[zoneView](), nil}},
		{"GET /api/v1/settings/zones/{name}", authz.SettingsRead, "one zone as it is set", configuredZone, false, shapes{nil, of[zoneView](), nil}},
		{"PUT /api/v1/settings/zones/{name}", authz.SettingsWrite, "change a zone; with check: true tell which devices, accounts and conduits that touches", replaceZone, false, shapes{of[api.ZonePut](), of[zoneView](), nil}},
		{"POST /api/v1/settings/zones/{name}/name", authz.SettingsWrite, "give a zone another name, with all that goes by it; with check: true tell what follows and what stays", renameZone, false, shapes{of[api.ZoneRename](), of[zoneView](), nil}},
		{"DELETE /api/v1/settings/zones/{name}", authz.SettingsWrite, "remove a zone that was set here, and tell what that touches", dropZone, false, shapes{nil, of[zoneView](), dropped()}},
	}
}
