// Package syslog receives syslog messages over UDP (RFC 5426) and TCP (RFC 6587,
// both framings), and over TLS (RFC 5425) when it is given a certificate.
//
// It must not parse meaning: a message is handed on as it was received. What a
// peer claims to be is its own word; the address is what the transport tells.
package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// Config says where to listen. Zero values of limits take the defaults.
type Config struct {
	Name     string
	Listen   string      // host:port
	UDP, TCP bool        // at least one
	TLS      *tls.Config // for TCP; nil: in the clear
	Now      func() time.Time

	MaxMessage int           // bytes, 64 KiB; longer messages are refused
	MaxPeers   int           // TCP connections at a time, 1000
	Idle       time.Duration // a connection that says nothing for so long is closed, 15 min
	Quiet      time.Duration // after so long without a message the source is silent, 15 min
}

// The rhythm in which messages are handed on: together, if they come quickly.
const (
	gatherEvery = 100 * time.Millisecond
	gatherBytes = 256 << 10
)

// The bounds of what waits to be handed on: UDP can name any number of senders.
const (
	maxWaiting = 10_000   // peers
	maxHeld    = 16 << 20 // bytes of all of them
)

// Source is a [ingest.Source].
type Source struct {
	cfg Config

	mu      sync.Mutex
	status  ingest.Status
	waiting map[string]*gathered // by peer
	held    int                  // bytes of all that waits
	handing map[string]bool      // peers whose messages are being handed on: one after the other, in order
	conns   map[string]int       // by address
	open    int                  // connections
}

type gathered struct {
	data  []byte
	first time.Time
}

// New makes a source. It listens when it runs.
func New(cfg Config) (*Source, error) {
	if _, _, err := net.SplitHostPort(cfg.Listen); err != nil {
		return nil, fault.New(fault.Invalid, "the syslog source %s: %q is no address with a port", cfg.Name, cfg.Listen).WithHint("write it like 127.0.0.1:5514")
	}
	if !cfg.UDP && !cfg.TCP {
		return nil, fault.New(fault.Invalid, "the syslog source %s has no transport", cfg.Name).WithHint("udp, tcp or both")
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 64 << 10
	}
	if cfg.MaxPeers <= 0 {
		cfg.MaxPeers = 1000
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 15 * time.Minute
	}
	if cfg.Quiet <= 0 {
		cfg.Quiet = 15 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Source{
		cfg: cfg, waiting: map[string]*gathered{}, handing: map[string]bool{}, conns: map[string]int{},
		status: ingest.Status{Name: cfg.Name, Kind: "syslog", Address: cfg.Listen, State: ingest.Starting, Since: cfg.Now()},
	}, nil
}

// Status implements [ingest.Source].
func (s *Source) Status() ingest.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.Peers = s.open
	last := st.Last
	if last.IsZero() {
		last = st.Since // it never received anything
	}
	if quiet := s.cfg.Now().Sub(last); st.State == ingest.Running && quiet > s.cfg.Quiet {
		st.State, st.Text, st.Since = ingest.Silent, "silent for "+quiet.Round(time.Minute).String(), last
	}
	return st
}

// Run implements [ingest.Source].
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	var parts []func(context.Context) error
	if s.cfg.TCP {
		ln, err := s.listenTCP(ctx)
		if err != nil {
			return s.stopped(err)
		}
		parts = append(parts, func(ctx context.Context) error { return s.accept(ctx, ln, to) })
	}
	if s.cfg.UDP {
		var lc net.ListenConfig
		conn, err := lc.ListenPacket(ctx, "udp", s.cfg.Listen)
		if err != nil {
			return s.stopped(fault.Wrap(fault.Unavailable, err, "listening for syslog on udp %s", s.cfg.Listen))
		}
		parts = append(parts, func(ctx context.Context) error { return s.datagrams(ctx, conn, to) })
	}
	s.state(ingest.Running, "")
	parts = append(parts, func(ctx context.Context) error {
		return ingest.Keep(ctx, to, "source syslog", s.cfg.Name, s.fails, func(ctx context.Context) error { return s.gather(ctx, to) })
	})
	failed := flow.Together(ctx, parts...)
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	s.hand(end, to)
	if failed != nil {
		return s.stopped(failed)
	}
	s.state(ingest.Stopped, "it was stopped")
	return nil
}

