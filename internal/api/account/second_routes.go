package account

import (
	"net/http"

	"vedette/internal/api/problem"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// secondRoutes are the routes of a passkey after the password.
func secondRoutes() []Route {
	return []Route{
		{"POST", Prefix + "login/passkey", "", "the second half of a sign-in that was answered with 202: what the browser signed", loginPasskey},
		{"POST", Prefix + "setup/passkey", "", "the second half of a one-time link that was answered with 202: the passkey that the browser made", setupPasskey},
		{"GET", Prefix + "second", authz.SelfRead, "whether one's own account needs a passkey after the password", secondGet},
		{"PUT", Prefix + "second", authz.SelfWrite, "need a passkey after the password, or no longer; with the password", secondPut},
	}
}

// asked answers with the request for a passkey: 202, and no cookie.
func (a *Accounts) asked(w http.ResponseWriter, ask *Asked, form bool) (any, error) {
	if !form {
		reply(w, http.StatusAccepted, ask)
		return nil, nil
	}
	d := pageData{Title: "Your passkey", Text: "The password is right. This account needs a passkey too; it can be given within two minutes.", Ask: string(ask.Options), AskTo: "login/passkey", Button: "Use a passkey"}
	if ask.Next == "register" {
		d = pageData{Title: "Make a passkey", Text: "This account must have a passkey besides the password. Nothing is set before it is made; the link goes on working until then.", Ask: string(ask.Options), AskTo: "setup/passkey", AskWhat: true, Button: "Make it and sign in"}
	}
	a.page(w, d.with(nil))
	return nil, nil
}

func loginPasskey(a *Accounts, w http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	secret, u, err := a.Finish(r.Context(), body, addressOf(r.RemoteAddr), r.UserAgent())
	if err != nil {
		return nil, err
	}
	return a.welcome(w, r, secret, u, false), nil
}

func setupPasskey(a *Accounts, w http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	var n newPasskey
	if err := problem.Decode(w, r, maxBody, &n); err != nil {
		return nil, err
	}
	address := addressOf(r.RemoteAddr)
	key := "link " + address
	if err := a.limits.begin(key, address); err != nil {
		return nil, err
	}
	u, err := a.FinishLink(r.Context(), n.Name, n.Answer, address)
	if err != nil {
		return nil, err
	}
	a.limits.succeed(key, address)
	secret, err := a.start(r.Context(), u, address, r.UserAgent())
	if err != nil {
		return nil, err
	}
	return a.welcome(w, r, secret, u.User, false), nil
}

var onlyOwner = fault.New(fault.Denied, "a passkey after the password is set by a person who is signed in")

func secondGet(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	if _, ok := r.Context().Value(sessionKey{}).(string); !ok || p.ID == demoUser {
		return Second{}, nil // a program, or the demo: neither has a password
	}
	return a.SecondOf(r.Context(), p.Name)
}

func secondPut(a *Accounts, w http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	session, ok := r.Context().Value(sessionKey{}).(string)
	if !ok {
		return nil, onlyOwner
	}
	var c struct {
		On       bool   `json:"on"`
		Password string `json:"password"`
	}
	if err := problem.Decode(w, r, maxBody, &c); err != nil {
		return nil, err
	}
	return a.SetSecond(r.Context(), p.Name, c.On, c.Password, session, addressOf(r.RemoteAddr))
}
