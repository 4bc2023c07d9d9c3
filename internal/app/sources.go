package app

import (
	"context"
	"crypto/tls"
	"io"
	"time"

	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/bulk"
	"vedette/internal/ingest/syslog"
)

// SourceConfig is one live source.
type SourceConfig struct {
	Name, Kind, Listen string
	UDP, TCP           bool
	CertFile, KeyFile  string
	Quiet              time.Duration
}

func sourcesOf(c config.Config) []SourceConfig {
	out := make([]SourceConfig, len(c.Sources))
	for i, s := range c.Sources {
		out[i] = SourceConfig{
			Name: s.Name, Kind: s.Kind, Listen: s.Listen, UDP: s.Transport != "tcp", TCP: s.Transport != "udp",
			CertFile: s.CertFile, KeyFile: s.KeyFile, Quiet: s.Quiet.Std(),
		}
	}
	return out
}

// StartLive opens the spool and makes the configured sources and the one that
// programs push to.
func (a *App) StartLive() (*Live, error) {
	pushed := bulk.New(bulk.Config{Name: config.BulkName, Now: a.cfg.Now})
	made := []ingest.Source{pushed}
	for _, s := range a.cfg.Sources {
		one, err := s.open(a.cfg.Now)
		if err != nil {
			return nil, err
		}
		made = append(made, one)
	}
	l, err := a.OpenLive(a.cfg.Spool, made...)
	if err == nil {
		a.pushed.Store(pushed)
	}
	return l, err
}

// TakeBulk puts the lines of a body into the spool.
func (a *App) TakeBulk(ctx context.Context, body io.Reader, from bulk.Sender) (bulk.Taken, error) {
	s := a.pushed.Load()
	if s == nil {
		return bulk.Taken{}, fault.New(fault.Unavailable, "no live sources run here").WithHint("use ingest, which takes whole files")
	}
	return s.Take(ctx, body, from)
}

func (s SourceConfig) open(now func() time.Time) (ingest.Source, error) {
	cfg := syslog.Config{Name: s.Name, Listen: s.Listen, UDP: s.UDP, TCP: s.TCP, Quiet: s.Quiet, Now: now}
	if s.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading the certificate of source %s", s.Name).WithHint("cert_file and key_file are PEM files that belong together")
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	return syslog.New(cfg)
}
