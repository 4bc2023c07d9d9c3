package app

import (
	"slices"
	"sync"

	"vedette/internal/guard"
	"vedette/internal/guard/neutral"
	"vedette/internal/model"
	"vedette/internal/model/family"
)

// neutralisers keeps one neutraliser for each endpoint: making it anew takes
// longer than a call may, where a model has thousands of control tokens.
type neutralisers struct {
	mu   sync.Mutex
	made map[string]madeNeutral // by endpoint; there are as many as are configured
}

type madeNeutral struct {
	of string // family, and the digest of the model's files
	by *neutral.Neutraliser
}

// neutraliser knows the control tokens of an endpoint's model: those of its
// family, and those that the header of its files has.
func (a *App) neutraliser(e model.Endpoint) guard.Neutraliser {
	digest, tokens := a.models.Control(e)
	of := e.Family + " " + digest
	n := &a.minds.neutral
	n.mu.Lock()
	defer n.mu.Unlock()
	if m, ok := n.made[e.Name]; ok && m.of == of {
		return m.by
	}
	f, _ := family.Named(e.Family)
	by := neutral.New(append(slices.Clone(f.Control), tokens...))
	if n.made == nil {
		n.made = map[string]madeNeutral{}
	}
	n.made[e.Name] = madeNeutral{of, by}
	return by
}
