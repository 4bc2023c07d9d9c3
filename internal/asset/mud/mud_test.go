package mud_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vedette/internal/asset/mud"
	"vedette/internal/event"
	"vedette/internal/fault"
)

var comparePrefix = cmp.Options{cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()}

// shared is a file of the public data set, which is not in the repository.
func shared(t *testing.T, name string) string {
	t.Helper()
	var tried []string
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		tried = append(tried, filepath.Join(dir, "data"), dir)
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "..", "shared", "data"))
		}
	}
	for _, dir := range tried {
		if p := filepath.Join(dir, filepath.FromSlash(name)); exists(p) {
			return p
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", name)
	return ""
}

func exists(p string) bool { _, err := os.Stat(p); return err == nil }

// TestProfiles: the public files are read whole, each entry understood. The
// counts were taken from the raw JSON by another program.
func TestProfiles(t *testing.T) {
	z, err := zip.OpenReader(shared(t, "mud/mud-profiles.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	want := map[string]mud.Count{
		"daq/bacnet.json": {2, 2, 1, 1, 0}, "daq/bacnet_frdev.json": {2, 1, 1, 0, 0}, "daq/commissioning.json": {2, 8, 4, 4, 0}, "daq/lightbulb.json": {3, 5, 3, 3, 0},
		"unsw/amazon_echo.json": {3, 71, 38, 33, 0}, "unsw/amazon_echo_short.json": {3, 7, 5, 2, 0}, "unsw/mudmaker_generated.json": {2, 16, 8, 8, 0}, "unsw/philips_hue_bulb.json": {2, 15, 10, 5, 0},
	}
	got := map[string]mud.Count{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		file, notes, err := mud.Parse(data)
		if err != nil {
			t.Fatal(f.Name, err)
		}
		for _, n := range notes {
			if n.Error {
				t.Errorf("%s: %s", f.Name, n)
			}
		}
		got[f.Name] = file.Count()
		roundTrip(t, f.Name, file)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// roundTrip: what is written is read as the same file.
func roundTrip(t *testing.T, name string, f *mud.File) {
	t.Helper()
	data, err := mud.Write(f)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	again, _, err := mud.Parse(data)
	if err != nil {
		t.Errorf("%s, written: %v", name, err)
		return
	}
	if diff := cmp.Diff(f, again, comparePrefix); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func load(t testing.TB, name string) *mud.File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := mud.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

func TestDecide(t *testing.T) {
	f := load(t, "camera.json")
	site := mud.Site{
		MyControllers: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32")},
		Controllers:   map[string][]netip.Prefix{"urn:ietf:params:mud:dns": {netip.MustParsePrefix("10.0.0.1/32")}},
	}
	out := func(proto int, peer string, port uint16, names ...string) mud.Flow {
		return mud.Flow{FromDevice: true, Protocol: proto, DevicePort: 40000, PeerPort: port, Peer: mud.Peer{Addr: addr(peer), Names: names}}
	}
	in := func(proto int, peer string, port uint16) mud.Flow {
		return mud.Flow{Protocol: proto, DevicePort: port, PeerPort: 40000, Peer: mud.Peer{Addr: addr(peer)}}
	}
	known := func(f mud.Flow) mud.Flow { f.Peer.NamesKnown = true; return f }
	made := func(f mud.Flow, by string) mud.Flow { f.Peer.Manufacturer = by; return f }
	ports := func(f mud.Flow, device uint16) mud.Flow { f.DevicePort = device; return f }
	tests := []struct {
		name string
		flow mud.Flow
		want string
	}{
		{"cloud", out(mud.TCP, "203.0.113.9", 443, "cloud.camera.example"), "allowed cloud"},
		{"cloud, another port", out(mud.TCP, "203.0.113.9", 80, "cloud.camera.example"), "denied "},
		{"cloud, another name", out(mud.TCP, "203.0.113.9", 443, "evil.example"), "denied "},
		{"cloud, no name seen", out(mud.TCP, "203.0.113.9", 443), "unsure cloud whether 203.0.113.9 is cloud.camera.example"},
		{"cloud, no name there", known(out(mud.TCP, "203.0.113.9", 443)), "denied "},
		{"cloud calls in", ports(in(mud.TCP, "203.0.113.9", 443), 5000), "denied "},
		{"DNS", out(mud.UDP, "10.0.0.1", 53), "allowed dns"},
		{"DNS elsewhere", out(mud.UDP, "8.8.8.8", 53), "denied "},
		{"NTP, nobody said where", out(mud.UDP, "10.0.0.1", 123), "unsure ntp who is a controller urn:ietf:params:mud:ntp"},
		{"its controller streams", in(mud.TCP, "10.0.0.2", 554), "allowed rtsp"},
		{"another streams", in(mud.TCP, "10.0.0.3", 554), "denied "},
		{"telnet by its controller", in(mud.TCP, "10.0.0.2", 23), "denied "},
		{"finding on the local network", out(mud.UDP, "239.255.255.250", 1900), "allowed ssdp"},
		{"finding elsewhere", out(mud.UDP, "203.0.113.9", 1900), "denied "},
		{"a range of ports", out(mud.TCP, "192.0.2.5", 8085), "allowed vendor-net"},
		{"beyond the range", out(mud.TCP, "192.0.2.5", 8091), "denied "},
		{"dropped before it is allowed", out(mud.TCP, "192.0.2.66", 8085), "denied vendor-bad"},
		{"a sibling of the maker", made(out(mud.TCP, "10.0.0.9", 9000), "camera.example"), "allowed sibling"},
		{"a device of another maker", made(out(mud.TCP, "10.0.0.9", 9000), "other.example"), "denied "},
		{"a device of nobody knows whom", out(mud.TCP, "10.0.0.9", 9000), "unsure sibling whether 10.0.0.9 is made by camera.example"},
		{"a stranger far away", out(mud.TCP, "203.0.113.9", 9000), "denied "},
		{"IPv6", out(mud.TCP, "2001:db8::9", 443, "cloud.camera.example"), "allowed cloud6"},
		{"IPv6, the wrong port", out(mud.TCP, "2001:db8::9", 80, "cloud.camera.example"), "denied "},
		{"ping", mud.Flow{FromDevice: true, Protocol: mud.ICMP, ICMPType: 9, Peer: mud.Peer{Addr: addr("203.0.113.9")}}, "allowed ping"},
		{"another ICMP", mud.Flow{FromDevice: true, Protocol: mud.ICMP, ICMPType: 6, Peer: mud.Peer{Addr: addr("203.0.113.9")}}, "denied "},
		{"what is not understood", out(mud.TCP, "198.51.100.1", 7), "unsure odd what the match ipv4/dscp means"},
	}
	for _, tt := range tests {
		d := f.Decide(&tt.flow, &site)
		if got := strings.TrimSpace(d.Verdict.String() + " " + d.Entry + " " + d.Lacks); got != strings.TrimSpace(tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestOdd(t *testing.T) {
	tests := map[string]struct {
		data string
		kind fault.Kind // of the error; Internal: none
		want []string   // in the notes
	}{
		"no JSON":          {`{`, fault.Invalid, nil},
		"another document": {`{"a":1}`, fault.Invalid, nil},
		"no lists":         {`{"ietf-mud:mud":{"mud-version":1,"mud-url":"https://x.example/a"}}`, fault.Internal, []string{"there are no access control lists"}},
		"going round": {
			`{"ietf-mud:mud":{"mud-version":2,"mud-url":"http://x","cache-validity":9999,"last-update":"yesterday","extensions":["masa"],
			 "from-device-policy":{"access-lists":{"access-list":[{"name":"a"},{"name":"a"},{"name":"b"},{"name":"none"}]}}},
			 "ietf-access-control-list:acls":{"acl":[{"name":"a","type":"ipv4-acl-type","aces":{"ace":[]}},{"name":"a"},{"name":"b"},{"name":"c"}]}, "other:thing": 1}`,
			fault.Internal,
			[]string{
				"named twice", "two of that name", `there is no list "none"`, "no policy names it", "mud-version", "no https URL", "168 hours", "RFC 3339", "masa is not understood",
				"other:thing: it is not understood",
			},
		},
		"odd matches": {
			`{"ietf-mud:mud":{"mud-version":1,"mud-url":"https://x.example/a"},"ietf-access-control-list:acls":{"acl":[{"name":"a","aces":{"ace":[
			 {"name":"1","matches":{"ipv4":{"destination-ipv4-network":"192.168.1.0/24","protocol":6},"udp":{}},"actions":{"forwarding":"accept"}},
			 {"name":"2","matches":{"tcp":{"destination-port":{"operator":"almost","port":1},"source-port":{"operator":"eq","port":70000}}},"actions":{"forwarding":"perhaps"}},
			 {"name":"3","matches":{"quic":{"x":1},"l3":{"l3":{"l3":{"l3":{}}}}},"actions":{"forwarding":"drop"}}]}}]}}`,
			fault.Internal,
			[]string{"private range 192.168.1.0/24", "protocols 6 and 17", "tcp/destination-port", "tcp/source-port", "perhaps", "quic", "l3 is not understood"},
		},
		"too many lists": {`{"ietf-mud:mud":{"mud-version":1},"ietf-access-control-list:acls":{"acl":[` + strings.TrimSuffix(strings.Repeat(`{"name":"a"},`, 300), ",") + `]}}`, fault.Limited, nil},
		"too large":      {strings.Repeat(" ", mud.MaxBytes+1), fault.Limited, nil},
		"a tower":        {strings.Repeat(`{"ietf-mud:mud":`, 20_000), fault.Invalid, nil},
	}
	for name, tt := range tests {
		_, notes, err := mud.Parse([]byte(tt.data))
		if (err != nil) != (tt.kind != fault.Internal) || err != nil && fault.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", name, err)
		}
		all := fmt.Sprint(notes)
		for _, w := range tt.want {
			if !strings.Contains(all, w) {
				t.Errorf("%s: no note %q in %s", name, w, all)
			}
		}
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func flow(src, dst string, port int64, change ...func(*event.Event)) *event.Event {
	e := new(event.Event)
	e.SetTimeField(start)
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetConnectionInfoProtocolName("tcp")
	e.SetSrcEndpointIP(src)
	e.SetSrcEndpointPort(40000)
	e.SetDstEndpointIP(dst)
	e.SetDstEndpointPort(port)
	for _, c := range change {
		c(e)
	}
	return e
}

// traffic is a camera that asks for a name, calls its cloud, is watched by a
// recorder, and is scanned in vain.
func traffic() []*event.Event {
	udp := func(e *event.Event) { e.SetConnectionInfoProtocolName("udp") }
	dns := flow("10.0.0.5", "10.0.0.1", 53, udp, func(e *event.Event) {
		e.SetQueryHostname("Cloud.camera.example")
		e.SetAnswers([]string{"alias.example", "203.0.113.9"})
	})
	out := []*event.Event{
		dns, flow("10.0.0.5", "203.0.113.9", 443), flow("10.0.0.5", "203.0.113.9", 443), flow("10.0.0.7", "10.0.0.5", 554),
		flow("10.0.0.5", "198.51.100.4", 8883), flow("10.0.0.5", "239.255.255.250", 1900, udp),
		flow("203.0.113.66", "10.0.0.5", 23, func(e *event.Event) { e.SetConnectionInfoState("REJ") }),
		flow("10.0.0.8", "10.0.0.9", 80),
	}
	for i := range int64(40) {
		out = append(out, flow("10.0.0.5", "192.0.2.44", 20000+i, udp))
	}
	return out
}

func TestLearn(t *testing.T) {
	subject := mud.Subject{Addrs: []netip.Addr{addr("10.0.0.5")}}
	l := mud.NewLearner(subject, mud.Site{})
	for _, e := range traffic() {
		l.Observe(e)
	}
	f, rep := l.File(mud.About{URL: "https://camera.example/mud", SystemInfo: "a camera", Now: start})
	want := mud.LearnReport{Events: 48, Flows: 47, Failed: 1, Unnamed: 2, AnyPort: 1, Entries: 12, FromOnly: 6}
	if diff := cmp.Diff(want, rep); diff != "" {
		t.Error(diff)
	}
	roundTrip(t, "learnt", f)
	var got []string
	for _, i := range f.From {
		for _, e := range f.Lists[i].Entries {
			who := e.Match.DstName
			if e.Match.LocalNetworks {
				who = "local"
			}
			if e.Match.DstPrefix.IsValid() {
				who = e.Match.DstPrefix.String()
			}
			got = append(got, fmt.Sprintf("%d %d %s %s", e.Match.Protocol, e.Match.DstPort.Lo, who, e.Match.Initiated))
		}
	}
	wantEntries := []string{"17 53 local ", "17 0 192.0.2.44/32 ", "6 8883 198.51.100.4/32 from-device", "17 1900 239.255.255.250/32 ", "6 443 cloud.camera.example from-device", "6 0 local to-device"}
	if diff := cmp.Diff(wantEntries, got); diff != "" {
		t.Error(diff)
	}
	// What was learnt allows what it was learnt from, and nothing else.
	r := mud.NewReplay(f, subject, mud.Site{})
	for _, e := range traffic() {
		r.Observe(e)
	}
	r.Observe(flow("10.0.0.5", "203.0.113.77", 6667))
	r.Observe(flow("203.0.113.66", "10.0.0.5", 554))
	got2 := r.Report()
	if got2.Flows != 49 || got2.Allowed != 46 || got2.Denied != 3 || got2.Unsure != 0 {
		t.Errorf("%+v", got2)
	}
	for _, l := range got2.Lines {
		if l.Verdict == mud.Denied && l.Port != 6667 && l.Port != 23 && l.Port != 554 {
			t.Errorf("%+v", l)
		}
	}
}

func TestLearnIsBounded(t *testing.T) {
	l := mud.NewLearner(mud.Subject{Addrs: []netip.Addr{addr("10.0.0.5")}}, mud.Site{})
	for i := range 10_000 {
		l.Observe(flow("10.0.0.5", fmt.Sprintf("203.%d.%d.9", i/250, i%250), 80))
	}
	f, rep := l.File(mud.About{Now: start})
	if rep.Full != 10_000-4096 || f.Count().From != 4096 {
		t.Errorf("%+v", rep)
	}
}

// FuzzParse: what is read and understood is written and read as the same, and
// deciding about a flow never fails.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/camera.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"ietf-mud:mud":{"mud-version":1,"from-device-policy":{"access-lists":{"access-list":[{"name":"a"}]}}},"ietf-access-control-list:acls":{"acl":[{"name":"a","aces":{"ace":[{"name":"x","matches":{"tcp":{"destination-port":{"lower-port":1,"upper-port":9}}},"actions":{"forwarding":"accept"}}]}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, notes, err := mud.Parse(data)
		if err != nil {
			return
		}
		if len(notes) > 101 {
			t.Fatalf("%d notes", len(notes))
		}
		for _, from := range []bool{true, false} {
			flow := mud.Flow{FromDevice: from, Protocol: mud.TCP, PeerPort: 443, Peer: mud.Peer{Addr: addr("203.0.113.9")}}
			if d := file.Decide(&flow, &mud.Site{}); d.Verdict == mud.Allowed && d.List == "" && d.Entry == "" && file.Count().Entries == 0 {
				t.Fatalf("nothing allows: %+v", d)
			}
		}
		out, err := mud.Write(file)
		if err != nil {
			return // something was not understood
		}
		again, _, err := mud.Parse(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		a, _ := json.Marshal(file)
		b, _ := json.Marshal(again)
		if string(a) != string(b) {
			t.Fatalf("%s\n%s\n%s", a, b, out)
		}
	})
}
