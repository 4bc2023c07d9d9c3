// Package wire is the HTTP client under every provider: it sends one request
// and reads one bounded answer, whole or as a stream of events.
//
// It owns what all protocols have in common: limits of bytes and time, what is
// repeated and when, which addresses may be dialled, the key, and the typed
// errors. It must not know what a request means, follow a redirect, take a
// proxy from the environment to an endpoint on the premises, leave a connection
// open after an answer, or let the key or the endpoint's words into the text of
// an error. Everything that an endpoint sends is untrusted.
package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model"
)

// The limits that no configuration changes.
const (
	maxRequest  = 8 << 20 // bytes of a request
	maxWhole    = 8 << 20 // bytes of an answer that is not a stream
	maxHeader   = 64 << 10
	maxProblem  = 8 << 10 // bytes read of an answer that says what is wrong
	perText     = 64      // bytes of a stream for a byte of text, for what is around it
	dialTimeout = 5 * time.Second
	tlsTimeout  = 10 * time.Second
	askTimeout  = 15 * time.Second // of an answer that is not a stream
)

// Auth says how an endpoint wants its key, and which headers are always sent.
type Auth struct {
	Header string // such as "Authorization"
	Prefix string // such as "Bearer "
	Fixed  map[string]string
}

// Options are what tests replace; the zero value is for everyone else.
type Options struct {
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error) // nil: the system's resolver
	Sleep  func(ctx context.Context, d time.Duration) error             // nil: the clock
	Once   bool                                                         // a request is never repeated
	Verify func(tls.ConnectionState) error                              // called for each TLS connection, on top of the usual checks; nil: nothing
}

// verify calls Verify and marks what it refuses.
func (o Options) verify(s tls.ConnectionState) error {
	if o.Verify == nil {
		return nil
	}
	if err := o.Verify(s); err != nil {
		return errors.Join(errKey, err)
	}
	return nil
}

// Client speaks to one endpoint. It is safe for concurrent use and keeps no
// connection open between requests, so that each one dials, and checks the
// address, anew.
type Client struct {
	endpoint string
	base     *url.URL
	auth     Auth
	key      Key
	limits   model.Limits
	http     *http.Client
	sleep    func(context.Context, time.Duration) error
	once     bool
	identity atomic.Pointer[string]
}

// New makes the client of an endpoint. It reads the key and sends nothing.
func New(e model.Endpoint, auth Auth, o Options) (*Client, error) {
	base, err := checkURL(e)
	if err != nil {
		return nil, err
	}
	key, err := ReadKey(e.KeyFile)
	if err != nil {
		return nil, err
	}
	if e.KeyHeader != "" && !strings.EqualFold(e.KeyHeader, auth.Header) {
		auth.Header, auth.Prefix = e.KeyHeader, ""
	}
	roots, err := readRoots(e.CAFile)
	if err != nil {
		return nil, err
	}
	gate := &gate{lookup: o.Lookup, pinned: e.Location != model.Cloud || base.Scheme == "http", networks: e.Networks}
	transport := &http.Transport{
		DialContext:            gate.dial,
		TLSHandshakeTimeout:    tlsTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, VerifyConnection: o.verify},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
	if !gate.pinned {
		transport.Proxy = http.ProxyFromEnvironment
	}
	c := &Client{endpoint: e.Name, base: base, auth: auth, key: key, limits: e.Limits.WithDefaults(), sleep: o.Sleep, once: o.Once}
	if c.sleep == nil {
		c.sleep = sleep
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

// checkURL refuses what could carry a key in an address, or a request in the
// clear out of the house.
func checkURL(e model.Endpoint) (*url.URL, error) {
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.New(fault.Invalid, "model endpoint %s: its URL is not like https://HOST/PATH", e.Name)
	}
	if u.User != nil || u.Fragment != "" {
		return nil, fault.New(fault.Invalid, "model endpoint %s: its URL has a user or a fragment", e.Name).WithHint("put the key into a file and name it as key_file")
	}
	for name := range u.Query() {
		if low := strings.ToLower(name); strings.Contains(low, "key") || strings.Contains(low, "token") || strings.Contains(low, "secret") {
			return nil, fault.New(fault.Invalid, "model endpoint %s: its URL has a parameter %q that looks like a key", e.Name, name).WithHint("put the key into a file and name it as key_file")
		}
	}
	switch e.Location {
	case model.Cloud, model.OnPremises:
		return u, nil
	case model.BuiltIn:
	}
	return nil, fault.New(fault.Invalid, "model endpoint %s: its location is %q", e.Name, e.Location).WithHint("the locations are on-premises and cloud")
}

func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // nil means the system's
	}
	raw, err := os.ReadFile(path) //nolint:gosec // G304: the configuration names this file
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading the certificates in %s", path)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fault.New(fault.Invalid, "there is no PEM certificate in %s", path)
	}
	return pool, nil
}

