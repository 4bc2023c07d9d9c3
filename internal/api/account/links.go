package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"vedette/internal/authz"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// link is a one-time link: of the first administrator, or of a user who sets a
// password.
type link struct {
	Hash    string    `json:"hash"`
	For     string    `json:"for"` // "setup" or "password"
	User    string    `json:"user,omitempty"`
	UserUID string    `json:"user_uid,omitempty"`
	Expires time.Time `json:"expires"`
}

func (a *Accounts) newLink(name, uid, purpose string) (secret string, put store.Change, err error) {
	secret = newSecret()
	l := link{Hash: hashOf(secret), For: purpose, User: name, UserUID: uid, Expires: a.cfg.Now().UTC().Add(linkLives)}
	put, err = change(linkKind, l.Hash, 0, l)
	return secret, put, err
}

// local reports whether the account works without a provider.
func local(u user) bool { return u.Provider == "" }

// SetupToken makes the token of the first administrator's link while there is
// no account but those of a provider; it lasts a day, works once, and ends those made before. It is
// empty once there is an account.
func (a *Accounts) SetupToken(ctx context.Context) (string, error) {
	a.making.Lock()
	defer a.making.Unlock()
	users, err := list[user](ctx, a.cfg.Records, userKind)
	if err != nil || slices.ContainsFunc(users, local) {
		return "", err
	}
	changes, err := a.oldLinks(ctx, func(l link) bool { return l.For == "setup" })
	if err != nil {
		return "", err
	}
	secret, put, err := a.newLink("", "", "setup")
	if err != nil {
		return "", err
	}
	if err := a.record("server", "account.setup_link", "first administrator", nil); err != nil {
		return "", err
	}
	return secret, a.cfg.Records.Update(ctx, append(changes, put)...)
}

func (a *Accounts) oldLinks(ctx context.Context, ends func(link) bool) ([]store.Change, error) {
	links, err := list[link](ctx, a.cfg.Records, linkKind)
	var out []store.Change
	now := a.cfg.Now()
	for _, l := range links {
		if ends(l) || !now.Before(l.Expires) {
			out = append(out, store.Change{Kind: linkKind, ID: l.Hash, Version: store.AnyVersion})
		}
	}
	return out, err
}

// Link makes a one-time token by which a user sets a new password; it ends the
// links made before. The password that was works until then.
func (a *Accounts) Link(ctx context.Context, actor, name string) (string, error) {
	a.making.Lock()
	defer a.making.Unlock()
	u, _, err := a.user(ctx, name)
	if err != nil {
		return "", err
	}
	if u.Provider != "" {
		return "", noPassword(u.Name)
	}
	changes, err := a.oldLinks(ctx, func(l link) bool { return l.UserUID == u.UID })
	if err != nil {
		return "", err
	}
	secret, put, err := a.newLink(u.Name, u.UID, "password")
	if err != nil {
		return "", err
	}
	if err := a.record(actor, "user.link", u.Name, nil); err != nil {
		return "", err
	}
	return secret, a.cfg.Records.Update(ctx, append(changes, put)...)
}

var badLink = fault.New(fault.Denied, "the link does not work").
	WithHint("it works once, for a day: make a new one with vedette user link NAME, or restart the server that has no account yet")

func (a *Accounts) link(ctx context.Context, secret string) (link, int64, error) {
	if !isSecret(secret) {
		return link{}, 0, badLink
	}
	return a.linkBy(ctx, hashOf(secret))
}

func (a *Accounts) linkBy(ctx context.Context, hash string) (link, int64, error) {
	l, version, err := get[link](ctx, a.cfg.Records, linkKind, hash)
	if fault.KindOf(err) == fault.NotFound || err == nil && !a.cfg.Now().Before(l.Expires) {
		return link{}, 0, badLink
	}
	return l, version, err
}

// linking is a link about to be used, by whom and with which new password. It is
// kept in memory alone while the browser makes a passkey.
type linking struct {
	Link string `json:"link"` // its hash
	User string `json:"user"`
	UID  string `json:"uid"`
	Hash string `json:"hash"` // of the password
}

// UseLink sets the password of the link's user, or makes the first
// administrator under name, and ends the link. All sessions and passkeys of the
// user end, and its own wish for a passkey after the password does. An account that
// must have one gets its password with the passkey: [Accounts.BeginLink].
func (a *Accounts) UseLink(ctx context.Context, secret, name, password string) (User, error) {
	l, _, err := a.prepare(ctx, secret, name, password)
	if err != nil {
		return User{}, err
	}
	u, err := a.spend(ctx, l, nil)
	return u.User, err
}

