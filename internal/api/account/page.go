package account

import (
	_ "embed"
	"html/template"
	"net/http"

	"vedette/internal/fault"
)

// The pages for signing in and for one-time links work without a script, so
// that they stand whatever becomes of the console. A script adds passkeys, which
// browsers have by script alone: what only the script can answer is disabled
// until it listens, since the browser would send such a form itself.
var pages = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>{{.Title}} · Vedette</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/signin.css">{{if .Home}}<meta http-equiv="refresh" content="0;url=/">{{end}}{{if or .Passkey .Passkeys .Ask}}<script src="/passkey.js" defer></script>{{end}}</head>
<body><main><p class="brand">Vedette</p><h1>{{.Title}}</h1>
{{if or .Passkey .Passkeys .Ask}}<p role="alert" id="problem" hidden></p>{{end}}
{{with .Problem}}<p role="alert"><strong>{{.}}</strong>{{with $.Hint}} ({{.}}){{end}}</p>{{end}}
{{with .Text}}<p>{{.}}</p>{{end}}
{{if .Home}}<p><a class="button" href="/">Go on</a></p>{{end}}
{{with .Provider}}<p><a class="button" href="{{$.ProviderAt}}">Sign in with {{.}}</a></p>{{end}}
{{if .To}}<form method="post" action="{{.To}}">
{{with .Token}}<input type="hidden" name="token" value="{{.}}">{{end}}
{{if .AskName}}<p><label>Name <input name="name" autocomplete="username" required maxlength="64" autofocus></label></p>{{end}}
<p><label>Password <input name="password" type="password" autocomplete="{{.Complete}}" required maxlength="512"></label></p>
<p><button>{{.Button}}</button></p></form>{{end}}
{{with .Ask}}<form id="ask" data-to="{{$.AskTo}}" data-options="{{.}}">{{if $.AskWhat}}<p><label>What to call it <input id="called" required maxlength="60" placeholder="such as: laptop" autocomplete="off"></label></p>{{end}}
<p><button disabled>{{$.Button}}</button></p></form><noscript><p role="alert">Passkeys want a browser that runs scripts.</p></noscript>{{if not $.AskWhat}}<p><a href="/signin">Begin again</a></p>{{end}}{{end}}
{{if .Passkey}}<p id="passkey" hidden><button type="button" class="quiet">Sign in with a passkey</button></p>{{end}}
{{if .Passkeys}}<ul id="keys" class="keys" aria-label="Your passkeys"></ul><p id="none" hidden>You have none.</p>
<h2>Add a passkey</h2>
<form id="add"><p><label>What to call it <input id="name" required maxlength="60" placeholder="such as: laptop" autocomplete="off"></label></p>
<p><label>Your password <input id="password" type="password" autocomplete="current-password" required maxlength="512"></label></p>
<p><button disabled>Add a passkey</button></p></form>
<section id="second" hidden><h2>After the password</h2><p id="second-now"></p>
<form id="second-set" hidden><p><label>Your password <input id="second-password" type="password" autocomplete="current-password" required maxlength="512"></label></p>
<p><button></button></p></form></section><p><a href="/">Back to the console</a></p>{{end}}
</main></body></html>
`))

const demoDenied = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Vedette</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/signin.css"></head>
<body><main><p class="brand">Vedette</p><h1>Open the link that the terminal shows</h1><p>This demo answers to whoever has its link.</p></main></body></html>
`

//go:embed signin.css
var style []byte

//go:embed passkey.js
var script []byte

type pageData struct {
	status                      int
	Title, Text, Problem, Hint  string
	To, Token, Complete, Button string
	AskName                     bool
	Provider, ProviderAt        string // what to call the provider, and where its sign-in begins
	Passkey                     bool   // can be signed in with
	Passkeys                    bool   // the page of one's own passkeys
	Ask, AskTo                  string // the options of a passkey that is asked for, and where the answer goes
	AskWhat                     bool   // it is made: what to call it
	Home                        bool   // goes on to the console by itself
}

func (a *Accounts) signInPage(err error) pageData { return a.signInPageAt("", err) }

// signInPageAt is the page for signing in by the name that the browser calls the
// server: passkeys are offered where they work.
func (a *Accounts) signInPageAt(host string, err error) pageData {
	d := pageData{
		Title: "Sign in", Text: "No password yet? An administrator makes you a link: vedette user link NAME.",
		To: Prefix + "login", Complete: "current-password", Button: "Sign in", AskName: true,
	}
	d.Passkey = a.keys.At(host)
	if a.cfg.Provider != nil {
		d.Provider, d.ProviderAt = a.cfg.Provider.Name(), Prefix+"oidc/start"
	}
	return d.with(err)
}

func (d pageData) with(err error) pageData {
	d.status = http.StatusOK
	if err != nil {
		d.Problem, d.Hint = fault.Public(err)
		d.status = map[fault.Kind]int{fault.Denied: http.StatusUnauthorized, fault.Limited: http.StatusTooManyRequests, fault.Internal: http.StatusInternalServerError, fault.NotFound: http.StatusNotFound, fault.Unavailable: http.StatusServiceUnavailable}[fault.KindOf(err)]
		if d.status == 0 {
			d.status = http.StatusBadRequest
		}
	}
	return d
}

// setupPage shows the form of a link that works. To look uses nothing up:
// programs that preview links must not end them.
func (a *Accounts) setupPage(r *http.Request, secret string, err error) pageData {
	l, _, bad := a.link(r.Context(), secret)
	if bad != nil {
		return pageData{Title: "This link does not work"}.with(bad)
	}
	d := pageData{
		Title: "Set your password", Text: "At least 12 characters, such as four words.",
		To: Prefix + "setup", Token: secret, Complete: "new-password", Button: "Set it and sign in", AskName: l.For == "setup",
	}
	if l.For == "setup" {
		d.Title = "Make the first administrator"
	}
	return d.with(err)
}

func (a *Accounts) page(w http.ResponseWriter, d pageData) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(d.status)
	_ = pages.Execute(w, d) // the client has gone if this fails
}

// pageFor serves the pages of the guard itself.
func (a *Accounts) pageFor(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch r.URL.Path {
	case "/signin.css":
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style) // the browser has gone if this fails
	case "/signin":
		a.page(w, a.signInPageAt(r.Host, nil))
	case "/passkey.js":
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write(script) // the browser has gone if this fails
	case "/passkeys": // tells nothing itself: what it shows it asks the API for
		a.page(w, pageData{Title: "Your passkeys", Text: "A passkey signs you in without a password: this machine, a telephone or a security key asks for your finger, face or PIN.", Passkeys: true}.with(nil))
	case "/setup":
		a.page(w, a.setupPage(r, r.URL.Query().Get("token"), nil))
	default:
		return false
	}
	return true
}
