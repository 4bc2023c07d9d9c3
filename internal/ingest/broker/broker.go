// Package broker is a source that is an MQTT broker itself, for sites that have
// none: devices connect to it with MQTT 3.1.1 or 5, and what they publish goes to
// the spool before it is acknowledged.
//
// It owns who may connect and publish what, and the bounds of what clients cost. It
// must not parse meaning, and it keeps no message for clients: what is published is
// passed on to those who are subscribed at the moment, and nothing is retained.
package broker

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	server "github.com/mochi-mqtt/server/v2"

	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/mqtt"
)

// Config says where to listen and who may connect. Zero values take the defaults.
type Config struct {
	Name    string
	Listen  string      // host:port
	TLS     *tls.Config // nil: in the clear, on loopback only
	Users   []User      // none: anybody, on loopback only
	Devices []string    // templates such as plants/{zone}/{device}/{metric}
	Now     func() time.Time

	MaxClients int           // connections, 10 000; a quarter of them from one address that is not loopback
	MaxPacket  int           // bytes, 256 KiB
	Rate       int           // packets a second of one client, 1 000; a faster one waits
	Greeting   time.Duration // a connection must introduce itself within, 10 s
	Quiet      time.Duration // after so long without a message the source is silent, 15 min
}

// The bounds of what the broker keeps of a client.
const (
	sessionExpiry    = 10 * 60 // seconds after it has left
	maxInflight      = 256     // messages on their way to it
	maxPending       = 64
	maxSubscriptions = 100
	longestAlive     = 30 * 60 // seconds that it may say nothing
)

// Source is a [ingest.Source].
type Source struct {
	cfg    Config
	users  atomic.Pointer[map[string]*User] // none: anybody
	naming mqtt.Naming
	gauge  *ingest.Gauge

	mu    sync.Mutex // held while users are set
	guard *guard     // of the run; nil: none
}

// New makes a source. It listens when it runs.
func New(cfg Config) (*Source, error) {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the broker %s: %q is no address with a port", cfg.Name, cfg.Listen).WithHint("write it like 127.0.0.1:1883")
	}
	if cfg.TLS == nil && !onLoopback(host) {
		return nil, exposed(cfg.Name, cfg.Listen)
	}
	s := &Source{cfg: cfg}
	if err := s.SetUsers(cfg.Users); err != nil {
		return nil, err
	}
	if s.naming, err = mqtt.CompileNaming(cfg.Devices); err != nil {
		return nil, err
	}
	if s.cfg.MaxClients <= 0 {
		s.cfg.MaxClients = 10_000
	}
	if s.cfg.MaxPacket <= 0 || s.cfg.MaxPacket > ingest.MaxPayload {
		s.cfg.MaxPacket = 256 << 10
	}
	if s.cfg.Rate <= 0 {
		s.cfg.Rate = 1000
	}
	if s.cfg.Greeting <= 0 {
		s.cfg.Greeting = 10 * time.Second
	}
	if s.cfg.Now == nil {
		s.cfg.Now = time.Now
	}
	s.gauge = ingest.NewGauge(cfg.Name, "broker", cfg.Listen, cfg.Quiet, cfg.Now)
	return s, nil
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func exposed(name, listen string) error {
	return fault.New(fault.Invalid, "the broker %s would listen on %s without TLS or without users", name, listen).WithHint("set a certificate and users, or listen on 127.0.0.1")
}

// Status implements [ingest.Source].
func (s *Source) Status() ingest.Status { return s.gauge.Status() }

// Run implements [ingest.Source].
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return s.gauge.Stop(fault.Wrap(fault.Unavailable, err, "listening for MQTT on tcp %s", s.cfg.Listen).WithHint("another program may have the port"))
	}
	srv := server.New(&server.Options{
		Capabilities:           s.capabilities(),
		Logger:                 slog.New(slog.DiscardHandler), // it would write what clients send
		SysTopicResendInterval: 60,
	})
	guard := &guard{s: s, ctx: ctx, to: to, server: srv, failures: map[string]failed{}, rates: map[*server.Client]*bucket{}, as: map[*server.Client]*User{}}
	door := &door{ln: ln, s: s, guard: guard, open: map[net.Conn]string{}, from: map[string]int{}}
	s.meet(guard)
	defer s.meet(nil)
	if err := srv.AddHook(guard, nil); err != nil {
		return s.gauge.Stop(fault.Wrap(fault.Internal, err, "starting the broker"))
	}
	if err := srv.AddListener(door); err != nil {
		return s.gauge.Stop(fault.Wrap(fault.Internal, err, "starting the broker"))
	}
	if err := srv.Serve(); err != nil {
		return s.gauge.Stop(fault.Wrap(fault.Unavailable, err, "starting the broker"))
	}
	s.gauge.Set(ingest.Running, "")
	<-ctx.Done()
	_ = srv.Close() // it never fails
	s.gauge.Peers(0)
	s.gauge.Set(ingest.Stopped, "it was stopped")
	return nil
}

// capabilities bounds what a client may ask for. Topic aliases are off: they would
// pass by the check of who may publish what.
func (s *Source) capabilities() *server.Capabilities {
	c := server.NewDefaultServerCapabilities()
	c.MaximumClients = int64(s.cfg.MaxClients)
	c.MaximumPacketSize = uint32(s.cfg.MaxPacket) //nolint:gosec // G115: at most 1 MiB
	c.MaximumSessionExpiryInterval = sessionExpiry
	c.MaximumMessageExpiryInterval = sessionExpiry
	c.MaximumClientWritesPending = maxPending
	c.MaximumInflight = maxInflight
	c.ReceiveMaximum = maxInflight
	c.TopicAliasMaximum = 0
	c.MaximumQos = 1
	return c
}
