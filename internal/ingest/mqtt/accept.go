package mqtt

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/gorilla/websocket"

	"vedette/internal/fault"
)

// maxHello is the longest request of a client that wants to speak WebSocket.
const maxHello = 16 << 10

// Accept makes a connection one that bytes of MQTT come by, whether its client speaks
// MQTT at once or asks for WebSocket first. allow is asked whether a page of an origin
// may, which a browser names; other clients name none.
func Accept(conn net.Conn, allow func(origin, host string) bool) (net.Conn, error) {
	a := &ahead{Conn: conn, there: true}
	if _, err := io.ReadFull(conn, a.first[:]); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "a client that says nothing")
	}
	if a.first[0] != 'G' { // no packet of MQTT that a client may begin with
		return a, nil
	}
	in := bufio.NewReader(io.LimitReader(a, maxHello))
	r, err := http.ReadRequest(in)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "a client that speaks neither MQTT nor WebSocket")
	}
	u := websocket.Upgrader{Subprotocols: []string{"mqtt"}, CheckOrigin: func(r *http.Request) bool {
		origin := r.Header.Get("Origin")
		return origin == "" || len(r.Header.Values("Origin")) == 1 && allow(origin, r.Host)
	}}
	if in.Buffered() > 0 {
		return nil, fault.New(fault.Invalid, "a client that did not wait for the answer")
	}
	c, err := u.Upgrade(&handed{conn: conn, header: http.Header{}}, r, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Denied, err, "a WebSocket that is not let in")
	}
	return &socket{Conn: conn, ws: c}, nil
}

// ahead is a connection of which the first byte was looked at.
type ahead struct {
	net.Conn
	first [1]byte
	there bool
}

// Read implements [io.Reader].
func (a *ahead) Read(b []byte) (int, error) {
	if a.there && len(b) > 0 {
		a.there = false
		return copy(b, a.first[:]), nil
	}
	return a.Conn.Read(b) //nolint:wrapcheck // as Read would
}

// handed hands a connection to who upgrades it, or tells its client why not.
type handed struct {
	conn   net.Conn
	header http.Header
}

// Header implements [http.ResponseWriter].
func (h *handed) Header() http.Header { return h.header }

// WriteHeader implements [http.ResponseWriter].
func (h *handed) WriteHeader(status int) {
	_, _ = io.WriteString(h.conn, "HTTP/1.1 "+strconv.Itoa(status)+" "+http.StatusText(status)+"\r\nConnection: close\r\n\r\n")
}

// Write implements [http.ResponseWriter]; the status says enough.
func (h *handed) Write(b []byte) (int, error) { return len(b), nil }

// Hijack implements [http.Hijacker].
func (h *handed) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}
