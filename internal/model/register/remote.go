package register

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model"
)

// The parts of a chain that can be pinned. The key of a server changes often
// where a cloud operator renews it by machine; that of who issued it does not.
const (
	PinLeaf   = "leaf"
	PinIssuer = "issuer"
)

// PinOf is the pin of a certificate: the SHA-256 of its public key.
func PinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Identify connects to an endpoint, without asking it anything, and returns
// the pin of its key or of who issued it. trusted tells whether the chain leads
// to one of the roots, nil being those of this system; if not, the pin is taken
// on first sight, and the person who approves must compare it.
func Identify(ctx context.Context, address, part string, roots *x509.CertPool) (pin string, trusted bool, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "", false, fault.New(fault.Invalid, "identifying the endpoint %.200q: it is no address", address)
	}
	if u.Scheme != "https" {
		return "", false, nil // nothing proves who answers
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = "443"
	}
	dialer := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // G402: nothing is sent; the chain is judged below, and a private one is pinned as it is
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return "", false, fault.Wrap(fault.Unavailable, err, "identifying the endpoint %s", u.Host).WithHint("it must answer while it is proposed, since its key is pinned")
	}
	defer func() { _ = conn.Close() }() // nothing was written
	tc, ok := conn.(*tls.Conn)
	if !ok {
		return "", false, fault.New(fault.Internal, "identifying the endpoint %s: the connection is not TLS", u.Host)
	}
	chain := tc.ConnectionState().PeerCertificates
	trusted = verifies(chain, u.Hostname(), roots)
	switch {
	case part != PinIssuer:
		return PinOf(chain[0]), trusted, nil
	case len(chain) > 1 && chain[0].CheckSignatureFrom(chain[1]) == nil:
		return PinOf(chain[1]), trusted, nil
	}
	return "", false, fault.New(fault.Invalid, "identifying the endpoint %s: it does not show who issued its certificate", u.Host).WithHint("pin its own key: --pin leaf")
}

func verifies(chain []*x509.Certificate, host string, roots *x509.CertPool) bool {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Intermediates: between, Roots: roots})
	return err == nil
}

// CheckPins returns what a TLS client calls when a connection is made
// (tls.Config.VerifyConnection): it ends it unless one of the pins is the key of
// the server or of a certificate that issued it. Without pins it takes all. It
// comes on top of the usual verification, except for a private chain that was
// pinned by its leaf.
func CheckPins(pins []string) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(pins) == 0 {
			return nil
		}
		for i, c := range s.PeerCertificates {
			if i > 0 && s.PeerCertificates[i-1].CheckSignatureFrom(c) != nil {
				break // the rest of the chain issued nothing of it
			}
			if slices.Contains(pins, PinOf(c)) {
				return nil
			}
		}
		return fault.New(fault.Denied, "connecting to the endpoint %s: its key is not the one that was approved", s.ServerName).
			WithHint("if its operator renewed the key, propose the model again")
	}
}

// Pins returns the pins of an endpoint's model, for CheckPins.
func (r *Register) Pins(to model.Endpoint) []string {
	e, err := r.candidate(to)
	if err != nil || e.Endpoint == nil {
		return nil
	}
	return slices.Clone(e.Endpoint.Pins)
}

// VerifyConnection is CheckPins of whatever is pinned for an endpoint's model
// when a connection is made.
func (r *Register) VerifyConnection(to model.Endpoint) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error { return CheckPins(r.Pins(to))(s) }
}

// Control returns the strings that steer an endpoint's model, as the header of
// its files has them - what a text must not hold that is put before it - and
// the digest of those files.
func (r *Register) Control(to model.Endpoint) (digest string, tokens []string) {
	e, err := r.candidate(to)
	if err != nil || e.Files == nil {
		return "", nil
	}
	return e.Files.Digest, e.Files.Facts.Control
}

// sameModel reports whether two names are of one model: without a tag Ollama
// means the tag latest.
func sameModel(a, b string) bool {
	const usual = ":latest"
	return strings.TrimSuffix(strings.ToLower(a), usual) == strings.TrimSuffix(strings.ToLower(b), usual)
}

// Observe takes what an endpoint says it serves. If a digest was told when the
// model was proposed and another is told now, the model is another one until it
// is proposed again. What an endpoint tells is untrusted: it can only take an
// approval away, never give one.
func (r *Register) Observe(to model.Endpoint, served []model.Served) {
	e, err := r.candidate(to)
	if err != nil || e.Endpoint.Served == "" {
		return
	}
	why := ""
	for _, s := range served {
		if sameModel(s.Name, to.Model) && s.Digest != "" && s.Digest != e.Endpoint.Served {
			why = "the endpoint now tells the digest " + quoted(s.Digest[:min(len(s.Digest), 100)]) + " for it"
		}
	}
	if why == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed[e.ID] = why
}
