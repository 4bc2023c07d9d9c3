package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"vedette/internal/fault"
	"vedette/internal/flow"
)

// How long a name waits after an order that failed: authorities count them, and
// refuse all for hours after a few.
const (
	firstWait   = 2 * time.Minute
	longestWait = 2 * time.Hour
)

// ACME says where certificates are ordered.
type ACME struct {
	Hosts     []string // names to order for; addresses of numbers are left out
	Email     string   // where the authority writes to; may be empty
	Directory string   // URL of the authority's directory; empty: Let's Encrypt
	Terms     bool     // a person accepted the authority's terms
	HTTP      bool     // the handler is reached at port 80
	CAFile    string   // authority of the directory's own certificate, PEM; empty: the system's
	Dir       string   // where account and certificates are kept
	Now       func() time.Time
	Report    func(host string, err error) // an order failed
}

type ordered struct {
	manager *autocert.Manager
	names   []string
	now     func() time.Time
	report  func(string, error)
	seen    *seen

	mu     sync.Mutex
	failed map[string]wait // by name; at most as many as there are names
}

type wait struct {
	err   error
	n     int
	until time.Time
}

// Order uses certificates of an ACME authority: the first is ordered when
// somebody first asks for the name, later ones before the one before ends.
// The authority proves the names over TLS on port 443, or through the handler on
// port 80 of the same names, which serves nothing else and is nil without HTTP.
func Order(cfg ACME) (*tls.Config, http.Handler, error) {
	o := &ordered{now: cfg.Now, report: cfg.Report, failed: map[string]wait{}}
	for _, h := range cfg.Hosts {
		if Orderable(h) {
			o.names = append(o.names, strings.ToLower(strings.TrimSuffix(h, ".")))
		}
	}
	switch {
	case !cfg.Terms:
		return nil, nil, fault.New(fault.Invalid, "nobody has accepted the terms of the certificate authority").WithHint("read them, and set server.acme.accept_terms to true")
	case len(o.names) == 0:
		return nil, nil, fault.New(fault.Invalid, "there is no name to order a certificate for").WithHint("server.hosts needs a full name such as vedette.plant.example; authorities certify no addresses and no localhost")
	}
	client, seen, err := clientOf(cfg)
	if err != nil {
		return nil, nil, err
	}
	o.seen = seen
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, err, "making the directory %s", cfg.Dir)
	}
	o.manager = &autocert.Manager{
		Prompt: func(string) bool { return cfg.Terms }, Cache: cache(cfg.Dir), HostPolicy: autocert.HostWhitelist(o.names...), Client: client, Email: cfg.Email,
	}
	out := settings(o.get)
	out.NextProtos = append(out.NextProtos, acme.ALPNProto)
	if !cfg.HTTP {
		return out, nil, nil // with the handler, orders would try it
	}
	return out, o.manager.HTTPHandler(http.NotFoundHandler()), nil
}

// Orderable reports whether an authority can certify the name: not an address,
// not localhost, not a name without a dot.
func Orderable(name string) bool {
	name = strings.TrimSuffix(name, ".")
	return strings.Contains(name, ".") && strings.Trim(name, "0123456789.") != "" && !strings.Contains(name, ":") && !strings.HasSuffix(name, ".localhost")
}

func clientOf(cfg ACME) (*acme.Client, *seen, error) {
	directory := cfg.Directory
	if directory == "" {
		directory = acme.LetsEncryptURL
	}
	if u, err := url.Parse(directory); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, nil, fault.New(fault.Invalid, "%q is no directory of an ACME authority", directory).WithHint("such as %s", acme.LetsEncryptURL)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10}
	if cfg.CAFile != "" {
		text, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, nil, fault.Wrap(fault.Unavailable, err, "reading %s", cfg.CAFile).WithHint("see server.acme.ca_file of the configuration")
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, nil, fault.New(fault.Invalid, "there is no certificate in %s", cfg.CAFile).WithHint("it must be PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	s := &seen{next: transport}
	return &acme.Client{DirectoryURL: directory, HTTPClient: &http.Client{Transport: s, Timeout: time.Minute}, UserAgent: "vedette"}, s, nil
}

// get is the certificate for a connection. What is not one of our names never
// reaches the authority.
func (o *ordered) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !slices.Contains(o.names, name) {
		return nil, fault.New(fault.NotFound, "there is no certificate for the name that was asked for").WithHint("open the server by a name of server.hosts")
	}
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return o.manager.GetCertificate(hello) // the authority looks whether the name is ours
	}
	o.mu.Lock()
	before := o.failed[name]
	o.mu.Unlock()
	if o.now().Before(before.until) {
		return nil, before.err
	}
	got, err := o.manager.GetCertificate(hello)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		delete(o.failed, name)
		return got, nil
	}
	now := o.now()
	if last := o.failed[name]; now.Before(last.until) {
		return nil, last.err // another connection waited for the same order
	}
	next := wait{err: explain(name, o.seen.take(), err), n: before.n + 1, until: now.Add(min(longestWait, firstWait<<min(before.n, 10)))}
	o.failed[name] = next
	if o.report != nil {
		o.report(name, next.err)
	}
	return nil, next.err
}

// explain says in a person's words why an order failed.
func explain(name, why string, err error) error {
	hint := "the authority must reach this server by that name on port 443, or on port 80 with server.acme.http"
	if e, ok := errors.AsType[*acme.Error](err); ok && e.StatusCode == http.StatusTooManyRequests {
		hint = "the authority wants fewer orders: wait, or take its staging directory to try"
	} else if e, ok := errors.AsType[*url.Error](err); ok {
		hint = "the authority at " + e.URL + " cannot be reached from here: see server.acme.directory and ca_file"
	}
	what := "ordering a certificate for " + name
	if why != "" {
		what += ": the authority says " + strconv.Quote(why)
	}
	return fault.Wrap(fault.Unavailable, err, "%s", what).WithHint("%s", hint)
}

// cache keeps keys and certificates in a directory, each file whole or not at all
// even when the power fails.
type cache string

var _ autocert.Cache = cache("")

func (c cache) path(key string) (string, error) {
	if key == "" || key[0] == '.' || strings.ContainsAny(key, "/\\\x00") {
		return "", fault.New(fault.Internal, "no file can be called %q", key)
	}
	return filepath.Join(string(c), key), nil
}

// Get implements [autocert.Cache].
func (c cache) Get(_ context.Context, key string) ([]byte, error) {
	path, err := c.path(key)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path) //nolint:gosec // G304: a name of ours in a directory of ours
	if errors.Is(err, os.ErrNotExist) {
		return nil, autocert.ErrCacheMiss
	}
	return text, err
}

// Put implements [autocert.Cache].
func (c cache) Put(_ context.Context, key string, data []byte) error {
	path, err := c.path(key)
	if err != nil {
		return err
	}
	return flow.ReplaceFile(path, data)
}

// Delete implements [autocert.Cache].
func (c cache) Delete(_ context.Context, key string) error {
	path, err := c.path(key)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
