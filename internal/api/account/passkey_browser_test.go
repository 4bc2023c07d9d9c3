package account_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"vedette/internal/api/account"
)

// TestPasskeyInABrowser registers a passkey and signs in by it on our own pages,
// with the authenticator that Chromium has for tests.
func TestPasskeyInABrowser(t *testing.T) {
	s := open(t)
	srv := httptest.NewServer(s.h)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(u.Port())
	s.a.Serve(account.Door{Port: port})
	s.admin()
	base := "http://localhost:" + u.Port()

	b := openPage(t, base+"/signin")
	b.virtualKey()
	js, until := b.js, b.until
	shot := b.shot
	const text = `document.body.innerText`
	until("the page offers passkeys", text, "Sign in with a passkey")
	shot("signin")
	js(`document.querySelector("input[name=name]").value = "ann"; document.querySelector("input[name=password]").value = "` + good + `"; document.querySelector("form button").click(); ""`)
	until("in by password", `location.pathname + " " + document.body.innerText`, `/ {"ID":`)

	js(`location.assign("/passkeys"); ""`)
	until("none yet", text, "You have none.")
	until("the script listens", `String(document.querySelector("#add button").disabled)`, "false")
	js(`document.getElementById("name").value = "<b>laptop</b>"; document.getElementById("password").value = "wrong wrong wrong"; document.querySelector("#add button").click(); ""`)
	until("a wrong password is told", text, "the password is wrong")
	js(`document.getElementById("password").value = "` + good + `"; document.querySelector("#add button").click(); ""`)
	until("registered", text, "<b>laptop</b>")
	until("never used", text, "last used never")
	until("the form is free again", `String(document.querySelector("#add button").disabled)`, "false")
	shot("passkeys")
	js(`document.getElementById("name").value = "again"; document.getElementById("password").value = "` + good + `"; document.querySelector("#add button").click(); ""`)
	until("not twice on one machine", text, "registered already")

	js(`fetch("/api/v1/account/logout", {method: "POST"}).then(() => location.assign("/signin")); ""`)
	until("out", text, "Sign in with a passkey")
	js(`document.querySelector("#passkey button").click(); ""`)
	until("in by passkey", `location.pathname + " " + document.body.innerText`, `/ {"ID":`)
	until("as ann", text, `"Name":"ann"`)

	js(`location.assign("/passkeys"); ""`)
	until("listed", text, "<b>laptop</b>")
	js(`document.querySelector("#keys button").click(); ""`)
	until("revoked", text, "You have none.")
	js(`fetch("/api/v1/account/logout", {method: "POST"}).then(() => location.assign("/signin")); ""`)
	until("out again", text, "Sign in with a passkey")
	js(`document.querySelector("#passkey button").click(); ""`)
	until("the revoked one is refused", text, "the passkey was not accepted")
}

// virtualKey gives the browser an authenticator that says yes.
func (p page) virtualKey() {
	p.Helper()
	if _, err := chromedp.Call(p.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		p.Fatal(err)
	}
	if _, err := chromedp.Call(p.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}}); err != nil {
		p.Fatal(err)
	}
}

// shot keeps a picture of the page where VEDETTE_SHOTS names a directory.
func (p page) shot(name string) {
	dir := os.Getenv("VEDETTE_SHOTS")
	if dir == "" {
		return
	}
	if png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100)); err == nil {
		_ = os.WriteFile(dir+"/"+name+".png", png, 0o600)
	}
}

