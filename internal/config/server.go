package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Server says how console and API are reached.
type Server struct {
	Hosts    []string `yaml:"hosts"     doc:"names and addresses that people call this server by, besides localhost; others are refused"`
	TLS      string   `yaml:"tls"       doc:"off, local_ca (a certificate authority of its own in the data directory), files or acme (ordered from an authority such as Let's Encrypt); off listens on loopback only"`
	CertFile string   `yaml:"cert_file" doc:"certificate with its chain, PEM; with tls: files"`
	KeyFile  string   `yaml:"key_file"  doc:"its key, PEM; with tls: files"`
	Origins  []string `yaml:"passkey_origins" doc:"where browsers open this server, such as https://vedette.plant.example, if that is not https://NAME:PORT of hosts and listen; passkeys work there alone"`
	NeedKey  bool     `yaml:"need_passkey" doc:"true: everybody who signs in with a password needs a passkey after it; who has none gets one with a new one-time link"`
	ACME     ACME     `yaml:"acme"`
	OIDC     OIDC     `yaml:"oidc"`
}

// Loopback reports whether the server listens for this machine alone.
func (c Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return true // told as a problem of its own
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Problems checks the section.
func (s Server) Problems() []Problem {
	out := oneOf("tls", s.TLS, "off", "local_ca", "files", "acme")
	for i, h := range s.Hosts {
		if _, err := netip.ParseAddr(h); err != nil && (h == "" || len(h) > 253 || strings.ContainsAny(h, "/:@ \t\r\n*")) {
			out = append(out, Problem{Key: "hosts[" + strconv.Itoa(i) + "]", Text: "is no name of a host: " + strconv.Quote(h), Hint: "such as vedette.plant.example, without port"})
		}
	}
	for i, o := range s.Origins {
		if bad, hint := s.badOrigin(o); bad != "" {
			out = append(out, Problem{Key: "passkey_origins[" + strconv.Itoa(i) + "]", Text: bad + ": " + strconv.Quote(o), Hint: hint})
		}
	}
	if s.NeedKey && s.TLS != "off" && len(s.Origins) == 0 && !slices.ContainsFunc(s.Hosts, named) {
		out = append(out, Problem{Key: "need_passkey", Text: "nobody could sign in from elsewhere: browsers have no passkeys for addresses of numbers", Hint: "name the server in server.hosts"})
	}
	for _, f := range [][2]string{{"cert_file", s.CertFile}, {"key_file", s.KeyFile}} {
		if (f[1] != "") != (s.TLS == "files") {
			out = append(out, Problem{Key: f[0], Text: "goes with tls: files, and with nothing else", Hint: "name both files and set tls to files"})
		}
	}
	out = append(out, s.acmeProblems()...)
	return append(out, under("oidc", s.OIDC.Problems())...)
}

// named reports whether a host is a name, for which alone browsers have passkeys.
func named(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil
}

// badOrigin tells why passkeys cannot work at an origin.
func (s Server) badOrigin(origin string) (bad, hint string) {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host {
		return "is no origin", "such as https://vedette.plant.example or https://vedette.plant.example:8443, without a path"
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return "is an address of numbers, for which browsers have no passkeys", "take a name of the server"
	}
	if u.Scheme != "https" && (u.Scheme != "http" || host != "localhost") {
		return "is not https, without which browsers have no passkeys", "only http://localhost works without"
	}
	if host != "localhost" && !slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return "is of a name that the server does not answer to", "add it to server.hosts"
	}
	return "", ""
}