func (s *Source) listenTCP(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "listening for syslog on tcp %s", s.cfg.Listen).WithHint("another program may have the port")
	}
	if s.cfg.TLS != nil {
		ln = tls.NewListener(ln, s.cfg.TLS)
	}
	return ln, nil
}

func (s *Source) state(to ingest.State, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.State, s.status.Text, s.status.Since = to, text, s.cfg.Now()
}

// fails says what is wrong until something is handed on again.
func (s *Source) fails(err error) {
	text, _ := fault.Public(err)
	s.state(ingest.Failing, text)
}

func (s *Source) stopped(err error) error {
	text, _ := fault.Public(err)
	s.state(ingest.Stopped, text)
	return err
}

// datagrams takes one message from each datagram.
func (s *Source) datagrams(ctx context.Context, conn net.PacketConn, to ingest.Spooler) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if c, ok := conn.(*net.UDPConn); ok {
		_ = c.SetReadBuffer(4 << 20) // what the system allows; a burst waits there
	}
	buf := make([]byte, s.cfg.MaxMessage+1)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return fault.Wrap(fault.Unavailable, err, "receiving syslog on udp %s", s.cfg.Listen)
			}
			continue // an ICMP error of an earlier peer
		}
		if n > s.cfg.MaxMessage {
			s.refuse()
			continue
		}
		peer := host(from)
		if ingest.Bear(to, "source syslog", s.cfg.Name, peer, buf[:n], func() { s.take(ctx, peer, buf[:n], to, false) }) != nil {
			s.refuse()
		}
	}
}

// accept serves connections until ctx ends.
func (s *Source) accept(ctx context.Context, ln net.Listener, to ingest.Spooler) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var peers sync.WaitGroup
	defer peers.Wait()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return fault.Wrap(fault.Unavailable, err, "accepting syslog on tcp %s", s.cfg.Listen)
			}
			time.Sleep(50 * time.Millisecond) // out of file descriptors, say
			continue
		}
		peer := host(conn.RemoteAddr())
		if !s.enter(peer) {
			s.refuse()
			_ = conn.Close()
			continue
		}
		peers.Go(func() {
			defer s.leave(peer)
			if ingest.Bear(to, "source syslog", s.cfg.Name, peer, nil, func() { s.serve(ctx, conn, to) }) != nil {
				s.refuse()
			}
		})
	}
}

// enter counts a connection in; one address has at most a quarter of them.
func (s *Source) enter(peer string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= s.cfg.MaxPeers || s.conns[peer] >= max(1, s.cfg.MaxPeers/4) {
		return false
	}
	s.open++
	s.conns[peer]++
	return true
}

func (s *Source) leave(peer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.conns[peer]--; s.conns[peer] == 0 {
		delete(s.conns, peer)
	}
}

// serve reads the messages of one connection. While the spool is full it does
// not read, so that the peer waits.
func (s *Source) serve(ctx context.Context, conn net.Conn, to ingest.Spooler) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close() //nolint:errcheck // only read
	peer := host(conn.RemoteAddr())
	f := newFrames(&idle{conn, s.cfg.Idle}, s.cfg.MaxMessage)
	for {
		msg, err := f.next()
		if errors.Is(err, errTooLong) {
			s.refuse()
			continue
		}
		if err != nil {
			return
		}
		s.take(ctx, peer, msg, to, true)
	}
}

// idle is a connection that ends when nothing comes for too long.
type idle struct {
	net.Conn
	after time.Duration
}

// Read implements [io.Reader].
func (c *idle) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.after)); err != nil {
		return 0, err //nolint:wrapcheck // as Read would
	}
	return c.Conn.Read(b) //nolint:wrapcheck // io.EOF must stay itself
}

func (s *Source) refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Refused++
}

// take puts a message to those of its peer that wait to be handed on together.
// Where too much waits, a connection is not read on and a datagram is lost. A line
// feed within a message is written #012, as rsyslog does, since messages are lines
// from here on.
func (s *Source) take(ctx context.Context, peer string, msg []byte, to ingest.Spooler, wait bool) {
	for !s.keep(peer, msg) {
		if !wait {
			s.lose(1)
			return
		}
		select {
		case <-ctx.Done():
			s.lose(1)
			return
		case <-time.After(gatherEvery / 5):
		}
	}
	s.mu.Lock()
	full := s.waiting[peer] != nil && len(s.waiting[peer].data) >= gatherBytes
	s.mu.Unlock()
	if !full {
		return
	}
	if !wait { // UDP: what waits longer than this is lost anyway
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, gatherEvery)
		defer cancel()
	}
	s.handPeer(ctx, to, peer)
}

