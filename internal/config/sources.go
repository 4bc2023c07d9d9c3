package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/pcapfilter"
)

// The kinds of sources.
const (
	kindSyslog  = "syslog"
	kindNetflow = "netflow"
	kindMQTT    = "mqtt"
	kindBroker  = "broker"
	kindTail    = "tail"
	kindCapture = "capture"
	kindRing    = "captures"
)

// Source is one live source that serve runs.
type Source struct {
	Name         string   `yaml:"name"      doc:"unique; events and states are told by it"`
	Kind         string   `yaml:"kind"      doc:"syslog, netflow, mqtt (subscribes at a broker), broker (is one), tail (follows files), capture (an interface) or captures (files that rotate)"`
	Listen       string   `yaml:"listen"    doc:"host:port; anybody who reaches it can send, so name one address"`
	Transport    string   `yaml:"transport" doc:"udp, tcp or both; empty: both"`
	CertFile     string   `yaml:"cert_file" doc:"certificate chain in PEM form: tcp is TLS then"`
	KeyFile      string   `yaml:"key_file"  doc:"its private key"`
	Allow        []string `yaml:"allow"     doc:"netflow: addresses and networks that may send; empty: all that reach it"`
	Broker       string   `yaml:"broker"        doc:"mqtt: mqtts://host:port or mqtt://host:port; over WebSocket wss://host/path or ws://host/path"`
	Topics       []string `yaml:"topics"        doc:"mqtt: filters such as plants/#"`
	Devices      []string `yaml:"devices"       doc:"mqtt and broker: what a topic tells, such as plants/{zone}/{device}/{metric}; the first that fits counts"`
	Share        string   `yaml:"share"         doc:"mqtt: name of the group that shares the messages; empty: alone"`
	ClientID     string   `yaml:"client_id"     doc:"mqtt: unique at the broker; empty: vedette- and the name"`
	User         string   `yaml:"user"          doc:"mqtt: empty: none"`
	PasswordFile string   `yaml:"password_file" doc:"mqtt: file with the password, read anew at each connection"`
	CAFile       string   `yaml:"ca_file"       doc:"mqtt: certificates in PEM form that the broker's must come from; empty: those the system trusts"`
	Version      string   `yaml:"version"       doc:"mqtt: 5 or 3.1.1; empty: what the broker speaks"`
	Cleartext    bool     `yaml:"cleartext"     doc:"mqtt: allow a password over mqtt://, where anybody on the way can read it"`
	UsersFile    string   `yaml:"users_file"    doc:"broker: YAML file of who may connect and publish what; without it and a certificate it listens on loopback only"`
	Paths        []string `yaml:"paths"         doc:"tail and captures: files or patterns such as /var/log/zeek/current/*.log"`
	Interface    string   `yaml:"interface"     doc:"capture: network interface such as eth1; Linux only, needs CAP_NET_RAW"`
	Promiscuous  bool     `yaml:"promiscuous"   doc:"capture: also what is for others, as from a mirror port"`
	Ring         Bytes    `yaml:"ring"          doc:"capture: memory shared with the kernel that holds bursts, 1MB to 1GB; empty: 64MB"`
	Snap         Bytes    `yaml:"snap"          doc:"capture: bytes of each packet that are taken, 64 to 65535; empty: all"`
	Filter       string   `yaml:"filter"        doc:"capture and captures: which packets are taken, as tcpdump has it, such as tcp port 502 or arp; empty: all"`
	Readers      int      `yaml:"readers"       doc:"capture: how many read the interface at once, 1 to 16; packets of a flow stay with one; empty: 1"`
	Quiet        Duration `yaml:"quiet"     doc:"after so long without a record the source is called silent; empty: 15m"`
}

// BulkName is the name of the source that programs push to over HTTP.
const BulkName = "bulk"

