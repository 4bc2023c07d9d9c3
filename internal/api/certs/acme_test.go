package certs_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/api/certs"
)

const plant = "vedette.plant.example"

// authority is a small ACME server. It proves the names as a real one does, by
// asking the server under test; signatures of requests it does not check.
type authority struct {
	t    *testing.T
	srv  *httptest.Server
	key  *ecdsa.PrivateKey
	root *x509.Certificate
	kind string // of challenge that it offers
	tls  string // where names are proved
	http string

	mu      sync.Mutex
	orders  int
	asked   int
	down    bool
	proved  bool
	account string // what the account was made with
	leaf    []byte
}

func newAuthority(t *testing.T, kind string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key, root: root, kind: kind}
	a.srv = httptest.NewTLSServer(a)
	t.Cleanup(a.srv.Close)
	return a
}

// ServeHTTP implements [http.Handler].
func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	w.Header().Set("Replay-Nonce", rand.Text())
	if a.down {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"type":"urn:ietf:params:acme:error:unauthorized","detail":"not you"}`)
		return
	}
	at := func(path string) string { return a.srv.URL + path }
	var jws struct{ Payload string }
	_ = json.NewDecoder(r.Body).Decode(&jws)
	payload, _ := base64.RawURLEncoding.DecodeString(jws.Payload)
	reply := func(status int, v map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	order := func() map[string]any {
		out := map[string]any{"status": "pending", "identifiers": []any{map[string]any{"type": "dns", "value": plant}}, "authorizations": []string{at("/authz")}, "finalize": at("/finalize")}
		if a.proved {
			out["status"] = "ready"
		}
		if a.leaf != nil {
			out["status"], out["certificate"] = "valid", at("/cert")
		}
		return out
	}
	state := map[bool]string{true: "valid", false: "pending"}[a.proved]
	challenge := map[string]any{"type": a.kind, "url": at("/challenge"), "token": "tokentokentokentoken", "status": state}
	switch r.URL.Path {
	case "/dir":
		reply(200, map[string]any{"newNonce": at("/nonce"), "newAccount": at("/account"), "newOrder": at("/order"), "revokeCert": at("/revoke"), "keyChange": at("/key"), "meta": map[string]any{"termsOfService": at("/terms")}})
	case "/nonce":
	case "/account":
		a.account = string(payload)
		w.Header().Set("Location", at("/account/1"))
		reply(201, map[string]any{"status": "valid"})
	case "/order":
		a.orders++
		a.proved, a.leaf = false, nil
		w.Header().Set("Location", at("/order/1"))
		reply(201, order())
	case "/order/1":
		w.Header().Set("Location", at("/order/1"))
		reply(200, order())
	case "/authz":
		reply(200, map[string]any{"status": state, "identifier": map[string]any{"type": "dns", "value": plant}, "challenges": []any{challenge}})
	case "/challenge":
		a.proved = a.prove()
		reply(200, challenge)
	case "/finalize":
		a.leaf = a.sign(payload)
		w.Header().Set("Location", at("/order/1"))
		reply(200, order())
	case "/cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: a.leaf})
		_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
	default:
		http.NotFound(w, r)
	}
}

// prove looks whether the server has the name.
func (a *authority) prove() bool {
	if a.kind == "http-01" {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.http+"/.well-known/acme-challenge/tokentokentokentoken", http.NoBody)
		r.Host = plant
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode == 200 && strings.HasPrefix(string(text), "tokentokentokentoken.")
	}
	conn, err := (&tls.Dialer{Config: &tls.Config{ServerName: plant, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}}).DialContext(a.t.Context(), "tcp", a.tls)
	if err != nil {
		return false
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	for _, x := range state.PeerCertificates[0].Extensions {
		if x.Id.String() == "1.3.6.1.5.5.7.1.31" && x.Critical && state.NegotiatedProtocol == "acme-tls/1" {
			return true
		}
	}
	return false
}

func (a *authority) sign(payload []byte) []byte {
	var f struct{ CSR string }
	_ = json.Unmarshal(payload, &f)
	der, _ := base64.RawURLEncoding.DecodeString(f.CSR)
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: csr.DNSNames, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(20 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	out, _ := x509.CreateCertificate(rand.Reader, template, a.root, csr.PublicKey, a.key)
	return out
}

// config is what a server of the test is made with.
func (a *authority) config(dir string) certs.ACME {
	a.t.Helper()
	ca := filepath.Join(a.t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.srv.Certificate().Raw}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return certs.ACME{Hosts: []string{"192.0.2.7", "localhost", plant}, Email: "ot@plant.example", Directory: a.srv.URL + "/dir", Terms: true, CAFile: ca, Dir: dir, Now: time.Now, HTTP: a.kind == "http-01"}
}

// serve begins a server and returns what asks it for a name.
func (a *authority) serve(cfg certs.ACME) func(name string) error {
	a.t.Helper()
	settings, answers, err := certs.Order(cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	if (answers != nil) != cfg.HTTP {
		a.t.Fatal("the handler is there without being wanted, or not")
	}
	if answers != nil {
		plain := httptest.NewServer(answers)
		a.t.Cleanup(plain.Close)
		a.http = strings.TrimPrefix(plain.URL, "http://")
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", settings)
	if err != nil {
		a.t.Fatal(err)
	}
	a.tls = ln.Addr().String()
	srv := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	a.t.Cleanup(func() { _ = srv.Close(); <-done })
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	return func(name string) error {
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 30 * time.Second}, Config: &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12}}
		conn, err := d.DialContext(a.t.Context(), "tcp", ln.Addr().String())
		if err == nil {
			err = conn.Close()
		}
		return err
	}
}

func TestOrder(t *testing.T) {
	for _, kind := range []string{"tls-alpn-01", "http-01"} {
		t.Run(kind, func(t *testing.T) {
			a := newAuthority(t, kind)
			dir := filepath.Join(t.TempDir(), "acme")
			cfg := a.config(dir)
			ask := a.serve(cfg)
			for _, other := range []string{"evil.example", "x." + plant, "localhost"} {
				if ask(other) == nil {
					t.Errorf("there is a certificate for %s", other)
				}
			}
			if a.asked != 0 {
				t.Error("a name that is not ours reached the authority")
			}
			if err := ask(plant); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(a.account, `"termsOfServiceAgreed":true`) || !strings.Contains(a.account, "mailto:ot@plant.example") {
				t.Errorf("the account: %s", a.account)
			}
			if err := a.serve(cfg)(plant); err != nil || a.orders != 1 { // a restart
				t.Errorf("%v, %d orders", err, a.orders)
			}
			files, err := os.ReadDir(dir)
			if err != nil || len(files) != 2 {
				t.Errorf("%v %v", files, err)
			}
			for _, f := range files {
				if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%v %v", f, err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, plant), []byte("-----BEGIN"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := a.serve(cfg)(plant); err != nil || a.orders != 2 {
				t.Errorf("after a damaged file: %v, %d orders", err, a.orders)
			}
		})
	}
}

func TestOrderThatFails(t *testing.T) {
	a := newAuthority(t, "tls-alpn-01")
	a.down = true
	var mu sync.Mutex
	now, told := time.Now(), []string{}
	cfg := a.config(t.TempDir())
	cfg.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	cfg.Report = func(host string, err error) { told = append(told, fmt.Sprint(host, ": ", err)) }
	ask := a.serve(cfg)
	for range 5 {
		if ask(plant) == nil {
			t.Fatal("there is a certificate")
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], plant) || !strings.Contains(told[0], "not you") {
		t.Errorf("told %q", told)
	}
	mu.Lock()
	now = now.Add(3 * time.Minute)
	mu.Unlock()
	if ask(plant) == nil || len(told) != 2 { // autocert itself rests for a minute of the real clock
		t.Errorf("it is not tried again: %q", told)
	}
}

func TestOrderRefused(t *testing.T) {
	good := certs.ACME{Hosts: []string{plant}, Terms: true, Dir: t.TempDir(), Now: time.Now}
	if _, _, err := certs.Order(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*certs.ACME){
		"terms": func(c *certs.ACME) { c.Terms = false }, "hosts": func(c *certs.ACME) { c.Hosts = []string{"localhost", "192.0.2.1", "::1", "plant", "x.localhost"} },
		"directory": func(c *certs.ACME) { c.Directory = "http://acme.example/dir" }, "ca": func(c *certs.ACME) { c.CAFile = "none.pem" },
	} {
		c := good
		spoil(&c)
		if _, _, err := certs.Order(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
