package rest

import (
	"net/http"

	"vedette/internal/api"
)

// limitsView is what bounds the program.
type limitsView struct{ api.LimitsInForce }

func (v limitsView) tag() string { return versionTag(v.Version) }

func limits(s *server, r *http.Request) (any, error) {
	v, err := s.Limits(r.Context())
	return limitsView{v}, err
}

func setLimits(s *server, r *http.Request) (any, error) {
	var c api.LimitsChange
	if err := decode(r, &c); err != nil {
		return nil, err
	}
	if err := changeOf(r, &c.Change); err != nil {
		return nil, err
	}
	v, err := s.SetLimits(r.Context(), c)
	return limitsView{v}, err
}
