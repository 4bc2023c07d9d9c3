package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vedette/internal/api/certs"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/broker"
	"vedette/internal/ingest/bulk"
	"vedette/internal/ingest/capture"
	"vedette/internal/ingest/captures"
	"vedette/internal/ingest/mqtt"
	"vedette/internal/ingest/netflow"
	"vedette/internal/ingest/otlp"
	"vedette/internal/ingest/syslog"
	"vedette/internal/ingest/tail"
	"vedette/internal/normalize/wire/capfile"
	"vedette/internal/pcapfilter"
)

// StartLive opens the spool and makes the configured sources and the one that
// programs push to.
func (a *App) StartLive() (*Live, error) {
	pushed := bulk.New(bulk.Config{Name: config.BulkName, Now: a.cfg.Now})
	a.setting.Lock()
	defer a.setting.Unlock()
	made, err := a.openSources()
	if err != nil {
		return nil, err
	}
	l, err := a.OpenLive(int64(a.limitsNow().SpoolBytes), append(made, pushed)...)
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

// TakeLogs puts the records of an OTLP export into the spool, and tells how many
// were refused.
func (a *App) TakeLogs(ctx context.Context, body []byte, isJSON bool, peer string) (refused int64, err error) {
	s := a.pushed.Load()
	if s == nil {
		return 0, fault.New(fault.Unavailable, "no live sources run here")
	}
	list, lines, refused, err := otlp.Read(body, isJSON, config.BulkName, peer, a.cfg.Now())
	if err != nil {
		return 0, err
	}
	return refused, s.Hand(ctx, list, lines, refused)
}

func (a *App) openSource(s config.Source) (ingest.Source, error) {
	now := a.cfg.Now
	switch s.Kind {
	case "syslog":
		return a.openSyslog(s)
	case "netflow":
		allow, err := prefixes(s.Allow)
		if err != nil {
			return nil, err
		}
		return netflow.New(netflow.Config{Name: s.Name, Listen: s.Listen, Allow: allow, Quiet: s.Quiet.Std(), Now: now})
	case "mqtt":
		return openMQTT(s, now)
	case "broker":
		return a.openBroker(s)
	case "capture":
		return capture.New(capture.Config{Name: s.Name, Interface: s.Interface, Promiscuous: s.Promiscuous, Ring: int(s.Ring), Snap: int(s.Snap), Filter: s.Filter, Readers: s.Readers, Quiet: s.Quiet.Std(), Now: now})
	case "captures":
		fits, err := fitting(s.Filter)
		if err != nil {
			return nil, err
		}
		return captures.New(captures.Config{Name: s.Name, Paths: s.Paths, State: filepath.Join(a.cfg.Dir, "captures-"+tailName(s.Name)), Quiet: s.Quiet.Std(), Now: now, Fits: fits, Cut: capfile.Cut})
	case "tail":
		return tail.New(tail.Config{Name: s.Name, Paths: s.Paths, State: filepath.Join(a.cfg.Dir, tailName(s.Name)), Quiet: s.Quiet.Std(), Now: now})
	}
	return nil, fault.New(fault.Invalid, "the source %s has the unknown kind %q", s.Name, s.Kind)
}

// fitting tells which records of a capture a filter takes; nil: all.
func fitting(filter string) (func(raw []byte) (bool, error), error) {
	if filter == "" {
		return nil, nil
	}
	f, err := pcapfilter.Parse(filter)
	if err != nil {
		return nil, err
	}
	return capfile.Fitting(f), nil
}

// tailName is the file that keeps how far the files of a source were read. A
// name may hold what no file name should.
func tailName(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "tail-" + hex.EncodeToString(sum[:8]) + ".json"
}

func (a *App) openSyslog(s config.Source) (ingest.Source, error) {
	cfg := syslog.Config{Name: s.Name, Listen: s.Listen, UDP: s.Transport != "tcp", TCP: s.Transport != "udp", Quiet: s.Quiet.Std(), Now: a.cfg.Now}
	var err error
	if cfg.TLS, err = a.listenTLS(s); err != nil {
		return nil, err
	}
	return syslog.New(cfg)
}

func openMQTT(s config.Source, now func() time.Time) (ingest.Source, error) {
	cfg := mqtt.Config{
		Name: s.Name, Broker: s.Broker, ClientID: s.ClientID, User: s.User, Topics: s.Topics, Share: s.Share, Devices: s.Devices,
		Version: map[string]byte{"5": 5, "3.1.1": 4}[s.Version], Quiet: s.Quiet.Std(), Now: now,
	}
	pair, err := certificate(s)
	if err != nil {
		return nil, err
	}
	cfg.TLS = &tls.Config{Certificates: pair, MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		if cfg.TLS.RootCAs, err = authorities(s); err != nil {
			return nil, err
		}
	}
	if s.PasswordFile != "" {
		if _, err := secret(s.PasswordFile); err != nil {
			return nil, err
		}
		cfg.Password = func() (string, error) { return secret(s.PasswordFile) }
	}
	return mqtt.New(cfg)
}

func (a *App) openBroker(s config.Source) (ingest.Source, error) {
	cfg := broker.Config{Name: s.Name, Listen: s.Listen, Devices: s.Devices, Quiet: s.Quiet.Std(), Now: a.cfg.Now}
	var err error
	if cfg.TLS, err = a.listenTLS(s); err != nil {
		return nil, err
	}
	if cfg.Users, err = usersIn(s); err != nil {
		return nil, err
	}
	cfg.Users = append(cfg.Users, a.usersOf(s.Name, cfg.Users)...)
	return broker.New(cfg)
}

// usersIn reads the file of users of a broker; none if it has no such file.
func usersIn(s config.Source) ([]broker.User, error) {
	if s.UsersFile == "" {
		return nil, nil
	}
	f, err := os.Open(s.UsersFile)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the users of source %s", s.Name)
	}
	defer f.Close() //nolint:errcheck // only read
	return broker.ReadUsers(f)
}

// listenTLS is the TLS of a source that listens; nil without a certificate. A
// certificate that is renewed is used without a restart.
func (a *App) listenTLS(s config.Source) (*tls.Config, error) {
	if s.CertFile == "" {
		return nil, nil //nolint:nilnil // in the clear
	}
	cfg, err := certs.Files(s.CertFile, s.KeyFile, a.cfg.Now, func(err error) {
		a.cfg.Log.Error("the new certificate cannot be used; the one before stays", "component", "ingest", "source", s.Name, "err", err)
	})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the certificate of source %s", s.Name).WithHint("cert_file and key_file are PEM files that belong together")
	}
	cfg.NextProtos = nil // it does not speak HTTP
	return cfg, nil
}

// certificate is what a source shows that connects to others.
func certificate(s config.Source) ([]tls.Certificate, error) {
	if s.CertFile == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the certificate of source %s", s.Name).WithHint("cert_file and key_file are PEM files that belong together")
	}
	return []tls.Certificate{cert}, nil
}

func authorities(s config.Source) (*x509.CertPool, error) {
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the certificates that source %s trusts", s.Name)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "there is no certificate in the ca_file of source %s", s.Name).WithHint("it is a file in PEM form")
	}
	return pool, nil
}

// maxSecret is the longest password.
const maxSecret = 4 << 10

// secret reads a password, without the line end behind it.
func secret(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the configuration names it
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "reading a password").WithHint("password_file names a file that holds nothing else")
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "reading a password")
	}
	return strings.TrimRight(string(b), "\r\n"), nil
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
