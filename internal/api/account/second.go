package account

import (
	"context"
	"encoding/json"
	"errors"

	"vedette/internal/api/account/passkey"
	"vedette/internal/fault"
)

// Second tells how an account stands with a passkey after the password.
type Second struct {
	Needed   bool   `json:"needed"`       // a password alone does not sign in
	Own      bool   `json:"own"`          // its owner wants it
	By       string `json:"by,omitempty"` // who requires it: administrator or configuration
	Passkeys int    `json:"passkeys"`     // how many work
}

// Asked is the first half of a sign-in: there is no session yet.
type Asked struct {
	Next    string          `json:"next"`    // sign: with a passkey of the account; register: one
	Options json.RawMessage `json:"options"` // for navigator.credentials
}

var badSecond = fault.New(fault.Denied, "the passkey was not accepted").WithHint("begin again with the password")

// confirmation is what a challenge after a password was made for. It is kept in
// memory alone.
type confirmation struct {
	User string `json:"user"`
	UID  string `json:"uid"`
	Hash string `json:"hash"` // of the password that was right
}

// passkeyMade is a key that a browser made, and what it is called.
type passkeyMade struct {
	key    passkey.Key
	called string
}

// mustHavePasskey reports whether somebody other than the owner wants a passkey
// after the password. Accounts of a provider have none here.
func (a *Accounts) mustHavePasskey(u user) bool {
	return u.Provider == "" && u.UID != demoUser && (u.Required || a.cfg.NeedPasskey)
}

// needsPasskey reports whether a password alone does not sign in.
func (a *Accounts) needsPasskey(u user) bool {
	return a.mustHavePasskey(u) || u.Provider == "" && u.Second
}

// works reports whether somebody can sign in by the key at the names that the
// server has.
func (a *Accounts) works(k passkeyRecord) bool { return !k.Stopped && a.keys.Works(k.Key) }

func (a *Accounts) workingKeys(ctx context.Context, u user) ([]passkeyRecord, error) {
	all, err := a.passkeysOf(ctx, u.UID)
	var out []passkeyRecord
	for _, k := range all {
		if a.works(k) {
			out = append(out, k)
		}
	}
	return out, err
}

// keyStays refuses to take the last key that works of an account that needs one.
func (a *Accounts) keyStays(ctx context.Context, gone passkeyRecord) error {
	u, _, err := a.user(ctx, gone.User)
	if fault.KindOf(err) == fault.NotFound || err == nil && (u.UID != gone.UserUID || !a.needsPasskey(u)) {
		return nil
	}
	if err != nil {
		return err
	}
	keys, err := a.workingKeys(ctx, u)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID != gone.ID {
			return nil
		}
	}
	hint := "turn that off first, or add another one"
	if a.mustHavePasskey(u) {
		hint = "add another one first; if it is lost, an administrator makes a new link: vedette user link " + u.Name
	}
	return fault.New(fault.Conflict, "%s needs a passkey after the password, and this is the last", u.Name).WithHint("%s", hint)
}

// SecondOf tells how an account stands.
func (a *Accounts) SecondOf(ctx context.Context, name string) (Second, error) {
	u, _, err := a.user(ctx, name)
	if err != nil {
		return Second{}, err
	}
	keys, err := a.workingKeys(ctx, u)
	s := Second{Needed: a.needsPasskey(u), Own: u.Second, Passkeys: len(keys)}
	switch {
	case u.Provider != "":
	case a.cfg.NeedPasskey:
		s.By = "configuration"
	case u.Required:
		s.By = "administrator"
	}
	return s, err
}

