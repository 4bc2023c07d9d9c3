// Package account finds out who asks: people by password or passkey and session, programs
// by token. It owns users, sessions, tokens and one-time links, and [Accounts.Guard], the
// door's middleware that puts an [authz.Principal] into the context of each
// request.
//
// Of passwords, sessions, tokens and links only hashes are kept. There is no
// default password: the first administrator is made by a one-time link that the
// server prints. Every sign-in and change is in the audit journal before it
// takes effect.
//
// It must not decide what anyone may do: it asks an [authz.Authority].
package account

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"vedette/internal/api/account/passkey"
	"vedette/internal/api/account/provider"
	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// Config is what accounts need. Records, Journal, Authority and Now must be set.
type Config struct {
	Records   store.Records
	Journal   *audit.Journal
	Authority authz.Authority
	Now       func() time.Time

	Idle     time.Duration // a session ends so long after its last use; 0: 8 hours
	Lifetime time.Duration // and so long after its sign-in at the latest; 0: 72 hours

	Provider *provider.Provider // at which people may sign in too; nil: none

	Zone func(name string) string // what a zone is called that may have been renamed; nil: as it is given

	NeedPasskey bool // every account with a password needs a passkey after it

	Door
}

// Door is how the accounts are reached.
type Door struct {
	Hosts  []string // names that the server answers to, besides those of loopback
	Secure bool     // it is served by TLS
	Port   int      // part of the cookie's name: browsers share cookies between the ports of a host
	Demo   bool     // the link of [Accounts.DemoToken] gives a session of an administrator
	// Origins at which passkeys work, such as https://vedette.plant.example; empty:
	// those that follow from Hosts, Secure and Port.
	Origins []string
	Open    []string // paths that need no session; one that ends in / stands for all below it
}

// Limits of what accounts may cost.
const (
	maxUsers        = 10_000
	maxTokens       = 10_000
	maxUserSessions = 20
	maxBody         = 64 << 10
	linkLives       = 24 * time.Hour
	seenEvery       = time.Minute // how exact last uses are kept
)

// The kinds of records.
const (
	userKind    = "account.user"
	sessionKind = "account.session"
	tokenKind   = "account.token"
	linkKind    = "account.link"
	outerKind   = "account.oidc" // who at the provider has which account
)

// Accounts knows who may sign in, and who is. It is safe for concurrent use.
type Accounts struct {
	cfg    Config
	hashes *hasher
	limits *throttle
	failed *journalled
	keys   *passkey.Ceremonies
	demo   string     // the link's token; empty: no demo
	making sync.Mutex // held while accounts change, so that counts and the last administrator hold
}

// New makes the accounts of a server.
func New(cfg Config) (*Accounts, error) {
	if cfg.Records == nil || cfg.Journal == nil || cfg.Authority == nil || cfg.Now == nil {
		return nil, fault.New(fault.Internal, "making the accounts: records, journal, authority or clock are missing")
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 8 * time.Hour
	}
	if cfg.Lifetime <= 0 {
		cfg.Lifetime = 72 * time.Hour
	}
	a := &Accounts{cfg: cfg, hashes: newHasher(), limits: newThrottle(cfg.Now), failed: &journalled{journal: cfg.Journal, now: cfg.Now}}
	a.Serve(cfg.Door)
	return a, nil
}

// Serve tells by which door the accounts are reached, where that is known only
// once the server listens. It must be called before the first request.
func (a *Accounts) Serve(d Door) {
	a.cfg.Door = d
	origins := d.Origins
	if len(origins) == 0 {
		origins = passkey.Origins(d.Hosts, d.Secure, d.Port)
	}
	a.keys = passkey.New(origins, a.cfg.Now)
	if d.Demo && a.demo == "" {
		a.demo = newSecret()
	}
}

// DemoToken is the token of the demo's link, /?token=TOKEN; empty when this is
// no demo. It can be used again and again while the demo runs.
func (a *Accounts) DemoToken() string { return a.demo }

// hosted reports whether the Host header names this server. A page of another
// site that made its own name point here does not.
func (a *Accounts) hosted(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "127.0.0.1" || host == "localhost" || host == "::1" || slices.ContainsFunc(a.cfg.Hosts, func(h string) bool { return host == strings.ToLower(h) })
}

// CookieName is the name of the session's cookie.
func (a *Accounts) CookieName() string {
	name := "vedette_session"
	if a.cfg.Port > 0 {
		name += "_" + itoa(a.cfg.Port)
	}
	if a.cfg.Secure {
		return "__Host-" + name // browsers take it by TLS alone, for this host alone
	}
	return name
}

// startCookie is the name of the cookie of a sign-in that is at the provider.
func (a *Accounts) startCookie() string {
	return strings.Replace(a.CookieName(), "vedette_session", "vedette_signin", 1)
}

// setStartCookie ties a sign-in to its browser. It must come along when the
// provider's page leads back here, which a strict cookie does not.
func (a *Accounts) setStartCookie(w http.ResponseWriter, value string, age int) {
	//nolint:gosec // G124: Secure wherever there is TLS; without it only loopback is served
	http.SetCookie(w, &http.Cookie{
		Name: a.startCookie(), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: a.cfg.Secure, SameSite: http.SameSiteLaxMode,
	})
}

func (a *Accounts) setCookie(w http.ResponseWriter, value string, age int) {
	//nolint:gosec // G124: loopback without TLS has no Secure cookie; anything else is refused without TLS
	http.SetCookie(w, &http.Cookie{
		Name: a.CookieName(), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: a.cfg.Secure, SameSite: http.SameSiteStrictMode,
	})
}

// record writes what is about to be done into the journal.
func (a *Accounts) record(actor, action, object string, details map[string]string) error {
	if actor == "" {
		actor = "unknown"
	}
	_, err := a.cfg.Journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: actor}, Action: action, Object: object, Details: details})
	return err
}

func get[T any](ctx context.Context, r store.Records, kind, id string) (T, int64, error) {
	var out T
	rec, err := r.Get(ctx, kind, id)
	if err != nil {
		return out, 0, err
	}
	if err := json.Unmarshal(rec.JSON, &out); err != nil {
		return out, 0, fault.Wrap(fault.Internal, err, "reading the record %s %s", kind, id)
	}
	return out, rec.Version, nil
}

func list[T any](ctx context.Context, r store.Records, kind string) ([]T, error) {
	out := []T{}
	for rec, err := range r.List(ctx, kind) {
		if err != nil {
			return nil, err
		}
		var v T
		if err := json.Unmarshal(rec.JSON, &v); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "reading the record %s %s", kind, rec.ID)
		}
		out = append(out, v)
	}
	return out, nil
}

func change(kind, id string, version int64, v any) (store.Change, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return store.Change{}, fault.Wrap(fault.Internal, err, "encoding the record %s %s", kind, id)
	}
	return store.Change{Kind: kind, ID: id, Version: version, JSON: text}, nil
}
