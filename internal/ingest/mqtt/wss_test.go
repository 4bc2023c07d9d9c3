package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
)

// vouched is a certificate of 127.0.0.1 as files, and a pool that trusts it.
func vouched(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	own := srv.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pool = x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return write("cert.pem", "CERTIFICATE", own.Certificate[0]), write("key.pem", "PRIVATE KEY", key), pool
}

// Both versions of the protocol by wss against a real broker, with a password: what
// is published comes, and goes on coming after the broker began anew. A certificate
// that nobody vouches for is refused.
func TestMosquittoBySecureWebSocket(t *testing.T) {
	cert, key, pool := vouched(t)
	port := freePort(t)
	m := mosquitto(t, "allow_anonymous true\nlistener "+port+" 127.0.0.1\nprotocol websockets\ncertfile "+cert+"\nkeyfile "+key+"\n")
	address := "wss://127.0.0.1:" + port + "/mqtt"
	password := func() (string, error) { return "geheim", nil }
	s, stop := running(t, Config{Broker: address, User: "u", Password: password}, &ingesttest.Box{})
	ingesttest.Eventually(t, "it is refused", func() bool {
		return s.Status().State == ingest.Failing && strings.Contains(s.Status().Text, "certificate")
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, version := range []byte{5, 4} {
		b := &ingesttest.Box{}
		s, stop := running(t, Config{Broker: address, ClientID: fmt.Sprint("s", version), Version: version, User: "u", Password: password, TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}, b)
		runs := func() bool { return s.Status().State == ingest.Running }
		ingesttest.Eventually(t, "it runs", runs)
		long := strings.Repeat("x", 200_000) // over many records of TLS
		m.pub("plants/a", []string{"1", long, "3"})
		ingesttest.Eventually(t, "all came", func() bool { return s.Status().Received == 3 })
		m.stop()
		ingesttest.Eventually(t, "it is told that the broker is away", func() bool { return !runs() })
		m.start()
		ingesttest.Eventually(t, "it runs again", runs)
		m.pub("plants/a", []string{"4"})
		ingesttest.Eventually(t, "it goes on", func() bool { return s.Status().Received == 4 })
		if got := b.Texts(); got[0] != "1" || got[1] != long || got[2] != "3" || got[3] != "4" {
			t.Errorf("%d messages", len(got))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}
