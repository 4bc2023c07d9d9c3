package broker

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
	"vedette/internal/ingest/mqtt"
)

// By wss users and their rights are those of mqtts: a subscriber of ours hears what
// one publishes, a wrong password is refused, a page of the same name is let in and
// others are not, and nobody speaks to the port in the clear.
func TestSecureWebSocket(t *testing.T) {
	srv := httptest.NewTLSServer(nil) // for its certificate, of 127.0.0.1 and example.com
	srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	trust := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	box, heard := &ingesttest.Box{}, &ingesttest.Box{}
	one := User{Name: "gw", Password: hashed("geheim"), Publish: []string{"plants/#"}, Subscribe: []string{"plants/#"}}
	s, port := running(t, Config{TLS: &tls.Config{Certificates: srv.TLS.Certificates, MinVersion: tls.VersionTLS12}, Users: []User{one}}, box)
	address := "wss://127.0.0.1:" + port + "/mqtt"
	password := func() (string, error) { return "geheim", nil }
	sub, err := mqtt.New(mqtt.Config{Name: "sub", Broker: address, Topics: []string{"plants/#"}, User: "gw", Password: password, TLS: trust})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = sub.Run(t.Context(), heard) }()
	ingesttest.Eventually(t, "it is subscribed", func() bool { return sub.Status().State == ingest.Running })

	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}, HandshakeTimeout: 5 * time.Second, TLSClientConfig: trust}
	open := func(at, origin, host string) (*websocket.Conn, error) {
		head := http.Header{"Origin": {origin}, "Host": {host}}
		if origin == "" {
			head.Del("Origin")
		}
		c, resp, err := dialer.DialContext(t.Context(), at, head)
		if resp != nil {
			_ = resp.Body.Close()
		}
		return c, err
	}
	for _, x := range []struct {
		origin, host, user, password string
		in, taken                    bool
	}{
		{"", "127.0.0.1:" + port, "gw", "geheim", true, true},
		{"https://plant.example", "plant.example", "gw", "geheim", true, true}, // the certificate stands for the name
		{"https://evil.example", "plant.example", "gw", "geheim", false, false},
		{"null", "plant.example", "gw", "geheim", false, false},
		{"", "127.0.0.1:" + port, "gw", "wrong", true, false},
		{"", "127.0.0.1:" + port, "", "", true, false},
	} {
		c, err := open(address, x.origin, x.host)
		if (err == nil) != x.in {
			t.Errorf("%+v: %v", x, err)
		}
		if err != nil {
			continue
		}
		n := len(box.All())
		said := hello("w", x.user, x.password) + publish(7, "plants/a", "7")
		if err := c.WriteMessage(websocket.BinaryMessage, []byte(said)); err != nil {
			t.Error(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, answer, err := c.ReadMessage()
		if err != nil || len(answer) < 4 || answer[0] != 0x20 || (answer[3] == 0) != x.taken {
			t.Errorf("%+v: it answers %x, %v", x, answer, err)
		}
		if x.taken {
			ingesttest.Eventually(t, "it came", func() bool { return len(box.All()) == n+1 })
		}
		_ = c.Close()
	}
	ingesttest.Eventually(t, "the subscriber heard", func() bool { return len(heard.All()) == 2 })
	if n := len(box.All()); n != 2 {
		t.Errorf("%d messages were taken", n)
	}
	if _, err := open("ws://127.0.0.1:"+port+"/mqtt", "", "127.0.0.1:"+port); err == nil {
		t.Error("it speaks in the clear")
	}
	dialer.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if _, err := open(address, "", "127.0.0.1:"+port); err == nil {
		t.Error("a certificate of nobody is believed")
	}
	ingesttest.Eventually(t, "what was refused is counted", func() bool { return s.Status().Refused >= 5 })
}