// SetSecond is an owner's wish for a passkey after the password. It wants the
// password again: a session may have been left open. Turned on, all other
// sessions end, since they may have begun by the password alone.
func (a *Accounts) SetSecond(ctx context.Context, name string, on bool, password, session, address string) (Second, error) {
	u, err := a.check(ctx, name, password, address)
	if errors.Is(err, badSignIn) {
		return Second{}, fault.New(fault.Invalid, "the password is wrong") // the session stands: no 401
	}
	if err != nil {
		return Second{}, err
	}
	a.making.Lock()
	defer a.making.Unlock()
	fresh, version, err := a.user(ctx, u.Name)
	if err != nil {
		return Second{}, err
	}
	if fresh.UID != u.UID || fresh.Hash != u.Hash {
		return Second{}, fault.New(fault.Conflict, "the account has changed meanwhile")
	}
	keys, err := a.workingKeys(ctx, fresh)
	switch {
	case err != nil:
		return Second{}, err
	case on && len(keys) == 0:
		return Second{}, fault.New(fault.Conflict, "%s has no passkey that could be asked for", u.Name).WithHint("add one first")
	case !on && a.mustHavePasskey(fresh):
		return Second{}, fault.New(fault.Conflict, "a passkey after the password is required of %s", u.Name).WithHint("an administrator or the configuration requires it")
	}
	fresh.Second = on
	put, err := change(userKind, fresh.Name, version, fresh)
	if err != nil {
		return Second{}, err
	}
	changes, err := a.endings(ctx, fresh.UID, session, false)
	if err != nil {
		return Second{}, err
	}
	if !on {
		changes = nil
	}
	if err := a.record(u.Name, "account.second", u.Name, map[string]string{"on": yesNo(on), "address": address}); err != nil {
		return Second{}, err
	}
	if err := a.cfg.Records.Update(ctx, append(changes, put)...); err != nil {
		return Second{}, err
	}
	return a.SecondOf(ctx, u.Name)
}

// Begin checks the password. It starts a session, or asks for a passkey where the
// account needs one; then there is no session, and nothing that could become one
// but the answer to the challenge. host is what the browser calls the server.
func (a *Accounts) Begin(ctx context.Context, name, password, host, address, agent string) (secret string, u User, ask *Asked, err error) {
	full, err := a.check(ctx, name, password, address)
	if err != nil {
		return "", User{}, nil, err
	}
	if !a.needsPasskey(full) {
		secret, err = a.start(ctx, full, address, agent)
		return secret, full.User, nil, err
	}
	// Counted as failed until the passkey comes, so that neither challenges nor
	// tries are free to who has the password alone.
	if err := a.limits.begin(secondKey(full.Name), address); err != nil {
		a.failed.note("account", "account.signin_refused", full.Name, map[string]string{"address": address, "why": "too many tries", "step": "after password"})
		return "", User{}, nil, err
	}
	options, err := a.askSecond(ctx, full, host, address)
	why := "asked"
	if err != nil {
		why = fault.KindOf(err).String()
	}
	// The password was right: who never finishes may have stolen it.
	a.failed.note("account", "account.second_asked", full.Name, map[string]string{"address": address, "why": why})
	if err != nil {
		return "", User{}, nil, err
	}
	return "", User{}, &Asked{Next: "sign", Options: options}, nil
}

// secondKey is what tries after a password are counted by; no account is called so.
func secondKey(name string) string { return "second " + name }

func (a *Accounts) askSecond(ctx context.Context, u user, host, address string) (json.RawMessage, error) {
	o, err := a.owner(ctx, u)
	if err != nil {
		return nil, err
	}
	bound, err := json.Marshal(confirmation{User: u.Name, UID: u.UID, Hash: u.Hash})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding a confirmation")
	}
	return a.keys.Confirm(host, o, string(bound), address)
}

