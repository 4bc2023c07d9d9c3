package account

import (
	"context"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
	"time"

	"vedette/internal/authz"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// User is one person's account, without its secrets.
type User struct {
	UID      string       `json:"uid"`
	Name     string       `json:"name"` // what is signed in with; lower case
	Roles    []authz.Role `json:"roles"`
	Zones    []string     `json:"zones"` // limited to these; empty: all
	Disabled bool         `json:"disabled"`
	Password bool         `json:"password"` // has one
	Created  time.Time    `json:"created"`
	SignedIn time.Time    `json:"signed_in"`          // last
	Provider string       `json:"provider,omitempty"` // the issuer where it signs in; empty: here, by password
	Second   bool         `json:"second"`             // its owner wants a passkey asked for after the password
	Required bool         `json:"second_required"`    // an administrator wants it; the owner cannot turn it off
	Passkeys int          `json:"passkeys"`           // how many work; told where accounts are listed or set
}

type user struct {
	User
	Hash    string `json:"hash,omitempty"`
	Subject string `json:"subject,omitempty"` // who it is to the provider
}

// lives reports whether the account may do anything at all: one of a provider
// lives while that is the one that is configured, and gives it a role.
func (a *Accounts) lives(u user) bool {
	return !u.Disabled && (u.Provider == "" || a.cfg.Provider != nil && a.cfg.Provider.Issuer() == u.Provider && len(u.Roles) > 0)
}

// UserChange is what to change of a user; nil leaves it as it is.
type UserChange struct {
	Roles    *[]authz.Role `json:"roles,omitempty"`
	Zones    *[]string     `json:"zones,omitempty"`
	Disabled *bool         `json:"disabled,omitempty"`
	Second   *bool         `json:"second_required,omitempty"` // a passkey must follow the password
}

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)

func normal(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func badName(name string) error {
	if userName.MatchString(name) {
		return nil
	}
	return fault.New(fault.Invalid, "%q is no name of an account", clip(name)).WithHint("take letters, digits, dot, dash, underscore and @, at most 64 of them")
}

func badRoles(roles []authz.Role) error {
	if len(roles) == 0 {
		return fault.New(fault.Invalid, "the account would have no role").WithHint("roles are %s", roleNames())
	}
	for _, r := range roles {
		if !slices.Contains(authz.Roles(), r) {
			return fault.New(fault.Invalid, "there is no role %q", clip(string(r))).WithHint("roles are %s", roleNames())
		}
	}
	return nil
}

func badZones(zones []string) error {
	for _, z := range zones {
		if z == "" || len(z) > 200 {
			return fault.New(fault.Invalid, "a zone has no name, or one that is too long")
		}
	}
	if len(zones) > 1000 {
		return fault.New(fault.Limited, "an account can be limited to 1000 zones at most")
	}
	return nil
}

func roleNames() string {
	names := make([]string, 0, 5)
	for _, r := range authz.Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100]
	}
	return s
}

func newUID(prefix string) string { return prefix + strings.ToLower(rand.Text()[:16]) }

// Users lists the accounts by name.
func (a *Accounts) Users(ctx context.Context) ([]User, error) {
	all, err := list[user](ctx, a.cfg.Records, userKind)
	if err != nil {
		return nil, err
	}
	keys, err := a.passkeysOf(ctx, "")
	if err != nil {
		return nil, err
	}
	n := map[string]int{}
	for _, k := range keys {
		if a.works(k) {
			n[k.UserUID]++
		}
	}
	out := make([]User, len(all))
	for i, u := range all {
		out[i] = u.User
		out[i].Passkeys = n[u.UID]
	}
	return out, nil
}

// Living lists the accounts that can sign in now, by name: neither disabled nor of
// a provider that is not the configured one.
func (a *Accounts) Living(ctx context.Context) ([]User, error) {
	all, err := list[user](ctx, a.cfg.Records, userKind)
	out := []User{}
	for _, u := range all {
		if a.lives(u) {
			out = append(out, u.User)
		}
	}
	return out, err
}

