package app

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"

	"vedette/internal/api/account"
	"vedette/internal/api/account/provider"
	"vedette/internal/api/certs"
	"vedette/internal/fault"
)

// Server says how console and API are reached.
type Server struct {
	Listen      string
	Hosts       []string
	TLS         string // off, local_ca, files or acme; empty: off
	CertFile    string
	KeyFile     string
	NeedPasskey bool             // after every password
	Origins     []string         // at which passkeys work; empty: by Hosts and Listen
	ACME        certs.ACME       // with TLS acme
	ACMEHTTP    string           // where the authority is answered by HTTP; empty: nowhere
	OIDC        *provider.Config // where people may sign in too; nil: nowhere
}

// tlsName is the directory of the local certificate authority.
const tlsName = "tls"

// Listen opens the address of console and API, by TLS if that is on, and tells
// the accounts by which door they are reached; open are paths that need no
// session. Without TLS it listens on loopback alone. The text is the address
// for a browser.
func (a *App) Listen(ctx context.Context, open ...string) (net.Listener, string, error) {
	s := a.cfg.Server
	cfg, err := a.serverTLS()
	if err != nil {
		return nil, "", err
	}
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return nil, "", fault.Wrap(fault.Invalid, err, "%q is no address to listen on", s.Listen).WithHint("such as 127.0.0.1:8080")
	}
	ip, err := netip.ParseAddr(host)
	if inside := host == "localhost" || err == nil && ip.IsLoopback(); !inside && cfg == nil {
		return nil, "", fault.New(fault.Invalid, "refusing to listen on %s without TLS", s.Listen).WithHint("set server.tls to local_ca, files or acme, or listen on 127.0.0.1")
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return nil, "", fault.Wrap(fault.Unavailable, err, "listening on %s", s.Listen).WithHint("another program may have the port: set listen to another one")
	}
	port := 0
	if at, ok := ln.Addr().(*net.TCPAddr); ok {
		port = at.Port
	}
	hosts := s.Hosts
	if err == nil && ip.IsValid() && !ip.IsUnspecified() {
		hosts = append([]string{ip.String()}, hosts...)
	}
	a.accounts.Serve(account.Door{Hosts: hosts, Secure: cfg != nil, Port: port, Open: open, Origins: s.Origins})
	name := "localhost"
	if len(hosts) > 0 {
		name = hosts[len(hosts)-1]
	}
	at := net.JoinHostPort(name, strconv.Itoa(port))
	if cfg == nil {
		return ln, "http://" + at, nil
	}
	return tls.NewListener(ln, cfg), "https://" + at, nil
}

func (a *App) serverTLS() (*tls.Config, error) {
	s := a.cfg.Server
	switch s.TLS {
	case "files":
		return certs.Files(s.CertFile, s.KeyFile, a.cfg.Now, func(err error) {
			a.cfg.Log.Error("the new certificate cannot be used; the one before stays", "component", "api", "err", err)
		})
	case "acme":
		cfg, answers, err := a.orderTLS()
		a.challenges = answers
		return cfg, err
	case "local_ca":
		names := s.Hosts
		if host, _, err := net.SplitHostPort(s.Listen); err == nil {
			if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
				names = append([]string{host}, names...)
			}
		}
		cfg, path, err := certs.Local(filepath.Join(a.cfg.Dir, tlsName), names, a.cfg.Now)
		if err == nil {
			a.cfg.Log.Info("browsers and agents must trust the local certificate authority", "component", "api", "path", path)
		}
		return cfg, err
	}
	return nil, nil
}

// acmeName is the directory of what an authority gave us, in that of TLS.
const acmeName = "acme"

// orderTLS has the certificates ordered; the handler answers the authority.
func (a *App) orderTLS() (*tls.Config, http.Handler, error) {
	order := a.cfg.Server.ACME
	order.Hosts, order.Now, order.Dir = a.cfg.Server.Hosts, a.cfg.Now, filepath.Join(a.cfg.Dir, tlsName, acmeName)
	order.Report = func(host string, err error) {
		a.cfg.Log.Error("a certificate cannot be had", "component", "api", "host", host, "err", err)
	}
	return certs.Order(order)
}

// Challenges opens the address where a certificate authority is answered by HTTP,
// once Listen has; nil if there is none.
func (a *App) Challenges(ctx context.Context) (net.Listener, http.Handler, error) {
	at := a.cfg.Server.ACMEHTTP
	if a.challenges == nil || at == "" {
		return nil, nil, nil
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", at)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, err, "listening on %s for the certificate authority", at).WithHint("another program may have the port, or it needs more rights: see server.acme.http")
	}
	return ln, a.challenges, nil
}
