package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// pair checks that a certificate has its key.
func (s Source) pair() []Problem {
	if (s.CertFile == "") != (s.KeyFile == "") {
		return []Problem{{Key: "cert_file", Text: "a certificate and its key belong together", Hint: "set both cert_file and key_file"}}
	}
	return nil
}

// subscribes checks a source that subscribes at a broker.
func (s Source) subscribes() []Problem {
	out := append(s.pair(), oneOf("version", s.Version, "", "5", "3.1.1")...)
	u, err := url.Parse(s.Broker)
	if err != nil || u.Host == "" || !slices.Contains([]string{"mqtt", "mqtts", "ws", "wss"}, u.Scheme) || u.Path != "" && u.Scheme[0] != 'w' || u.User != nil {
		return append(out, Problem{Key: "broker", Text: "is no address of a broker", Hint: "write it like mqtts://broker.example:8883; user and password have their own settings"})
	}
	clear := u.Scheme == "mqtt" || u.Scheme == "ws"
	if clear && s.PasswordFile != "" && !s.Cleartext && !loopback(u.Hostname()) {
		out = append(out, Problem{Key: "broker", Text: "the password would go over the network in the clear", Hint: "use mqtts:// or wss://, or set cleartext: true if nobody else is on the way"})
	}
	if clear && s.CertFile+s.CAFile != "" {
		out = append(out, Problem{Key: "broker", Text: "certificates are for mqtts:// and wss://"})
	}
	if len(s.Topics) == 0 {
		out = append(out, Problem{Key: "topics", Text: "names nothing to subscribe to", Hint: "such as plants/#"})
	}
	if strings.ContainsAny(s.Share, "/+#") {
		out = append(out, Problem{Key: "share", Text: strconv.Quote(s.Share) + " has characters that a name of a group cannot have"})
	}
	if s.User == "" && s.PasswordFile != "" {
		out = append(out, Problem{Key: "user", Text: "a password needs a user"})
	}
	return out
}

// brokers checks a source that is a broker.
func (s Source) brokers() []Problem {
	out := s.pair()
	host, _, err := net.SplitHostPort(s.Listen)
	if err == nil && !loopback(host) && (s.CertFile == "" || s.UsersFile == "") {
		out = append(out, Problem{Key: "listen", Text: "a broker that others reach needs TLS and users", Hint: "set cert_file, key_file and users_file, or listen on 127.0.0.1"})
	}
	return out
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
