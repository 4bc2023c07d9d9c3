package account

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vedette/internal/api/account/provider"
	"vedette/internal/authz"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// outerPrefix begins the names of accounts of a provider. No local account can
// be called so, whatever somebody is called at the provider.
const outerPrefix = "oidc:"

// tokensRest is how long the tokens of an account of a provider work after its
// last sign-in: nobody tells us who has left.
const tokensRest = 30 * 24 * time.Hour

// outer says which account somebody at the provider has. Issuer and subject are
// who it is; the name is chosen once.
type outer struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	User    string `json:"user"`
	UserUID string `json:"user_uid"`
}

func outerID(issuer, subject string) string { return hashOf(issuer + "\x00" + subject) }

func (a *Accounts) forgotten(u user) bool {
	return u.Provider != "" && a.cfg.Now().Sub(u.SignedIn) >= tokensRest
}

func noPassword(name string) error {
	return fault.New(fault.Conflict, "%s has no password: it signs in at its provider", name).WithHint("make another account for a password: vedette user add NAME")
}

var noProvider = fault.New(fault.NotFound, "there is no provider to sign in at").WithHint("server.oidc of the configuration names one")

// oidcStart sends the browser to the provider.
func oidcStart(a *Accounts, w http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	if err := a.outside(r); err != nil {
		a.page(w, a.signInPage(err))
		return nil, nil
	}
	redirect, err := a.backTo(r.Host)
	if err != nil {
		a.page(w, a.signInPage(err))
		return nil, nil
	}
	session, _ := r.Context().Value(sessionKey{}).(string)
	address := addressOf(r.RemoteAddr)
	begun, err := a.cfg.Provider.Begin(r.Context(), redirect, address, session)
	if err != nil {
		a.refused(err, address, "unknown account")
		a.page(w, a.signInPage(err))
		return nil, nil
	}
	a.setStartCookie(w, begun.Browser, 600)
	http.Redirect(w, r, begun.URL, http.StatusSeeOther)
	return nil, nil
}

// outside tells whether the request can go to the provider at all. Looking is not
// enough: a sign-in is begun, and ended, by GET alone.
func (a *Accounts) outside(r *http.Request) error {
	switch {
	case a.cfg.Provider == nil:
		return noProvider
	case r.Method != http.MethodGet:
		return fault.New(fault.Invalid, "a sign-in is begun by opening the page")
	}
	return nil
}

// backTo is where the provider sends the browser back: to the name that the
// request came by, which the guard has found among server.hosts.
func (a *Accounts) backTo(hostport string) (string, error) {
	scheme := "http"
	if a.cfg.Secure {
		scheme = "https"
	}
	name, port, err := net.SplitHostPort(hostport)
	if err != nil {
		name = strings.Trim(hostport, "[]")
	} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fault.New(fault.Invalid, "the request names a port that is none")
	}
	host := net.JoinHostPort(strings.ToLower(name), port)
	if !a.hosted(host) {
		return "", fault.New(fault.Denied, "this server does not answer to that name").WithHint("add it to server.hosts")
	}
	return scheme + "://" + strings.TrimSuffix(host, ":") + Prefix + "oidc/callback", nil
}

// oidcBack takes the browser back from the provider. It answers with a page that
// goes on by itself rather than with a redirect: a redirect is still the
// provider's doing, and a strict cookie would not be sent along.
func oidcBack(a *Accounts, w http.ResponseWriter, r *http.Request, _ authz.Principal) (any, error) {
	if err := a.outside(r); err != nil {
		a.page(w, a.signInPage(err))
		return nil, nil
	}
	address := addressOf(r.RemoteAddr)
	a.setStartCookie(w, "", -1)
	secret, who, err := a.cameBack(r, address)
	if err != nil {
		a.refused(err, address, nameOf(who))
		d := a.signInPage(err)
		if e, ok := errors.AsType[*provider.Refusal](err); ok && (e.Why == provider.WhyRole || e.Why == provider.WhyZone) {
			d.Title, d.status = "You have no access here", http.StatusForbidden
		}
		a.page(w, d)
		return nil, nil
	}
	a.setCookie(w, secret, 0)
	a.page(w, pageData{Title: "You are signed in", Home: true}.with(nil))
	return nil, nil
}

// cameBack is the way from the provider's answer to a session.
func (a *Accounts) cameBack(r *http.Request, address string) (secret string, who provider.Person, err error) {
	ctx := r.Context()
	browser := ""
	if cookies := r.CookiesNamed(a.startCookie()); len(cookies) == 1 && isSecret(cookies[0].Value) {
		browser = cookies[0].Value
	}
	came, err := a.cfg.Provider.Back(r.URL.Query(), browser)
	if err != nil {
		return "", who, err
	}
	key := "oidc " + address // no account is called so
	if err := a.limits.begin(key, address); err != nil {
		return "", who, err
	}
	who, err = a.cfg.Provider.Finish(ctx, came)
	if err != nil {
		if fault.KindOf(err) != fault.Denied { // the provider's fault, not the person's
			a.limits.succeed(key, address)
		}
		return "", who, errors.Join(err, a.dismiss(ctx, who))
	}
	a.limits.succeed(key, address)
	u, err := a.admit(ctx, who)
	if err != nil {
		return "", who, err
	}
	if secret, err = a.start(ctx, u, address, r.UserAgent()); err != nil {
		return "", who, err
	}
	if hash := came.Session(); hash != "" {
		_ = a.EndSession(ctx, u.Name, hash[:16], "") // it ends by itself otherwise
	}
	return secret, who, nil
}

