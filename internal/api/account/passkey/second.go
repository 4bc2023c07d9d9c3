package passkey

import (
	"encoding/json"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"

	"vedette/internal/fault"
)

// Works reports whether a key can still be used: its site is one of the server's.
func (c *Ceremonies) Works(k Key) bool { return c.sites[k.Site] != nil }

// Confirm asks the owner, whose password was right, for one of its keys: the
// options for the browser, good for two minutes. bound comes back in [Ceremonies.Confirmed]
// and does not leave the server.
func (c *Ceremonies) Confirm(hostport string, o Owner, bound, address string) (json.RawMessage, error) {
	w, err := c.site(hostport)
	if err != nil {
		return nil, err
	}
	o.Keys = slices.DeleteFunc(slices.Clone(o.Keys), func(k Key) bool { return k.Site != w.Config.RPID })
	if len(o.Keys) == 0 {
		return nil, fault.New(fault.Conflict, "the account needs a passkey after the password, and has none for this address").
			WithHint("open the server by the name that the passkey was made for, or have an administrator make a new link: vedette user link NAME")
	}
	options, s, err := w.BeginLogin(person{Owner: o})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "making the request for a passkey")
	}
	return c.begun(waiting{what: confirming, of: bound, session: *s, address: address, site: w.Config.RPID}, options)
}

// Confirmed checks what the browser signed after [Ceremonies.Confirm]. find gives the
// owner that the challenge was made for, from bound, with the keys that it has
// now. The challenge is used up whatever comes out; with [WhyCloned] the key is
// given too.
func (c *Ceremonies) Confirmed(answer []byte, find func(bound string, id []byte) (Owner, error)) (Key, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Key{}, &Refusal{WhyAnswer, err}
	}
	w, ok := c.pending.take(parsed.Response.CollectedClientData.Challenge)
	if !ok || w.what != confirming {
		return Key{}, &Refusal{Why: WhyChallenge}
	}
	o, err := find(w.of, parsed.RawID)
	if fault.KindOf(err) == fault.NotFound {
		return Key{}, &Refusal{Why: WhyUnknown}
	}
	if err != nil {
		return Key{}, err
	}
	o.Keys = slices.DeleteFunc(slices.Clone(o.Keys), func(k Key) bool { return k.Site != w.site })
	used, err := c.sites[w.site].ValidateLogin(person{Owner: o}, w.session, parsed)
	if err != nil {
		return Key{}, &Refusal{WhyProof, err}
	}
	return c.used(w, used)
}

// Enrol begins the registration of an account that gets its password by a
// one-time link and must have a passkey from the first sign-in on. bound is as in
// [Ceremonies.Confirm].
func (c *Ceremonies) Enrol(hostport string, o Owner, bound, address string) (json.RawMessage, error) {
	w, err := c.site(hostport)
	if err != nil {
		return nil, err
	}
	return c.register(w, o, waiting{what: enrolling, of: bound, address: address})
}

// Enrolled checks what the browser made after [Ceremonies.Enrol]; owner gives whose it is
// from bound. The challenge is used up whatever comes out.
func (c *Ceremonies) Enrolled(answer []byte, owner func(bound string) (Owner, error)) (Key, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Key{}, &Refusal{WhyAnswer, err}
	}
	w, ok := c.pending.take(parsed.Response.CollectedClientData.Challenge)
	if !ok || w.what != enrolling {
		return Key{}, &Refusal{Why: WhyChallenge}
	}
	o, err := owner(w.of)
	if err != nil {
		return Key{}, err
	}
	return c.made(w, o, parsed)
}
