package account

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"vedette/internal/api/account/passkey"
	"vedette/internal/api/problem"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// passkeyRoutes are the routes of passkeys.
func passkeyRoutes() []Route {
	return []Route{
		{"POST", Prefix + "passkey/start", "", "ask for a passkey: the options for navigator.credentials.get", passkeyStart},
		{"POST", Prefix + "passkey/finish", "", "sign in with what the browser signed", passkeyFinish},
		{"GET", Prefix + "passkeys", authz.SelfRead, "list one's own passkeys, or with ?all=true everyone's (needs users.read)", passkeys},
		{"POST", Prefix + "passkeys/start", authz.SelfWrite, "begin to register a passkey, with the password: the options for navigator.credentials.create", passkeyBegin},
		{"POST", Prefix + "passkeys", authz.SelfWrite, "register the passkey that the browser made", passkeyAdd},
		{"DELETE", Prefix + "passkeys/{id}", authz.SelfWrite, "revoke a passkey; another person's needs users.write", passkeyRevoke},
	}
}

// bodyOf reads a body of JSON as it is.
func bodyOf(r *http.Request) ([]byte, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, fault.New(fault.Invalid, "the body must be application/json")
	}
	body, err := io.ReadAll(r.Body)
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.New(fault.Limited, "the body is longer than %d bytes", e.Limit)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the body")
	}
	return body, nil
}

func passkeyStart(a *Accounts, _ http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	return raw(a.keys.SignIn(r.Host, addressOf(r.RemoteAddr)))
}

// raw keeps an empty answer from being one.
func raw(options json.RawMessage, err error) (any, error) { return options, err }

func passkeyFinish(a *Accounts, w http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	secret, u, err := a.SignInByPasskey(r.Context(), body, addressOf(r.RemoteAddr), r.UserAgent())
	if err != nil {
		return nil, err
	}
	return a.welcome(w, r, secret, u, false), nil
}

func passkeys(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	uid, err := a.whose(r, p, r.URL.Query().Get("all") == "true", authz.UsersRead)
	if err != nil {
		return nil, err
	}
	return rowsOf(a.Passkeys(r.Context(), uid))
}

var onlyPeople = fault.New(fault.Denied, "passkeys are registered by a person who is signed in")

func passkeyBegin(a *Accounts, w http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	session, ok := r.Context().Value(sessionKey{}).(string)
	if !ok {
		return nil, onlyPeople
	}
	var c credentials
	if err := problem.Decode(w, r, maxBody, &c); err != nil {
		return nil, err
	}
	return raw(a.BeginPasskey(r.Context(), p.Name, c.Password, r.Host, session, addressOf(r.RemoteAddr)))
}

type newPasskey struct {
	Name   string          `json:"name"`
	Answer json.RawMessage `json:"answer"` // what navigator.credentials.create gave
}

func passkeyAdd(a *Accounts, w http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	session, ok := r.Context().Value(sessionKey{}).(string)
	if !ok {
		return nil, onlyPeople
	}
	var n newPasskey
	if err := problem.Decode(w, r, maxBody, &n); err != nil {
		return nil, err
	}
	return a.AddPasskey(r.Context(), p.Name, n.Name, n.Answer, session, addressOf(r.RemoteAddr))
}

func passkeyRevoke(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	err := a.RevokePasskey(r.Context(), p.Name, r.PathValue("id"), p.ID)
	if fault.KindOf(err) == fault.NotFound && a.cfg.Authority.Decide(r.Context(), p, authz.UsersWrite, "") == nil {
		err = a.RevokePasskey(r.Context(), p.Name, r.PathValue("id"), "")
	}
	return struct{}{}, err
}

// isPasskeyRefusal reports whether a sign-in by passkey failed.
func isPasskeyRefusal(err error) bool {
	_, ok := errors.AsType[*passkey.Refusal](err)
	return ok || errors.Is(err, badPasskey) || errors.Is(err, badSecond)
}
