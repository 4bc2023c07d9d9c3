package account_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestOIDCInABrowser goes the whole way in a real browser, which sends the strict
// cookie of the session only where this server's own page leads.
func TestOIDCInABrowser(t *testing.T) {
	p := newIDP(t)
	p.be(idpOdd{instead: func(w http.ResponseWriter, r *http.Request) bool { // the page of the provider
		switch r.URL.Path {
		case "/authorize":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<form method="post" action="/go?%s"><button>I am ann</button></form>`, r.URL.RawQuery)
			return true
		case "/go":
			q, code := r.URL.Query(), rand.Text()
			p.code[code] = q
			http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": q["state"]}.Encode(), http.StatusSeeOther)
			return true
		}
		return false
	}})
	s := open(t, p.with())
	srv := httptest.NewServer(s.h)
	t.Cleanup(srv.Close)
	base := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) // the provider, at 127.0.0.1, is another site

	b := openPage(t, base+"/signin")
	js, until := b.js, b.until
	until("the page offers the provider", `document.body.innerText`, "Sign in with Plant")
	js(`document.querySelector("a.button").click(); ""`)
	until("the provider's page", `document.body.innerText`, "I am ann")
	js(`document.querySelector("button").click(); ""`)
	until("the console", `location.pathname + " " + document.body.innerText`, `/ {"ID":`)
	until("as ann", `document.body.innerText`, `"oidc:ann"`)
	if cookies := js(`document.cookie`); cookies != "" {
		t.Errorf("a script can read %s", cookies)
	}
}
