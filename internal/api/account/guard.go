package account

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"vedette/internal/api/problem"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// openPaths need no session.
var openPaths = []string{"/healthz", "/signin", "/setup", Prefix + "login", Prefix + "login/passkey", Prefix + "setup", Prefix + "setup/passkey", Prefix + "oidc/start", Prefix + "oidc/callback", Prefix + "passkey/start", Prefix + "passkey/finish"}

// Guard lets a request through that names this server as its host, comes from
// our own page if it changes anything, and shows a session, a token or the
// demo's link. Who asks is in the context: [authz.From]. A request without any
// of them gets only the open paths.
func (a *Accounts) Guard(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, fault.New(fault.Denied, "the request comes from another site"))
	}))
	checked := origin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Headers(w.Header())
		switch {
		case !a.hosted(r.Host):
			http.Error(w, "421: this server does not answer to that name: add it to server.hosts of the configuration", http.StatusMisdirectedRequest)
			return
		case !cleanPath(r.URL.Path):
			fail(w, r, fault.New(fault.Invalid, "the path of the request is not in its plain form"))
			return
		case a.demo != "" && r.URL.Path == "/" && r.Method == http.MethodGet && r.URL.Query().Has("token"):
			a.enter(w, r)
			return
		}
		if a.pageFor(w, r) {
			return
		}
		p, session, err := a.who(r)
		switch {
		case err == nil:
			ctx := authz.With(r.Context(), p)
			if session != "" {
				ctx = context.WithValue(ctx, sessionKey{}, session)
			}
			if p.Kind == authz.Token || r.Header.Get("Authorization") != "" { // no page of a browser can send this along
				next.ServeHTTP(w, r.WithContext(ctx))
				return
			}
			checked.ServeHTTP(w, r.WithContext(ctx))
		case fault.KindOf(err) != fault.Denied:
			fail(w, r, err)
		case a.isOpen(r.URL.Path):
			checked.ServeHTTP(w, r)
		default:
			a.deny(w, r, err)
		}
	})
}

func cleanPath(p string) bool {
	if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "\\\x00\r\n") {
		return false
	}
	clean := path.Clean(p)
	return p == clean || p == clean+"/" && clean != "/"
}

func (a *Accounts) isOpen(p string) bool {
	match := func(o string) bool {
		return p == o || len(o) > 1 && strings.HasSuffix(o, "/") && strings.HasPrefix(p, o)
	}
	return slices.ContainsFunc(openPaths, match) || slices.ContainsFunc(a.cfg.Open, match)
}

type sessionKey struct{}

// who finds out who asks, and by which session if by one. Nobody is a Denied
// fault.
func (a *Accounts) who(r *http.Request) (p authz.Principal, session string, err error) {
	c, err := credentialOf(r.Header, a.CookieName())
	switch {
	case err != nil:
	case c.token != "":
		p, err = a.byToken(r.Context(), c.token)
	case c.link != "" && a.isDemo(c.link):
		p = demoPrincipal()
	case c.link != "":
		err = badToken
	case c.session != "":
		return a.bySession(r.Context(), c.session)
	default:
		err = noSession
	}
	return p, "", err
}

// Still tells whether whoever made the request is still let in, with the same
// rights or others; a stream asks it every minute, and ends when it may not go on. Who
// is limited to other zones than when the request came has to ask anew.
func (a *Accounts) Still(r *http.Request) (authz.Principal, error) {
	p, _, err := a.who(r)
	if was, ok := authz.From(r.Context()); err == nil && ok && !slices.Equal(was.Zones, p.Zones) {
		return p, fault.New(fault.Denied, "the zones of the account have changed").WithHint("open it again")
	}
	return p, err
}

func (a *Accounts) isDemo(secret string) bool {
	return a.demo != "" && subtle.ConstantTimeCompare([]byte(hashOf(secret)), []byte(hashOf(a.demo))) == 1
}

// enter changes the token of the demo's link for a session and leaves the token
// behind.
func (a *Accounts) enter(w http.ResponseWriter, r *http.Request) {
	if !a.isDemo(r.URL.Query().Get("token")) {
		a.deny(w, r, badLink)
		return
	}
	secret, err := a.start(r.Context(), user{User: User{UID: demoUser, Name: demoUser}}, addressOf(r.RemoteAddr), r.UserAgent())
	if err != nil {
		fail(w, r, err)
		return
	}
	a.setCookie(w, secret, 0)
	to := "/"
	if q := r.URL.Query().Get("q"); q != "" {
		to += "?" + url.Values{"q": {q}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// deny sends a browser to the page for signing in, and tells a program.
func (a *Accounts) deny(w http.ResponseWriter, r *http.Request, err error) {
	page := (r.Method == http.MethodGet || r.Method == http.MethodHead) && !strings.HasPrefix(r.URL.Path, "/api/") &&
		strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("Authorization") == ""
	if page && a.demo != "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(demoDenied)) // the browser has gone if this fails
		return
	}
	if page {
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="vedette"`)
	problem.WriteAs(w, r, http.StatusUnauthorized, err)
}

// Headers sets what every answer of the server has.
func Headers(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
