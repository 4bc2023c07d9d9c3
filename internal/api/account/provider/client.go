package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"vedette/internal/fault"
)

// Limits of what the provider may cost.
const (
	requestTime  = 10 * time.Second
	maxAnswer    = 1 << 20
	maxAtOnce    = 8
	trustedFor   = time.Hour // then its addresses are looked up again
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
)

// newClient makes the client that the provider is asked by: with a time limit, no
// redirects - one would carry the client's secret elsewhere - and answers of
// bounded size.
func newClient(caFile string, limit time.Duration) (*http.Client, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		text, err := os.ReadFile(caFile) //nolint:gosec // G304: the configuration names this file
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, err, "reading the certificates of server.oidc.ca_file")
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(text) {
			return nil, fault.New(fault.Invalid, "the file %s of server.oidc.ca_file holds no certificate", caFile).WithHint("it wants PEM: -----BEGIN CERTIFICATE-----")
		}
	}
	way := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust, ForceAttemptHTTP2: true, TLSHandshakeTimeout: limit,
		ResponseHeaderTimeout: limit, MaxResponseHeaderBytes: 64 << 10, MaxConnsPerHost: maxAtOnce, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
	}
	return &http.Client{
		Transport: bounded{way}, Timeout: limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// bounded cuts answers that are too large; what is left of them cannot be read.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// found is what the provider tells of itself.
type found struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	style    oauth2.AuthStyle
}

// discovery keeps what was found, and when to look again.
type discovery struct {
	turn chan struct{} // whoever looks holds it

	mu     sync.Mutex
	found  *found
	err    error
	next   time.Time
	failed int
}

// last tells what is known; false: it is time to look.
func (d *discovery) last(now time.Time) (*found, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Before(d.next) {
		if d.found != nil {
			return d.found, true, nil
		}
		return nil, true, d.err
	}
	return d.found, false, d.err
}

// learn keeps what looking gave. What was found before stays while the provider is
// away.
func (d *discovery) learn(f *found, err error, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.err, d.next = err, now.Add(min(longestRetry, firstRetry<<min(d.failed, 10)))
		d.failed++
		return
	}
	d.found, d.err, d.failed, d.next = f, nil, 0, now.Add(trustedFor)
}

// discover finds the provider's addresses, when they are needed and not before;
// one looks at a time, and after a failure nobody does for a while.
func (p *Provider) discover(ctx context.Context) (*found, error) {
	if f, ok, err := p.known.last(p.cfg.Now()); ok {
		return f, err
	}
	select {
	case p.known.turn <- struct{}{}:
		defer func() { <-p.known.turn }()
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "%s does not answer", p.cfg.Name)
	}
	if f, ok, err := p.known.last(p.cfg.Now()); ok {
		return f, err
	}
	f, err := p.look(context.WithoutCancel(ctx)) // not the browser's time: the next one needs it too
	if err != nil {
		err = fault.Wrap(fault.Unavailable, err, "%s cannot be reached, or does not answer as a provider should", p.cfg.Name).WithHint("try again later; a local account works with its password")
	}
	p.known.learn(f, err, p.cfg.Now())
	f, _, err = p.known.last(p.cfg.Now())
	if f != nil {
		return f, nil
	}
	return nil, err
}

func (p *Provider) look(ctx context.Context) (*found, error) {
	ctx, done := context.WithTimeout(oidc.ClientContext(ctx, p.client), p.cfg.Timeout)
	defer done()
	provider, err := oidc.NewProvider(ctx, p.cfg.Issuer)
	if err != nil {
		return nil, err
	}
	var meta struct {
		Keys    string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&meta); err != nil {
		return nil, err
	}
	end := provider.Endpoint()
	for _, at := range []string{end.AuthURL, end.TokenURL, meta.Keys} {
		if err := p.good(at); err != nil {
			return nil, err
		}
	}
	f := &found{provider: provider, style: oauth2.AuthStyleInHeader}
	if slices.Contains(meta.Methods, "client_secret_post") && !slices.Contains(meta.Methods, "client_secret_basic") {
		f.style = oauth2.AuthStyleInParams
	}
	f.verifier = provider.VerifierContext(oidc.ClientContext(context.WithoutCancel(ctx), p.client), &oidc.Config{ClientID: p.cfg.ClientID, Now: p.cfg.Now})
	return f, nil
}

// good wants of the provider's addresses what is wanted of the issuer: TLS, but
// where the issuer has none either.
func (p *Provider) good(at string) error {
	u, err := url.Parse(at)
	issuer, _ := url.Parse(p.cfg.Issuer) // it was read before
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fault.New(fault.Unavailable, "the provider gives an address that is none: %q", at)
	case u.Scheme != "https" && (u.Scheme != "http" || issuer.Scheme != "http" || u.Hostname() != issuer.Hostname()):
		return fault.New(fault.Unavailable, "the provider gives an address without TLS: %q", at)
	}
	return nil
}
