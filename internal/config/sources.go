package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The kinds of sources.
const (
	kindSyslog  = "syslog"
	kindNetflow = "netflow"
)

// Source is one live source that serve runs.
type Source struct {
	Name      string   `yaml:"name"      doc:"unique; events and states are told by it"`
	Kind      string   `yaml:"kind"      doc:"syslog or netflow"`
	Listen    string   `yaml:"listen"    doc:"host:port; anybody who reaches it can send, so name one address"`
	Transport string   `yaml:"transport" doc:"udp, tcp or both; empty: both"`
	CertFile  string   `yaml:"cert_file" doc:"certificate chain in PEM form: tcp is TLS then"`
	KeyFile   string   `yaml:"key_file"  doc:"its private key"`
	Allow     []string `yaml:"allow"     doc:"netflow: addresses and networks that may send; empty: all that reach it"`
	Quiet     Duration `yaml:"quiet"     doc:"after so long without a record the source is called silent; empty: 15m"`
}

// Problems checks a source.
func (s Source) Problems() []Problem {
	var out []Problem
	kinds := []string{kindSyslog, kindNetflow}
	if s.Name == "" {
		out = append(out, Problem{Key: "name", Text: "a source needs a name"})
	}
	out = append(out, oneOf("kind", s.Kind, kinds...)...)
	out = append(out, s.listens()...)
	out = append(out, s.carried()...)
	out = append(out, networks("allow", s.Allow)...)
	out = append(out, s.notOfKind(kinds)...)
	return out
}

// notOfKind tells of settings that the kind of source does not have.
func (s Source) notOfKind(kinds []string) []Problem {
	var out []Problem
	for _, x := range []struct {
		key   string
		set   bool
		kinds []string
	}{
		{"transport", s.Transport != "", []string{kindSyslog}},
		{"cert_file", s.CertFile+s.KeyFile != "", []string{kindSyslog}},
		{"allow", len(s.Allow) > 0, []string{kindNetflow}},
	} {
		if x.set && slices.Contains(kinds, s.Kind) && !slices.Contains(x.kinds, s.Kind) {
			out = append(out, Problem{Key: x.key, Text: "a source of kind " + s.Kind + " has no such setting", Hint: "it is for " + strings.Join(x.kinds, " and ")})
		}
	}
	return out
}

// networks checks a list of addresses and networks.
func networks(key string, list []string) []Problem {
	var out []Problem
	for i, v := range list {
		_, bad := netip.ParsePrefix(v)
		if _, err := netip.ParseAddr(v); err != nil && bad != nil {
			out = append(out, Problem{Key: key + "[" + strconv.Itoa(i) + "]", Text: strconv.Quote(v) + " is no address and no network", Hint: "write it like 192.0.2.1 or 192.0.2.0/24"})
		}
	}
	return out
}

// listens checks the address of a source that listens.
func (s Source) listens() []Problem {
	var out []Problem
	if host, port, err := net.SplitHostPort(s.Listen); err == nil && host == "" {
		out = append(out, Problem{Key: "listen", Text: strconv.Quote(s.Listen) + " names no address", Hint: "name the one that senders reach; 0.0.0.0 means all"})
	} else if err != nil {
		out = append(out, Problem{Key: "listen", Text: strconv.Quote(s.Listen) + " is no address with a port", Hint: "write it like 192.0.2.10:514"})
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		out = append(out, Problem{Key: "listen", Text: strconv.Quote(port) + " is no port number"})
	}
	return out
}

// carried checks what syslog comes over.
func (s Source) carried() []Problem {
	out := oneOf("transport", s.Transport, "", "udp", "tcp", "both")
	if (s.CertFile == "") != (s.KeyFile == "") {
		out = append(out, Problem{Key: "cert_file", Text: "a certificate and its key belong together", Hint: "set both cert_file and key_file"})
	}
	if s.CertFile != "" && s.Transport != "tcp" {
		out = append(out, Problem{Key: "transport", Text: "a source with a certificate takes tcp alone", Hint: "set transport: tcp"})
	}
	return out
}

// sourceProblems checks all sources, and that no two have one name.
func (c Config) sourceProblems() []Problem {
	var out []Problem
	names := map[string]int{}
	for i, s := range c.Sources {
		at := "sources[" + strconv.Itoa(i) + "]"
		out = append(out, under(at, s.Problems())...)
		if other, ok := names[s.Name]; ok && s.Name != "" {
			out = append(out, Problem{Key: at + ".name", Text: "is also the name of sources[" + strconv.Itoa(other) + "]"})
		}
		names[s.Name] = i
	}
	return out
}
