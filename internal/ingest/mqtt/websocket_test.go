package mqtt

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
)

// Both versions of the protocol, by WebSocket, against a real broker; a long message
// among short ones.
func TestMosquittoByWebSocket(t *testing.T) {
	port := freePort(t)
	m := mosquitto(t, "allow_anonymous true\nlistener "+port+" 127.0.0.1\nprotocol websockets\n")
	for _, version := range []byte{5, 4} {
		b := &ingesttest.Box{}
		s, stop := running(t, Config{Broker: "ws://127.0.0.1:" + port + "/mqtt", ClientID: fmt.Sprint("w", version), Version: version}, b)
		ingesttest.Eventually(t, "it runs", func() bool { return s.Status().State == ingest.Running })
		long := strings.Repeat("x", 100_000)
		m.pub("plants/a", []string{"1", long, "3"})
		ingesttest.Eventually(t, "all came", func() bool { return s.Status().Received == 3 })
		if got := b.Texts(); got[0] != "1" || got[1] != long || got[2] != "3" {
			t.Errorf("%d messages", len(got))
		}
		if err := stop(); err != nil || s.Status().State != ingest.Stopped {
			t.Errorf("%v, %+v", err, s.Status())
		}
	}
}

// By wss the certificate is checked before anything is said.
func TestWebSocketByTLS(t *testing.T) {
	asked := make(chan string, 10)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path + " " + r.Header.Get("Sec-WebSocket-Protocol")
	}))
	defer srv.Close()
	for _, trust := range []bool{false, true} {
		cfg := Config{Name: "s", Broker: "wss" + strings.TrimPrefix(srv.URL, "https") + "/mqtt", Topics: []string{"#"}, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}
		if trust {
			cfg.TLS.RootCAs = x509.NewCertPool()
			cfg.TLS.RootCAs.AddCert(srv.Certificate())
		}
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.dial(t.Context()); err == nil {
			t.Error("a page is no broker")
		}
		if (len(asked) == 1) != trust {
			t.Errorf("trusted %v: asked %d times", trust, len(asked))
		}
	}
	if got := <-asked; got != "/mqtt mqtt" {
		t.Error(got)
	}
}

// What answers otherwise than a broker is told, and holds nothing up.
func TestNoBrokerBehindTheWebSocket(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		"another place": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://203.0.113.1/", http.StatusFound)
		},
		"another protocol": func(w http.ResponseWriter, r *http.Request) {
			var u websocket.Upgrader
			if c, err := u.Upgrade(w, r, nil); err == nil {
				_ = c.Close()
			}
		},
		"text": func(w http.ResponseWriter, r *http.Request) {
			u := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
			if c, err := u.Upgrade(w, r, nil); err == nil {
				_ = c.WriteMessage(websocket.TextMessage, []byte("hello"))
				_ = c.Close()
			}
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			srv := httptest.NewServer(answer)
			defer srv.Close()
			s, err := New(Config{Name: "s", Broker: "ws" + strings.TrimPrefix(srv.URL, "http") + "/mqtt", Topics: []string{"#"}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx, &ingesttest.Box{}) }()
			ingesttest.Eventually(t, "it is told", func() bool { return s.Status().State == ingest.Failing && s.Status().Text != "" })
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// fixed is a connection that says what it holds, and takes what it is told.
type fixed struct {
	net.Conn
	in *bytes.Reader
}

func (f fixed) Read(b []byte) (int, error)       { return f.in.Read(b) }
func (f fixed) Write(b []byte) (int, error)      { return len(b), nil }
func (f fixed) Close() error                     { return nil }
func (f fixed) SetDeadline(time.Time) error      { return nil }
func (f fixed) SetReadDeadline(time.Time) error  { return nil }
func (f fixed) SetWriteDeadline(time.Time) error { return nil }

// FuzzAccept: what begins as MQTT is handed on byte for byte; whatever else comes is
// refused or becomes a WebSocket, and no page that is not allowed does.
func FuzzAccept(f *testing.F) {
	f.Add([]byte("\x10\x0d\x00\x04MQTT"))
	f.Add([]byte("GET /mqtt HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"))
	f.Add([]byte("GET /mqtt HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		asked := false
		c, err := Accept(fixed{in: bytes.NewReader(raw)}, func(string, string) bool { asked = true; return false })
		if err == nil && asked {
			t.Fatal("a page that is not allowed was let in")
		}
		if len(raw) > 0 && raw[0] != 'G' {
			got, read := io.ReadAll(c)
			if err != nil || read != nil || !bytes.Equal(got, raw) {
				t.Fatalf("%q, %v, %v", got, err, read)
			}
		}
	})
}
