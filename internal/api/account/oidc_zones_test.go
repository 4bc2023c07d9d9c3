package account_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"vedette/internal/api/account"
	"vedette/internal/api/account/provider"
	"vedette/internal/authz"
	"vedette/internal/store"
	"vedette/internal/store/memory"
)

// names are zones that have other names by now, as the settings keep them.
type names struct {
	mu  sync.Mutex
	now map[string]string
}

func (n *names) of(zone string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if is, ok := n.now[zone]; ok {
		return is
	}
	return zone
}

func (n *names) set(now map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = now
}

// Groups of the provider give zones by the names that the configuration has: the name
// that a zone had when it was written, or the one that it has now. Both mean the same
// zone, before and after a sign-in, and nobody sees all for a name that is none.
func TestOIDCZonesThatWereRenamed(t *testing.T) {
	p, records, called := newIDP(t), memory.NewRecords(), &names{}
	s := open(t, func(c *account.Config) { c.Records, c.Zone = records, called.of }, p.with(func(c *provider.Config) {
		c.Zones = map[string][]string{"old": {"press"}, "new": {"stamping"}, "both": {"press", "stamping"}, "other": {"paint"}, "more": {"paint", "press"}}
	}))
	enter := func(who, group string) string {
		t.Helper()
		p.person(who, map[string]any{"preferred_username": who, "groups": []string{"ot-analysts", group}})
		return cookieOf(s.outside(p, 200))
	}
	sees := func(when, session, want string) {
		t.Helper()
		if got := fmt.Sprint(s.me(session).Zones); got != want {
			t.Errorf("%s: zones %s, want %s", when, got, want)
		}
	}
	rename := func(from, to string, now map[string]string) {
		t.Helper()
		err := s.a.RenameZones(t.Context(), map[string]string{from: to}, func(changes []store.Change) error {
			return records.Update(context.WithoutCancel(t.Context()), changes...)
		})
		if err != nil {
			t.Fatal(err)
		}
		called.set(now)
	}
	ann, bob := enter("ann", "old"), enter("bob", "more")
	sees("before", ann, "[press]")
	sees("before, of two zones", bob, "[paint press]")

	rename("press", "stamping", map[string]string{"press": "stamping"})
	sees("a session goes on", ann, "[stamping]")
	sees("a session of two zones goes on", bob, "[paint stamping]")
	sets := s.recorded(`"user.set"`)
	for who, c := range map[string][2]string{"ann": {"old", "[stamping]"}, "carl": {"old", "[stamping]"}, "dora": {"new", "[stamping]"}, "eve": {"both", "[stamping]"}, "fred": {"other", "[paint]"}, "bob": {"more", "[paint stamping]"}} {
		sees(who+" after", enter(who, c[0]), c[1])
	}
	if got := s.recorded(`"user.set"`); got != sets {
		t.Errorf("%d accounts were called changed by signing in under the name before", got-sets)
	}
	dora := enter("dora", "old")
	sees("by the new name first, by the old one then", dora, "[stamping]")
	sees("to a group of another zone", enter("dora", "other"), "[paint]")
	sees("and the session before", dora, "[paint]")

	rename("stamping", "hall", map[string]string{"press": "hall", "stamping": "hall"})
	for _, group := range []string{"old", "new", "both"} {
		sees("twice renamed, by "+group, enter("gus", group), "[hall]")
	}

	rename("hall", "press", map[string]string{}) // taken back
	sees("taken back, by the old name", enter("ann", "old"), "[press]")
	hal := enter("hal", "new") // a name that no zone has any more: nothing, and not all
	sees("taken back, by the name between", hal, "[stamping]")
	if who := s.me(hal); len(who.Zones) == 0 || who.Kind != authz.Person {
		t.Errorf("a name that is none: %+v", who)
	}
}
