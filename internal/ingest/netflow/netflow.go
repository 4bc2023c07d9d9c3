// Package netflow is a source of flow records: NetFlow v5 and v9 and IPFIX over
// UDP, as routers, switches and probes export them.
//
// It owns the socket and who may send to it. It must not parse meaning: a
// datagram is handed on as it was received, once its length fits what its first
// bytes say. Templates are kept by the parser, for each address.
package netflow

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Config says where to listen. Zero values of limits take the defaults.
type Config struct {
	Name   string
	Listen string         // host:port
	Allow  []netip.Prefix // who may send; none: anybody who reaches the port
	Now    func() time.Time

	MaxExporters int           // addresses at a time, 512; others are refused
	Forget       time.Duration // an exporter that says nothing for so long makes room for another, 1 h
	Quiet        time.Duration // after so long without a datagram the source is silent, 15 min
}

// Format is the name of the format of what this source hands on.
const Format = "netflow"

// A datagram that finds the spool full waits so long, and is lost then.
const patience = 100 * time.Millisecond

// told is how long the state tells of what went wrong.
const told = time.Minute

const maxDatagram = 64 << 10

// Source is a [ingest.Source].
type Source struct {
	cfg   Config
	gauge *ingest.Gauge

	// Of the goroutine that receives:
	last    map[netip.Addr]time.Time // exporters
	looked  time.Time                // when room was looked for
	trouble time.Time                // last that the state tells
}

// New makes a source. It listens when it runs.
func New(cfg Config) (*Source, error) {
	if _, _, err := net.SplitHostPort(cfg.Listen); err != nil {
		return nil, fault.New(fault.Invalid, "the netflow source %s: %q is no address with a port", cfg.Name, cfg.Listen).WithHint("write it like 127.0.0.1:2055")
	}
	if cfg.MaxExporters <= 0 {
		cfg.MaxExporters = 512
	}
	if cfg.Forget <= 0 {
		cfg.Forget = time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Source{cfg: cfg, gauge: ingest.NewGauge(cfg.Name, "netflow", cfg.Listen, cfg.Quiet, cfg.Now), last: map[netip.Addr]time.Time{}}, nil
}

// Status implements [ingest.Source].
func (s *Source) Status() ingest.Status { return s.gauge.Status() }

// Run implements [ingest.Source].
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", s.cfg.Listen)
	if err != nil {
		return s.gauge.Stop(fault.Wrap(fault.Unavailable, err, "listening for flows on udp %s", s.cfg.Listen).WithHint("another program may have the port"))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return s.gauge.Stop(fault.New(fault.Internal, "udp %s is no UDP socket", s.cfg.Listen))
	}
	_ = udp.SetReadBuffer(8 << 20) // what the system allows; a burst waits there
	s.gauge.Set(ingest.Running, "")
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := udp.ReadFromUDPAddrPort(buf)
		switch {
		case ctx.Err() != nil:
			s.gauge.Set(ingest.Stopped, "it was stopped")
			return nil
		case errors.Is(err, net.ErrClosed):
			return s.gauge.Stop(fault.Wrap(fault.Unavailable, err, "receiving flows on udp %s", s.cfg.Listen))
		case err == nil: // else an ICMP error of an earlier peer
			peer := from.Addr().Unmap().WithZone("")
			if ingest.Bear(to, "source netflow", s.cfg.Name, peer.String(), buf[:n], func() { s.take(ctx, peer, buf[:n], to) }) != nil {
				s.gauge.Refuse()
			}
		}
	}
}

// take hands a datagram on.
func (s *Source) take(ctx context.Context, from netip.Addr, b []byte, to ingest.Spooler) {
	if !whole(b) || !s.allowed(from) {
		s.gauge.Refuse()
		return
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := to.Put(wait, ingest.Payload{Source: s.cfg.Name, Peer: from.String(), Format: Format, Received: s.cfg.Now(), Data: b})
	switch {
	case err == nil:
		s.gauge.Take(len(b))
		if s.cfg.Now().Sub(s.trouble) > told {
			s.gauge.Set(ingest.Running, "")
		}
	case fault.KindOf(err) == fault.Limited || ctx.Err() != nil:
		s.gauge.Lose()
	default:
		s.gauge.Lose()
		text, _ := fault.Public(err)
		s.fail(text)
	}
}

// fail says what is wrong, for as long as it goes on and a while after.
func (s *Source) fail(text string) {
	s.trouble = s.cfg.Now()
	s.gauge.Set(ingest.Failing, text)
}

// allowed reports whether an exporter may send, and notes that it did.
func (s *Source) allowed(from netip.Addr) bool {
	if len(s.cfg.Allow) > 0 && !slices.ContainsFunc(s.cfg.Allow, func(p netip.Prefix) bool { return p.Contains(from) }) {
		return false
	}
	now := s.cfg.Now()
	last, known := s.last[from]
	if known && now.Sub(last) < time.Second {
		return true
	}
	if !known && len(s.last) >= s.cfg.MaxExporters && !s.room(now) {
		s.fail("more than " + strconv.Itoa(s.cfg.MaxExporters) + " exporters: others are refused")
		return false
	}
	s.last[from] = now
	s.gauge.Peers(len(s.last))
	return true
}

// room forgets who has been silent for long, and reports whether that made room.
// It looks once a second: addresses may be made up as fast as they come.
func (s *Source) room(now time.Time) bool {
	if now.Sub(s.looked) < time.Second {
		return false
	}
	s.looked = now
	for a, last := range s.last {
		if now.Sub(last) > s.cfg.Forget {
			delete(s.last, a)
		}
	}
	return len(s.last) < s.cfg.MaxExporters
}

// whole reports whether a datagram is as long as the message that it begins
// with says; NetFlow v9 does not say it.
func whole(b []byte) bool {
	if len(b) < 16 {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	switch binary.BigEndian.Uint16(b) {
	case 5:
		return n > 0 && n <= 30 && len(b) == 24+48*n
	case 9:
		return len(b) >= 24 // its head and that of a flowset
	case 10:
		return len(b) == n
	}
	return false
}
