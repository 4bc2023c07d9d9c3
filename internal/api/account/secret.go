package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// tokenPrefix marks API tokens, so that scanners for secrets find them.
const tokenPrefix = "vdt_"

// secretLen is the length of a secret: twice what rand.Text gives, 260 bits.
const secretLen = 52

func newSecret() string { return rand.Text() + rand.Text() }

// hashOf is what is kept of a secret. The secrets are random and long, so a
// plain hash cannot be reversed.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// isSecret reports whether the text has the shape of a secret of ours, before
// anything is looked up by it.
func isSecret(text string) bool {
	if len(text) != secretLen {
		return false
	}
	for _, c := range []byte(text) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// credential is what a request shows: a secret of a session, of a token or of
// the demo's link.
type credential struct {
	session, token, link string
}

// credentialOf reads the request. A request that has an Authorization header is
// a program's: its cookie does not count, and what is not well-formed or comes
// twice is an error rather than nothing.
func credentialOf(h http.Header, cookie string) (credential, error) {
	odd := fault.New(fault.Denied, "the credentials of the request cannot be read").WithHint("send one header: Authorization: Bearer TOKEN")
	if lines := h.Values("Authorization"); len(lines) > 0 {
		scheme, text, _ := strings.Cut(lines[0], " ")
		if len(lines) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return credential{}, odd
		}
		if rest, ok := strings.CutPrefix(text, tokenPrefix); ok && isSecret(rest) {
			return credential{token: text}, nil
		}
		if isSecret(text) {
			return credential{link: text}, nil
		}
		return credential{}, odd
	}
	found := credential{}
	cookies := (&http.Request{Header: h}).CookiesNamed(cookie)
	switch {
	case len(cookies) > 1: // one of them was planted
		return credential{}, odd
	case len(cookies) == 1 && isSecret(cookies[0].Value):
		found.session = cookies[0].Value
	}
	return found, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
