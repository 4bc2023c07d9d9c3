package rest

import (
	"net/http"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// userView is one user of a broker and where they are set.
type userView struct{ api.BrokerUserView }

func (v userView) tag() string { return versionTag(v.Version) }

func brokerUsers(s *server, r *http.Request) (any, error) {
	list, err := s.BrokerUsers(r.Context(), r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func addBrokerUser(s *server, r *http.Request) (any, error) { return putBrokerUser(s, r, true) }

func replaceBrokerUser(s *server, r *http.Request) (any, error) { return putBrokerUser(s, r, false) }

func putBrokerUser(s *server, r *http.Request, isNew bool) (any, error) {
	var p api.BrokerUserPut
	if err := decode(r, &p); err != nil {
		return nil, err
	}
	if err := changeOf(r, &p.Change); err != nil {
		return nil, err
	}
	if name := r.PathValue("id"); !isNew && p.Config.Name != name {
		return nil, fault.New(fault.Invalid, "the user is called %.100q there and %.100q here", name, p.Config.Name).WithHint("a name is for good: remove the user and make another")
	}
	p.Broker, p.New = r.PathValue("name"), isNew
	v, err := s.PutBrokerUser(r.Context(), p)
	return userView{v}, err
}

func dropBrokerUser(s *server, r *http.Request) (any, error) {
	c, err := changeAsked(r)
	if err != nil {
		return nil, err
	}
	v, err := s.RemoveBrokerUser(r.Context(), api.BrokerUserDeed{Change: c, Broker: r.PathValue("name"), Name: r.PathValue("id")})
	return userView{v}, err
}

// brokerRoutes lists the operations on users of our brokers.
func brokerRoutes(page []param) []Route {
	return []Route{
		{"GET /api/v1/settings/brokers/{name}/users", authz.SettingsRead, "who may connect to a broker of ours and publish and subscribe to what, and where that is set; never a password", brokerUsers, false, shapes{nil, of[Page[api.BrokerUserView]](), page}},
		{"POST /api/v1/settings/brokers/{name}/users", authz.SourcesWrite, "add a user of a broker; a password that is made is in the answer, once", addBrokerUser, false, shapes{of[api.BrokerUserPut](), of[userView](), nil}},
		{"PUT /api/v1/settings/brokers/{name}/users/{id}", authz.SourcesWrite, "change what a user of a broker may do, or with renew: true the password; their connections end", replaceBrokerUser, false, shapes{of[api.BrokerUserPut](), of[userView](), nil}},
		{"DELETE /api/v1/settings/brokers/{name}/users/{id}", authz.SourcesWrite, "remove a user of a broker; their connections and sessions end", dropBrokerUser, false, shapes{nil, of[userView](), dropped()}},
	}
}
