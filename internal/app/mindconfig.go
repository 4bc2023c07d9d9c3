package app

import (
	"vedette/internal/config"
	"vedette/internal/event"
	"vedette/internal/model"
	"vedette/internal/model/route"
)

// The endpoints that the section model, and the environment, name.
const (
	sectionEndpoint     = "default"
	environmentEndpoint = "environment"
)

// endpointsOf are the models that are configured. One that whoever started this
// process named by variables is the only one: that is the model of this process.
func endpointsOf(c config.Config) []model.Endpoint {
	single := model.Endpoint{Name: sectionEndpoint, Wire: model.OpenAI, URL: c.Model.URL, Model: c.Model.Name, KeyFile: c.Model.KeyFile, Location: model.Location(c.Model.Location)}
	if c.Model.URL != "" && c.Model.FromEnv {
		single.Name = environmentEndpoint
		return []model.Endpoint{single}
	}
	var out []model.Endpoint
	for _, e := range c.Models.Endpoints {
		out = append(out, endpointOf(e))
	}
	if c.Model.URL != "" {
		out = append(out, single)
	}
	return out
}

// endpointOf is one endpoint of the configuration.
func endpointOf(e config.ModelEndpoint) model.Endpoint {
	at := model.Endpoint{
		Name: e.Name, Wire: model.Wire(e.Wire), URL: e.URL, Model: e.Model, KeyFile: e.KeyFile, Location: model.Location(e.Location), Family: e.Family,
		Context: e.Context, KeyHeader: e.KeyHeader, CAFile: e.CAFile, Terms: model.Terms(e.Terms),
		Price:  model.Price{In: float64(e.Price.In), Out: float64(e.Price.Out), Currency: e.Price.Currency},
		Limits: model.Limits{Total: e.Limits.Total.Std(), First: e.Limits.First.Std(), Idle: e.Limits.Idle.Std(), Answer: int64(e.Limits.Answer)},
	}
	if at.Wire == "" {
		at.Wire = model.OpenAI
	}
	for _, n := range e.Networks {
		at.Networks = append(at.Networks, n.Prefix)
	}
	return at
}

// modesOf are the modes by the words of the configuration.
func modesOf() map[string]route.Mode {
	return map[string]route.Mode{"off": route.Off, "on-premises": route.OnPremises, "cloud": route.Cloud, "hybrid": route.Hybrid}
}

// ruleOf is one rule of the configuration.
func ruleOf(r config.ModelRule) route.Rule {
	return route.Rule{Name: r.Name, Zones: r.Zones, Types: r.Types, Sources: r.Sources, TLP: r.TLP, Tasks: r.Tasks, Highest: model.Location(r.Highest)}
}

// mindOf is what may be asked of them.
func mindOf(c config.Config) Mind {
	m := Mind{Redact: c.Models.Redact, SigningKeys: c.Models.Keys, RequireSigned: c.Models.Signed}
	m.Policy.Mode = modesOf()[c.Models.Mode]
	if m.Policy.Mode == "" {
		m.Policy.Mode = route.Off
	}
	m.Questions, _ = event.ParseConfidentiality(c.Models.Questions) // an odd word is the strictest
	for _, r := range c.Models.Policy.Rules {
		m.Policy.Rules = append(m.Policy.Rules, ruleOf(r))
	}
	m.Policy.Require = route.Require(c.Models.Policy.Require)
	for _, b := range c.Models.Budgets {
		m.Budgets = append(m.Budgets, Budget{
			Name: b.Name, Person: b.Person, Endpoint: b.Endpoint, Calls: b.Calls, Tokens: b.Tokens, Time: b.Time.Std(), Money: float64(b.Money), Currency: b.Currency,
		})
	}
	if c.Model.URL != "" && c.Model.FromEnv {
		m.Chosen = environmentEndpoint
	}
	return m
}
