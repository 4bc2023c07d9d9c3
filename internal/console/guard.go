package console

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// policy lets the page load its own script and style and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func newSession() string { return rand.Text() + rand.Text() }

// guard lets a request through when it names a loopback host (a page of
// another site cannot reach us under its own name), comes from our own page
// and has the session that the printed link opens.
func (c *console) guard(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fail(w, fault.New(fault.Denied, "the request comes from another site"))
	}))
	checked := origin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header())
		switch {
		case !c.loopback(r.Host):
			http.Error(w, "421: this console answers to 127.0.0.1 and localhost only: open the link that the terminal shows", http.StatusMisdirectedRequest)
		case r.URL.Path == "/healthz":
			checked.ServeHTTP(w, r)
		case r.URL.Path == "/" && r.Method == http.MethodGet && r.URL.Query().Has("token"):
			c.enter(w, r)
		case r.URL.Path == "/mcp":
			c.program(w, r, checked)
		case !c.known(r):
			c.deny(w)
		default:
			checked.ServeHTTP(w, r)
		}
	})
}

func headers(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// loopback reports whether the Host header names this machine's own side.
func (c *console) loopback(hostport string) bool {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || port != strconv.Itoa(c.cfg.Port) {
		return false
	}
	return host == "127.0.0.1" || host == "localhost" || host == "::1"
}

// cookie has the port in its name: browsers share cookies between all ports of
// a host.
func (c *console) cookie() string { return "vedette_session_" + strconv.Itoa(c.cfg.Port) }

// enter changes the link's token for the session and leaves the token behind.
func (c *console) enter(w http.ResponseWriter, r *http.Request) {
	got := sha256.Sum256([]byte(r.URL.Query().Get("token")))
	if subtle.ConstantTimeCompare(got[:], c.token[:]) != 1 {
		c.deny(w)
		return
	}
	//nolint:gosec // G124: loopback has no TLS, so Secure would keep the cookie away
	http.SetCookie(w, &http.Cookie{Name: c.cookie(), Value: c.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	to := "/"
	if q := r.URL.Query().Get("q"); q != "" {
		to += "?" + url.Values{"q": {q}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// program lets a request of a program through that has the token; the session
// of a browser does not count, so that no page can use it.
func (c *console) program(w http.ResponseWriter, r *http.Request, next http.Handler) {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got := sha256.Sum256([]byte(text))
	if !ok || subtle.ConstantTimeCompare(got[:], c.token[:]) != 1 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="vedette"`)
		problem(w, http.StatusUnauthorized, fault.New(fault.Denied, "this needs the token of the link that the terminal shows").WithHint("send it as: Authorization: Bearer TOKEN"))
		return
	}
	next.ServeHTTP(w, r)
}

func (c *console) known(r *http.Request) bool {
	got, err := r.Cookie(c.cookie())
	return err == nil && subtle.ConstantTimeCompare([]byte(got.Value), []byte(c.session)) == 1
}

func (c *console) deny(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write(c.denied) // the browser has gone if this fails
}
