package app

import (
	"context"
	"encoding/json"
	"fmt"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/route"
	"vedette/internal/store"
)

// routes keeps what conversations have met as records, so that one that met
// restricted data stays on the premises in the next command too.
type routes struct{ records store.Records }

const routeKind = "model_route"

type keptRoute struct {
	Secrecy string `json:"secrecy"`
	Highest string `json:"highest"`
	Rule    string `json:"rule,omitempty"`
}

// State implements guard.Memory. A record that cannot be read is an error: what
// it said may have been strict.
func (r routes) State(ctx context.Context, conversation string) (route.State, bool, error) {
	s, _, err := r.load(ctx, conversation)
	if fault.KindOf(err) == fault.NotFound {
		return route.State{}, false, nil
	}
	return s, err == nil, err
}

// Keep implements guard.Memory.
func (r routes) Keep(ctx context.Context, conversation string, s route.State) error {
	old, version, err := r.load(ctx, conversation)
	switch {
	case err == nil:
		s = old.Join(s)
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	data, err := json.Marshal(keptRoute{Secrecy: s.Secrecy.String(), Highest: string(s.Highest), Rule: s.Rule})
	if err != nil {
		return fmt.Errorf("writing what a conversation met: %w", err)
	}
	return r.records.Update(ctx, store.Change{Kind: routeKind, ID: conversation, Version: version, JSON: data})
}

func (r routes) load(ctx context.Context, conversation string) (route.State, int64, error) {
	rec, err := r.records.Get(ctx, routeKind, conversation)
	if err != nil {
		return route.State{}, 0, err
	}
	var k keptRoute
	if err := json.Unmarshal(rec.JSON, &k); err != nil {
		return route.State{}, 0, fault.Wrap(fault.Internal, err, "reading what the conversation %s met", conversation)
	}
	secrecy, ok := event.ParseConfidentiality(k.Secrecy)
	if !ok || k.Secrecy == "" {
		secrecy = event.IsRestricted
	}
	return route.State{Secrecy: secrecy, Highest: route.Ceiling(model.Location(k.Highest)), Rule: k.Rule}, rec.Version, nil
}
