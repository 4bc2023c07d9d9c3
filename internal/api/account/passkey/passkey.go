// Package passkey speaks WebAuthn with browsers: it makes the challenges of a
// registration or a sign-in, each for one use and a few minutes, and checks what
// comes back against challenge, origin, relying party and key. User verification
// (PIN, finger, face) is always required.
//
// It must not decide who may sign in or keep keys: account does.
package passkey

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"vedette/internal/fault"
)

// Key is one passkey as it is kept. Nothing in it is secret.
type Key struct {
	ID         []byte          `json:"credential"`
	Site       string          `json:"site"`   // the host for which alone the browser uses it
	Record     json.RawMessage `json:"record"` // public key, counter and flags
	Synced     bool            `json:"synced"` // it may be on several machines of its owner
	Attachment string          `json:"attachment,omitempty"`
}

// Owner is whose keys are used. ID goes into the authenticator and comes back at
// a sign-in; it must not tell who it is.
type Owner struct {
	ID   string
	Name string
	Keys []Key
}

// Why a passkey was refused.
const (
	WhyChallenge = "challenge" // none of ours, used, too old, or of another person or purpose
	WhyAnswer    = "answer"    // what the browser sent cannot be read
	WhyUnknown   = "unknown"   // nobody's key, or another person's
	WhyProof     = "proof"     // origin, relying party, verification or signature are wrong
	WhyCloned    = "cloned"    // the counter went back: there are two of this key
)

// Refusal is a passkey that was not accepted. Why and cause are for the journal:
// the browser is told only that it was refused.
type Refusal struct {
	Why   string
	cause error
}

// Error implements error.
func (r *Refusal) Error() string { return "the passkey was refused: " + r.Why }

// Unwrap returns what a person is told.
func (r *Refusal) Unwrap() error {
	if r.Why == WhyChallenge {
		return fault.New(fault.Denied, "the passkey was not accepted: the request for it is over").WithHint("try again; it lasts five minutes")
	}
	return fault.New(fault.Denied, "the passkey was not accepted").WithHint("try again, or sign in with the password")
}

// Cause is what the check found, for an administrator.
func (r *Refusal) Cause() string {
	if e, ok := errors.AsType[*protocol.Error](r.cause); ok {
		return strings.TrimSpace(e.Details + " " + e.DevInfo)
	}
	if r.cause != nil {
		return r.cause.Error()
	}
	return ""
}

// Ceremonies are the registrations and sign-ins of a server. It is safe for
// concurrent use.
type Ceremonies struct {
	sites   map[string]*webauthn.WebAuthn // by host, which is the id of the relying party
	pending *pending
}

// Origins are the addresses at which browsers use passkeys when none are
// configured: the names of the server by TLS, localhost alone without. An address
// of numbers is none: browsers refuse them.
func Origins(hosts []string, secure bool, port int) []string {
	scheme, usual := "http", 80
	names := []string{"localhost"}
	if secure {
		scheme, usual = "https", 443
		names = append(names, hosts...)
	}
	var out []string
	for _, name := range names {
		at := scheme + "://" + strings.ToLower(name)
		if port > 0 && port != usual {
			at += ":" + strconv.Itoa(port)
		}
		if BadOrigin(at) == nil && !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

// BadOrigin tells why passkeys cannot work at an origin.
func BadOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(origin, "#") || strings.HasSuffix(origin, "?") {
		return fault.New(fault.Invalid, "%q is no origin", origin).WithHint("such as https://vedette.plant.example or https://vedette.plant.example:8443")
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || protocol.ValidateRPID(host) != nil {
		return fault.New(fault.Invalid, "browsers have no passkeys for %q", host).WithHint("they want a name of a host")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || host != "localhost") {
		return fault.New(fault.Invalid, "browsers have no passkeys at %q", origin).WithHint("they want https, or http://localhost")
	}
	return nil
}

// New makes the ceremonies of the origins; what [BadOrigin] finds is left out.
func New(origins []string, now func() time.Time) *Ceremonies {
	of := map[string][]string{}
	for _, o := range origins {
		if BadOrigin(o) != nil {
			continue
		}
		if u, err := url.Parse(strings.ToLower(o)); err == nil {
			of[u.Hostname()] = append(of[u.Hostname()], strings.ToLower(o))
		}
	}
	c := &Ceremonies{sites: map[string]*webauthn.WebAuthn{}, pending: newPending(now)}
	for host, at := range of {
		w, err := webauthn.New(&webauthn.Config{
			RPID: host, RPDisplayName: "Vedette", RPOrigins: at,
			AttestationPreference: protocol.PreferNoAttestation,
			AuthenticatorSelection: protocol.AuthenticatorSelection{
				ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired,
			},
		})
		if err == nil { // BadOrigin has found what can be wrong
			c.sites[host] = w
		}
	}
	return c
}

// At reports whether browsers that call the server so can use passkeys.
func (c *Ceremonies) At(hostport string) bool { return c.sites[nameOf(hostport)] != nil }

func nameOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func (c *Ceremonies) site(hostport string) (*webauthn.WebAuthn, error) {
	if w := c.sites[nameOf(hostport)]; w != nil {
		return w, nil
	}
	return nil, fault.New(fault.Conflict, "passkeys do not work at this address").WithHint("open the console by https and a name of server.hosts, or on the machine itself by http://localhost")
}

// Register begins a registration: the options for the browser. session is what
// must be shown again at its end.
func (c *Ceremonies) Register(hostport string, o Owner, session, address string) (json.RawMessage, error) {
	w, err := c.site(hostport)
	if err != nil {
		return nil, err
	}
	return c.register(w, o, waiting{what: registering, of: session, address: address})
}

func (c *Ceremonies) register(w *webauthn.WebAuthn, o Owner, as waiting) (json.RawMessage, error) {
	who := person{Owner: o}
	var except []protocol.CredentialDescriptor
	for _, k := range who.WebAuthnCredentials() {
		except = append(except, k.Descriptor())
	}
	options, s, err := w.BeginRegistration(who, webauthn.WithExclusions(except))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "making the request for a passkey")
	}
	as.session, as.site = *s, w.Config.RPID
	return c.begun(as, options)
}

