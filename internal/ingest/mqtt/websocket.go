package mqtt

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"vedette/internal/fault"
)

// Address is where a broker is reached, by its URL; "" when that is none of a broker.
func Address(u *url.URL) string {
	port := cmp.Or(u.Port(), portOf(u.Scheme))
	if u.Hostname() == "" || portOf(u.Scheme) == "" {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// The schemes of a broker's address, and their ports.
func portOf(scheme string) string {
	return map[string]string{"mqtt": "1883", "mqtts": "8883", "ws": "80", "wss": "443"}[scheme]
}

// upgrade speaks WebSocket over a connection, as section 6 of MQTT 5 asks. It asks no
// proxy and follows nowhere.
func upgrade(ctx context.Context, conn net.Conn, at string) (net.Conn, error) {
	given := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	d := websocket.Dialer{NetDialContext: given, NetDialTLSContext: given, Subprotocols: []string{"mqtt"}, HandshakeTimeout: 10 * time.Second}
	c, resp, err := d.DialContext(ctx, at, nil)
	if resp != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err //nolint:wrapcheck // the caller does
	}
	if c.Subprotocol() != "mqtt" {
		_ = conn.Close()
		return nil, fault.New(fault.Unavailable, "what answers speaks WebSocket, and not MQTT over it")
	}
	return &socket{Conn: conn, ws: c}, nil
}

// socket is a connection whose bytes are in binary messages.
type socket struct {
	net.Conn
	ws    *websocket.Conn
	part  io.Reader // the rest of a message; nil: none
	write sync.Mutex
}

var errText = errors.New("a message of text, where MQTT has bytes")

// Read implements [io.Reader].
func (s *socket) Read(b []byte) (int, error) {
	for {
		if s.part == nil {
			kind, r, err := s.ws.NextReader()
			if err != nil {
				return 0, err //nolint:wrapcheck // as Read would
			}
			if kind != websocket.BinaryMessage {
				return 0, errText
			}
			s.part = r
		}
		n, err := s.part.Read(b)
		if errors.Is(err, io.EOF) {
			s.part, err = nil, nil
		}
		if n > 0 || err != nil || len(b) == 0 {
			return n, err //nolint:wrapcheck // likewise
		}
	}
}

// Write implements [io.Writer].
func (s *socket) Write(b []byte) (int, error) {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.ws.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err //nolint:wrapcheck // likewise
	}
	return len(b), nil
}
