// Package provider lets people prove who they are at an OpenID Connect provider:
// by the authorization code flow with PKCE, a state that works once and in one
// browser alone, and a nonce. It owns what the provider is asked, what of its
// answers is believed, and which roles and zones the claims give.
//
// It must not know accounts or sessions: it says who somebody is, and the
// accounts decide what becomes of that. Nothing that it does at its making needs
// the provider: that may be away.
package provider

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"vedette/internal/authz"
	"vedette/internal/fault"
)

// Config names a provider. Issuer, ClientID, RolesClaim, Roles and Now must be
// set.
type Config struct {
	Issuer     string
	Name       string // what people call it; empty: the host of the issuer
	ClientID   string
	SecretFile string // read at each use; empty: a public client
	CAFile     string // certificates that its TLS is trusted by; empty: the system's
	Scopes     []string
	NameClaim  string
	RolesClaim string
	Roles      map[string]authz.Role // by value of the claim
	Zones      map[string][]string   // by value of the claim; "*": all zones
	Timeout    time.Duration         // of one request; 0: 10 seconds
	Now        func() time.Time
}

// Person is whom the provider vouches for. Issuer and Subject together are who
// it is; the name is only a name.
type Person struct {
	Issuer, Subject, Name string
	Roles                 []authz.Role
	Zones                 []string // empty: all
}

// Why a sign-in was refused, for the journal.
const (
	WhyState    = "state"    // the answer belongs to no sign-in of this browser
	WhyRefused  = "refused"  // the provider said no
	WhyProvider = "provider" // the provider is away or answers nonsense
	WhyToken    = "token"    // what it answered does not hold
	WhyRole     = "role"     // the person has no role here
	WhyZone     = "zone"     // the person has a role, but no zone
)

// Refusal is why nobody was let in. It wraps what a person may be told.
type Refusal struct {
	Why string
	Err error
}

// Error implements error.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns what a person may be told.
func (r *Refusal) Unwrap() error { return r.Err }

func refuse(why string, err error) *Refusal { return &Refusal{why, err} }

// Provider is one OpenID Connect provider. It is safe for concurrent use.
type Provider struct {
	cfg     Config
	client  *http.Client
	pending *pending
	busy    chan struct{} // has room for what may be asked at a time
	known   discovery
}

// New makes a provider. It reads the certificates it is trusted by, and asks the
// provider nothing.
func New(cfg Config) (*Provider, error) {
	if cfg.Issuer == "" || cfg.ClientID == "" || cfg.RolesClaim == "" || len(cfg.Roles) == 0 || cfg.Now == nil {
		return nil, fault.New(fault.Invalid, "the sign-in at a provider needs an issuer, a client_id, a roles_claim and roles").WithHint("set them in server.oidc")
	}
	for _, role := range cfg.Roles {
		if !slices.Contains(authz.Roles(), role) {
			return nil, fault.New(fault.Invalid, "server.oidc gives the role %q, which there is not", role)
		}
	}
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, fault.New(fault.Invalid, "the issuer %q of server.oidc is no address", cfg.Issuer)
	}
	if cfg.Name == "" {
		cfg.Name = issuer.Hostname()
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = requestTime
	}
	client, err := newClient(cfg.CAFile, cfg.Timeout)
	if err != nil {
		return nil, err
	}
	return &Provider{cfg: cfg, client: client, pending: newPending(cfg.Now), busy: make(chan struct{}, maxAtOnce), known: discovery{turn: make(chan struct{}, 1)}}, nil
}

// Issuer is what the provider calls itself.
func (p *Provider) Issuer() string { return p.cfg.Issuer }

// Name is what people call it.
func (p *Provider) Name() string { return p.cfg.Name }

// Begun is a sign-in that a browser goes to the provider with.
type Begun struct {
	URL     string // at the provider
	Browser string // a secret for the browser's cookie: the answer counts in this browser alone
}

// Begin starts a sign-in. The provider sends the browser back to redirect;
// address is whom pending sign-ins are counted for, and session comes back with
// the answer.
func (p *Provider) Begin(ctx context.Context, redirect, address, session string) (Begun, error) {
	at, err := p.discover(ctx)
	if err != nil {
		return Begun{}, refuse(WhyProvider, err)
	}
	w := waiting{nonce: newSecret(), verifier: oauth2.GenerateVerifier(), redirect: redirect, address: address, session: session}
	state, browser, err := p.pending.add(w)
	if err != nil {
		return Begun{}, refuse(WhyState, err)
	}
	cfg := p.oauth(at, redirect, "")
	return Begun{cfg.AuthCodeURL(state, oidc.Nonce(w.nonce), oauth2.S256ChallengeOption(w.verifier)), browser}, nil
}

func (p *Provider) oauth(at *found, redirect, secret string) oauth2.Config {
	end := at.provider.Endpoint()
	end.AuthStyle = at.style
	if secret == "" {
		end.AuthStyle = oauth2.AuthStyleInParams
	}
	scopes := append([]string{oidc.ScopeOpenID, oidc.ScopeProfile}, p.cfg.Scopes...)
	return oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: secret, Endpoint: end, RedirectURL: redirect, Scopes: scopes}
}

