package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	text := `sources:
  - {name: a, kind: syslog, listen: "127.0.0.1:5514"}
  - {name: a, kind: sylog, listen: nowhere, transport: sctp, cert_file: x}
  - {name: t, kind: syslog, listen: "127.0.0.1:99999", cert_file: x, key_file: y}
  - {name: n, kind: syslog, listen: ":514"}
  - {name: f, kind: netflow, listen: "127.0.0.1:2055", allow: [192.0.2.1, 192.0.2.0/24, nobody], transport: udp}
  - {name: m, kind: mqtt, broker: "mqtt://192.0.2.1:1883", user: u, password_file: x, version: "4", listen: "127.0.0.1:1"}
  - {name: m2, kind: mqtt, broker: "http://u:p@192.0.2.1", share: a/b}
  - {name: b, kind: broker, listen: "0.0.0.0:1883", topics: [a]}
  - {name: b2, kind: broker, listen: "127.0.0.1:1883"}
  - {name: e, kind: capture, interface: eth1, ring: 128MB, snap: 256, filter: "tcp port 502 or arp", readers: 2}
  - {name: e2, kind: capture, ring: 2GB, snap: 20, filter: "port modbus", readers: 17}
  - {name: r, kind: captures, paths: [/x], snap: 64, filter: "host plc", readers: 2}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Sources{File: path})
	if len(c.Sources) != 12 || c.Sources[0].Transport != "" {
		t.Errorf("%+v", c.Sources)
	}
	var all strings.Builder
	for _, p := range ProblemsOf(err) {
		all.WriteString(p.String() + "\n")
	}
	for _, want := range []string{
		`:3: sources[1].kind: is "sylog" (did you mean "syslog"?)`, `sources[1].transport: is "sctp"`, `sources[1].listen: "nowhere" is no address with a port`,
		`sources[1].cert_file: a certificate and its key belong together`, `sources[1].name: is also the name of sources[0]`,
		`sources[4].allow[2]: "nobody" is no address and no network`, `sources[4].transport: a source of kind netflow has no such setting`,
		`sources[5].broker: the password would go over the network in the clear`, `sources[5].version: is "4"`, `sources[5].topics: names nothing`,
		`sources[5].listen: a source of kind mqtt has no such setting`, `sources[6].broker: is no address of a broker`,
		`sources[7].listen: a broker that others reach needs TLS and users`, `sources[7].topics: a source of kind broker has no such setting`,
		`sources[10].interface: a source of kind capture needs`, `sources[10].ring: 2GB is not between`, `sources[10].snap: 20 is not between`, `sources[10].filter: "modbus" is no number of a port`, `sources[10].readers: 17 is not between 1 and 16`, `sources[11].filter: "plc" is not expected`, `sources[11].readers: a source of kind captures has no such`, `sources[11].snap: a source of kind captures has no such setting`,
		`sources[3].listen: ":514" names no address`,
		`sources[2].listen: "99999" is no port number`, `sources[2].transport: a source with a certificate takes tcp alone`,
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no %q in\n%s", want, all.String())
		}
	}
	if strings.Contains(all.String(), "sources[0].k") || strings.Contains(all.String(), "sources[0].l") {
		t.Errorf("the first is good: %s", all.String())
	}
	if e := c.Sources[9]; e.Ring != 128<<20 || e.Snap != 256 || strings.Contains(all.String(), "sources[9]") {
		t.Errorf("%+v %s", e, all.String())
	}
}