// Finish checks the passkey that was asked for after the password, and starts the
// session; it returns the cookie's value.
func (a *Accounts) Finish(ctx context.Context, answer []byte, address, agent string) (string, User, error) {
	try := "passkey " + address
	if err := a.limits.begin(try, address); err != nil {
		a.failed.note("account", "account.passkey_refused", "unknown account", map[string]string{"address": address, "why": "too many tries", "step": "after password"})
		return "", User{}, err
	}
	var c confirmation
	var u user
	var k passkeyRecord
	var version int64
	key, err := a.keys.Confirmed(answer, func(bound string, id []byte) (o passkey.Owner, err error) {
		if err := json.Unmarshal([]byte(bound), &c); err != nil {
			return o, fault.Wrap(fault.Internal, err, "reading a confirmation")
		}
		k, version, u, err = a.keyOf(ctx, c, id)
		if err != nil {
			return o, err
		}
		return a.owner(ctx, u)
	})
	if err != nil {
		if k.User == "" {
			k.User = c.User
		}
		err = errors.Join(err, a.passkeyFailed(ctx, err, k, key, version, address, "after password"))
		if isPasskeyRefusal(err) {
			err = badSecond
		}
		return "", User{}, err
	}
	a.limits.succeed(try, address)
	a.limits.succeed(secondKey(u.Name), address)
	k.Key, k.Used = key, a.cfg.Now().UTC()
	put, err := change(passkeyKind, k.Hash, version, k) // revoked, or used elsewhere, meanwhile: no session
	if err != nil {
		return "", User{}, err
	}
	secret, err := a.startBy(ctx, u, address, agent, map[string]string{"by": "password and passkey", "passkey": k.ID}, put)
	if fault.KindOf(err) == fault.Conflict || fault.KindOf(err) == fault.NotFound || errors.Is(err, badSignIn) {
		err = badSecond
	}
	return secret, u.User, err
}

// keyOf finds the key that was used among those of the account that was asked: a
// key of another person, or a password that has changed since, is none.
func (a *Accounts) keyOf(ctx context.Context, c confirmation, id []byte) (k passkeyRecord, version int64, u user, err error) {
	none := fault.New(fault.NotFound, "the account has no such passkey")
	if u, _, err = a.user(ctx, c.User); err != nil {
		return k, 0, u, err
	}
	if u.UID != c.UID || u.Hash != c.Hash || !a.lives(u) || u.Provider != "" {
		return k, 0, u, none
	}
	found, version, err := get[passkeyRecord](ctx, a.cfg.Records, passkeyKind, hashOf(string(id)))
	if err != nil {
		return k, 0, u, err
	}
	if found.UserUID != u.UID || found.Stopped {
		return k, 0, u, none // nothing of another person's key is touched
	}
	return found, version, u, nil
}

// BeginLink uses a one-time link, or asks for a passkey to be made where the account must
// have one; then the link goes on working until that is done, and nothing has
// changed.
func (a *Accounts) BeginLink(ctx context.Context, secret, name, password, host, address string) (user, *Asked, error) {
	l, u, err := a.prepare(ctx, secret, name, password)
	if err != nil {
		return user{}, nil, err
	}
	if !a.mustHavePasskey(u) {
		u, err = a.spend(ctx, l, nil)
		return u, nil, err
	}
	bound, err := json.Marshal(l)
	if err != nil {
		return user{}, nil, fault.Wrap(fault.Internal, err, "encoding a link")
	}
	options, err := a.keys.Enrol(host, passkey.Owner{ID: u.UID, Name: u.Name}, string(bound), address)
	if err != nil {
		return user{}, nil, err
	}
	return user{}, &Asked{Next: "register", Options: options}, nil
}

// FinishLink takes the passkey that the browser made, and uses the link up.
func (a *Accounts) FinishLink(ctx context.Context, called string, answer []byte, address string) (user, error) {
	called, err := passkeyName(called)
	if err != nil {
		return user{}, err
	}
	var l linking
	key, err := a.keys.Enrolled(answer, func(bound string) (passkey.Owner, error) {
		err := json.Unmarshal([]byte(bound), &l)
		return passkey.Owner{ID: l.UID, Name: l.User}, err
	})
	if err != nil {
		a.passkeyRefused(err, l.User, address, "with link")
		return user{}, notSignIn(err)
	}
	return a.spend(ctx, l, &passkeyMade{key: key, called: called})
}
