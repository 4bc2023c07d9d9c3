package policy_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"vedette/internal/detect/policy"
	"vedette/internal/event"
)

const rules = `
mode: alert
default: deny
isolated: [guests]
conduits:
  - name: scada
    from: control
    to: [cell-1, cell-2]
    allow:
      - {protocols: tcp, ports: 502, apps: modbus, functions: ["READ_*"], read_only: true}
      - {protocols: tcp, ports: ["44818", 2222-2230]}
  - name: engineering
    from: [engineering]
    to: "*"
  - name: historian
    from: dmz
    to: control
    direction: both
    read_only: true
  - name: no-internet
    from: [cell-1]
    to: internet
    deny: true
    severity: high
controllers:
  urn:ietf:params:mud:dns: [10.0.0.1]
mud:
  - {file: "mud/camera.json", device: cam-1, my_controllers: 10.0.0.2}
  - {file: "mud/camera.json", vendor: Camera Example, model: cam1}
  - {file: "mud/camera.json"}
`

func detector(t testing.TB, text string) *policy.Detector {
	t.Helper()
	cfg, problems := policy.ParseConfig([]byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if problems := cfg.Load(func(string) ([]byte, error) { return os.ReadFile("testdata/camera.json") }); len(problems) > 0 {
		t.Fatal(problems)
	}
	return policy.New(cfg)
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ev makes an event of "from > to port": a side is zone:address or an address.
func ev(text string, change ...func(*event.Event)) *event.Event {
	var src, dst string
	var port int64
	_, _ = fmt.Sscanf(text, "%s > %s %d", &src, &dst, &port)
	side := func(text string) (zone, ip string) {
		if zone, ip, ok := strings.Cut(text, ":"); ok && !strings.Contains(ip, ":") {
			return zone, ip
		}
		return "", text
	}
	e := new(event.Event)
	e.SetTimeField(start)
	e.SetMetadataUID("u1")
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetConnectionInfoProtocolName("tcp")
	zone, ip := side(src)
	e.SetSrcEndpointIP(ip)
	e.SetStr(event.SlotSrcEndpointZone, zone)
	zone, ip = side(dst)
	e.SetDstEndpointIP(ip)
	e.SetStr(event.SlotDstEndpointZone, zone)
	e.SetDstEndpointPort(port)
	for _, c := range change {
		c(e)
	}
	return e
}

func inspect(d *policy.Detector, e *event.Event) []event.Finding {
	var got []event.Finding
	d.Inspect(e, func(f event.Finding) { got = append(got, f) })
	return got
}

func ics(function string, write bool) func(*event.Event) {
	return func(e *event.Event) {
		e.SetICSProtocol("modbus")
		e.SetICSFunction(function)
		e.SetICSWrite(write)
	}
}

func TestZones(t *testing.T) {
	tests := []struct {
		name string
		e    *event.Event
		want string
	}{
		{"allowed port", ev("control:10.1.0.1 > cell-1:10.2.0.1 502"), ""},
		{"allowed read", ev("control:10.1.0.1 > cell-1:10.2.0.1 502", ics("READ_HOLDING_REGISTERS", false)), ""},
		{"a write", ev("control:10.1.0.1 > cell-1:10.2.0.1 502", ics("WRITE_SINGLE_REGISTER", true)), "4 policy/conduit/scada: Traffic that the conduit scada does not allow"},
		{"another function", ev("control:10.1.0.1 > cell-1:10.2.0.1 502", ics("DIAGNOSTICS", false)), "3 policy/conduit/scada: Traffic that the conduit scada does not allow"},
		{"another port", ev("control:10.1.0.1 > cell-2:10.2.0.1 22"), "3 policy/conduit/scada: Traffic that the conduit scada does not allow"},
		{"a range of ports", ev("control:10.1.0.1 > cell-2:10.2.0.1 2225"), ""},
		{"the other way", ev("cell-1:10.2.0.1 > control:10.1.0.1 502"), "3 policy/zones: Traffic between zones that no conduit allows"},
		{"zones without case", ev("Control:10.1.0.1 > CELL-1:10.2.0.1 502"), ""},
		{"to any zone", ev("engineering:10.3.0.1 > cell-9:10.9.0.1 4444"), ""},
		{"from a zone nobody named", ev("office:10.4.0.1 > cell-1:10.2.0.1 502"), "3 policy/zones: Traffic between zones that no conduit allows"},
		{"from where no zone is", ev("10.99.0.1 > cell-1:10.2.0.1 502"), "3 policy/zones: Traffic between zones that no conduit allows"},
		{"both ways", ev("control:10.1.0.1 > dmz:10.5.0.1 1433"), ""},
		{"both ways, read only", ev("dmz:10.5.0.1 > control:10.1.0.1 502", ics("WRITE_SINGLE_COIL", true)), "4 policy/conduit/historian: A write through the read-only conduit historian"},
		{"denied by name", ev("cell-1:10.2.0.1 > 203.0.113.9 443"), "4 policy/conduit/no-internet: Traffic that the conduit no-internet does not allow"},
		{"within a zone", ev("cell-1:10.2.0.1 > cell-1:10.2.0.2 80"), ""},
		{"within an isolated zone", ev("guests:10.8.0.1 > guests:10.8.0.2 80"), "3 policy/zones: Traffic within a zone whose devices may not talk to each other"},
		{"to a group", ev("cell-1:10.2.0.1 > 239.255.255.250 1900"), ""},
		{"to all", ev("cell-1:10.2.0.1 > 255.255.255.255 67"), ""},
		{"one side alone", ev("cell-1:10.2.0.1"), ""},
	}
	d := detector(t, rules)
	for _, tt := range tests {
		got := ""
		for _, f := range inspect(d, tt.e) {
			got += fmt.Sprintf("%d %s: %s", f.Severity, f.Rule, f.Title)
			if f.Family != event.FamilyPolicy || len(f.Reasons) == 0 || f.UID == "" {
				t.Errorf("%s: %+v", tt.name, f)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestReasons(t *testing.T) {
	got := inspect(detector(t, rules), ev("control:10.1.0.1 > cell-1:10.2.0.1 502", ics("WRITE_SINGLE_REGISTER", true)))
	want := []event.Reason{{
		Feature: "from zone control to zone cell-1", Observed: "tcp port 502 modbus WRITE_SINGLE_REGISTER (a write)",
		Usual: "scada: tcp port 502 modbus READ_* read only; tcp port 44818, 2222-2230", Weight: 1,
	}}
	if len(got) != 1 {
		t.Fatal(got)
	}
	if diff := cmp.Diff(want, got[0].Reasons); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"T0855"}, got[0].Techniques); diff != "" {
		t.Error(diff)
	}
	watching := inspect(detector(t, strings.Replace(rules, "mode: alert", "", 1)), ev("cell-1:10.2.0.1 > 203.0.113.9 443"))
	if len(watching) != 1 || watching[0].Severity != event.Low || !strings.Contains(watching[0].Reasons[0].Observed, "high severity") {
		t.Errorf("monitor mode is the default: %+v", watching)
	}
}

// TestAllowByDefault: without default deny, zones that no conduit joins may
// talk, and those that one joins only as it says.
func TestAllowByDefault(t *testing.T) {
	d := detector(t, "conduits: [{name: a, from: x, to: y, allow: [{ports: 1}]}]")
	for text, want := range map[string]int{"x:10.0.0.1 > y:10.0.0.2 1": 0, "x:10.0.0.1 > y:10.0.0.2 2": 1, "y:10.0.0.1 > x:10.0.0.2 2": 0, "x:10.0.0.1 > z:10.0.0.2 2": 0} {
		if got := inspect(d, ev(text)); len(got) != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if got := inspect(detector(t, ""), ev("x:10.0.0.1 > y:10.0.0.2 2")); len(got) != 0 {
		t.Errorf("no policy: %v", got)
	}
}

func TestMUD(t *testing.T) {
	d := detector(t, strings.Replace(rules, "default: deny", "", 1))
	src := func(uid string) func(*event.Event) { return func(e *event.Event) { e.SetSrcEndpointUID(uid) } }
	dst := func(uid string) func(*event.Event) { return func(e *event.Event) { e.SetDstEndpointUID(uid) } }
	later := func(e *event.Event) { e.SetTimeField(start.Add(2 * time.Hour)) }
	about := func(uid, vendor, model string) func(*event.Event) {
		return func(e *event.Event) {
			e.SetDeviceUID(uid)
			e.SetStr(event.SlotDeviceVendor, vendor)
			e.SetStr(event.SlotDeviceModel, model)
		}
	}
	dns := ev("10.0.0.5 > 10.0.0.1 53", src("cam-1"), func(e *event.Event) {
		e.SetDeviceUID("cam-1")
		e.SetConnectionInfoProtocolName("udp")
		e.SetQueryHostname("cloud.camera.example")
		e.SetAnswers([]string{"203.0.113.9"})
	})
	tests := []struct {
		name string
		e    *event.Event
		want string
	}{
		{"an address before any DNS", ev("10.0.0.5 > 203.0.113.9 443", src("cam-1")), ""},
		{"DNS itself", dns, ""},
		{"its cloud", ev("10.0.0.5 > 203.0.113.9 443", src("cam-1")), ""},
		{"a stranger, too early to tell", ev("10.0.0.5 > 203.0.113.77 443", src("cam-1")), ""},
		{"a stranger that it never asked for", ev("10.0.0.5 > 203.0.113.77 443", src("cam-1"), later), "policy/mud/camera of cam-1: tcp port 443 to 203.0.113.77"},
		{"a port of no entry", ev("10.0.0.5 > 203.0.113.9 6667", src("cam-1")), "policy/mud/camera of cam-1: tcp port 6667 to 203.0.113.9 (cloud.camera.example)"},
		{"its controller", ev("10.0.0.2 > 10.0.0.5 554", dst("cam-1")), ""},
		{"not its controller", ev("10.0.0.3 > 10.0.0.5 554", dst("cam-1")), "policy/mud/camera of cam-1: tcp port 554 from 10.0.0.3"},
		{"by vendor and model", ev("10.0.0.6 > 203.0.113.9 6667", src("cam-2"), about("cam-2", "camera example", "CAM1")), "policy/mud/camera of cam-2: tcp port 6667 to 203.0.113.9 (cloud.camera.example)"},
		{"of another model", ev("10.0.0.7 > 203.0.113.9 6667", src("x"), about("x", "camera example", "cam2")), ""},
		{"by the URL that it announced", ev("10.0.0.8 > 203.0.113.9 6667", src("cam-3"), about("cam-3", "", ""), func(e *event.Event) {
			e.SetExtra("mud_url", "https://camera.example/mud/cam1")
		}), "policy/mud/camera of cam-3: tcp port 6667 to 203.0.113.9 (cloud.camera.example)"},
		{"it stays bound", ev("10.0.0.8 > 203.0.113.9 6668", src("cam-3")), "policy/mud/camera of cam-3: tcp port 6668 to 203.0.113.9 (cloud.camera.example)"},
	}
	for _, tt := range tests {
		got := ""
		for _, f := range inspect(d, tt.e) {
			got += f.Rule + " of " + f.Device + ": " + f.Reasons[0].Observed
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if c := d.Conditions(); len(c) != 1 || c[0].Code != "mud-unsure" || c[0].Count != 2 {
		t.Errorf("%+v", c)
	}
}

func TestParseConfig(t *testing.T) {
	text := `mode: loud
default: maybe
nonsense: 1
conduits:
  - from: a
    to: []
    direction: up
    severity: bad
    extra: 1
    allow:
      - {protocols: modbus, ports: [99999, x]}
      - {}
  - {name: b, from: a, to: b, deny: true, read_only: true}
  - {name: b, from: a, to: b}
mud:
  - {model: x}
  - {file: f, device: d, url: u, my_controllers: nobody}
local_networks: [everything]
`
	_, problems := policy.ParseConfig([]byte(text))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`line 1: mode: there is no mode "loud" (monitor or alert)`,
		`line 2: default: there is no default "maybe" (deny or allow)`,
		`line 3: there is no key nonsense`,
		`line 5: conduits[0].name: a conduit needs a name (findings are told by it)`,
		`line 6: conduits[0].to: no zone is named (name zones, "internet", "unzoned" or "*")`,
		`line 7: conduits[0].direction: there is no direction "up" (one-way or both)`,
		`line 8: conduits[0].severity: there is no severity "bad" (low, medium, high or critical)`,
		`line 9: there is no key extra`,
		`line 11: conduits[0].allow[0].protocols: there is no transport "modbus" (tcp, udp, icmp, icmpv6 or sctp; OT protocols belong into apps)`,
		`line 11: conduits[0].allow[0].ports: "99999" is no port (such as 502 or 2000-2010)`,
		`line 11: conduits[0].allow[0].ports: "x" is no port (such as 502 or 2000-2010)`,
		`line 12: conduits[0].allow[1]: the rule says nothing (leave allow out to allow anything)`,
		`line 13: conduits[1]: a conduit that denies allows nothing`,
		`line 14: conduits[2].name: there are two conduits "b"`,
		`line 16: mud[0].file: no file is named (the path of a MUD file)`,
		`line 16: mud[0].model: a model alone may be anybody's (name the vendor too)`,
		`line 17: mud[1]: a file is bound by device, by vendor and model, or by url; not by several at once`,
		`line 17: mud[1].my_controllers: "nobody" is no address or subnet (such as 10.0.0.0/24 or 10.0.0.5)`,
		`line 18: local_networks: "everything" is no address or subnet (such as 10.0.0.0/24 or 10.0.0.5)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"conduits: {", "conduits: 5", "- a"} {
		if _, problems := policy.ParseConfig([]byte(text)); len(problems) == 0 {
			t.Errorf("%q: no problem", text)
		}
	}
	cfg, problems := policy.ParseConfig(nil)
	if len(problems) != 0 || !cfg.Monitor {
		t.Errorf("an empty section: %+v %v", cfg, problems)
	}
}

func TestLoad(t *testing.T) {
	cfg, _ := policy.ParseConfig([]byte("mud: [{file: a}, {file: b}, {file: c}]"))
	problems := cfg.Load(func(path string) ([]byte, error) {
		switch path {
		case "a":
			return nil, errors.New("not there")
		case "b":
			return []byte("{"), nil
		}
		return []byte(`{"ietf-mud:mud":{"mud-version":9,"mud-url":"https://x.example/a"},"ietf-access-control-list:acls":{}}`), nil
	})
	if len(problems) != 3 {
		t.Errorf("%v", problems)
	}
	policy.New(cfg).Inspect(ev("10.0.0.1 > 10.0.0.2 1"), func(event.Finding) { t.Error("a finding without a rule") })
}

func TestAllowedAllocatesNothing(t *testing.T) {
	d := detector(t, strings.Split(rules, "controllers:")[0])
	e := ev("control:10.1.0.1 > cell-1:10.2.0.1 502", ics("READ_HOLDING_REGISTERS", false))
	raise := func(f event.Finding) { t.Error(f) }
	if got := testing.AllocsPerRun(100, func() { d.Inspect(e, raise) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkAllowed(b *testing.B) {
	d := detector(b, rules)
	e := ev("control:10.1.0.1 > cell-1:10.2.0.1 502", ics("READ_HOLDING_REGISTERS", false))
	b.ReportAllocs()
	for b.Loop() {
		d.Inspect(e, func(event.Finding) {})
	}
}

// FuzzParseConfig: whatever the section is, there is a problem or a policy that
// judges; what is no YAML is a problem.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(rules))
	f.Add([]byte("conduits: [{name: a, from: &x [a], to: *x}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, problems := policy.ParseConfig(data)
		var any any
		if yaml.Unmarshal(data, &any) != nil && len(problems) == 0 {
			t.Fatal("broken YAML without a problem")
		}
		if len(problems) > 200 {
			t.Fatalf("%d problems", len(problems))
		}
		if len(problems) > 0 {
			return
		}
		d := policy.New(cfg)
		for _, text := range []string{"a:10.0.0.1 > b:10.0.0.2 1", "10.0.0.1 > 203.0.113.1 1"} {
			d.Inspect(ev(text, ics("READ", false)), func(event.Finding) {})
		}
	})
}

// FuzzFunctions: a pattern matches what the regular expression of the same
// meaning does.
func FuzzFunctions(f *testing.F) {
	f.Add("READ_*_COILS", "read_many_coils")
	f.Add("a*b*c", "abcbc")
	f.Fuzz(func(t *testing.T, pattern, function string) {
		for _, c := range []byte(pattern + function) {
			if c >= 0x80 {
				return // other letters have cases of their own
			}
		}
		if function == "" || len(pattern) > 100 {
			return
		}
		want := regexp.MustCompile("(?is)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(function)
		d := policy.New(policy.Config{Conduits: []policy.Conduit{{Name: "c", From: []string{"x"}, To: []string{"y"}, Allow: []policy.Rule{{Functions: []string{pattern}}}}}})
		if got := len(inspect(d, ev("x:10.0.0.1 > y:10.0.0.2 1", ics(function, false)))) == 0; got != want {
			t.Fatalf("%q and %q: %v, want %v", pattern, function, got, want)
		}
	})
}
