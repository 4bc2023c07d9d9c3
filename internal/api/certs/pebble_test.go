package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"vedette/internal/api/certs"
)

// answerDNS is a name server, by TCP, for which every name is this machine.
func answerDNS(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				for answerOne(conn) == nil {
				}
			})
		}
	})
	return ln.Addr().String()
}

func answerOne(conn net.Conn) error {
	size := make([]byte, 2)
	if _, err := io.ReadFull(conn, size); err != nil {
		return err
	}
	text := make([]byte, binary.BigEndian.Uint16(size))
	if _, err := io.ReadFull(conn, text); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(text); err != nil {
		return err
	}
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
	if q := m.Questions; len(q) == 1 && q[0].Type == dnsmessage.TypeA {
		out.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q[0].Name, Class: q[0].Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
	}
	text, err := out.AppendPack(make([]byte, 2))
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(text, uint16(len(text)-2))
	_, err = conn.Write(text)
	return err
}

// free is a port that nobody has at the moment.
func free(t *testing.T) int {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// TestOrderFromPebble orders from Let's Encrypt's own test server, which checks
// signatures, nonces and proofs as they do.
func TestOrderFromPebble(t *testing.T) {
	program, err := exec.LookPath("pebble")
	if err != nil {
		t.Skip("pebble is not installed: go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3")
	}
	dir := t.TempDir()
	// its own certificate is from a local authority of ours
	settings, ca, err := certs.Local(filepath.Join(dir, "ca"), nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := settings.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	acmePort, managePort, tlsPort := free(t), free(t), free(t)
	at := func(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
	config, _ := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": at(acmePort), "managementListenAddress": at(managePort), "tlsPort": tlsPort, "httpPort": free(t),
		"certificate": put("pebble.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})),
		"privateKey":  put("pebble-key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"profiles":    map[string]any{"default": map[string]any{"description": "test", "validityPeriod": 7776000}},
	}})
	cmd := exec.CommandContext(t.Context(), program, "-config", put("pebble.json", config), "-dnsserver", answerDNS(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })

	trust := x509.NewCertPool()
	text, err := os.ReadFile(ca)
	if err != nil || !trust.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}}}
	roots := x509.NewCertPool()
	for range 100 { // until it listens
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+at(managePort)+"/roots/0", http.NoBody)
		res, err := client.Do(r)
		if err == nil {
			text, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if roots.AppendCertsFromPEM(text) {
				cancel()
				break
			}
		}
		cancel()
		time.Sleep(50 * time.Millisecond)
	}
	served, _, err := certs.Order(certs.ACME{
		Hosts: []string{plant}, Email: "ot@plant-example.org", Directory: "https://" + at(acmePort) + "/dir", Terms: true, CAFile: ca, Dir: filepath.Join(dir, "acme"), Now: time.Now,
		Report: func(host string, err error) { t.Errorf("%s: %v", host, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", at(tlsPort), served)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	conn, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Minute}, Config: &tls.Config{ServerName: plant, RootCAs: roots, MinVersion: tls.VersionTLS12}}).DialContext(t.Context(), "tcp", at(tlsPort))
	if err != nil {
		t.Fatal(err)
	}
	leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	if len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != plant {
		t.Errorf("it is for %v", leaf.DNSNames)
	}
	_ = conn.Close()
}