// Came is a browser that came back with an answer which belongs to a sign-in of
// its own. Nothing of the answer is believed yet.
type Came struct {
	w    waiting
	code string
}

// Session is what [Provider.Begin] was given.
func (c Came) Session() string { return c.w.session }

var lost = fault.New(fault.Denied, "this sign-in was begun elsewhere, more than ten minutes ago, or is used up").WithHint("begin it again")

// Back finds the sign-in that an answer of the provider belongs to, and ends it:
// no answer works twice.
func (p *Provider) Back(query url.Values, browser string) (Came, error) {
	for _, key := range []string{"state", "code", "error", "iss"} {
		if len(query[key]) > 1 {
			return Came{}, refuse(WhyState, lost)
		}
	}
	w, ok := p.pending.take(query.Get("state"), browser)
	if !ok {
		return Came{}, refuse(WhyState, lost)
	}
	if query.Has("iss") && query.Get("iss") != p.cfg.Issuer {
		return Came{}, refuse(WhyToken, fault.New(fault.Denied, "the answer comes from another provider").WithHint("begin the sign-in again"))
	}
	if query.Has("error") {
		return Came{}, refuse(WhyRefused, fault.New(fault.Denied, "%s refused the sign-in: %s", p.cfg.Name, errorCode(query.Get("error"))).WithHint("ask whoever runs it, or sign in with a password"))
	}
	code := query.Get("code")
	if code == "" || len(code) > maxCode {
		return Came{}, refuse(WhyToken, fault.New(fault.Denied, "the answer of %s has no code", p.cfg.Name).WithHint("begin the sign-in again"))
	}
	return Came{w, code}, nil
}

// errorCode is a code of an error as the standard has them; anything else is not
// repeated to a person, since anybody can write it into the address.
func errorCode(text string) string {
	if text == "" || len(text) > 60 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "for a reason that cannot be read"
	}
	return text
}

// Finish asks the provider who came and what it vouches for. A person without a
// role or a zone is told together with the refusal.
func (p *Provider) Finish(ctx context.Context, c Came) (Person, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), 2*p.cfg.Timeout) // the code is used up, even if the browser goes
	defer done()
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return Person{}, refuse(WhyProvider, fault.New(fault.Limited, "too many people sign in at once").WithHint("try again"))
	}
	at, err := p.discover(ctx)
	if err != nil {
		return Person{}, refuse(WhyProvider, err)
	}
	secret, err := p.secret()
	if err != nil {
		return Person{}, refuse(WhyProvider, err)
	}
	ctx = oidc.ClientContext(ctx, p.client)
	cfg := p.oauth(at, c.w.redirect, secret)
	token, err := cfg.Exchange(ctx, c.code, oauth2.VerifierOption(c.w.verifier))
	if err != nil {
		return Person{}, refuse(WhyProvider, fault.Wrap(fault.Unavailable, err, "%s did not take the code of the sign-in", p.cfg.Name).WithHint("begin it again; the journal tells why; a local account works with its password"))
	}
	return p.believe(ctx, at, token, c.w)
}

// believe checks the token of who came.
func (p *Provider) believe(ctx context.Context, at *found, token *oauth2.Token, w waiting) (Person, error) {
	bad := func(cause error, why string) (Person, error) {
		return Person{}, refuse(WhyToken, fault.Wrap(fault.Denied, cause, "what %s says does not hold: %s", p.cfg.Name, why).WithHint("begin the sign-in again; the journal tells more"))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return bad(nil, "there is no ID token")
	}
	id, err := at.verifier.Verify(ctx, raw)
	if err != nil {
		return bad(err, "its token cannot be verified")
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(w.nonce)) != 1 {
		return bad(nil, "its token is of another sign-in")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return bad(err, "its two tokens do not belong together")
		}
	}
	if id.Subject == "" || len(id.Subject) > 255 {
		return bad(nil, "its token names nobody")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return bad(err, "its claims cannot be read")
	}
	if azp, ok := claims["azp"]; ok && azp != p.cfg.ClientID || !ok && len(id.Audience) > 1 {
		return bad(nil, "its token is for another program")
	}
	return p.person(id.Subject, claims)
}

func (p *Provider) secret() (string, error) {
	if p.cfg.SecretFile == "" {
		return "", nil
	}
	raw, err := os.ReadFile(p.cfg.SecretFile) // the configuration names it
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "reading the client secret").WithHint("server.oidc.client_secret_file names a file with the secret alone in it")
	}
	secret := strings.TrimSpace(string(raw))
	if secret == "" || len(secret) > 4096 {
		return "", fault.New(fault.Unavailable, "reading the client secret: the file holds none").WithHint("server.oidc.client_secret_file names a file with the secret alone in it")
	}
	return secret, nil
}
