package account

import (
	"context"
	"slices"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// zonesNow are zones by the names that they have.
func (a *Accounts) zonesNow(zones []string) []string {
	if a.cfg.Zone == nil || len(zones) == 0 {
		return zones
	}
	out := make([]string, 0, len(zones))
	for _, z := range zones {
		if z = a.cfg.Zone(z); !slices.Contains(out, z) {
			out = append(out, z)
		}
	}
	return out
}

// RenameZones lets the accounts and tokens that are limited to zones follow these to other
// names, former to new. commit writes the changes together with others, all or none; it
// is called again with new ones if an account changed meanwhile.
func (a *Accounts) RenameZones(ctx context.Context, now map[string]string, commit func(changes []store.Change) error) error {
	a.making.Lock()
	defer a.making.Unlock()
	var err error
	for range 3 { // tokens note their use without the lock
		var changes []store.Change
		if changes, err = a.zoneChanges(ctx, now); err != nil {
			return err
		}
		if err = commit(changes); fault.KindOf(err) != fault.Conflict || len(changes) == 0 {
			return err
		}
	}
	return err
}

// renamedZones are zones by other names, and whether that changes them.
func renamedZones(zones []string, now map[string]string) (next []string, changed bool) {
	next = []string{}
	for _, z := range zones {
		if is, ok := now[z]; ok {
			z, changed = is, true
		}
		if !slices.Contains(next, z) {
			next = append(next, z)
		}
	}
	return next, changed
}

func (a *Accounts) zoneChanges(ctx context.Context, now map[string]string) ([]store.Change, error) {
	users, err := list[user](ctx, a.cfg.Records, userKind)
	if err != nil {
		return nil, err
	}
	var out []store.Change
	for i := range users {
		if _, changes := renamedZones(users[i].Zones, now); !changes {
			continue
		}
		u, version, err := a.user(ctx, users[i].Name)
		if err != nil {
			return nil, err
		}
		u.Zones, _ = renamedZones(u.Zones, now)
		put, err := change(userKind, u.Name, version, u)
		if err != nil {
			return nil, err
		}
		out = append(out, put)
	}
	ofTokens, err := a.tokenZoneChanges(ctx, now)
	return append(out, ofTokens...), err
}

func (a *Accounts) tokenZoneChanges(ctx context.Context, now map[string]string) ([]store.Change, error) {
	tokens, err := list[token](ctx, a.cfg.Records, tokenKind)
	if err != nil {
		return nil, err
	}
	var out []store.Change
	for i := range tokens {
		if _, changes := renamedZones(tokens[i].Zones, now); !changes {
			continue
		}
		t, version, err := get[token](ctx, a.cfg.Records, tokenKind, tokens[i].Hash)
		if fault.KindOf(err) == fault.NotFound {
			continue // revoked
		}
		if err != nil {
			return nil, err
		}
		t.Zones, _ = renamedZones(t.Zones, now)
		put, err := change(tokenKind, t.Hash, version, t)
		if err != nil {
			return nil, err
		}
		out = append(out, put)
	}
	return out, nil
}
