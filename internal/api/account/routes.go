package account

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"time"

	"vedette/internal/api/problem"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// Prefix is the path below which [Accounts.Handler] serves.
const Prefix = "/api/v1/account/"

// Route is one route of the account API, for its documentation. An empty Action
// means that it needs no session.
type Route struct {
	Method, Path string
	Action       authz.Action
	Summary      string
	do           func(a *Accounts, w http.ResponseWriter, r *http.Request, p authz.Principal) (any, error)
}

// Routes lists the routes of [Accounts.Handler]. The guard has let through what
// comes to them; each but the open ones asks the authority for its Action.
func Routes() []Route {
	return append([]Route{
		{"POST", Prefix + "login", "", "sign in with name and password; 202 asks for a passkey too", login},
		{"POST", Prefix + "setup", "", "use a one-time link: set a password, or make the first administrator; 202 asks for a passkey to be made", setup},
		{"GET", Prefix + "oidc/start", "", "sign in at the OpenID Connect provider: a page for browsers", oidcStart},
		{"GET", Prefix + "oidc/callback", "", "where the provider sends the browser back: a page for browsers", oidcBack},
		{"POST", Prefix + "logout", authz.SelfRead, "end this session", logout},
		{"POST", Prefix + "password", authz.SelfWrite, "change one's own password; all other sessions end", password},
		{"GET", Prefix + "sessions", authz.SelfRead, "list one's own sessions, or with ?all=true everyone's (needs users.read)", sessions},
		{"DELETE", Prefix + "sessions/{id}", authz.SelfRead, "end a session; another person's needs users.write", endSession},
		{"GET", Prefix + "users", authz.UsersRead, "list the accounts", users},
		{"POST", Prefix + "users", authz.UsersWrite, "make an account; the answer holds its one-time link", addUser},
		{"PATCH", Prefix + "users/{name}", authz.UsersWrite, "change roles, zones or disabled", setUser},
		{"DELETE", Prefix + "users/{name}", authz.UsersWrite, "remove an account with its sessions and tokens", removeUser},
		{"POST", Prefix + "users/{name}/link", authz.UsersWrite, "make a one-time link to set a new password", userLink},
		{"GET", Prefix + "tokens", authz.SelfRead, "list one's own tokens, or with ?all=true all (needs users.read)", tokens},
		{"POST", Prefix + "tokens", authz.SelfWrite, "make a token; its text is told this once; for others it needs users.write", addToken},
		{"DELETE", Prefix + "tokens/{id}", authz.SelfWrite, "revoke a token; another's needs users.write", revokeToken},
	}, append(passkeyRoutes(), secondRoutes()...)...)
}

// Handler serves the account routes, below [Prefix]. It stands behind Guard.
func (a *Accounts) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range Routes() {
		mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody) // also of forms
			p, known := authz.From(r.Context())
			if route.Action != "" {
				if !known {
					problem.WriteAs(w, r, http.StatusUnauthorized, noSession)
					return
				}
				if err := a.cfg.Authority.Decide(r.Context(), p, route.Action, ""); err != nil {
					fail(w, r, err)
					return
				}
			}
			out, err := route.do(a, w, r, p)
			switch {
			case err != nil:
				fail(w, r, err)
			case out != nil:
				reply(w, http.StatusOK, out)
			}
		})
	}
	return mux
}

type rows[T any] struct {
	Rows  []T `json:"rows"`
	Total int `json:"total"`
}

func rowsOf[T any](list []T, err error) (any, error) { return rows[T]{list, len(list)}, err }

type credentials struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	Old      string `json:"old"`
	Token    string `json:"token"`
}

// entered reads name, password and token from JSON or from a form; form tells
// which.
func entered(w http.ResponseWriter, r *http.Request) (c credentials, form bool, err error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		if err := r.ParseForm(); err != nil {
			return c, true, fault.Wrap(fault.Invalid, err, "reading the form")
		}
		return credentials{Name: r.PostForm.Get("name"), Password: r.PostForm.Get("password"), Token: r.PostForm.Get("token")}, true, nil
	}
	return c, false, problem.Decode(w, r, maxBody, &c)
}

