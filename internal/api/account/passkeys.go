package account

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"vedette/internal/api/account/passkey"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// maxPasskeys is how many passkeys an account may have.
const maxPasskeys = 20

// passkeyKind is the kind of records of passkeys, by the hash of the key's id.
const passkeyKind = "account.passkey"

// Passkey is a key by which a person signs in without a password.
type Passkey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	User    string    `json:"user"`
	Site    string    `json:"site"` // the name of the server for which alone it works
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`      // last; zero: never
	Synced  bool      `json:"synced"`    // it may be on several machines of its owner
	Stopped bool      `json:"suspended"` // its counter went back: there may be a copy
}

type passkeyRecord struct {
	Passkey
	Hash    string      `json:"hash"`
	UserUID string      `json:"user_uid"`
	Key     passkey.Key `json:"key"`
}

var badPasskey = fault.New(fault.Denied, "the passkey was not accepted").WithHint("try again, or sign in with the password")

// Passkeys lists the passkeys of one user or, with an empty uid, all.
func (a *Accounts) Passkeys(ctx context.Context, uid string) ([]Passkey, error) {
	all, err := a.passkeysOf(ctx, uid)
	out := []Passkey{}
	for _, k := range all {
		out = append(out, k.Passkey)
	}
	slices.SortFunc(out, func(x, y Passkey) int { return x.Created.Compare(y.Created) })
	return out, err
}

func (a *Accounts) passkeysOf(ctx context.Context, uid string) ([]passkeyRecord, error) {
	all, err := list[passkeyRecord](ctx, a.cfg.Records, passkeyKind)
	return slices.DeleteFunc(all, func(k passkeyRecord) bool { return uid != "" && k.UserUID != uid }), err
}

// owner is a user with its passkeys that work.
func (a *Accounts) owner(ctx context.Context, u user) (passkey.Owner, error) {
	all, err := a.passkeysOf(ctx, u.UID)
	o := passkey.Owner{ID: u.UID, Name: u.Name}
	for _, k := range all {
		if !k.Stopped {
			o.Keys = append(o.Keys, k.Key)
		}
	}
	return o, err
}

// passkeyName is what a person calls a passkey.
func passkeyName(name string) (string, error) {
	name = strings.TrimSpace(name)
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, odd) {
		return "", fault.New(fault.Invalid, "the passkey needs a name of at most 100 bytes").WithHint("such as the machine that it is on")
	}
	return name, nil
}

// BeginPasskey asks for the password and gives what the browser needs to make a
// passkey. A session alone does not suffice: it may have been left open, and a
// passkey outlasts it.
func (a *Accounts) BeginPasskey(ctx context.Context, name, password, host, session, address string) (json.RawMessage, error) {
	switch {
	case strings.HasPrefix(name, outerPrefix):
		return nil, fault.New(fault.Conflict, "%s signs in at its provider", name).WithHint("passkeys are of accounts with a password; the provider may have its own")
	case name == demoUser && a.demo != "":
		return nil, fault.New(fault.Conflict, "the demo has no account that could have a passkey")
	}
	u, err := a.check(ctx, name, password, address)
	if errors.Is(err, badSignIn) {
		return nil, fault.New(fault.Invalid, "the password is wrong") // the session stands: no 401
	}
	if err != nil {
		return nil, err
	}
	o, err := a.owner(ctx, u)
	if err != nil {
		return nil, err
	}
	return a.keys.Register(host, o, session, address)
}

// AddPasskey keeps the passkey that the browser made.
func (a *Accounts) AddPasskey(ctx context.Context, name, called string, answer []byte, session, address string) (Passkey, error) {
	called, err := passkeyName(called)
	if err != nil {
		return Passkey{}, err
	}
	u, _, err := a.user(ctx, name)
	if err != nil {
		return Passkey{}, err
	}
	o, err := a.owner(ctx, u)
	if err != nil {
		return Passkey{}, err
	}
	key, err := a.keys.Registered(answer, o, session)
	if err != nil {
		a.passkeyRefused(err, u.Name, address, "adding")
		return Passkey{}, notSignIn(err)
	}
	a.making.Lock()
	defer a.making.Unlock()
	if u, _, err = a.user(ctx, name); err != nil {
		return Passkey{}, err
	}
	all, err := a.passkeysOf(ctx, u.UID)
	if err != nil {
		return Passkey{}, err
	}
	if len(all) >= maxPasskeys || !a.lives(u) || u.UID != o.ID {
		return Passkey{}, fault.New(fault.Limited, "%s has %d passkeys already", u.Name, len(all)).WithHint("revoke one that is not used")
	}
	k, put, err := a.newPasskey(u, called, key)
	if err != nil {
		return Passkey{}, err
	}
	if err := a.record(u.Name, "account.passkey_add", u.Name, map[string]string{"passkey": k.ID, "name": called, "site": k.Site, "address": address}); err != nil {
		return Passkey{}, err
	}
	return k.Passkey, a.cfg.Records.Update(ctx, put)
}

// newPasskey is the record of a key that was made.
func (a *Accounts) newPasskey(u user, called string, key passkey.Key) (passkeyRecord, store.Change, error) {
	hash := hashOf(string(key.ID))
	k := passkeyRecord{Passkey: Passkey{ID: hash[:16], Name: called, User: u.Name, Site: key.Site, Created: a.cfg.Now().UTC(), Synced: key.Synced}, Hash: hash, UserUID: u.UID, Key: key}
	put, err := change(passkeyKind, hash, 0, k) // another's key of the same id stays
	return k, put, err
}

// notSignIn is a refusal told to somebody who is signed in: it must not look as
// if the session had ended.
func notSignIn(err error) error {
	if fault.KindOf(err) != fault.Denied {
		return err
	}
	text, _ := fault.Public(err)
	return fault.New(fault.Invalid, "%s", text).WithHint("begin again")
}

// RevokePasskey removes a passkey by its id; with a uid only one of that user.
func (a *Accounts) RevokePasskey(ctx context.Context, actor, id, uid string) error {
	a.making.Lock()
	defer a.making.Unlock()
	all, err := a.passkeysOf(ctx, uid)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(k passkeyRecord) bool { return k.ID == id })
	if at < 0 {
		return fault.New(fault.NotFound, "there is no passkey %q", clip(id))
	}
	k := all[at]
	if err := a.keyStays(ctx, k); err != nil {
		return err
	}
	if err := a.record(actor, "account.passkey_revoke", k.User, map[string]string{"passkey": k.ID, "name": k.Name}); err != nil {
		return err
	}
	return a.cfg.Records.Update(ctx, store.Change{Kind: passkeyKind, ID: k.Hash, Version: store.AnyVersion})
}

// passkeyEndings are the changes that remove all passkeys of a user.
func (a *Accounts) passkeyEndings(ctx context.Context, uid string) ([]store.Change, error) {
	all, err := a.passkeysOf(ctx, uid)
	var out []store.Change
	for _, k := range all {
		out = append(out, store.Change{Kind: passkeyKind, ID: k.Hash, Version: store.AnyVersion})
	}
	return out, err
}

// SignInByPasskey checks what a browser signed and starts a session; it returns
// the cookie's value.
func (a *Accounts) SignInByPasskey(ctx context.Context, answer []byte, address, agent string) (string, User, error) {
	try := "passkey " + address // no account is called so; keys cannot be guessed, so only the address waits
	if err := a.limits.begin(try, address); err != nil {
		a.failed.note("account", "account.passkey_refused", "unknown account", map[string]string{"address": address, "why": "too many tries"})
		return "", User{}, err
	}
	var u user
	var k passkeyRecord
	var version int64
	key, err := a.keys.SignedIn(answer, func(id []byte) (o passkey.Owner, err error) {
		if k, version, err = get[passkeyRecord](ctx, a.cfg.Records, passkeyKind, hashOf(string(id))); err != nil {
			return o, err
		}
		if u, _, err = a.user(ctx, k.User); err != nil {
			return o, err
		}
		if u.UID != k.UserUID || !a.lives(u) || k.Stopped || u.Provider != "" {
			return o, fault.New(fault.NotFound, "nobody may sign in with the passkey")
		}
		return a.owner(ctx, u)
	})
	if err != nil {
		return "", User{}, errors.Join(err, a.passkeyFailed(ctx, err, k, key, version, address, "sign-in"))
	}
	a.limits.succeed(try, address)
	k.Key, k.Used = key, a.cfg.Now().UTC()
	put, err := change(passkeyKind, k.Hash, version, k) // revoked, or used elsewhere, meanwhile: no session
	if err != nil {
		return "", User{}, err
	}
	secret, err := a.startBy(ctx, u, address, agent, map[string]string{"by": "passkey", "passkey": k.ID}, put)
	if fault.KindOf(err) == fault.Conflict || fault.KindOf(err) == fault.NotFound || errors.Is(err, badSignIn) {
		err = badPasskey
	}
	return secret, u.User, err
}

// passkeyFailed records a sign-in that failed. A key whose counter went back is
// suspended: one of the two who have it is not its owner.
func (a *Accounts) passkeyFailed(ctx context.Context, err error, k passkeyRecord, key passkey.Key, version int64, address, step string) error {
	a.passkeyRefused(err, k.User, address, step)
	r, ok := errors.AsType[*passkey.Refusal](err)
	if !ok || r.Why != passkey.WhyCloned {
		return nil
	}
	k.Stopped, k.Key = true, key
	put, err := change(passkeyKind, k.Hash, version, k)
	if err != nil {
		return err
	}
	if err := a.record("server", "account.passkey_suspend", k.User, map[string]string{"passkey": k.ID, "name": k.Name, "address": address, "why": "its counter went back: there may be a copy"}); err != nil {
		return err
	}
	return a.cfg.Records.Update(ctx, put)
}

// passkeyRefused writes a refusal into the journal; step tells at what: adding,
// sign-in, after password, with link.
func (a *Accounts) passkeyRefused(err error, object, address, step string) {
	why := map[string]string{"address": address, "why": fault.KindOf(err).String(), "step": step}
	if r, ok := errors.AsType[*passkey.Refusal](err); ok {
		why["why"] = r.Why
		if cause := r.Cause(); cause != "" {
			why["cause"] = printable(cause)
		}
	}
	if object == "" {
		object = "unknown account"
	}
	a.failed.note("account", "account.passkey_refused", object, why)
}
