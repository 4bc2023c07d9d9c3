package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// ACME says where the server's certificate is ordered, with tls: acme.
type ACME struct {
	Directory string `yaml:"directory"    doc:"URL of the authority's directory; empty: Let's Encrypt"`
	Email     string `yaml:"email"        doc:"where the authority writes to when something is wrong"`
	Terms     bool   `yaml:"accept_terms" doc:"that you have read the authority's terms and accept them"`
	CAFile    string `yaml:"ca_file"      doc:"authority of the directory's own certificate, PEM, for an ACME server of the site; empty: the system's"`
	HTTP      string `yaml:"http"         doc:"address to answer the authority at by plain HTTP, such as :80; nothing else is served there; empty: it looks by TLS on port 443"`
}

// acmeProblems checks what goes with tls: acme.
func (s Server) acmeProblems() []Problem {
	a := s.ACME
	if s.TLS != "acme" {
		if a != (ACME{}) {
			return []Problem{{Key: "acme", Text: "goes with tls: acme, and with nothing else", Hint: "set tls to acme"}}
		}
		return nil
	}
	var out []Problem
	if !a.Terms {
		out = append(out, Problem{Key: "acme.accept_terms", Text: "nobody has accepted the authority's terms", Hint: "read them, and set it to true"})
	}
	named := func(h string) bool {
		_, err := netip.ParseAddr(h)
		return err != nil && strings.Contains(h, ".")
	}
	if !slices.ContainsFunc(s.Hosts, named) {
		out = append(out, Problem{Key: "hosts", Text: "has no name that an authority could certify", Hint: "such as vedette.plant.example"})
	}
	if u, err := url.Parse(a.Directory); a.Directory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		out = append(out, Problem{Key: "acme.directory", Text: "is no https URL", Hint: "such as https://acme-v02.api.letsencrypt.org/directory"})
	}
	if a.Email != "" && (!strings.Contains(a.Email, "@") || strings.ContainsAny(a.Email, " ,;<>\r\n?")) {
		out = append(out, Problem{Key: "acme.email", Text: "is no address of mail", Hint: "such as ot@plant.example"})
	}
	if _, _, err := net.SplitHostPort(a.HTTP); a.HTTP != "" && err != nil {
		out = append(out, Problem{Key: "acme.http", Text: "is no address to listen on", Hint: "such as :80"})
	}
	return out
}
