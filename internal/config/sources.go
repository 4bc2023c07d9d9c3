package config

import (
	"net"
	"strconv"
)

// Source is one live source that serve runs.
type Source struct {
	Name      string   `yaml:"name"      doc:"unique; events and states are told by it"`
	Kind      string   `yaml:"kind"      doc:"syslog"`
	Listen    string   `yaml:"listen"    doc:"host:port; anybody who reaches it can send, so name one address"`
	Transport string   `yaml:"transport" doc:"udp, tcp or both; empty: both"`
	CertFile  string   `yaml:"cert_file" doc:"certificate chain in PEM form: tcp is TLS then"`
	KeyFile   string   `yaml:"key_file"  doc:"its private key"`
	Quiet     Duration `yaml:"quiet"     doc:"after so long without a record the source is called silent; empty: 15m"`
}

// BulkName is the name of the source that programs push to over HTTP.
const BulkName = "bulk"

// Problems checks a source.
func (s Source) Problems() []Problem {
	var out []Problem
	switch s.Name {
	case "":
		out = append(out, Problem{Key: "name", Text: "a source needs a name"})
	case BulkName:
		out = append(out, Problem{Key: "name", Text: strconv.Quote(BulkName) + " is what programs push to over HTTP", Hint: "choose another name"})
	}
	out = append(out, oneOf("kind", s.Kind, "syslog")...)
	out = append(out, oneOf("transport", s.Transport, "", "udp", "tcp", "both")...)
	if host, port, err := net.SplitHostPort(s.Listen); err == nil && host == "" {
		out = append(out, Problem{Key: "listen", Text: strconv.Quote(s.Listen) + " names no address", Hint: "name the one that senders reach; 0.0.0.0 means all"})
	} else if err != nil {
		out = append(out, Problem{Key: "listen", Text: strconv.Quote(s.Listen) + " is no address with a port", Hint: "write it like 192.0.2.10:514"})
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		out = append(out, Problem{Key: "listen", Text: strconv.Quote(port) + " is no port number"})
	}
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