// prepare checks a link and what is to be set by it, and changes nothing.
func (a *Accounts) prepare(ctx context.Context, secret, name, password string) (linking, user, error) {
	l, _, err := a.link(ctx, secret)
	if err != nil {
		return linking{}, user{}, err
	}
	if l.For == "password" {
		name = l.User
	}
	name = normal(name)
	if err := badName(name); err != nil {
		return linking{}, user{}, err
	}
	if err := goodPassword(name, password); err != nil {
		return linking{}, user{}, err
	}
	hash, err := a.hashes.make(ctx, password)
	if err != nil {
		return linking{}, user{}, err
	}
	a.making.Lock()
	defer a.making.Unlock()
	u, _, err := a.linked(ctx, l, name)
	return linking{Link: l.Hash, User: name, UID: u.UID, Hash: hash}, u, err
}

// spend uses the link up: password, passkey if one was made, and the ends of all
// that was before are one change.
func (a *Accounts) spend(ctx context.Context, with linking, key *passkeyMade) (user, error) {
	a.making.Lock()
	defer a.making.Unlock()
	l, linkVersion, err := a.linkBy(ctx, with.Link) // again: another may have used it meanwhile
	if err != nil {
		return user{}, err
	}
	u, version, err := a.linked(ctx, l, with.User)
	if err != nil {
		return user{}, err
	}
	if l.For == "setup" {
		u.UID = with.UID // the passkey was made for it
	}
	if a.mustHavePasskey(u) && key == nil {
		return user{}, fault.New(fault.Conflict, "the account must have a passkey besides the password").WithHint("open the link with a browser that has passkeys")
	}
	u.Hash, u.Password, u.Second = with.Hash, true, false
	put, err := change(userKind, u.Name, version, u)
	if err != nil {
		return user{}, err
	}
	changes, err := a.endings(ctx, u.UID, l.Hash, false)
	if err != nil {
		return user{}, err
	}
	keys, err := a.passkeyEndings(ctx, u.UID) // who lost the password may have lost more
	if err != nil {
		return user{}, err
	}
	details := map[string]string{"by": "one-time link", "passkeys_removed": itoa(len(keys))}
	changes = append(append(changes, keys...), put, store.Change{Kind: linkKind, ID: l.Hash, Version: linkVersion})
	if key != nil {
		k, made, err := a.newPasskey(u, key.called, key.key)
		if err != nil {
			return user{}, err
		}
		changes = append(slices.DeleteFunc(changes, func(c store.Change) bool { return c.Kind == passkeyKind && c.ID == k.Hash }), made)
		details["passkey"], details["name"], details["site"] = k.ID, k.Name, k.Site
	}
	if err := a.record(u.Name, "account."+strings.ReplaceAll(l.For, "password", "set_password"), u.Name, details); err != nil {
		return user{}, err
	}
	return u, a.cfg.Records.Update(ctx, changes...)
}

// linked is the user that the link is for.
func (a *Accounts) linked(ctx context.Context, l link, name string) (user, int64, error) {
	if l.For == "password" {
		u, version, err := a.user(ctx, l.User)
		if err != nil || u.UID != l.UserUID || u.Disabled {
			return user{}, 0, badLink
		}
		return u, version, nil
	}
	users, err := list[user](ctx, a.cfg.Records, userKind)
	if err != nil {
		return user{}, 0, err
	}
	if slices.ContainsFunc(users, local) {
		return user{}, 0, badLink
	}
	u, err := a.makeUser(ctx, name, []authz.Role{authz.Admin}, nil)
	return u, 0, err
}

// SetPassword changes one's own password; all other sessions end.
func (a *Accounts) SetPassword(ctx context.Context, name, old, password, keep, address string) error {
	name = normal(name)
	if strings.HasPrefix(name, outerPrefix) {
		return noPassword(name)
	}
	if err := goodPassword(name, password); err != nil {
		return err
	}
	if _, err := a.check(ctx, name, old, address); err != nil {
		return err
	}
	hash, err := a.hashes.make(ctx, password)
	if err != nil {
		return err
	}
	a.making.Lock()
	defer a.making.Unlock()
	u, version, err := a.user(ctx, name)
	if err != nil {
		return err
	}
	u.Hash, u.Password = hash, true
	put, err := change(userKind, u.Name, version, u)
	if err != nil {
		return err
	}
	ends, err := a.endings(ctx, u.UID, keep, false)
	if err != nil {
		return err
	}
	if err := a.record(u.Name, "account.set_password", u.Name, nil); err != nil {
		return err
	}
	return a.cfg.Records.Update(ctx, append(ends, put)...)
}
