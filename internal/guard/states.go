package guard

import (
	"context"
	"sync"

	"vedette/internal/event"
	"vedette/internal/model"
	"vedette/internal/model/route"
)

// maxStates bounds the conversations that are remembered in memory.
const maxStates = 10_000

// states is a [Memory] that ends with the process. Nothing is ever forgotten, as
// that would widen: when it is full, a conversation that it does not know is
// taken for one that met restricted data.
type states struct {
	mu sync.Mutex
	by map[string]route.State
}

func newStates() *states { return &states{by: map[string]route.State{}} }

// State implements [Memory].
func (s *states) State(_ context.Context, conversation string) (route.State, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, ok := s.by[conversation]
	if !ok && len(s.by) >= maxStates {
		return route.State{Secrecy: event.IsRestricted, Highest: model.OnPremises, Rule: "too many conversations are open to remember what this one met"}, true, nil
	}
	return got, ok, nil
}

// Keep implements [Memory].
func (s *states) Keep(_ context.Context, conversation string, state route.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.by[conversation]; ok {
		state = old.Join(state)
	} else if len(s.by) >= maxStates {
		return nil // State says the strictest of it
	}
	s.by[conversation] = state
	return nil
}