func (a *Accounts) user(ctx context.Context, name string) (user, int64, error) {
	u, version, err := get[user](ctx, a.cfg.Records, userKind, normal(name))
	if fault.KindOf(err) == fault.NotFound {
		err = fault.New(fault.NotFound, "there is no account %q", clip(name)).WithHint("vedette user list shows them")
	}
	return u, version, err
}

// AddUser makes an account without a password, and a one-time link token by
// which its owner sets one.
func (a *Accounts) AddUser(ctx context.Context, actor, name string, roles []authz.Role, zones []string) (User, string, error) {
	return a.Add(ctx, actor, NewUser{Name: name, Roles: roles, Zones: zones})
}

// Add is AddUser with all that an account can begin with.
func (a *Accounts) Add(ctx context.Context, actor string, n NewUser) (User, string, error) {
	a.making.Lock()
	defer a.making.Unlock()
	name, roles, zones := normal(n.Name), n.Roles, a.zonesNow(n.Zones)
	u, err := a.makeUser(ctx, name, roles, zones)
	if err != nil {
		return User{}, "", err
	}
	u.Required = n.Second
	link, linkChange, err := a.newLink(name, u.UID, "password")
	if err != nil {
		return User{}, "", err
	}
	put, err := change(userKind, name, 0, u)
	if err != nil {
		return User{}, "", err
	}
	if err := a.record(actor, "user.add", name, map[string]string{"roles": joined(roles), "zones": clip(strings.Join(zones, ",")), "second_required": yesNo(u.Required)}); err != nil {
		return User{}, "", err
	}
	return u.User, link, a.cfg.Records.Update(ctx, put, linkChange)
}

func (a *Accounts) makeUser(ctx context.Context, name string, roles []authz.Role, zones []string) (user, error) {
	if err := badName(name); err != nil {
		return user{}, err
	}
	return a.freshUser(ctx, name, roles, zones)
}

// freshUser is an account that there is not yet.
func (a *Accounts) freshUser(ctx context.Context, name string, roles []authz.Role, zones []string) (user, error) {
	for _, err := range []error{badRoles(roles), badZones(zones)} {
		if err != nil {
			return user{}, err
		}
	}
	all, err := list[user](ctx, a.cfg.Records, userKind)
	if err != nil {
		return user{}, err
	}
	if len(all) >= maxUsers {
		return user{}, fault.New(fault.Limited, "there are %d accounts already", len(all)).WithHint("remove some with: vedette user remove NAME")
	}
	if slices.ContainsFunc(all, func(u user) bool { return u.Name == name }) {
		return user{}, fault.New(fault.Conflict, "the account %s exists already", name)
	}
	if zones == nil {
		zones = []string{}
	}
	return user{User: User{UID: newUID("u_"), Name: name, Roles: roles, Zones: zones, Created: a.cfg.Now().UTC()}}, nil
}

// SetUser changes an account; its sessions have the new rights at once.
func (a *Accounts) SetUser(ctx context.Context, actor, name string, c UserChange) (User, error) {
	a.making.Lock()
	defer a.making.Unlock()
	u, version, err := a.user(ctx, name)
	if err != nil {
		return User{}, err
	}
	if u.Provider != "" && (c.Roles != nil || c.Zones != nil) {
		return User{}, fault.New(fault.Conflict, "the roles and zones of %s come from its provider", u.Name).WithHint("change its groups there; they hold from its next sign-in on")
	}
	details := map[string]string{}
	if c.Roles != nil {
		if err := badRoles(*c.Roles); err != nil {
			return User{}, err
		}
		details["roles"] = joined(u.Roles) + " → " + joined(*c.Roles)
		u.Roles = *c.Roles
	}
	if c.Zones != nil {
		if err := badZones(*c.Zones); err != nil {
			return User{}, err
		}
		u.Zones = append([]string{}, a.zonesNow(*c.Zones)...)
		details["zones"] = clip(strings.Join(u.Zones, ","))
	}
	if c.Disabled != nil {
		u.Disabled = *c.Disabled
		details["disabled"] = yesNo(u.Disabled)
	}
	if c.Second != nil {
		if u.Provider != "" {
			return User{}, fault.New(fault.Conflict, "%s signs in at its provider", u.Name).WithHint("a second factor of these accounts is the provider's to ask for")
		}
		u.Required = *c.Second
		details["second_required"] = yesNo(u.Required)
	}
	if err := a.adminStays(ctx, u, false); err != nil {
		return User{}, err
	}
	put, err := change(userKind, u.Name, version, u)
	if err != nil {
		return User{}, err
	}
	keys, err := a.workingKeys(ctx, u)
	if err != nil {
		return User{}, err
	}
	if err := a.record(actor, "user.set", u.Name, details); err != nil {
		return User{}, err
	}
	out := u.User
	out.Passkeys = len(keys)
	return out, a.cfg.Records.Update(ctx, put)
}

