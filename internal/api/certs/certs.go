// Package certs gives the server its certificate: from files that someone else
// renews, or from a certificate authority of its own that lives in the data
// directory, for sites without any other.
//
// It must not decide whether TLS is needed: app does.
package certs

import (
	"crypto/tls"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/internal/fault"
)

// checkEvery is how often the files are looked at for a change.
const checkEvery = time.Minute

func settings(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get, NextProtos: []string{"h2", "http/1.1"}}
}

type files struct {
	cert, key string
	now       func() time.Time

	mu      sync.Mutex
	loaded  *tls.Certificate
	state   string // of the files, as loaded
	checked time.Time
	report  func(error)
}

// Files uses a certificate with its chain and its key, both PEM. When a file
// changes they are read again; while they do not fit each other the ones before
// stay in use and report is told, at most once a minute.
func Files(cert, key string, now func() time.Time, report func(error)) (*tls.Config, error) {
	f := &files{cert: cert, key: key, now: now, report: report}
	if err := f.load(); err != nil {
		return nil, err
	}
	return settings(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current(), nil }), nil
}

func (f *files) load() error {
	state, err := stateOf(f.cert, f.key)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the certificate %s with the key %s", f.cert, f.key).
			WithHint("both must be PEM, and the key must be the certificate's")
	}
	if now := f.now(); now.After(pair.Leaf.NotAfter) {
		return fault.New(fault.Invalid, "the certificate %s ended on %s", f.cert, pair.Leaf.NotAfter.Format(time.DateOnly)).WithHint("put a new one there")
	}
	f.loaded, f.state, f.checked = &pair, state, f.now()
	return nil
}

// stateOf tells by times and sizes whether a file was written.
func stateOf(paths ...string) (string, error) {
	var out strings.Builder
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return "", fault.Wrap(fault.Unavailable, err, "reading %s", p).WithHint("see server.cert_file and server.key_file of the configuration")
		}
		out.WriteString(info.ModTime().String() + "/" + strconv.FormatInt(info.Size(), 10) + "\n")
	}
	return out.String(), nil
}

func (f *files) current() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.checked) < checkEvery {
		return f.loaded
	}
	f.checked = f.now()
	if state, err := stateOf(f.cert, f.key); err == nil && state == f.state {
		return f.loaded
	}
	if err := f.load(); err != nil && f.report != nil {
		f.report(err)
	}
	return f.loaded
}