// SignIn begins a sign-in of whoever has a passkey: the options for the browser.
func (c *Ceremonies) SignIn(hostport, address string) (json.RawMessage, error) {
	w, err := c.site(hostport)
	if err != nil {
		return nil, err
	}
	options, s, err := w.BeginDiscoverableLogin()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "making the request for a passkey")
	}
	return c.begun(waiting{what: signingIn, session: *s, address: address, site: w.Config.RPID}, options)
}

func (c *Ceremonies) begun(w waiting, options any) (json.RawMessage, error) {
	if err := c.pending.add(w); err != nil {
		return nil, err
	}
	text, err := json.Marshal(options)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding the request for a passkey")
	}
	return text, nil
}

// Registered checks what the browser made. The challenge is used up whatever
// comes out.
func (c *Ceremonies) Registered(answer []byte, o Owner, session string) (Key, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Key{}, &Refusal{WhyAnswer, err}
	}
	w, ok := c.pending.take(parsed.Response.CollectedClientData.Challenge)
	if !ok || w.what != registering || w.of == "" || w.of != session {
		return Key{}, &Refusal{Why: WhyChallenge}
	}
	return c.made(w, o, parsed)
}

func (c *Ceremonies) made(w waiting, o Owner, parsed *protocol.ParsedCredentialCreationData) (Key, error) {
	made, err := c.sites[w.site].CreateCredential(person{Owner: o}, w.session, parsed)
	if err != nil {
		return Key{}, &Refusal{WhyProof, err}
	}
	return keyOf(made, w.site)
}

// SignedIn checks what the browser signed, and gives the key with its new
// counter. find gives the owner of a key: a person's own word (handle) is not
// enough, the key must be among the owner's. With [WhyCloned] the key is given
// too.
func (c *Ceremonies) SignedIn(answer []byte, find func(id []byte) (Owner, error)) (Key, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Key{}, &Refusal{WhyAnswer, err}
	}
	w, ok := c.pending.take(parsed.Response.CollectedClientData.Challenge)
	if !ok || w.what != signingIn {
		return Key{}, &Refusal{Why: WhyChallenge}
	}
	o, err := find(parsed.RawID)
	if fault.KindOf(err) == fault.NotFound || err == nil && o.ID != string(parsed.Response.UserHandle) {
		return Key{}, &Refusal{Why: WhyUnknown}
	}
	if err != nil {
		return Key{}, err
	}
	o.Keys = slices.DeleteFunc(slices.Clone(o.Keys), func(k Key) bool { return k.Site != w.site })
	_, used, err := c.sites[w.site].ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return person{Owner: o}, nil }, w.session, parsed)
	if err != nil {
		return Key{}, &Refusal{WhyProof, err}
	}
	return c.used(w, used)
}

// used is a key after its use, with the new counter.
func (c *Ceremonies) used(w waiting, used *webauthn.Credential) (Key, error) {
	key, err := keyOf(used, w.site)
	if err == nil && used.Authenticator.CloneWarning {
		err = &Refusal{Why: WhyCloned}
	}
	return key, err
}

func keyOf(made *webauthn.Credential, site string) (Key, error) {
	made.Attestation = webauthn.CredentialAttestation{} // it was not asked for, and tells the model of the machine
	text, err := json.Marshal(made)
	if err != nil {
		return Key{}, fault.Wrap(fault.Internal, err, "encoding a passkey")
	}
	return Key{ID: made.ID, Site: site, Record: text, Synced: made.Flags.BackupEligible, Attachment: string(made.Authenticator.Attachment)}, nil
}

// person is an owner as the library wants it.
type person struct{ Owner }

var _ webauthn.User = person{}

// WebAuthnID implements [webauthn.User].
func (p person) WebAuthnID() []byte { return []byte(p.ID) }

// WebAuthnName implements [webauthn.User].
func (p person) WebAuthnName() string { return p.Name }

// WebAuthnDisplayName implements [webauthn.User].
func (p person) WebAuthnDisplayName() string { return p.Name }

// WebAuthnCredentials implements [webauthn.User].
func (p person) WebAuthnCredentials() []webauthn.Credential {
	var out []webauthn.Credential
	for _, k := range p.Keys {
		var c webauthn.Credential
		if json.Unmarshal(k.Record, &c) == nil { // one that cannot be read signs nobody in
			out = append(out, c)
		}
	}
	return out
}