// keep adds a message to those that wait, and reports whether there is room.
func (s *Source) keep(peer string, msg []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.waiting[peer]
	if s.held > maxHeld || g == nil && len(s.waiting) >= maxWaiting || g != nil && len(g.data) > ingest.MaxPayload/2 {
		return false
	}
	s.status.Received++
	s.status.Bytes += int64(len(msg))
	s.status.Last = s.cfg.Now()
	if g == nil {
		g = &gathered{first: s.status.Last}
		s.waiting[peer] = g
	}
	before := len(g.data)
	g.data = appendLine(g.data, msg)
	s.held += len(g.data) - before
	return true
}

func (s *Source) lose(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Lost += int64(n)
}

func appendLine(to, msg []byte) []byte {
	for _, b := range msg {
		if b == '\n' {
			to = append(to, "#012"...)
			continue
		}
		to = append(to, b)
	}
	return append(to, '\n')
}

// gather hands on what waits, again and again.
func (s *Source) gather(ctx context.Context, to ingest.Spooler) error {
	tick := time.NewTicker(gatherEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.hand(ctx, to)
		}
	}
}

func (s *Source) hand(ctx context.Context, to ingest.Spooler) {
	s.mu.Lock()
	peers := make([]string, 0, len(s.waiting))
	for peer := range s.waiting {
		peers = append(peers, peer)
	}
	s.mu.Unlock()
	for _, peer := range peers {
		s.handPeer(ctx, to, peer)
	}
}

// handPeer gives the spool what waits of a peer, unless that is being done
// already. What a full spool did not take in time is lost, and counted; what failed
// otherwise waits on, and the state says why.
func (s *Source) handPeer(ctx context.Context, to ingest.Spooler, peer string) {
	s.mu.Lock()
	g := s.waiting[peer]
	if g == nil || s.handing[peer] {
		s.mu.Unlock()
		return
	}
	delete(s.waiting, peer)
	s.handing[peer] = true
	s.mu.Unlock()
	var err error
	put := func() {
		err = to.Put(ctx, ingest.Payload{Source: s.cfg.Name, Peer: peer, Received: g.first, Data: g.data})
	}
	broken := ingest.Bear(to, "source syslog", s.cfg.Name, peer, g.data, put)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.handing, peer)
	switch {
	case broken != nil: // it would again
		s.held -= len(g.data)
		s.status.Refused += int64(lines(g.data))
		text, _ := fault.Public(broken)
		s.status.State, s.status.Text, s.status.Since = ingest.Failing, text, s.cfg.Now()
	case err == nil:
		s.held -= len(g.data)
		if s.status.State == ingest.Failing {
			s.status.State, s.status.Text, s.status.Since = ingest.Running, "", s.cfg.Now()
		}
	case fault.KindOf(err) == fault.Limited || ctx.Err() != nil:
		s.held -= len(g.data)
		s.status.Lost += int64(lines(g.data))
	default:
		s.keepOn(peer, g)
		if text, _ := fault.Public(err); s.status.State != ingest.Failing || s.status.Text != text {
			s.status.State, s.status.Text, s.status.Since = ingest.Failing, text, s.cfg.Now()
		}
	}
}

// keepOn puts messages back before those that came meanwhile. It is called under
// mu.
func (s *Source) keepOn(peer string, g *gathered) {
	newer := s.waiting[peer]
	if newer != nil && len(g.data)+len(newer.data) > ingest.MaxPayload {
		s.held -= len(newer.data)
		s.status.Lost += int64(lines(newer.data))
		newer = nil
	}
	if newer != nil {
		g.data = append(g.data, newer.data...)
	}
	s.waiting[peer] = g
}

func lines(b []byte) (n int) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}

// host is the address of a peer without its port.
func host(a net.Addr) string {
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		return ap.Addr().Unmap().String()
	}
	return a.String()
}