// refused records that somebody was not let in.
func (a *Accounts) refused(err error, address, object string) {
	why := fault.KindOf(err).String()
	if e, ok := errors.AsType[*provider.Refusal](err); ok {
		why = e.Why
	}
	details := map[string]string{"address": address, "why": why}
	if cause := causeOf(err); cause != "" {
		details["cause"] = cause
	}
	a.failed.note("account", "account.oidc_refused", object, details)
}

// causeOf is what lies behind an error, which an administrator needs and the
// person does not see.
func causeOf(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Cause == nil {
		return ""
	}
	return printable(e.Cause.Error())
}

// printable is what a provider wrote, for the journal: of bounded length, and
// nothing that a terminal would obey or a reader not see.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text[:min(len(text), 300)])
}

func nameOf(who provider.Person) string {
	if who.Subject == "" {
		return "unknown account"
	}
	return "subject " + printable(who.Subject)
}

// outer finds the account of a person of the provider.
func (a *Accounts) outer(ctx context.Context, who provider.Person) (u user, version, outerVersion int64, err error) {
	o, outerVersion, err := get[outer](ctx, a.cfg.Records, outerKind, outerID(who.Issuer, who.Subject))
	if fault.KindOf(err) == fault.NotFound {
		return user{}, 0, 0, nil
	}
	if err != nil {
		return user{}, 0, 0, err
	}
	u, version, err = a.user(ctx, o.User)
	if fault.KindOf(err) == fault.NotFound || err == nil && (u.UID != o.UserUID || u.Provider != who.Issuer || u.Subject != who.Subject) {
		return user{}, 0, outerVersion, nil // removed meanwhile
	}
	return u, version, outerVersion, err
}

// admit gives a person of the provider its account, with the rights that the
// claims give now. The first time it makes it.
func (a *Accounts) admit(ctx context.Context, who provider.Person) (user, error) {
	a.making.Lock()
	defer a.making.Unlock()
	who.Zones = a.zonesNow(who.Zones)
	u, version, outerVersion, err := a.outer(ctx, who)
	switch {
	case err != nil:
		return user{}, err
	case u.UID == "":
		return a.newcomer(ctx, who, outerVersion)
	case u.Disabled:
		return user{}, fault.New(fault.Denied, "the account %s is disabled", u.Name).WithHint("ask an administrator of Vedette")
	case slices.Equal(u.Roles, who.Roles) && slices.Equal(u.Zones, who.Zones):
		return u, nil
	}
	for _, err := range []error{badRoles(who.Roles), badZones(who.Zones)} {
		if err != nil {
			return user{}, err
		}
	}
	return a.regrade(ctx, u, version, who)
}

// regrade changes the rights of an account to what the claims give.
func (a *Accounts) regrade(ctx context.Context, u user, version int64, who provider.Person, more ...store.Change) (user, error) {
	details := map[string]string{"roles": joined(u.Roles) + " → " + joined(who.Roles), "zones": clip(strings.Join(who.Zones, ",")), "provider": u.Provider}
	u.Roles, u.Zones = who.Roles, who.Zones
	put, err := change(userKind, u.Name, version, u)
	if err != nil {
		return user{}, err
	}
	if err := a.record("oidc", "user.set", u.Name, details); err != nil {
		return user{}, err
	}
	return u, a.cfg.Records.Update(ctx, append(more, put)...)
}

// newcomer makes the account of a person who comes for the first time.
func (a *Accounts) newcomer(ctx context.Context, who provider.Person, outerVersion int64) (user, error) {
	name := outerName(who.Name)
	if _, _, err := a.user(ctx, name); err == nil || name == outerPrefix { // another person is called so
		name += "~" + outerID(who.Issuer, who.Subject)[:12]
	} else if fault.KindOf(err) != fault.NotFound {
		return user{}, err
	}
	u, err := a.freshUser(ctx, name, who.Roles, who.Zones)
	if err != nil {
		return user{}, err
	}
	u.Provider, u.Subject = who.Issuer, who.Subject
	id := outerID(who.Issuer, who.Subject)
	put, err := change(userKind, name, 0, u)
	if err != nil {
		return user{}, err
	}
	known, err := change(outerKind, id, outerVersion, outer{Issuer: who.Issuer, Subject: who.Subject, User: name, UserUID: u.UID})
	if err != nil {
		return user{}, err
	}
	details := map[string]string{"roles": joined(u.Roles), "zones": clip(strings.Join(u.Zones, ",")), "provider": who.Issuer, "subject": printable(who.Subject)}
	if err := a.record("oidc", "user.add", name, details); err != nil {
		return user{}, err
	}
	return u, a.cfg.Records.Update(ctx, put, known)
}

// outerName makes the name of an account of what somebody is called at the
// provider. Two people may be called the same there; the name decides nothing.
func outerName(called string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._@-", r) {
			return r
		}
		return '_'
	}, normal(called))
	return outerPrefix + strings.TrimLeft(name[:min(len(name), 64)], "._@-")
}

// dismiss takes the rights of a person whom the provider gives no role any more,
// and ends its sessions.
func (a *Accounts) dismiss(ctx context.Context, who provider.Person) error {
	if who.Subject == "" {
		return nil // nobody was proven
	}
	a.making.Lock()
	defer a.making.Unlock()
	u, version, _, err := a.outer(ctx, who)
	if err != nil || u.UID == "" || len(u.Roles) == 0 {
		return err
	}
	ends, err := a.endings(ctx, u.UID, "", false)
	if err != nil {
		return err
	}
	_, err = a.regrade(ctx, u, version, who, ends...)
	return err
}
