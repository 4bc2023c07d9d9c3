// Package mqtt is a source that subscribes to the broker of a site, with MQTT 5 or
// 3.1.1. A message of quality of service 1 is acknowledged only when the spool has
// it, and the broker keeps the session, so that what was published while we were
// away comes later.
//
// It must not parse meaning: a message is handed on as it was received, with its
// topic and what the topic says of its device by the operator's templates.
package mqtt

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Config says what to subscribe to, and where. Zero values take the defaults.
type Config struct {
	Name     string
	Broker   string                 // mqtt://host:port or mqtts://host:port
	TLS      *tls.Config            // for mqtts; nil: what the system trusts
	ClientID string                 // unique at the broker; "": vedette-NAME
	User     string                 // "": none
	Password func() (string, error) // asked at each connection; nil: none
	Topics   []string               // filters
	Share    string                 // name of a group that shares the messages; "": none
	Devices  []string               // templates such as plants/{zone}/{device}/{metric}; the first that fits counts
	Version  byte                   // 5 or 4 (3.1.1); 0: 5, and 4 with a broker that knows no other
	Now      func() time.Time

	MaxMessage int           // bytes, 1 MiB; longer messages are refused
	Alive      time.Duration // the broker must be heard so often, 30 s
	Retry      time.Duration // the longest wait before another try to connect, 30 s
	Quiet      time.Duration // after so long without a message the source is silent, 15 min
}

// The formats of what this source hands on, if the payload does not tell: [Value]
// is that of what is not recognised.
const (
	Value     = "mqtt-value"
	sparkplug = "sparkplug"
)

// Source is a [ingest.Source].
type Source struct {
	cfg     Config
	host    string // with port
	secure  bool
	web     string // its address, if it is spoken to by WebSocket
	naming  Naming
	gauge   *ingest.Gauge
	version byte
	seen    memory
}

// New makes a source. It connects when it runs.
func New(cfg Config) (*Source, error) {
	s := &Source{cfg: cfg, version: cfg.Version}
	u, err := url.Parse(cfg.Broker)
	if err != nil || Address(u) == "" || u.Path != "" && u.Scheme[0] != 'w' || u.User != nil {
		return nil, fault.New(fault.Invalid, "the mqtt source %s: the broker is no address", cfg.Name).WithHint("write it like mqtts://broker.example:8883")
	}
	s.secure = u.Scheme == "mqtts" || u.Scheme == "wss"
	if u.Scheme[0] == 'w' {
		s.web = u.String()
	}
	s.host = Address(u)
	if len(cfg.Topics) == 0 {
		return nil, fault.New(fault.Invalid, "the mqtt source %s subscribes to nothing", cfg.Name).WithHint("name topics, such as plants/#")
	}
	for _, f := range cfg.Topics {
		if err := CheckFilter(f); err != nil {
			return nil, err
		}
	}
	if s.naming, err = CompileNaming(cfg.Devices); err != nil {
		return nil, err
	}
	if s.version == 0 {
		s.version = 5
	}
	if s.version != 5 && s.version != 4 {
		return nil, fault.New(fault.Invalid, "the mqtt source %s: there is no MQTT %d here", cfg.Name, cfg.Version).WithHint("5, or 4 for 3.1.1")
	}
	s.defaults()
	s.gauge = ingest.NewGauge(cfg.Name, "mqtt", cfg.Broker, cfg.Quiet, cfg.Now)
	return s, nil
}

func (s *Source) defaults() {
	if s.cfg.ClientID == "" {
		s.cfg.ClientID = "vedette-" + s.cfg.Name
	}
	if s.cfg.MaxMessage <= 0 || s.cfg.MaxMessage > ingest.MaxPayload {
		s.cfg.MaxMessage = ingest.MaxPayload
	}
	if s.cfg.Alive <= 0 {
		s.cfg.Alive = 30 * time.Second
	}
	if s.cfg.Retry <= 0 {
		s.cfg.Retry = 30 * time.Second
	}
	if s.cfg.Now == nil {
		s.cfg.Now = time.Now
	}
}

// maxFilter is the longest filter of topics, and the longest topic that is taken.
const maxFilter = 1024

// CheckFilter reports what is wrong with a filter of topics (MQTT 5, 4.7).
func CheckFilter(f string) error {
	bad := func(why string) error {
		return fault.New(fault.Invalid, "the topic filter %.80q %s", f, why).WithHint("write it like plants/+/pumps/#")
	}
	if f == "" || len(f) > maxFilter || !clean(f) {
		return bad("is empty, too long or has characters that no topic has")
	}
	levels := strings.Split(f, "/")
	for i, l := range levels {
		switch {
		case l == "#" && i < len(levels)-1:
			return bad("goes on after #")
		case len(l) > 1 && strings.ContainsAny(l, "+#"):
			return bad("has + or # within a level")
		}
	}
	return nil
}

// Status implements [ingest.Source].
func (s *Source) Status() ingest.Status { return s.gauge.Status() }

// firstRetry is the wait after the first failure; it doubles with each.
const firstRetry = 500 * time.Millisecond

// Run implements [ingest.Source].
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	wait := firstRetry
	for ctx.Err() == nil {
		began := s.cfg.Now()
		err := s.session(ctx, to)
		s.gauge.Peers(0)
		if ctx.Err() != nil {
			break
		}
		if s.cfg.Now().Sub(began) > 2*s.cfg.Retry {
			wait = firstRetry
		}
		text, _ := fault.Public(err)
		s.gauge.Set(ingest.Failing, text)
		select {
		case <-ctx.Done():
		case <-time.After(min(wait, s.cfg.Retry)/2 + rand.N(min(wait, s.cfg.Retry)/2+1)): //nolint:gosec // G404: it only spreads the tries
		}
		wait = min(2*wait, s.cfg.Retry)
	}
	s.gauge.Set(ingest.Stopped, "it was stopped")
	return nil
}

// dial connects to the broker.
func (s *Source) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.host)
	if err == nil && s.secure {
		cfg := s.cfg.TLS.Clone()
		if cfg == nil {
			cfg = &tls.Config{}
		}
		cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
		if cfg.ServerName == "" {
			cfg.ServerName, _, _ = net.SplitHostPort(s.host)
		}
		c := tls.Client(conn, cfg)
		if err = c.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
		}
		conn = c
	}
	if err == nil && s.web != "" {
		conn, err = upgrade(ctx, conn, s.web)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the broker %s cannot be reached: %v", s.host, err)
	}
	return conn, nil
}
