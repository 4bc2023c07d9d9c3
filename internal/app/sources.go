package app

import (
	"crypto/tls"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/netflow"
	"vedette/internal/ingest/syslog"
)

// SourceConfig is one live source.
type SourceConfig struct {
	Name, Kind, Listen string
	UDP, TCP           bool
	Allow              []string
	CertFile, KeyFile  string
	Quiet              time.Duration
}

func sourcesOf(c config.Config) []SourceConfig {
	out := make([]SourceConfig, len(c.Sources))
	for i, s := range c.Sources {
		out[i] = SourceConfig{
			Name: s.Name, Kind: s.Kind, Listen: s.Listen, UDP: s.Transport != "tcp", TCP: s.Transport != "udp",
			CertFile: s.CertFile, KeyFile: s.KeyFile, Allow: s.Allow, Quiet: s.Quiet.Std(),
		}
	}
	return out
}

// StartLive opens the spool and makes the configured sources. It returns nil if
// none is configured and nothing waits from an earlier run.
func (a *App) StartLive() (*Live, error) {
	_, err := os.Stat(filepath.Join(a.cfg.Dir, spoolName))
	if len(a.cfg.Sources) == 0 && err != nil {
		return nil, nil //nolint:nilnil // there is nothing to run
	}
	made := make([]ingest.Source, len(a.cfg.Sources))
	for i, s := range a.cfg.Sources {
		if made[i], err = s.open(a.cfg.Now); err != nil {
			return nil, err
		}
	}
	return a.OpenLive(a.cfg.Spool, made...)
}

func (s SourceConfig) open(now func() time.Time) (ingest.Source, error) {
	switch s.Kind {
	case "syslog":
		return s.openSyslog(now)
	case "netflow":
		allow, err := prefixes(s.Allow)
		if err != nil {
			return nil, err
		}
		return netflow.New(netflow.Config{Name: s.Name, Listen: s.Listen, Allow: allow, Quiet: s.Quiet, Now: now})
	}
	return nil, fault.New(fault.Invalid, "the source %s has the unknown kind %q", s.Name, s.Kind)
}

// prefixes reads addresses and networks.
func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, v := range list {
		if a, err := netip.ParseAddr(v); err == nil {
			out = append(out, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(v)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "%q is no address and no network", v)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (s SourceConfig) openSyslog(now func() time.Time) (ingest.Source, error) {
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
