package account

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"vedette/internal/authz"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// Session is one sign-in.
type Session struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"` // at the latest
	Address string    `json:"address"`
	Agent   string    `json:"agent"` // the browser's own word
	Current bool      `json:"current"`
}

type session struct {
	Session
	Hash    string `json:"hash"`
	UserUID string `json:"user_uid"`
}

const demoUser = "demo"

var badSignIn = fault.New(fault.Denied, "the name or the password is wrong").WithHint("whoever has no password gets a link from an administrator: vedette user link NAME")

// check tells whether the password is the account's. Wrong name and wrong
// password look the same, and take the same time.
func (a *Accounts) check(ctx context.Context, name, password, address string) (user, error) {
	name = normal(name)
	if !userName.MatchString(name) {
		name = "-"
	}
	if err := a.limits.begin(name, address); err != nil {
		a.failed.note("account", "account.signin_refused", name, map[string]string{"address": address, "why": "too many tries"})
		return user{}, err
	}
	u, _, err := get[user](ctx, a.cfg.Records, userKind, name)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return user{}, err
	}
	known := err == nil && !u.Disabled
	hash := u.Hash
	if !known {
		hash = ""
	}
	same, err := a.hashes.same(ctx, hash, password)
	if err != nil {
		return user{}, err
	}
	if !same || !known {
		object := "unknown account" // people type passwords into the field of the name
		if u.Name != "" {
			object = u.Name
		}
		a.failed.note("account", "account.signin_failed", object, map[string]string{"address": address})
		return user{}, badSignIn
	}
	a.limits.succeed(name, address)
	return u, nil
}

// SignIn checks the password and starts a session; it returns the cookie's
// value. An account that needs a passkey too gets no session by it: [Accounts.Begin].
func (a *Accounts) SignIn(ctx context.Context, name, password, address, agent string) (string, User, error) {
	u, err := a.check(ctx, name, password, address)
	if err != nil {
		return "", User{}, err
	}
	if a.needsPasskey(u) {
		return "", User{}, fault.New(fault.Conflict, "the account needs a passkey after the password").WithHint("sign in with a browser")
	}
	secret, err := a.start(ctx, u, address, agent)
	return secret, u.User, err
}

// start makes a session for a user who proved who it is.
func (a *Accounts) start(ctx context.Context, u user, address, agent string) (string, error) {
	return a.startBy(ctx, u, address, agent, nil)
}

// startBy makes a session together with other changes that belong to the sign-in,
// or none of them. The secret is always new: what a browser brought along is never
// taken over.
func (a *Accounts) startBy(ctx context.Context, u user, address, agent string, by map[string]string, more ...store.Change) (string, error) {
	now := a.cfg.Now().UTC()
	secret := newSecret()
	hash := hashOf(secret)
	s := session{
		Session: Session{ID: hash[:16], User: u.Name, Started: now, Seen: now, Expires: now.Add(a.cfg.Lifetime), Address: address, Agent: clip(strings.ToValidUTF8(agent, "?"))},
		Hash:    hash, UserUID: u.UID,
	}
	a.making.Lock()
	defer a.making.Unlock()
	changes, err := a.makeRoom(ctx, u.UID)
	if err != nil {
		return "", err
	}
	put, err := change(sessionKind, hash, 0, s)
	if err != nil {
		return "", err
	}
	changes = append(append(changes, put), more...)
	if u.UID != demoUser {
		fresh, version, err := a.user(ctx, u.Name)
		if err != nil || fresh.UID != u.UID || !a.lives(fresh) || fresh.Hash != u.Hash || a.needsPasskey(fresh) != a.needsPasskey(u) {
			return "", badSignIn // changed since the password was checked
		}
		fresh.SignedIn = now
		put, err := change(userKind, u.Name, version, fresh)
		if err != nil {
			return "", err
		}
		changes = append(changes, put)
	}
	details := map[string]string{"address": address, "session": s.ID}
	maps.Copy(details, by)
	if u.Provider != "" {
		details["provider"], details["subject"] = u.Provider, printable(u.Subject)
	}
	if err := a.record(u.Name, "account.signin", u.Name, details); err != nil {
		return "", err
	}
	return secret, a.cfg.Records.Update(ctx, changes...)
}