// leave ends the session that the browser came with: the new one shares
// nothing with it.
func (a *Accounts) leave(r *http.Request) {
	if hash, ok := r.Context().Value(sessionKey{}).(string); ok {
		if p, ok := authz.From(r.Context()); ok {
			_ = a.EndSession(r.Context(), p.Name, hash[:16], "") // it ends by itself otherwise
		}
	}
}

func login(a *Accounts, w http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	c, form, err := entered(w, r)
	if err != nil {
		return nil, err
	}
	secret, u, ask, err := a.Begin(r.Context(), c.Name, c.Password, r.Host, addressOf(r.RemoteAddr), r.UserAgent())
	if err != nil && form {
		a.page(w, a.signInPageAt(r.Host, err))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if ask != nil {
		return a.asked(w, ask, form)
	}
	return a.welcome(w, r, secret, u, form), nil
}

// welcome gives the browser its session.
func (a *Accounts) welcome(w http.ResponseWriter, r *http.Request, secret string, u User, form bool) any {
	a.leave(r)
	a.setCookie(w, secret, 0)
	if form {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return u
}

func setup(a *Accounts, w http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	c, form, err := entered(w, r)
	if err != nil {
		return nil, err
	}
	secret, u, ask, err := a.setUp(r, c)
	if err != nil && form {
		a.page(w, a.setupPage(r, c.Token, err))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if ask != nil {
		return a.asked(w, ask, form)
	}
	return a.welcome(w, r, secret, u, form), nil
}

func (a *Accounts) setUp(r *http.Request, c credentials) (string, User, *Asked, error) {
	address := addressOf(r.RemoteAddr)
	key := "link " + address // no account is called so; links are too long to guess, so only the address waits
	if err := a.limits.begin(key, address); err != nil {
		return "", User{}, nil, err
	}
	u, ask, err := a.BeginLink(r.Context(), c.Token, c.Name, c.Password, r.Host, address)
	if err != nil {
		if fault.KindOf(err) == fault.Denied {
			a.failed.note("account", "account.link_failed", "one-time link", map[string]string{"address": address})
		} else {
			a.limits.succeed(key, address)
		}
		return "", User{}, nil, err
	}
	a.limits.succeed(key, address)
	if ask != nil {
		return "", User{}, ask, nil
	}
	secret, err := a.start(r.Context(), u, address, r.UserAgent())
	return secret, u.User, nil, err
}

func logout(a *Accounts, w http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	a.leave(r)
	a.setCookie(w, "", -1)
	return struct{}{}, nil
}

func password(a *Accounts, w http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	var c credentials
	if err := problem.Decode(w, r, maxBody, &c); err != nil {
		return nil, err
	}
	hash, _ := r.Context().Value(sessionKey{}).(string)
	return struct{}{}, a.SetPassword(r.Context(), p.Name, c.Old, c.Password, hash, addressOf(r.RemoteAddr))
}

// whose is the uid that a listing or an ending is confined to: one's own, or
// nobody's for who may do it for all.
func (a *Accounts) whose(r *http.Request, p authz.Principal, all bool, need authz.Action) (string, error) {
	if !all {
		return p.ID, nil
	}
	return "", a.cfg.Authority.Decide(r.Context(), p, need, "")
}

func sessions(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	uid, err := a.whose(r, p, r.URL.Query().Get("all") == "true", authz.UsersRead)
	if err != nil {
		return nil, err
	}
	all, err := a.Sessions(r.Context(), uid)
	hash, _ := r.Context().Value(sessionKey{}).(string)
	for i := range all {
		all[i].Current = hash != "" && all[i].ID == hash[:16]
	}
	return rowsOf(all, err)
}

func endSession(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	err := a.EndSession(r.Context(), p.Name, r.PathValue("id"), p.ID)
	if fault.KindOf(err) == fault.NotFound && a.cfg.Authority.Decide(r.Context(), p, authz.UsersWrite, "") == nil {
		err = a.EndSession(r.Context(), p.Name, r.PathValue("id"), "")
	}
	return struct{}{}, err
}

func users(a *Accounts, _ http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	return rowsOf(a.Users(r.Context()))
}

// NewUser is what an account is made of.
type NewUser struct {
	Name   string       `json:"name"`
	Roles  []authz.Role `json:"roles"`
	Zones  []string     `json:"zones"`
	Second bool         `json:"second_required,omitempty"` // a passkey must follow the password, from the first sign-in on
}

// Made is an account with its one-time link.
type Made struct {
	User *User  `json:"user,omitempty"`
	Path string `json:"path"` // to be opened on this server
}

// LinkPath is where a one-time link leads on this server.
func LinkPath(secret string) string { return "/setup?token=" + secret }

func addUser(a *Accounts, w http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	var n NewUser
	if err := problem.Decode(w, r, maxBody, &n); err != nil {
		return nil, err
	}
	u, secret, err := a.Add(r.Context(), p.Name, n)
	return Made{&u, LinkPath(secret)}, err
}

func setUser(a *Accounts, w http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	var c UserChange
	if err := problem.Decode(w, r, maxBody, &c); err != nil {
		return nil, err
	}
	return a.SetUser(r.Context(), p.Name, r.PathValue("name"), c)
}

func removeUser(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	return struct{}{}, a.RemoveUser(r.Context(), p.Name, r.PathValue("name"))
}

func userLink(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	secret, err := a.Link(r.Context(), p.Name, r.PathValue("name"))
	return Made{Path: LinkPath(secret)}, err
}

func tokens(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	uid, err := a.whose(r, p, r.URL.Query().Get("all") == "true", authz.UsersRead)
	if err != nil {
		return nil, err
	}
	return rowsOf(a.Tokens(r.Context(), uid))
}

type tokenRequest struct {
	NewToken
	Service bool `json:"service"` // of the site, without an owner
	Days    int  `json:"days"`
}

func addToken(a *Accounts, w http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	var n tokenRequest
	if err := problem.Decode(w, r, maxBody, &n); err != nil {
		return nil, err
	}
	if n.Days < 0 || n.Days > 731 {
		return nil, fault.New(fault.Invalid, "a token lasts at most two years, not %d days", n.Days)
	}
	if n.Days > 0 {
		n.Expires = time.Duration(n.Days) * 24 * time.Hour
	}
	if n.Owner == "" && !n.Service {
		n.Owner = p.Name
	}
	if n.Owner != p.Name {
		if err := a.cfg.Authority.Decide(r.Context(), p, authz.UsersWrite, ""); err != nil {
			return nil, err
		}
	}
	t, text, err := a.AddToken(r.Context(), p.Name, n.NewToken)
	return MadeToken{t, text}, err
}

// MadeToken is a token with its text, which is told this once.
type MadeToken struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret"`
}

func revokeToken(a *Accounts, _ http.ResponseWriter, r *http.Request, p authz.Principal) (any, error) {
	err := a.RevokeToken(r.Context(), p.Name, r.PathValue("id"), p.ID)
	if fault.KindOf(err) == fault.NotFound && a.cfg.Authority.Decide(r.Context(), p, authz.UsersWrite, "") == nil {
		err = a.RevokeToken(r.Context(), p.Name, r.PathValue("id"), "")
	}
	return struct{}{}, err
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone if this fails
}

// fail answers with an error: 401 for a sign-in that failed, and when to try again
// where it was refused for a time.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*tooMany](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.wait/time.Second)+1))
	}
	if errors.Is(err, badSignIn) || isPasskeyRefusal(err) {
		problem.WriteAs(w, r, http.StatusUnauthorized, err)
		return
	}
	problem.Write(w, r, err)
}
