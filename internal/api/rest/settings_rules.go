package rest

import (
	"context"
	"net/http"

	"vedette/internal/api"
	"vedette/internal/fault"
)

// ruleView is one rule.
type ruleView struct{ api.RuleView }

func (v ruleView) tag() string { return versionTag(v.Version) }

func ruleList(s *server, r *http.Request) (any, error) {
	list, err := s.Rules(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func oneRule(s *server, r *http.Request) (any, error) {
	v, err := s.Rule(r.Context(), r.PathValue("id"))
	return ruleView{v}, err
}

func putRule(s *server, r *http.Request) (any, error) {
	var p api.RulePut
	if err := decode(r, &p); err != nil {
		return nil, err
	}
	if err := changeOf(r, &p.Change); err != nil {
		return nil, err
	}
	v, err := s.PutRule(r.Context(), p)
	return ruleView{v}, err
}

// ruleState is what is asked of a rule.
type ruleState struct {
	Do    string `json:"do"` // enable or disable
	Why   string `json:"why,omitempty"`
	Check bool   `json:"check,omitempty"`
}

func setRuleState(s *server, r *http.Request) (any, error) {
	var b ruleState
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	if b.Do != "enable" && b.Do != "disable" {
		return nil, fault.New(fault.Invalid, "do is %.20q", b.Do).WithHint("enable or disable")
	}
	d := api.RuleDeed{Change: api.Change{Why: b.Why, Check: b.Check}, ID: r.PathValue("id"), Do: b.Do}
	if err := changeOf(r, &d.Change); err != nil {
		return nil, err
	}
	v, err := s.ChangeRule(r.Context(), d)
	return ruleView{v}, err
}

func dropRule(s *server, r *http.Request) (any, error) {
	d := api.RuleDeed{Change: api.Change{Why: r.URL.Query().Get("why")}, ID: r.PathValue("id"), Do: "remove"}
	if err := changeOf(r, &d.Change); err != nil {
		return nil, err
	}
	if _, err := s.ChangeRule(r.Context(), d); err != nil {
		return nil, err
	}
	return done{"the rule " + d.ID + " is removed"}, nil
}

// tryRule shows stored events to a rule: as a stream of "progress" and "done", or
// in one answer. Whoever leaves ends it.
func tryRule(s *server, r *http.Request) (any, error) {
	var q api.RuleTry
	if err := decode(r, &q); err != nil {
		return nil, err
	}
	if !wantsStream(r) {
		return s.TryRule(r.Context(), q)
	}
	return stream(func(ctx context.Context, tell func(string, any) error) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		q.Told = func(p api.RuleTryProgress) {
			if err := tell("progress", p); err != nil {
				cancel(err)
			}
		}
		done, err := s.TryRule(ctx, q)
		if err != nil {
			return err
		}
		return tell("done", done)
	}), nil
}
