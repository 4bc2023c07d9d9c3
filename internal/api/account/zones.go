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

func (a *Accounts) zoneChanges(ctx context.Context, now map[string]string) ([]store.Change, error) {
	var out []store.Change
	renamed := func(zones []string) ([]string, bool) {
		next, changed := []string{}, false
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
	users, err := list[user](ctx, a.cfg.Records, userKind)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if _, changes := renamed(u.Zones); !changes {
			continue
		}
		u, version, err := a.user(ctx, u.Name)
		if err != nil {
			return nil, err
		}
		u.Zones, _ = renamed(u.Zones)
		put, err := change(userKind, u.Name, version, u)
		if err != nil {
			return nil, err
		}
		out = append(out, put)
	}
	tokens, err := list[token](ctx, a.cfg.Records, tokenKind)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		if _, changes := renamed(t.Zones); !changes {
			continue
		}
		t, version, err := get[token](ctx, a.cfg.Records, tokenKind, t.Hash)
		if fault.KindOf(err) == fault.NotFound {
			continue // revoked
		}
		if err != nil {
			return nil, err
		}
		t.Zones, _ = renamed(t.Zones)
		put, err := change(tokenKind, t.Hash, version, t)
		if err != nil {
			return nil, err
		}
		out = append(out, put)
	}
	return out, nil
}
