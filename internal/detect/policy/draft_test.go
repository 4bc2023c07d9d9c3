package policy

import (
	"strings"
	"testing"
)

func TestDraftAllowsWhatWasSeen(t *testing.T) {
	seen := []Seen{
		{From: "cell", To: "office", Protocol: "udp", Port: 123, App: "ntp", Events: 900},
		{From: "cell", To: "office", Port: 123, App: "ntp", Events: 2},
		{From: "office", To: "cell", Protocol: "tcp", Port: 502, App: "modbus", Events: 40},
		{From: "office", To: "cell", Port: 502, App: "modbus", Events: 80, Control: true},
		{From: "office", To: "cell", Protocol: "tcp", Port: 23, Events: 7, Against: "Telnet ports are tried\n- name: evil"},
		{From: "office", To: "cell", Events: 3},
		{From: "cell", To: "cell", Protocol: "tcp", Port: 1, Events: 3},
		{From: "cell", To: Internet, Protocol: "tcp", Port: 443, App: "tls", Events: 5},
	}
	data, err := Draft(seen, "seen in the last 7 days")
	if err != nil {
		t.Fatal(err)
	}
	cfg, problems := ParseConfig(data)
	if len(problems) > 0 {
		t.Fatalf("%v in\n%s", problems, data)
	}
	if !cfg.Monitor || !cfg.DefaultDeny || len(cfg.Conduits) != 3 {
		t.Errorf("monitor %v, deny %v, %d conduits:\n%s", cfg.Monitor, cfg.DefaultDeny, len(cfg.Conduits), data)
	}
	for _, want := range []struct {
		from, to string
		traffic
		ok bool
	}{
		{"cell", "office", traffic{protocol: "udp", port: 123, app: "ntp"}, true},
		{"office", "cell", traffic{protocol: "tcp", port: 502, app: "modbus", ics: "modbus", function: "READ_COILS"}, true},
		{"office", "cell", traffic{protocol: "tcp", port: 502, app: "modbus", ics: "modbus", function: "WRITE_COILS", write: true}, false},
		{"office", "cell", traffic{protocol: "tcp", port: 23}, false},
		{"cell", Internet, traffic{protocol: "tcp", port: 443, app: "tls"}, true},
		{Internet, "cell", traffic{protocol: "tcp", port: 443, app: "tls"}, false},
	} {
		if got := allowed(&cfg, want.from, want.to, &want.traffic); got != want.ok {
			t.Errorf("%s to %s %v: allowed %v\n%s", want.from, want.to, want.traffic, got, data)
		}
	}
	for _, line := range []string{"# seen in the last 7 days", `Telnet ports are tried\n- name: evil`, "it does not tell what it is"} {
		if !strings.Contains(string(data), line) {
			t.Errorf("no %q in\n%s", line, data)
		}
	}
}

func TestDraftOfManyPorts(t *testing.T) {
	var seen []Seen
	for port := range int64(100) {
		seen = append(seen, Seen{From: "a", To: "b", Protocol: "tcp", Port: port + 1, App: "ftp-data", Events: 1})
	}
	data, err := Draft(seen, "x")
	if err != nil || strings.Contains(string(data), "ports") {
		t.Errorf("%v\n%s", err, data)
	}
}

func TestDraftOfNothing(t *testing.T) {
	data, err := Draft(nil, "nothing was seen")
	if err != nil {
		t.Fatal(err)
	}
	if cfg, problems := ParseConfig(data); len(problems) > 0 || len(cfg.Conduits) > 0 || !strings.Contains(string(data), "denies all") {
		t.Errorf("%v\n%s", problems, data)
	}
}

func allowed(cfg *Config, from, to string, tr *traffic) bool {
	for _, c := range New(*cfg).between(from, to) {
		if c.allows(tr) {
			return true
		}
	}
	return false
}

// Whatever zones and services are called, a draft reads back as a policy that
// allows what was seen, and a text in a comment stays there.
func FuzzDraft(f *testing.F) {
	f.Add("cell", "office", "udp", int64(123), "ntp", "")
	f.Add("a: b", "- c", "tcp", int64(1), "x\ny", "title\nmode: alert")
	f.Add("*", "internet", "", int64(0), "", "")
	f.Fuzz(func(t *testing.T, from, to, proto string, port int64, app, against string) {
		if from == "" || to == "" {
			return // Seen names zones or pseudo-zones
		}
		data, err := Draft([]Seen{{From: from, To: to, Protocol: proto, Port: port, App: app, Events: 1}, {From: to, To: from, App: app, Port: 9, Events: 1, Against: against}}, "about\n"+against)
		if err != nil {
			t.Fatal(err)
		}
		cfg, problems := ParseConfig(data)
		if len(problems) > 0 {
			t.Fatalf("%v in\n%s", problems, data)
		}
		if !cfg.Monitor || !cfg.DefaultDeny || len(cfg.Conduits) > 2 {
			t.Errorf("monitor %v, deny %v, %d conduits in\n%s", cfg.Monitor, cfg.DefaultDeny, len(cfg.Conduits), data)
		}
		s := Seen{From: from, To: to, Protocol: proto, Port: port, App: app}
		if from != to && plainName(from) && plainName(to) && !s.rule().empty() && !allowed(&cfg, from, to, &traffic{protocol: strings.ToLower(proto), port: port, app: app}) {
			t.Errorf("%q to %q is not allowed by\n%s", from, to, data)
		}
	})
}
