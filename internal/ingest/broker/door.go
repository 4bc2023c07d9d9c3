package broker

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"

	"vedette/internal/ingest"
	"vedette/internal/ingest/mqtt"
)

// door lets connections in, never more than allowed, and makes each introduce
// itself in time. It is a listener of the broker.
type door struct {
	ln    net.Listener
	s     *Source
	guard *guard

	mu     sync.Mutex
	open   map[net.Conn]string // with their addresses
	from   map[string]int
	closed bool
}

// ID implements [listeners.Listener].
func (d *door) ID() string { return d.s.cfg.Name }

// Address implements [listeners.Listener].
func (d *door) Address() string { return d.ln.Addr().String() }

// Protocol implements [listeners.Listener].
func (d *door) Protocol() string { return "tcp" }

// Init implements [listeners.Listener].
func (d *door) Init(*slog.Logger) error { return nil }

// Serve implements [listeners.Listener].
func (d *door) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := d.ln.Accept()
		if err != nil {
			d.mu.Lock()
			closed := d.closed
			d.mu.Unlock()
			if closed {
				return
			}
			time.Sleep(50 * time.Millisecond) // out of file descriptors, say
			continue
		}
		if !d.enter(conn) {
			d.s.gauge.Refuse()
			_ = conn.Close()
			continue
		}
		go func() {
			from, _ := address(conn)
			if ingest.Bear(d.guard.to, "source broker", d.s.cfg.Name, from, nil, func() { d.serve(conn, establish) }) != nil {
				d.s.gauge.Refuse()
				d.s.gauge.Set(ingest.Failing, "a client sent what the broker cannot bear; it was let go")
			}
		}()
	}
}

// serve is the life of one connection. What goes wrong in it ends it alone.
func (d *door) serve(conn net.Conn, establish listeners.EstablishFn) {
	defer d.leave(conn)
	defer conn.Close() //nolint:errcheck // whatever it says
	_ = conn.SetDeadline(time.Now().Add(d.s.cfg.Greeting))
	c, err := conn, error(nil)
	if d.s.cfg.TLS != nil {
		secure := tls.Server(conn, d.s.cfg.TLS)
		if secure.HandshakeContext(d.guard.ctx) != nil {
			d.s.gauge.Refuse()
			return
		}
		c = secure
	}
	if c, err = mqtt.Accept(c, d.allows); err != nil {
		if !errors.Is(err, io.EOF) { // who goes without a word looked whether the port is open
			d.s.gauge.Refuse()
		}
		return
	}
	_ = conn.SetDeadline(time.Now().Add(d.s.cfg.Greeting)) // a WebSocket has begun without one
	_ = establish(d.ID(), c)                               // why a client has left is its own affair
}

// allows tells whether a page may speak to the broker by WebSocket: one of the same
// host. Without TLS the host must be named by its address, since any name may be made
// to lead here.
func (d *door) allows(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || !strings.EqualFold(u.Host, host) {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return d.s.cfg.TLS != nil || err == nil || u.Hostname() == "localhost"
}

func address(conn net.Conn) (text string, loopback bool) {
	if conn == nil { // a session whose client is away
		return "", false
	}
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String(), false
	}
	return ap.Addr().Unmap().String(), ap.Addr().Unmap().IsLoopback()
}

// enter counts a connection in.
func (d *door) enter(conn net.Conn) bool {
	from, loopback := address(conn)
	if d.guard.banned(from) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	limit := d.s.cfg.MaxClients
	if d.closed || len(d.open) >= limit || !loopback && d.from[from] >= max(1, limit/4) {
		return false
	}
	d.open[conn] = from
	d.from[from]++
	d.s.gauge.Peers(len(d.open))
	return true
}

func (d *door) leave(conn net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, ok := d.open[conn]
	if !ok {
		return
	}
	delete(d.open, conn)
	if d.from[from]--; d.from[from] == 0 {
		delete(d.from, from)
	}
	d.s.gauge.Peers(len(d.open))
}

// Close implements [listeners.Listener]. Those that have not introduced themselves
// yet are let go too.
func (d *door) Close(clients listeners.CloseFn) {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	_ = d.ln.Close()
	clients(d.ID())
	d.mu.Lock()
	defer d.mu.Unlock()
	for conn := range d.open {
		_ = conn.Close()
	}
}