// Problems checks a source.
func (s Source) Problems() []Problem {
	var out []Problem
	kinds := []string{kindSyslog, kindNetflow, kindMQTT, kindBroker, kindTail, kindCapture, kindRing}
	switch s.Name {
	case "":
		out = append(out, Problem{Key: "name", Text: "a source needs a name"})
	case BulkName:
		out = append(out, Problem{Key: "name", Text: strconv.Quote(BulkName) + " is what programs push to over HTTP", Hint: "choose another name"})
	}
	out = append(out, oneOf("kind", s.Kind, kinds...)...)
	switch s.Kind {
	case kindMQTT:
		out = append(out, s.subscribes()...)
	case kindTail, kindRing:
		out = append(out, s.follows()...)
		out = append(out, s.filters()...)
	case kindCapture:
		out = append(out, s.captures()...)
	case kindBroker:
		out = append(out, s.listens()...)
		out = append(out, s.brokers()...)
	default:
		out = append(out, s.listens()...)
		out = append(out, s.carried()...)
	}
	out = append(out, networks("allow", s.Allow)...)
	out = append(out, s.notOfKind(kinds)...)
	return out
}

// captures checks the interface of a live capture and its bounds.
func (s Source) captures() []Problem {
	var out []Problem
	if s.Interface == "" {
		out = append(out, Problem{Key: "interface", Text: "a source of kind capture needs an interface", Hint: "ip link shows them"})
	}
	if s.Ring != 0 && (s.Ring < 1<<20 || s.Ring > 1<<30) {
		out = append(out, Problem{Key: "ring", Text: s.Ring.String() + " is not between 1MB and 1GB", Hint: "leave it out for 64MB; what the capture loses says when it is too small"})
	}
	if s.Snap != 0 && (s.Snap < 64 || s.Snap > 65535) {
		out = append(out, Problem{Key: "snap", Text: s.Snap.String() + " is not between 64 and 65535", Hint: "leave it out to take packets whole"})
	}
	if s.Readers < 0 || s.Readers > 16 {
		out = append(out, Problem{Key: "readers", Text: strconv.Itoa(s.Readers) + " is not between 1 and 16", Hint: "leave it out for 1; more than there are cores help nobody"})
	}
	return append(out, s.filters()...)
}

// filters checks which packets are taken.
func (s Source) filters() []Problem {
	if s.Filter == "" || s.Kind == kindTail {
		return nil
	}
	if _, err := pcapfilter.Parse(s.Filter); err != nil {
		text, hint := fault.Public(err)
		return []Problem{{Key: "filter", Text: text, Hint: hint}}
	}
	return nil
}

// follows checks what a source of files names.
func (s Source) follows() []Problem {
	var out []Problem
	if len(s.Paths) == 0 {
		out = append(out, Problem{Key: "paths", Text: "a source of kind " + s.Kind + " needs paths", Hint: "such as /var/log/zeek/current/*.log"})
	}
	for i, p := range s.Paths {
		if _, err := filepath.Match(p, "x"); err != nil || !filepath.IsAbs(p) {
			out = append(out, Problem{Key: "paths[" + strconv.Itoa(i) + "]", Text: strconv.Quote(p) + " is no pattern of an absolute path", Hint: "write it like /var/log/zeek/current/*.log"})
		}
	}
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
		{"listen", s.Listen != "", []string{kindSyslog, kindNetflow, kindBroker}},
		{"transport", s.Transport != "", []string{kindSyslog}},
		{"cert_file", s.CertFile+s.KeyFile != "", []string{kindSyslog, kindMQTT, kindBroker}},
		{"allow", len(s.Allow) > 0, []string{kindNetflow}},
		{"broker", s.Broker != "", []string{kindMQTT}},
		{"topics", len(s.Topics) > 0, []string{kindMQTT}},
		{"devices", len(s.Devices) > 0, []string{kindMQTT, kindBroker}},
		{"share", s.Share != "", []string{kindMQTT}},
		{"client_id", s.ClientID != "", []string{kindMQTT}},
		{"user", s.User+s.PasswordFile != "", []string{kindMQTT}},
		{"ca_file", s.CAFile != "", []string{kindMQTT}},
		{"version", s.Version != "", []string{kindMQTT}},
		{"cleartext", s.Cleartext, []string{kindMQTT}},
		{"paths", len(s.Paths) > 0, []string{kindTail, kindRing}},
		{"interface", s.Interface != "", []string{kindCapture}},
		{"promiscuous", s.Promiscuous, []string{kindCapture}},
		{"ring", s.Ring != 0, []string{kindCapture}},
		{"snap", s.Snap != 0, []string{kindCapture}},
		{"filter", s.Filter != "", []string{kindCapture, kindRing}},
		{"readers", s.Readers != 0, []string{kindCapture}},
		{"users_file", s.UsersFile != "", []string{kindBroker}},
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
	out = append(out, s.pair()...)
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
