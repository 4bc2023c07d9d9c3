package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Server says how console and API are reached.
type Server struct {
	Hosts    []string `yaml:"hosts"     doc:"names and addresses that people call this server by, besides localhost; others are refused"`
	TLS      string   `yaml:"tls"       doc:"off, local_ca (a certificate authority of its own in the data directory) or files; off listens on loopback only"`
	CertFile string   `yaml:"cert_file" doc:"certificate with its chain, PEM; with tls: files"`
	KeyFile  string   `yaml:"key_file"  doc:"its key, PEM; with tls: files"`
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
	out := oneOf("tls", s.TLS, "off", "local_ca", "files")
	for i, h := range s.Hosts {
		if _, err := netip.ParseAddr(h); err != nil && (h == "" || len(h) > 253 || strings.ContainsAny(h, "/:@ \t\r\n*")) {
			out = append(out, Problem{Key: "hosts[" + strconv.Itoa(i) + "]", Text: "is no name of a host: " + strconv.Quote(h), Hint: "such as vedette.plant.example, without port"})
		}
	}
	for _, f := range [][2]string{{"cert_file", s.CertFile}, {"key_file", s.KeyFile}} {
		if (f[1] != "") != (s.TLS == "files") {
			out = append(out, Problem{Key: f[0], Text: "goes with tls: files, and with nothing else", Hint: "name both files and set tls to files"})
		}
	}
	return append(out, under("oidc", s.OIDC.Problems())...)
}