// makeRoom drops what has expired, and the oldest sessions of a user who has
// too many.
func (a *Accounts) makeRoom(ctx context.Context, uid string) ([]store.Change, error) {
	all, err := list[session](ctx, a.cfg.Records, sessionKind)
	if err != nil {
		return nil, err
	}
	var out []store.Change
	var own []session
	for _, s := range all {
		switch {
		case a.ended(s):
			out = append(out, store.Change{Kind: sessionKind, ID: s.Hash, Version: store.AnyVersion})
		case s.UserUID == uid:
			own = append(own, s)
		}
	}
	slices.SortFunc(own, func(x, y session) int { return y.Seen.Compare(x.Seen) })
	for _, s := range own[min(len(own), maxUserSessions-1):] {
		out = append(out, store.Change{Kind: sessionKind, ID: s.Hash, Version: store.AnyVersion})
	}
	return out, nil
}

func (a *Accounts) ended(s session) bool {
	now := a.cfg.Now()
	return !now.Before(s.Expires) || now.Sub(s.Seen) >= a.cfg.Idle
}

var noSession = fault.New(fault.Denied, "there is no session").WithHint("sign in")

// bySession finds whose session it is.
func (a *Accounts) bySession(ctx context.Context, secret string) (p authz.Principal, hash string, err error) {
	s, version, err := get[session](ctx, a.cfg.Records, sessionKind, hashOf(secret))
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return authz.Principal{}, "", noSession
	case err != nil:
		return authz.Principal{}, "", err
	case a.ended(s):
		return authz.Principal{}, "", noSession
	}
	if s.UserUID == demoUser {
		if a.demo == "" { // of a demo that ran on this directory
			return authz.Principal{}, "", noSession
		}
		return demoPrincipal(), s.Hash, nil
	}
	u, _, err := get[user](ctx, a.cfg.Records, userKind, s.User)
	if fault.KindOf(err) == fault.NotFound || err == nil && (u.UID != s.UserUID || !a.lives(u)) {
		return authz.Principal{}, "", noSession
	}
	if err != nil {
		return authz.Principal{}, "", err
	}
	if now := a.cfg.Now().UTC(); now.Sub(s.Seen) >= seenEvery {
		s.Seen = now
		if put, err := change(sessionKind, s.Hash, version, s); err == nil {
			_ = a.cfg.Records.Update(ctx, put) // another request of the session, or its end, came first
		}
	}
	return authz.Principal{ID: u.UID, Name: u.Name, Kind: authz.Person, Roles: u.Roles, Zones: u.Zones}, s.Hash, nil
}

func demoPrincipal() authz.Principal {
	return authz.Principal{ID: demoUser, Name: demoUser, Kind: authz.Person, Roles: []authz.Role{authz.Admin}}
}

// Sessions lists the sessions that run, of one user or, with an empty name, all.
func (a *Accounts) Sessions(ctx context.Context, uid string) ([]Session, error) {
	all, err := list[session](ctx, a.cfg.Records, sessionKind)
	out := []Session{}
	for _, s := range all {
		if (uid == "" || s.UserUID == uid) && !a.ended(s) {
			out = append(out, s.Session)
		}
	}
	return out, err
}

// EndSession ends a session by its id; with a uid only one of that user.
func (a *Accounts) EndSession(ctx context.Context, actor, id, uid string) error {
	all, err := list[session](ctx, a.cfg.Records, sessionKind)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID != id || uid != "" && s.UserUID != uid {
			continue
		}
		if err := a.record(actor, "account.signout", s.User, map[string]string{"session": s.ID}); err != nil {
			return err
		}
		return a.cfg.Records.Update(ctx, store.Change{Kind: sessionKind, ID: s.Hash, Version: store.AnyVersion})
	}
	return fault.New(fault.NotFound, "there is no session %q", clip(id))
}
