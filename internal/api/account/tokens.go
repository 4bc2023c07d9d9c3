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

// Token is an API token, without its secret.
type Token struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Owner   string         `json:"owner,omitempty"` // a user; empty: a service of the site
	Roles   []authz.Role   `json:"roles"`           // of an owner's token those that the owner has too
	Scope   []authz.Action `json:"scope"`           // confined to these; empty: all that the roles allow
	Zones   []string       `json:"zones"`
	Created time.Time      `json:"created"`
	Expires time.Time      `json:"expires"`
	Used    time.Time      `json:"used"` // last, to the minute; zero: never
}

type token struct {
	Token
	Hash     string `json:"hash"`
	OwnerUID string `json:"owner_uid,omitempty"`
}

// NewToken is what a token is made of.
type NewToken struct {
	Name    string         `json:"name"`
	Owner   string         `json:"owner,omitempty"`
	Roles   []authz.Role   `json:"roles"`
	Scope   []authz.Action `json:"scope,omitempty"`
	Zones   []string       `json:"zones,omitempty"`
	Expires time.Duration  `json:"expires,omitempty"` // from now; 0: 90 days
}

const (
	usualToken   = 90 * 24 * time.Hour
	longestToken = 2 * 366 * 24 * time.Hour
)

// AddToken makes a token and returns its text, which is told this once.
func (a *Accounts) AddToken(ctx context.Context, actor string, n NewToken) (Token, string, error) {
	a.making.Lock()
	defer a.making.Unlock()
	n.Name = strings.TrimSpace(n.Name)
	t := token{Token: Token{
		ID: newUID("t_"), Name: n.Name, Owner: normal(n.Owner), Roles: n.Roles, Scope: append([]authz.Action{}, n.Scope...),
		Zones: append([]string{}, n.Zones...), Created: a.cfg.Now().UTC(),
	}}
	if err := a.goodToken(ctx, &t, &n); err != nil {
		return Token{}, "", err
	}
	t.Expires = t.Created.Add(n.Expires)
	text := tokenPrefix + newSecret()
	t.Hash = hashOf(text)
	put, err := change(tokenKind, t.Hash, 0, t)
	if err != nil {
		return Token{}, "", err
	}
	details := map[string]string{"name": t.Name, "owner": t.Owner, "roles": joined(t.Roles), "scope": joined(t.Scope), "expires": t.Expires.Format(time.RFC3339)}
	if err := a.record(actor, "token.add", t.ID, details); err != nil {
		return Token{}, "", err
	}
	return t.Token, text, a.cfg.Records.Update(ctx, put)
}

func (a *Accounts) goodToken(ctx context.Context, t *token, n *NewToken) error {
	if n.Name == "" || len(n.Name) > 100 || strings.ContainsFunc(n.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return fault.New(fault.Invalid, "the token needs a name of at most 100 printable characters")
	}
	if n.Expires == 0 {
		n.Expires = usualToken
	}
	if n.Expires < time.Minute || n.Expires > longestToken {
		return fault.New(fault.Invalid, "a token lasts from a minute to two years, not %s", n.Expires)
	}
	if err := a.owned(ctx, t); err != nil {
		return err
	}
	if err := badRoles(t.Roles); err != nil {
		return err
	}
	t.Zones = a.zonesNow(t.Zones)
	if err := badZones(t.Zones); err != nil {
		return err
	}
	for _, do := range t.Scope {
		if !slices.Contains(authz.Actions(), do) {
			return fault.New(fault.Invalid, "there is no action %q for a scope", clip(string(do))).WithHint("such as events.ingest or metrics.read")
		}
	}
	all, err := list[token](ctx, a.cfg.Records, tokenKind)
	if err == nil && len(all) >= maxTokens {
		return fault.New(fault.Limited, "there are %d tokens already", len(all)).WithHint("revoke some with: vedette token revoke ID")
	}
	return err
}

