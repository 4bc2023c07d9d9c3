package account_test

import (
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
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
	if _, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}}); err != nil {
		t.Fatal(err)
	}
	js, until := b.js, b.until
	shot := func(name string) {
		dir := os.Getenv("VEDETTE_SHOTS")
		if dir == "" {
			return
		}
		if png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100)); err == nil {
			_ = os.WriteFile(dir+"/"+name+".png", png, 0o600)
		}
	}
	const text = `document.body.innerText`
	until("the page offers passkeys", text, "Sign in with a passkey")
	shot("signin")
	js(`document.querySelector("input[name=name]").value = "ann"; document.querySelector("input[name=password]").value = "` + good + `"; document.querySelector("form button").click(); ""`)
	until("in by password", `location.pathname + " " + document.body.innerText`, `/ {"ID":`)

	js(`location.assign("/passkeys"); ""`)
	until("none yet", text, "You have none.")
	js(`document.getElementById("name").value = "<b>laptop</b>"; document.getElementById("password").value = "wrong wrong wrong"; document.querySelector("#add button").click(); ""`)
	until("a wrong password is told", text, "the password is wrong")
	js(`document.getElementById("password").value = "` + good + `"; document.querySelector("#add button").click(); ""`)
	until("registered", text, "<b>laptop</b>")
	until("never used", text, "last used never")
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