// TestPasskeyAfterThePasswordInABrowser turns a passkey after the password on, signs
// in by both, and gets an account back that must have one by a one-time link, all
// on our own pages.
func TestPasskeyAfterThePasswordInABrowser(t *testing.T) {
	s := open(t)
	srv := httptest.NewServer(s.h)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(u.Port())
	s.a.Serve(account.Door{Port: port})
	s.admin()
	base := "http://localhost:" + u.Port()
	b := openPage(t, base+"/signin")
	b.virtualKey()
	const text = `document.body.innerText`
	password := func() {
		b.js(`document.querySelector("input[name=name]").value = "ann"; document.querySelector("input[name=password]").value = "` + good + `"; document.querySelector("form button").click(); ""`)
	}
	leave := func() {
		b.js(`fetch("/api/v1/account/logout", {method: "POST"}).then(() => location.assign("/signin")); ""`)
		b.until("out", `location.pathname + document.querySelectorAll("input[name=name]").length`, "/signin1")
	}
	password()
	b.until("in by password", text, `{"ID":`)
	b.js(`location.assign("/passkeys"); ""`)
	b.until("none yet", text, "You have none.")
	if got := b.js(`String(document.getElementById("second").hidden)`); got != "true" {
		t.Errorf("without a passkey it is offered: %q", got)
	}
	b.until("the script listens", `String(document.querySelector("#add button").disabled)`, "false")
	b.js(`document.getElementById("name").value = "laptop"; document.getElementById("password").value = "` + good + `"; document.querySelector("#add button").click(); ""`)
	b.until("offered", text, "Ask for a passkey too")
	b.until("the form is free again", `String(document.querySelector("#add button").disabled)`, "false")
	b.shot("second-off")
	b.js(`document.getElementById("second-password").value = "` + good + `"; document.querySelector("#second-set button").click(); ""`)
	b.until("on", text, "Ask for the password alone")
	b.until("the form is free again", `String(document.querySelector("#second-set button").disabled)`, "false")
	b.shot("second-on")
	b.js(`document.querySelector("#keys button").click(); ""`)
	b.until("the last one stays", text, "this is the last")

	leave()
	password()
	b.until("asked", text, "This account needs a passkey too")
	b.js(`fetch("/").then((r) => document.title = "status " + r.status); ""`)
	b.until("no session yet", `document.title`, "status 401")
	b.shot("second-ask")
	b.until("the script listens", `String(document.querySelector("#ask button").disabled)`, "false")
	b.js(`document.querySelector("#ask button").click(); ""`)
	b.until("in by both", text, `"Name":"ann"`)

	s.require("ann", true)
	secret, err := s.a.Link(t.Context(), "ann", "ann")
	if err != nil {
		t.Fatal(err)
	}
	leave()
	b.js(`location.assign("/setup?token=` + secret + `"); ""`)
	b.until("the link", text, "Set your password")
	b.js(`document.querySelector("input[name=password]").value = "` + good + `"; document.querySelector("form button").click(); ""`)
	b.until("a passkey is to be made", text, "Make a passkey")
	b.shot("second-make")
	b.until("the script listens", `String(document.querySelector("#ask button").disabled)`, "false")
	b.js(`document.getElementById("called").value = "new"; document.querySelector("#ask button").click(); ""`)
	b.until("in", text, `"Name":"ann"`)
	b.js(`location.assign("/passkeys"); ""`)
	b.until("the new one", text, "An administrator requires a passkey after your password.")
}

// TestPasskeyFormsWaitForTheirScript holds the script back: a click that comes
// before it must not make the browser send the form by itself.
func TestPasskeyFormsWaitForTheirScript(t *testing.T) {
	s := open(t)
	var holds atomic.Bool
	held := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/passkey.js" && holds.Load() {
			select {
			case <-held:
			case <-r.Context().Done():
			}
		}
		s.h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	s.admin()
	b := openPage(t, srv.URL+"/signin")
	b.js(`document.querySelector("input[name=name]").value = "ann"; document.querySelector("input[name=password]").value = "` + good + `"; document.querySelector("form button").click(); ""`)
	b.until("in by password", `document.body.innerText`, `{"ID":`)
	holds.Store(true)
	b.js(`location.assign("/passkeys"); ""`)
	const button = `document.querySelector("#add button")`
	b.until("the form is there before its script", `String(`+button+`.disabled)`, "true")
	b.js(`window.stays = "stays"; document.getElementById("name").value = "laptop"; document.getElementById("password").value = "` + good + `"; ` + button + `.click(); ""`)
	close(held)
	b.until("the script listens", `document.body.innerText`, "You have none.")
	b.until("the form is free", `String(`+button+`.disabled)`, "false")
	if got := b.js(`[location.pathname + location.search, window.stays, document.getElementById("name").value].join(" ")`); got != "/passkeys stays laptop" {
		t.Errorf("an early click did something: %q", got)
	}
}
