package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/api/certs"
)

var start = time.Now().UTC().Truncate(time.Second)

func get(t *testing.T, cfg *tls.Config, roots *x509.CertPool, name string) error {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}}}
	res, err := c.Get("https://" + ln.Addr().String())
	if err == nil {
		_ = res.Body.Close()
	}
	return err
}

func trust(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	return pool
}

func leafOf(t *testing.T, cfg *tls.Config) *tls.Certificate {
	t.Helper()
	c, err := cfg.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLocalAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	now := start
	cfg, ca, err := certs.Local(dir, []string{"vedette.plant.example", "192.0.2.7"}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "vedette.plant.example", "192.0.2.7"} {
		if err := get(t, cfg, trust(t, ca), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if get(t, cfg, trust(t, ca), "other.example") == nil {
		t.Error("it is good for a name that is not its own")
	}
	if get(t, cfg, x509.NewCertPool(), "localhost") == nil {
		t.Error("whoever does not trust the authority trusts the server")
	}
	for _, name := range []string{"ca.pem", "ca-key.pem"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want mode 0600", name, info, err)
		}
	}
	before := leafOf(t, cfg)
	now = now.Add(61 * 24 * time.Hour)
	if after := leafOf(t, cfg); after == before || !after.Leaf.NotAfter.After(before.Leaf.NotAfter) {
		t.Error("the certificate is not renewed in time")
	}
	again, _, err := certs.Local(dir, nil, func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	if err := get(t, again, trust(t, ca), "localhost"); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := certs.Local(dir, nil, func() time.Time { return start }); err == nil {
		t.Error("a key that others can read is used")
	}
}

func put(t *testing.T, dir string, c *tls.Certificate, when time.Time) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	private, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestFilesAreReadAgain(t *testing.T) {
	now := start
	clock := func() time.Time { return now }
	first, _, err := certs.Local(t.TempDir(), nil, clock)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := certs.Local(t.TempDir(), nil, clock)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := put(t, dir, leafOf(t, first), now)
	told := 0
	cfg, err := certs.Files(cert, key, clock, func(error) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, leafOf(t, second), now.Add(time.Second))
	now = now.Add(time.Minute)
	if string(leafOf(t, cfg).Certificate[0]) != string(leafOf(t, second).Certificate[0]) {
		t.Error("the new certificate is not used")
	}
	if err := os.WriteFile(key, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	for range 3 {
		if string(leafOf(t, cfg).Certificate[0]) != string(leafOf(t, second).Certificate[0]) {
			t.Error("a broken file ended the certificate in use")
		}
	}
	if told != 1 {
		t.Errorf("told %d times of the broken file within a minute, want once", told)
	}
	if _, err := certs.Files(cert, key, clock, nil); err == nil {
		t.Error("a broken file is taken at the start")
	}
}
