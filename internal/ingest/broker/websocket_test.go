package broker

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
	"vedette/internal/ingest/mqtt"
)

// The broker speaks WebSocket at the same port: a subscriber of ours by it gets what
// one publishes, and the pages of others are not let in.
func TestWebSocket(t *testing.T) {
	box, heard := &ingesttest.Box{}, &ingesttest.Box{}
	s, port := running(t, Config{}, box)
	sub, err := mqtt.New(mqtt.Config{Name: "sub", Broker: "ws://127.0.0.1:" + port + "/mqtt", Topics: []string{"plants/#"}, Version: 5})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = sub.Run(t.Context(), heard) }()
	ingesttest.Eventually(t, "it is subscribed", func() bool { return sub.Status().State == ingest.Running })
	_ = dial(t, port).Close() // who looks whether the port is open is not refused
	for _, x := range []struct {
		origin, host string
		want         bool
	}{
		{"", "", true},
		{"http://127.0.0.1:" + port, "", true},
		{"http://localhost:" + port, "localhost:" + port, true},
		{"http://evil.example", "", false},
		{"http://evil.example:" + port, "evil.example:" + port, false}, // its name was made to lead here
		{"null", "", false},
		{"http://127.0.0.1:1", "", false},
	} {
		head := http.Header{}
		if x.origin != "" {
			head.Set("Origin", x.origin)
		}
		if x.host != "" {
			head.Set("Host", x.host)
		}
		d := websocket.Dialer{Subprotocols: []string{"mqtt"}, HandshakeTimeout: 5 * time.Second}
		c, resp, err := d.DialContext(t.Context(), "ws://127.0.0.1:"+port+"/mqtt", head)
		if resp != nil {
			_ = resp.Body.Close()
		}
		if (err == nil) != x.want || err != nil && (resp == nil || resp.StatusCode != http.StatusForbidden) {
			t.Errorf("origin %q of host %q: %v", x.origin, x.host, err)
		}
		if err != nil {
			continue
		}
		n := len(box.All())
		// CONNECT, and PUBLISH of "7" to plants/a, as MQTT 3.1.1 has them
		hello := "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01w\x30\x0b\x00\x08plants/a7"
		if err := c.WriteMessage(websocket.BinaryMessage, []byte(hello)); err != nil {
			t.Error(err)
		}
		ingesttest.Eventually(t, "it came", func() bool { return len(box.All()) > n })
		_ = c.Close()
	}
	ingesttest.Eventually(t, "the subscriber heard", func() bool { return len(heard.All()) > 0 })
	ingesttest.Eventually(t, "all came", func() bool { return len(box.All()) == 3 })
	if st := s.Status(); st.Refused != 4 {
		t.Errorf("%+v", st)
	}
}