// owned fits the token to its owner, if it has one.
func (a *Accounts) owned(ctx context.Context, t *token) error {
	if t.Owner == "" {
		return nil
	}
	u, _, err := a.user(ctx, t.Owner)
	if err != nil {
		return err
	}
	t.OwnerUID = u.UID
	if len(t.Roles) == 0 {
		t.Roles = u.Roles
	}
	for _, r := range t.Roles {
		if !slices.Contains(u.Roles, r) {
			return fault.New(fault.Denied, "%s has no role %q to give to a token", u.Name, clip(string(r)))
		}
	}
	if len(u.Zones) > 0 && slices.ContainsFunc(t.Zones, func(z string) bool { return !slices.Contains(u.Zones, z) }) {
		return fault.New(fault.Denied, "%s is limited to other zones than the token would be", u.Name)
	}
	return nil
}

// Tokens lists the tokens of an owner, by uid, or with an empty one all.
func (a *Accounts) Tokens(ctx context.Context, uid string) ([]Token, error) {
	all, err := list[token](ctx, a.cfg.Records, tokenKind)
	out := []Token{}
	for _, t := range all {
		if uid == "" || t.OwnerUID == uid {
			out = append(out, t.Token)
		}
	}
	slices.SortFunc(out, func(x, y Token) int { return x.Created.Compare(y.Created) })
	return out, err
}

// RevokeToken ends a token by its id, or by its name if only one has it; with a
// uid only one of that owner.
func (a *Accounts) RevokeToken(ctx context.Context, actor, id, uid string) error {
	all, err := list[token](ctx, a.cfg.Records, tokenKind)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(t token) bool { return t.ID != id && t.Name != id || uid != "" && t.OwnerUID != uid })
	switch {
	case len(all) == 0:
		return fault.New(fault.NotFound, "there is no token %q", clip(id)).WithHint("vedette token list shows them")
	case len(all) > 1:
		return fault.New(fault.Conflict, "%d tokens are called %q", len(all), clip(id)).WithHint("take the id: vedette token list shows it")
	}
	if err := a.record(actor, "token.revoke", all[0].ID, map[string]string{"name": all[0].Name}); err != nil {
		return err
	}
	return a.cfg.Records.Update(ctx, store.Change{Kind: tokenKind, ID: all[0].Hash, Version: store.AnyVersion})
}

var badToken = fault.New(fault.Denied, "the token is unknown, has expired or was revoked").WithHint("make a new one: vedette token add NAME")

// byToken finds who the token stands for. A token never has more than its owner
// has now.
func (a *Accounts) byToken(ctx context.Context, text string) (authz.Principal, error) {
	t, version, err := get[token](ctx, a.cfg.Records, tokenKind, hashOf(text))
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return authz.Principal{}, badToken
	case err != nil:
		return authz.Principal{}, err
	case !a.cfg.Now().Before(t.Expires):
		return authz.Principal{}, badToken
	}
	p := authz.Principal{ID: t.ID, Name: "token " + t.Name, Kind: authz.Token, Roles: t.Roles, Scope: t.Scope, Zones: t.Zones}
	if t.Owner != "" {
		u, _, err := get[user](ctx, a.cfg.Records, userKind, t.Owner)
		if fault.KindOf(err) == fault.NotFound || err == nil && (u.UID != t.OwnerUID || !a.lives(u) || a.forgotten(u)) {
			return authz.Principal{}, badToken
		}
		if err != nil {
			return authz.Principal{}, err
		}
		p.Name = u.Name + ", token " + t.Name
		p.Roles = both(t.Roles, u.Roles)
		if len(u.Zones) > 0 {
			if p.Zones = u.Zones; len(t.Zones) > 0 {
				if p.Zones = both(t.Zones, u.Zones); len(p.Zones) == 0 {
					return authz.Principal{}, badToken // nothing left, and empty would mean all
				}
			}
		}
	}
	if now := a.cfg.Now().UTC(); now.Sub(t.Used) >= seenEvery {
		t.Used = now
		if put, err := change(tokenKind, t.Hash, version, t); err == nil {
			_ = a.cfg.Records.Update(ctx, put) // another request, or its end, came first
		}
	}
	return p, nil
}

func both[T comparable](a, b []T) []T {
	out := []T{}
	for _, v := range a {
		if slices.Contains(b, v) {
			out = append(out, v)
		}
	}
	return out
}
