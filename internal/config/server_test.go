package config

import "testing"

func TestServerProblems(t *testing.T) {
	files := Server{TLS: "files", CertFile: "c.pem", KeyFile: "k.pem"}
	for name, c := range map[string]struct {
		listen string
		server Server
		want   int
	}{
		"default":                 {"127.0.0.1:8080", Server{TLS: "off"}, 0},
		"loopback 6":              {"[::1]:8080", Server{TLS: "off"}, 0},
		"localhost":               {"localhost:8080", Server{TLS: "off"}, 0},
		"outside without TLS":     {"0.0.0.0:8080", Server{TLS: "off"}, 1},
		"all without TLS":         {":8080", Server{TLS: "off"}, 1},
		"a name without TLS":      {"localhost.evil.example:80", Server{TLS: "off"}, 1},
		"outside with local CA":   {"0.0.0.0:8443", Server{TLS: "local_ca"}, 0},
		"outside with files":      {":8443", files, 0},
		"files without files":     {"127.0.0.1:1", Server{TLS: "files"}, 2},
		"files but off":           {"127.0.0.1:1", Server{TLS: "off", CertFile: "c.pem"}, 1},
		"unknown":                 {"127.0.0.1:1", Server{TLS: "on"}, 1},
		"a host with a port":      {"127.0.0.1:1", Server{TLS: "off", Hosts: []string{"a.example:80"}}, 1},
		"a wildcard is no host":   {"127.0.0.1:1", Server{TLS: "off", Hosts: []string{"*"}}, 1},
		"acme":                    {":443", Server{TLS: "acme", Hosts: []string{"a.example"}, ACME: ACME{Terms: true, Email: "a@b", HTTP: ":80"}}, 0},
		"acme without terms":      {":443", Server{TLS: "acme", Hosts: []string{"a.example"}}, 1},
		"acme without a name":     {":443", Server{TLS: "acme", Hosts: []string{"192.0.2.1", "plant"}, ACME: ACME{Terms: true}}, 1},
		"acme all wrong":          {":443", Server{TLS: "acme", Hosts: []string{"a.example"}, ACME: ACME{Email: "a", Directory: "http://ca", HTTP: "80"}}, 4},
		"acme but off":            {"127.0.0.1:1", Server{TLS: "off", ACME: ACME{Terms: true}}, 1},
		"passkeys":                {":443", Server{TLS: "local_ca", Hosts: []string{"a.example"}, Origins: []string{"https://A.example", "https://a.example:8443", "http://localhost:1"}}, 0},
		"a passkey is needed":     {":443", Server{TLS: "local_ca", Hosts: []string{"a.example"}, NeedKey: true}, 0},
		"needed, but nowhere":     {":443", Server{TLS: "local_ca", Hosts: []string{"192.0.2.1"}, NeedKey: true}, 1},
		"passkeys elsewhere":      {":443", Server{TLS: "local_ca", Hosts: []string{"a.example", "192.0.2.1"}, Origins: []string{"https://b.example", "http://a.example", "https://192.0.2.1", "https://a.example/", "a.example"}}, 5},
		"an address as host name": {"127.0.0.1:1", Server{TLS: "off", Hosts: []string{"2001:db8::1"}}, 0},
	} {
		cfg := Default()
		cfg.Listen, cfg.Server = c.listen, c.server
		if got := cfg.Problems(); len(got) != c.want {
			t.Errorf("%s: %v, want %d problems", name, got, c.want)
		}
	}
}
