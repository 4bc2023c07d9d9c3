package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
)

// The files of the local authority, in its directory.
const (
	caCertName = "ca.pem"
	caKeyName  = "ca-key.pem"
)

const (
	caLasts   = 10 * 365 * 24 * time.Hour
	leafLasts = 90 * 24 * time.Hour
	leafRenew = 30 * 24 * time.Hour
	backdate  = time.Hour // for clients whose clock is behind
)

type local struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	names []string
	now   func() time.Time

	mu   sync.Mutex
	leaf *tls.Certificate
}

// Local uses a certificate authority of its own in dir, which is made at the
// first start, and gives the server a certificate for the names; it is kept in
// memory alone and renewed by itself. It returns the path of the authority's
// certificate, which browsers and agents are told to trust.
func Local(dir string, names []string, now func() time.Time) (*tls.Config, string, error) {
	l := &local{now: now, names: append([]string{"localhost", "127.0.0.1", "::1"}, names...)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fault.Wrap(fault.Unavailable, err, "making the directory %s", dir)
	}
	path := filepath.Join(dir, caCertName)
	if err := l.open(path, filepath.Join(dir, caKeyName)); err != nil {
		return nil, "", err
	}
	if _, err := l.current(); err != nil {
		return nil, "", err
	}
	return settings(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.current() }), path, nil
}

func (l *local) open(certPath, keyPath string) error {
	info, err := os.Stat(keyPath)
	if errors.Is(err, os.ErrNotExist) {
		return l.found(certPath, keyPath)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s", keyPath)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fault.New(fault.Denied, "the key %s can be read by others", keyPath).WithHint("whoever read it can pose as this server: remove the directory, or chmod 600 the key if nobody could")
	}
	pair, err := tls.LoadX509KeyPair(certPath, keyPath)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the local certificate authority %s", certPath).WithHint("restore both files from a backup, or remove both: a new one is made, which all must trust anew")
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return fault.New(fault.Invalid, "%s is no certificate authority of ours", certPath)
	}
	if l.now().Add(leafLasts).After(pair.Leaf.NotAfter) {
		return fault.New(fault.Invalid, "the local certificate authority ends on %s", pair.Leaf.NotAfter.Format(time.DateOnly)).WithHint("remove %s and its key: a new one is made, which all must trust anew", certPath)
	}
	l.cert, l.key = pair.Leaf, key
	return nil
}

// found makes the authority. The certificate is written first: the key's file
// says that all is there.
func (l *local) found(certPath, keyPath string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "making a key")
	}
	now := l.now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Vedette local CA " + now.UTC().Format(time.DateOnly), Organization: []string{"Vedette"}},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(caLasts), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "making the local certificate authority")
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding a key")
	}
	if err := write(certPath, "CERTIFICATE", der); err != nil {
		return err
	}
	if err := write(keyPath, "PRIVATE KEY", private); err != nil {
		return err
	}
	l.key = key
	if l.cert, err = x509.ParseCertificate(der); err != nil {
		return fault.Wrap(fault.Internal, err, "reading the local certificate authority back")
	}
	return nil
}

// write puts a file there whole or not at all, for the owner alone.
func write(path, kind string, der []byte) error {
	return flow.ReplaceFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func serial() *big.Int {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // it never fails
	raw[0] &= 0x7f
	return new(big.Int).SetBytes(raw)
}

func (l *local) current() (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.leaf != nil && now.Add(leafRenew).Before(l.leaf.Leaf.NotAfter) {
		return l.leaf, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "making a key")
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Vedette"}, NotBefore: now.Add(-backdate), NotAfter: now.Add(leafLasts),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range l.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if !slices.Contains(template.DNSNames, name) {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, l.cert, key.Public(), l.key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "making the server's certificate")
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the server's certificate back")
	}
	l.leaf = &tls.Certificate{Certificate: [][]byte{der, l.cert.Raw}, PrivateKey: key, Leaf: leaf}
	return l.leaf, nil
}
