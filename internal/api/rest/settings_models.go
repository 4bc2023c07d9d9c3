package rest

import (
	"net/http"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// modelView is one endpoint of a model and where it is set.
type modelView struct{ api.ModelServerView }

func (v modelView) tag() string { return versionTag(v.Version) }

// policyView is what may go to models.
type policyView struct{ api.ModelPolicy }

func (v policyView) tag() string { return versionTag(v.Version) }

func configuredModels(s *server, r *http.Request) (any, error) {
	list, err := s.ConfiguredModels(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func configuredModel(s *server, r *http.Request) (any, error) {
	list, err := s.ConfiguredModels(r.Context())
	for _, v := range list {
		if v.Config.Name == r.PathValue("name") && v.Rests == "" {
			return modelView{v}, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no endpoint %.100q of a model", r.PathValue("name"))
	}
	return nil, err
}

func addModel(s *server, r *http.Request) (any, error) { return putModel(s, r, true) }

func replaceModel(s *server, r *http.Request) (any, error) { return putModel(s, r, false) }

func putModel(s *server, r *http.Request, isNew bool) (any, error) {
	var p api.ModelServerPut
	if err := decode(r, &p); err != nil {
		return nil, err
	}
	if err := changeOf(r, &p.Change); err != nil {
		return nil, err
	}
	if name := r.PathValue("name"); !isNew && p.Config.Name != name {
		return nil, fault.New(fault.Invalid, "the endpoint is called %.100q there and %.100q here", name, p.Config.Name).WithHint("a name is for good: remove it and make another")
	}
	p.New = isNew
	v, err := s.PutModelServer(r.Context(), p)
	return modelView{v}, err
}

func dropModel(s *server, r *http.Request) (any, error) {
	c, err := changeAsked(r)
	if err != nil {
		return nil, err
	}
	v, err := s.ChangeModelServer(r.Context(), api.ModelServerDeed{Change: c, Name: r.PathValue("name"), Do: "remove"})
	return modelView{v}, err
}

// modelBody approves, retires or tests an endpoint.
type modelBody struct {
	Do  string `json:"do"` // approve, retire or test
	Why string `json:"why,omitempty"`
}

func modelState(s *server, r *http.Request) (any, error) {
	var b modelBody
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	if b.Do != "approve" && b.Do != "retire" && b.Do != "test" {
		return nil, fault.New(fault.Invalid, "do is %.20q", b.Do).WithHint("approve, retire or test")
	}
	d := api.ModelServerDeed{Change: api.Change{Why: b.Why}, Name: r.PathValue("name"), Do: b.Do}
	if err := changeOf(r, &d.Change); err != nil {
		return nil, err
	}
	v, err := s.ChangeModelServer(r.Context(), d)
	return modelView{v}, err
}

func modelPolicy(s *server, r *http.Request) (any, error) {
	p, err := s.ModelPolicy(r.Context())
	return policyView{p}, err
}

func setModelPolicy(s *server, r *http.Request) (any, error) {
	var c api.ModelPolicyChange
	if err := decode(r, &c); err != nil {
		return nil, err
	}
	if err := changeOf(r, &c.Change); err != nil {
		return nil, err
	}
	p, err := s.SetModelPolicy(r.Context(), c)
	return policyView{p}, err
}

// modelRoutes lists the operations on models and on what may go to them.
func modelRoutes(page []param) []Route {
	return []Route{
		{"GET /api/v1/settings/models", authz.SettingsRead, "the endpoints of models as they are set, where, and whether they are asked", configuredModels, false, shapes{nil, of[Page[api.ModelServerView]](), page}},
		{"POST /api/v1/settings/models", authz.ModelsWrite, "add an endpoint of a model; with check: true tell what would happen, with ask: true ask it a harmless question", addModel, false, shapes{of[api.ModelServerPut](), of[modelView](), nil}},
		{"GET /api/v1/settings/models/{name}", authz.SettingsRead, "one endpoint of a model as it is set", configuredModel, false, shapes{nil, of[modelView](), nil}},
		{"PUT /api/v1/settings/models/{name}", authz.ModelsWrite, "change an endpoint of a model; with check: true tell what would happen", replaceModel, false, shapes{of[api.ModelServerPut](), of[modelView](), nil}},
		{"DELETE /api/v1/settings/models/{name}", authz.ModelsWrite, "remove an endpoint of a model, and retire its approval", dropModel, false, shapes{nil, of[modelView](), dropped()}},
		{"POST /api/v1/settings/models/{name}/state", authz.ModelsWrite, "approve or retire the model of an endpoint, or ask it a harmless question", modelState, false, shapes{of[modelBody](), of[modelView](), nil}},
		{"GET /api/v1/settings/model-policy", authz.SettingsRead, "how far questions and data may go to models, and where that is set", modelPolicy, false, shapes{nil, of[policyView](), nil}},
		{"PUT /api/v1/settings/model-policy", authz.ModelsWrite, "set how far questions and data may go to models; with check: true tell what would happen", setModelPolicy, false, shapes{of[api.ModelPolicyChange](), of[policyView](), nil}},
	}
}
