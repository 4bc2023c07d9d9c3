package account_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestOIDCInABrowser goes the whole way in a real browser, which sends the strict
// cookie of the session only where this server's own page leads.
func TestOIDCInABrowser(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no browser is installed: apt-get install chromium")
	}
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

	profile, err := os.MkdirTemp("", "vedette-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // the browser may still be writing
	alloc, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("ignore-certificate-errors", true), chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	if err := chromedp.Do(ctx, chromedp.Navigate(base+"/signin")); err != nil {
		t.Fatal(err)
	}
	js := func(code string) string {
		t.Helper()
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		got, err := chromedp.Run(short, chromedp.Evaluate[string](code))
		if err != nil {
			return "" // between two pages
		}
		return got
	}
	until := func(what, code, part string) {
		t.Helper()
		got := ""
		for range 100 {
			if got = js(code); strings.Contains(got, part) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Fatalf("%s: %q", what, got)
	}
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