// Endpoint is the name of the endpoint.
func (c *Client) Endpoint() string { return c.endpoint }

// Address is where a request of a path goes.
func (c *Client) Address(path string) string { return c.address(path, nil) }

// Host is the host of the endpoint, without a port.
func (c *Client) Host() string { return c.base.Hostname() }

// Identity is the digest of the public key that the endpoint showed in the last
// request, "sha256:…"; empty when there was none or it is spoken to without TLS.
func (c *Client) Identity() string {
	if id := c.identity.Load(); id != nil {
		return *id
	}
	return ""
}

// Call sends one request whose answer is one JSON value, and decodes it. A nil
// body makes a GET.
func (c *Client) Call(ctx context.Context, path string, query url.Values, body, into any) error {
	limits := c.limits
	limits.Total = min(limits.Total, askTimeout)
	limits.First = limits.Total
	w := newWatch(ctx, limits)
	defer w.end()
	resp, err := c.send(w, path, query, body, "application/json")
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // what counts was read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxWhole+1))
	switch {
	case err != nil:
		return c.broken(w, err)
	case len(raw) > maxWhole:
		return c.fail(model.TooMuch, resp.StatusCode, errTooLong)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		e := c.fail(model.Malformed, resp.StatusCode, errNotJSON)
		e.Detail = c.detail(raw)
		return e
	}
	return nil
}

// send sends a request until an answer begins whose status is 200, or it is no
// use to repeat it. The caller closes the body.
func (c *Client) send(w *watch, path string, query url.Values, body any, accept string) (*http.Response, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = encode(body); err != nil {
			return nil, c.fail(model.BadRequest, 0, errNotEncoded)
		}
		if len(raw) > maxRequest {
			return nil, c.fail(model.TooLong, 0, errRequestLong)
		}
	}
	for try := 0; ; try++ {
		resp, err := c.try(w, path, query, raw, accept)
		if err == nil {
			return resp, nil
		}
		wait, again := backoff(err, try)
		if deadline, ok := w.ctx.Deadline(); !again || c.once || ok && time.Until(deadline) < wait {
			return nil, err
		}
		w.pause()
		if serr := c.sleep(w.ctx, wait); serr != nil {
			return nil, c.broken(w, serr)
		}
		w.wait(c.limits.First)
	}
}

// try sends a request one time.
func (c *Client) try(w *watch, path string, query url.Values, raw []byte, accept string) (*http.Response, *model.Error) {
	method, body := http.MethodGet, io.Reader(nil)
	if raw != nil {
		method, body = http.MethodPost, bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(w.ctx, method, c.address(path, query), body)
	if err != nil {
		return nil, c.fail(model.BadRequest, 0, errNotEncoded)
	}
	for name, value := range c.auth.Fixed {
		req.Header.Set(name, value)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "vedette")
	if raw != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set(c.auth.Header, c.auth.Prefix+string(c.key))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(w, err)
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		sum := sha256.Sum256(resp.TLS.PeerCertificates[0].RawSubjectPublicKeyInfo)
		c.identity.Store(new("sha256:" + hex.EncodeToString(sum[:])))
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close() //nolint:errcheck // what counts was read
		return nil, c.status(w, resp)
	}
	if got, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); got != accept || resp.Header.Get("Content-Encoding") != "" {
		defer resp.Body.Close() //nolint:errcheck // what counts was read
		head, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
		e := c.fail(model.Malformed, resp.StatusCode, errOtherType)
		e.Detail = c.detail(head)
		return nil, e
	}
	return resp, nil
}

// address joins the base URL and a path; a query of the base, such as Azure's
// api-version, is kept.
func (c *Client) address(path string, query url.Values) string {
	u := *c.base
	u.RawPath = ""
	all := u.Query()
	maps.Copy(all, query)
	u.RawQuery = all.Encode()
	joined := u.JoinPath(path)
	return joined.String()
}

func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

var (
	errTooLong     = errors.New("its answer passed the bound of bytes")
	errNotJSON     = errors.New("its answer is not JSON")
	errNotEncoded  = errors.New("the request cannot be written")
	errRequestLong = errors.New("the request passes the bound of bytes")
	errOtherType   = errors.New("its answer is of another type than was asked for")
)