// RemoveUser removes an account with its sessions and tokens.
func (a *Accounts) RemoveUser(ctx context.Context, actor, name string) error {
	a.making.Lock()
	defer a.making.Unlock()
	u, version, err := a.user(ctx, name)
	if err != nil {
		return err
	}
	if err := a.adminStays(ctx, u, true); err != nil {
		return err
	}
	changes, err := a.endings(ctx, u.UID, "", true)
	if err != nil {
		return err
	}
	if u.Provider != "" {
		changes = append(changes, store.Change{Kind: outerKind, ID: outerID(u.Provider, u.Subject), Version: store.AnyVersion})
	}
	if err := a.record(actor, "user.remove", u.Name, map[string]string{"uid": u.UID}); err != nil {
		return err
	}
	return a.cfg.Records.Update(ctx, append(changes, store.Change{Kind: userKind, ID: u.Name, Version: version})...)
}

// adminStays refuses a change after which nobody could administer.
func (a *Accounts) adminStays(ctx context.Context, changed user, gone bool) error {
	admin := func(u user) bool {
		return slices.Contains(u.Roles, authz.Admin) && !u.Disabled && len(u.Zones) == 0 && u.Provider == "" // a provider may be away
	}
	all, err := list[user](ctx, a.cfg.Records, userKind)
	if err != nil {
		return err
	}
	was, stays := false, false
	for _, u := range all {
		if u.Name == changed.Name {
			was = admin(u)
			stays = stays || !gone && admin(changed)
			continue
		}
		stays = stays || admin(u)
	}
	if was && !stays {
		return fault.New(fault.Conflict, "%s is the last administrator", changed.Name).WithHint("make another one first")
	}
	return nil
}

// endings are the changes that end a user's sessions, but for one, and its
// links; with all its tokens and passkeys too.
func (a *Accounts) endings(ctx context.Context, uid, except string, all bool) ([]store.Change, error) {
	var out []store.Change
	sessions, err := list[session](ctx, a.cfg.Records, sessionKind)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		if s.UserUID == uid && s.Hash != except {
			out = append(out, store.Change{Kind: sessionKind, ID: s.Hash, Version: store.AnyVersion})
		}
	}
	links, err := list[link](ctx, a.cfg.Records, linkKind)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if l.UserUID == uid && l.Hash != except {
			out = append(out, store.Change{Kind: linkKind, ID: l.Hash, Version: store.AnyVersion})
		}
	}
	if !all {
		return out, nil
	}
	keys, err := a.passkeyEndings(ctx, uid)
	if err != nil {
		return nil, err
	}
	out = append(out, keys...)
	tokens, err := list[token](ctx, a.cfg.Records, tokenKind)
	for _, t := range tokens {
		if t.OwnerUID == uid {
			out = append(out, store.Change{Kind: tokenKind, ID: t.Hash, Version: store.AnyVersion})
		}
	}
	return out, err
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func joined[T ~string](names []T) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ",")
}
