package asset

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/content"
	"vedette/internal/asset/oui"
	"vedette/internal/event"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func clock() time.Time { return start }

func testOUI(t testing.TB) *oui.Table {
	t.Helper()
	raw, err := content.OUI()
	if err != nil {
		t.Fatal(err)
	}
	table, err := oui.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func newRegistry(t testing.TB, zones ...Zone) *Registry {
	t.Helper()
	return New(Config{Zones: zones}, testOUI(t), clock)
}

// flow is an answered connection.
func flow(minute int, src, srcMAC, dst, dstMAC, app string) *event.Event {
	e := &event.Event{}
	e.SetTime(event.SlotTime, start.Add(time.Duration(minute)*time.Minute))
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetMetadataUID(fmt.Sprintf("e%d", minute))
	e.SetSrcEndpointIP(src)
	e.SetSrcEndpointMAC(srcMAC)
	e.SetDstEndpointIP(dst)
	e.SetDstEndpointMAC(dstMAC)
	e.SetAppName(app)
	e.SetConnectionInfoState("SF")
	return e
}

func lease(minute int, mac, ip, host string) *event.Event {
	e := &event.Event{}
	e.SetTime(event.SlotTime, start.Add(time.Duration(minute)*time.Minute))
	e.SetClassUID(int64(event.DHCPActivity))
	e.SetSrcEndpointIP(ip)
	e.SetSrcEndpointMAC(mac)
	e.SetSrcEndpointHostname(host)
	e.SetDstEndpointIP("10.0.0.1")
	e.SetDHCPAssignedIP(ip)
	e.SetAppName("dhcp")
	return e
}

func one(t *testing.T, r *Registry, text string) Device {
	t.Helper()
	found := r.Find(text)
	if len(found) != 1 {
		t.Fatalf("Find(%q) found %d devices, want 1", text, len(found))
	}
	return found[0]
}

const (
	siemensMAC = "00:1b:1b:00:00:01"
	hikMAC     = "64:db:8b:00:00:02"
	routerMAC  = "00:00:0c:00:00:03"
)

func TestObserveResolves(t *testing.T) {
	r := newRegistry(t)
	e := flow(0, "10.0.0.5", "", "10.0.0.9", siemensMAC, "modbus")
	r.Observe(e)
	if e.SrcEndpointUID() == "" || e.DstEndpointUID() == "" || e.DeviceUID() != e.SrcEndpointUID() {
		t.Fatalf("device %q src %q dst %q", e.DeviceUID(), e.SrcEndpointUID(), e.DstEndpointUID())
	}
	plc := one(t, r, "10.0.0.9")
	if plc.Value(KeyVendor) != "Siemens" || plc.Value(KeyType) != "plc" || plc.UID != e.DstEndpointUID() {
		t.Errorf("plc: %+v", plc.Attributes)
	}
	if got := one(t, r, "00-1B-1B-00-00-01").UID; got != plc.UID {
		t.Errorf("by MAC: %s, want %s", got, plc.UID)
	}
	if !slices.ContainsFunc(plc.Evidence, func(ev Evidence) bool {
		return ev.Key == KeyType && ev.What == "serves modbus" && ev.Event == "e0" && ev.Since.Equal(start)
	}) {
		t.Errorf("no evidence for the type: %+v", plc.Evidence)
	}
}

func TestWhatBecomesADevice(t *testing.T) {
	tests := []struct {
		name     string
		src, dst string
		set      func(*event.Event)
		want     []string
	}{
		{"two private hosts", "10.0.0.1", "10.0.0.2", nil, []string{"10.0.0.1", "10.0.0.2"}},
		{"public peer", "10.0.0.1", "8.8.8.8", nil, []string{"10.0.0.1"}},
		{"public both", "134.217.61.131", "134.217.61.211", nil, nil},
		{"public, marked local by the sensor", "134.217.61.131", "8.8.8.8", func(e *event.Event) { e.SetExtra("local_orig", "T") }, []string{"134.217.61.131"}},
		{"multicast", "10.0.0.1", "224.0.0.251", nil, []string{"10.0.0.1"}},
		{"multicast 6", "fd00::1", "ff02::fb", nil, []string{"fd00::1"}},
		{"limited broadcast", "0.0.0.0", "255.255.255.255", nil, nil},
		{"directed broadcast", "10.0.0.1", "10.0.0.255", nil, []string{"10.0.0.1"}},
		{"255 that sends", "10.0.1.255", "10.0.0.2", nil, []string{"10.0.0.2", "10.0.1.255"}},
		{"loopback", "127.0.0.1", "127.0.0.1", nil, nil},
		{"link-local without MAC", "169.254.3.4", "fe80::5bcc:698e:39d5:cdf", nil, nil},
		{"link-local with built-in MAC", "fe80::66db:8bff:fe21:4ccf", "ff02::fb", nil, []string{"fe80::66db:8bff:fe21:4ccf"}},
		{"scan without answer", "10.0.0.1", "10.0.0.77", func(e *event.Event) { e.SetConnectionInfoState("S0") }, []string{"10.0.0.1"}},
		{"refused", "10.0.0.1", "10.0.0.77", func(e *event.Event) { e.SetConnectionInfoState("REJ") }, []string{"10.0.0.1", "10.0.0.77"}},
		{"mapped IPv4", "::ffff:10.0.0.1", "10.0.0.1", nil, []string{"10.0.0.1"}},
		{"carrier-grade NAT", "100.64.1.2", "10.0.0.2", nil, []string{"10.0.0.2", "100.64.1.2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegistry(t)
			e := flow(0, tt.src, "", tt.dst, "", "")
			if tt.set != nil {
				tt.set(e)
			}
			r.Observe(e)
			var got []string
			for _, d := range r.List() {
				got = append(got, d.IPs...)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("devices (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPublicAddressesThatAreOurs(t *testing.T) {
	zone := Zone{Name: "plant", Level: "1", Subnets: []netip.Prefix{netip.MustParsePrefix("134.217.61.0/24")}}
	r := newRegistry(t, zone)
	r.Observe(flow(0, "134.217.61.131", "", "134.217.61.211", "", "s7comm"))
	if got := one(t, r, "134.217.61.211"); got.Value(KeyZone) != "plant" || got.Value(KeyLevel) != "1" || got.Value(KeyType) != "plc" {
		t.Errorf("in zone: %+v", got.Attributes)
	}

	r = New(Config{AdoptNeighbours: true}, nil, clock)
	r.Observe(flow(0, "134.217.61.131", "", "134.217.61.211", "", "s7comm"))
	r.Observe(flow(0, "134.217.61.131", "", "8.8.8.8", "", "dns"))
	if got := len(r.List()); got != 2 {
		t.Errorf("neighbours: %d devices, want 2", got)
	}

	r = newRegistry(t)
	e := &event.Event{}
	e.SetDeviceIP("5.6.7.8")
	e.SetDeviceHostname("edge-1")
	r.Observe(e)
	if d := one(t, r, "5.6.7.8"); d.UID != e.DeviceUID() || d.Name() != "edge-1" || d.NameSource() != SourceReport {
		t.Errorf("reporting host: %+v", d)
	}
}

func TestLeases(t *testing.T) {
	r := newRegistry(t)
	r.Observe(flow(0, "10.0.0.5", "", "10.0.0.1", "", "dns")) // known by address before its lease is seen
	before := one(t, r, "10.0.0.5").UID
	r.Observe(lease(1, hikMAC, "10.0.0.5", "cam-east"))
	cam := one(t, r, hikMAC)
	if cam.UID != before || cam.Name() != "cam-east" || cam.NameSource() != SourceLease || cam.NameSource().Integrity() != event.Untrusted {
		t.Errorf("after the lease: %+v", cam)
	}
	if cam.Value(KeyVendor) != "Hikvision" {
		t.Errorf("vendor %q", cam.Value(KeyVendor))
	}
	r.Observe(lease(60, hikMAC, "10.0.0.8", "cam-east"))
	if got := one(t, r, hikMAC); got.UID != before || !slices.Equal(got.IPs, []string{"10.0.0.8"}) {
		t.Errorf("moved: %s %v, want %s [10.0.0.8]", got.UID, got.IPs, before)
	}
	old := flow(30, "10.0.0.5", "", "10.0.0.1", "", "dns") // an older log read late
	r.Observe(old)
	if old.SrcEndpointUID() != before {
		t.Errorf("event from before the move went to %s", old.SrcEndpointUID())
	}
	r.Observe(lease(90, siemensMAC, "10.0.0.5", "other"))
	late := flow(91, "10.0.0.5", "", "10.0.0.1", "", "dns")
	r.Observe(late)
	if late.SrcEndpointUID() == before || late.SrcEndpointUID() != one(t, r, siemensMAC).UID {
		t.Errorf("reused address resolved to %s", late.SrcEndpointUID())
	}
}

func TestAddressMovesToAnotherMAC(t *testing.T) {
	r := newRegistry(t)
	r.Observe(flow(0, "10.0.0.5", siemensMAC, "10.0.0.1", "", "dns"))
	r.Observe(flow(1, "10.0.0.5", hikMAC, "10.0.0.1", "", "dns"))
	a, b := one(t, r, siemensMAC), one(t, r, hikMAC)
	if a.UID == b.UID || len(a.IPs) != 0 || !slices.Equal(b.IPs, []string{"10.0.0.5"}) {
		t.Errorf("a %s %v, b %s %v", a.UID, a.IPs, b.UID, b.IPs)
	}
}

func TestGatewaySwallowsNobody(t *testing.T) {
	r := newRegistry(t)
	for i := range 20 {
		ip := fmt.Sprintf("10.%d.0.5", i+1)
		r.Observe(flow(i, ip, routerMAC, "10.99.0.1", "", "http"))
		r.Observe(flow(i, ip, routerMAC, "10.99.0.1", "", "http"))
	}
	uids := make(map[string]bool)
	for i := range 20 {
		uids[one(t, r, fmt.Sprintf("10.%d.0.5", i+1)).UID] = true
	}
	if len(uids) != 20 {
		t.Errorf("20 addresses behind a router became %d devices", len(uids))
	}
	gw := one(t, r, routerMAC)
	if !gw.Gateway || gw.Value(KeyType) != "router" || gw.Value(KeyVendor) != "Cisco" || len(gw.IPs) != 0 {
		t.Errorf("gateway: %+v", gw)
	}
	for _, d := range r.List() {
		if d.UID != gw.UID && d.Value(KeyVendor) == "Cisco" {
			t.Errorf("%s kept the router's vendor", d.UID)
		}
	}
}

func TestRouterToTheInternetKeepsItsAddress(t *testing.T) {
	r := newRegistry(t)
	r.Observe(flow(0, "10.0.0.5", siemensMAC, "8.8.8.8", routerMAC, "dns"))
	r.Observe(flow(1, "10.0.0.5", siemensMAC, "10.0.0.1", routerMAC, "dns"))
	gw := one(t, r, "10.0.0.1")
	if !gw.Gateway || gw.Value(KeyType) != "router" || !slices.Equal(gw.MACs, []string{routerMAC}) {
		t.Errorf("router: %+v", gw)
	}
}

func TestHostileNames(t *testing.T) {
	for _, name := range []string{"failed", "count", "industrial sensors", "plc", "=cmd|' /C calc'!A0", "a\x00b\x1b[31m", strings.Repeat("x", 5000), "\u202egnp"} {
		r := newRegistry(t)
		if err := r.Set(firstDevice(r, "10.0.0.9"), KeyName, "turbine"); err != nil {
			t.Fatal(err)
		}
		r.Observe(lease(0, hikMAC, "10.0.0.5", name))
		r.Observe(lease(1, siemensMAC, "10.0.0.6", "turbine")) // an operator's name claimed by another
		d := one(t, r, hikMAC)
		if d.Value(KeyType) != "" || d.Value(KeyZone) != "" || len(d.Name()) > maxText*4 || strings.ContainsAny(d.Name(), "\x00\x1b") {
			t.Errorf("%q: %+v", name, d)
		}
		if d.NameSource() == SourceOperator || d.NameSource().Integrity() == event.Operator {
			t.Errorf("%q: taken for an operator's word", name)
		}
		if got := one(t, r, "10.0.0.9"); got.Name() != "turbine" || got.NameSource() != SourceOperator || len(got.MACs) != 0 {
			t.Errorf("the operator's device changed: %+v", got)
		}
	}
}

func firstDevice(r *Registry, ip string) string {
	e := flow(0, ip, "", "8.8.8.8", "", "")
	r.Observe(e)
	return e.DeviceUID()
}

func TestReportingHosts(t *testing.T) {
	r := newRegistry(t)
	line := func(host string) *event.Event {
		e := &event.Event{}
		e.SetTime(event.SlotTime, start)
		e.SetClassUID(int64(event.Authentication))
		e.SetDeviceHostname(host)
		e.SetSrcEndpointIP("203.0.113.9")
		r.Observe(e)
		return e
	}
	a, b := line("LabSZ"), line("labsz")
	if a.DeviceUID() == "" || a.DeviceUID() != b.DeviceUID() || a.SrcEndpointUID() != "" {
		t.Errorf("a %q b %q src %q", a.DeviceUID(), b.DeviceUID(), a.SrcEndpointUID())
	}
	if got := line("localhost").DeviceUID(); got != "" {
		t.Errorf("localhost became %q", got)
	}
	e := &event.Event{}
	e.SetDeviceHostname("LabSZ")
	e.SetSrcEndpointIP("127.0.0.1")
	r.Observe(e)
	if e.SrcEndpointUID() != a.DeviceUID() {
		t.Errorf("loopback resolved to %q", e.SrcEndpointUID())
	}
}

func TestRoles(t *testing.T) {
	r := newRegistry(t)
	for i := range 10 {
		e := flow(i, "10.0.0.50", "", fmt.Sprintf("10.0.0.%d", 100+i), "", "")
		e.SetICSProtocol("modbus")
		r.Observe(e)
	}
	r.Observe(flow(20, "10.0.0.60", "", "10.0.0.61", "", "rtsp"))
	r.Observe(flow(21, "10.0.0.60", "", "10.0.0.62", "", "dicom"))
	r.Observe(flow(22, "10.0.0.60", "", "10.0.0.63", "", "gssapi,smb,krb"))
	r.Observe(flow(22, "10.0.0.65", "", "10.0.0.65", "", "s7comm")) // captured on the host itself
	byPort := flow(23, "10.0.0.60", "", "10.0.0.64", "", "")
	byPort.SetDstEndpointPort(9100)
	closed := flow(23, "10.0.0.60", "", "10.0.0.66", "", "")
	closed.SetDstEndpointPort(502)
	closed.SetConnectionInfoState("REJ")
	r.Observe(closed)
	file := flow(23, "10.0.0.63", "", "10.0.0.66", "", "http")
	file.SetClassUID(int64(event.NetworkFileActivity))
	r.Observe(file)
	r.Observe(byPort)
	publish := flow(24, "10.0.0.70", "", "10.0.0.71", "", "mqtt")
	publish.SetMQTTTopic("line1/temperature")
	r.Observe(publish)
	scan := flow(25, "10.0.0.80", "", "10.0.0.100", "", "")
	scan.SetDstEndpointPort(502)
	scan.SetConnectionInfoState("S0")
	r.Observe(scan)
	want := map[string]string{
		"10.0.0.50": "scada server", "10.0.0.100": "plc", "10.0.0.61": "camera", "10.0.0.62": "medical device",
		"10.0.0.63": "server", "10.0.0.64": "printer", "10.0.0.65": "plc", "10.0.0.66": "", "10.0.0.70": "industrial sensor", "10.0.0.71": "gateway", "10.0.0.80": "",
	}
	for ip, typ := range want {
		if got := one(t, r, ip).Value(KeyType); got != typ {
			t.Errorf("%s is %q, want %q", ip, got, typ)
		}
	}
}

func TestIdentityLogs(t *testing.T) {
	record := func(log, src, dst string, extras ...string) *event.Event {
		e := flow(0, src, "", dst, "", "")
		e.Unset(event.SlotConnectionInfoState)
		e.SetMetadataLogName("zeek/" + log)
		for i := 0; i+1 < len(extras); i += 2 {
			e.SetExtra(extras[i], extras[i+1])
		}
		return e
	}
	tests := []struct {
		event *event.Event
		ip    string
		want  map[Key]string
	}{
		{
			record("s7comm_known_devices", "10.0.0.1", "10.0.0.2", "module_name", "CPU 315-2 PN/DP", "automation_system_name", "SNAP7-SERVER", "module_serial", "S C-C2UR28922012", "plant_name", "(empty)"),
			"10.0.0.2",
			map[Key]string{KeyModel: "CPU 315-2 PN/DP", KeyName: "SNAP7-SERVER", KeySerial: "S C-C2UR28922012", KeyVendor: "Siemens", KeyType: "plc", KeyLocation: ""},
		},
		{
			record("cip_identity", "10.1.1.167", "10.1.1.164", "source_h", "10.1.1.164", "vendor_name", "Rockwell Automation/Allen-Bradley", "device_type_name", "Communications Adapter", "revision", "4.3", "product_name", "1756-ENBT/A", "serial_number", "0x00524d8e"),
			"10.1.1.164",
			map[Key]string{KeyVendor: "Rockwell Automation", KeyModel: "1756-ENBT/A", KeyFirmware: "4.3", KeyType: "plc", KeySerial: "0x00524d8e"},
		},
		{
			record("bacnet_discovery", "172.20.32.108", "172.20.32.255", "pdu_service", "i-am", "object_type", "device", "vendor", "Cornell University"),
			"172.20.32.108",
			map[Key]string{KeyVendor: "Cornell University", KeyType: "building controller"},
		},
		{
			record("bacnet_property", "172.20.32.200", "172.20.32.109", "is_orig", "F", "source_h", "172.20.32.109", "pdu_service", "read-property-ack", "object_type", "device", "property", "model-name", "value", "HIY-054"),
			"172.20.32.109",
			map[Key]string{KeyModel: "HIY-054"},
		},
		{
			record("modbus_read_device_identification", "10.0.0.1", "10.0.0.3", "object_id", "VendorName", "object_value", "Schneider Electric"),
			"10.0.0.3",
			map[Key]string{KeyVendor: "Schneider Electric", KeyType: "plc"},
		},
	}
	known := record("known_services", "10.0.0.4", "")
	known.SetAppName("SSH, RTSP")
	tests = append(tests, tests[0])
	last := &tests[len(tests)-1]
	last.event, last.ip, last.want = known, "10.0.0.4", map[Key]string{KeyType: "camera"}
	for _, tt := range tests {
		r := newRegistry(t)
		r.Observe(tt.event)
		got := one(t, r, tt.ip)
		for k, v := range tt.want {
			if got.Value(k) != v {
				t.Errorf("%s: %s = %q, want %q", tt.event.MetadataLogName(), k, got.Value(k), v)
			}
		}
	}
}

func TestZonesAndLabels(t *testing.T) {
	r := newRegistry(t,
		Zone{Name: "plant", Level: "2", Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Confidentiality: event.Internal},
		Zone{Name: "cell 1", Level: "1", Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.1.0/24")}, Criticality: "high", Confidentiality: event.Restricted})
	e := flow(0, "10.1.2.3", "", "10.1.1.4", "", "modbus")
	r.Observe(e)
	if e.LabelConfidentiality() != event.Restricted {
		t.Errorf("label %q", e.LabelConfidentiality())
	}
	row := one(t, r, "10.1.1.4").Row()
	if row.Zone != "cell 1" || row.Level != "1" || row.Criticality != "high" || row.Type != "plc" || row.Name != "10.1.1.4" {
		t.Errorf("row %+v", row)
	}
	r.Observe(flow(1, "10.1.2.3", "", "10.1.255.255", "", "bacnet"))
	if len(r.Find("10.1.255.255")) != 0 {
		t.Error("the zone's broadcast address became a device")
	}
}

func TestSetValidates(t *testing.T) {
	r := newRegistry(t)
	uid := firstDevice(r, "10.0.0.1")
	tests := []struct {
		key         Key
		value, want string // want "" means an error
	}{
		{KeyType, "PLCs", "plc"},
		{KeyType, "Human Machine Interface", "hmi"},
		{KeyType, "sensors", "industrial sensor"},
		{KeyType, "camrea", ""},
		{KeyType, "wind turbine", "wind turbine"},
		{KeyCriticality, "High", "high"},
		{KeyCriticality, "yes", ""},
		{KeyLevel, "Level 3.5", "3.5"},
		{KeyLevel, "dmz", "3.5"},
		{KeyLevel, "9", ""},
		{KeyName, "pump\x00", ""},
		{"colour", "red", ""},
		{"ip", "224.0.0.1", ""},
		{"mac", "ff:ff:ff:ff:ff:ff", ""},
	}
	for _, tt := range tests {
		err := r.Set(uid, tt.key, tt.value)
		if (err != nil) != (tt.want == "") {
			t.Errorf("Set(%s, %q): %v", tt.key, tt.value, err)
			continue
		}
		d, _ := r.Get(uid)
		if err == nil && (d.Value(tt.key) != tt.want || d.Attributes[tt.key].Source != SourceOperator) {
			t.Errorf("Set(%s, %q) = %+v", tt.key, tt.value, d.Attributes[tt.key])
		}
	}
	r.Observe(flow(0, "10.0.0.9", "", "10.0.0.1", "", "rtsp"))
	if d, _ := r.Get(uid); d.Value(KeyType) != "wind turbine" {
		t.Errorf("traffic overruled the operator: %q", d.Value(KeyType))
	}
	if err := r.Set(uid, KeyType, ""); err != nil {
		t.Fatal(err)
	}
	if d, _ := r.Get(uid); d.Value(KeyType) != "camera" {
		t.Errorf("after taking the word back: %q", d.Value(KeyType))
	}
}

func TestSnapshotRoundTrip(t *testing.T) {
	r := newRegistry(t)
	for i := range 12 {
		r.Observe(flow(i, "10.0.0.50", hikMAC, fmt.Sprintf("10.0.0.%d", 100+i), "", "modbus"))
	}
	r.Observe(lease(20, siemensMAC, "10.0.0.100", "plc-a"))
	if err := r.Set(one(t, r, "10.0.0.101").UID, KeyName, "boiler"); err != nil {
		t.Fatal(err)
	}
	records, _, err := r.Dirty()
	if err != nil {
		t.Fatal(err)
	}
	again := newRegistry(t)
	if problems := again.Restore(slices.Values(append(records, Record{ID: "x", JSON: []byte("{")}))); len(problems) != 1 {
		t.Errorf("problems %v, want one", problems)
	}
	if diff := cmp.Diff(r.List(), again.List(), cmp.AllowUnexported(Device{})); diff != "" {
		t.Errorf("restored (-before +after):\n%s", diff)
	}
	if more, _, _ := again.Dirty(); len(more) != 0 {
		t.Errorf("%d devices dirty after restoring", len(more))
	}
	e := flow(30, "10.0.0.100", siemensMAC, "10.0.0.50", "", "")
	again.Observe(e)
	if e.SrcEndpointUID() != one(t, r, siemensMAC).UID {
		t.Error("the restored registry resolves otherwise")
	}
	if more, _, _ := again.Dirty(); len(more) != 2 {
		t.Errorf("%d devices dirty, want the two whose last-seen moved by minutes", len(more))
	}
}

func TestRegistryIsBounded(t *testing.T) {
	r := New(Config{MaxDevices: 10}, nil, clock)
	for i := range 1000 {
		r.Observe(flow(i, fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), "", "8.8.8.8", "", ""))
	}
	if s := r.Stats(); s.Devices != 10 || s.Refused == 0 {
		t.Errorf("%+v", s)
	}
	r = newRegistry(t)
	for i := range 5000 {
		r.Observe(lease(i, hikMAC, fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), fmt.Sprintf("name-%d", i)))
	}
	d := one(t, r, hikMAC)
	if len(d.Evidence) > maxEvidence+1 || // one is the reason for the computed state
		len(d.Bindings) > maxBindings+maxIPs || len(d.Changes) > maxChanges || len(d.Hostnames) > maxHostnames || len(d.IPs) > maxIPs {
		t.Errorf("evidence %d, hostnames %d, addresses %d", len(d.Evidence), len(d.Hostnames), len(d.IPs))
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	r := newRegistry(t)
	e := flow(0, "10.0.0.5", hikMAC, "10.0.0.9", siemensMAC, "modbus")
	r.Observe(e)
	if n := testing.AllocsPerRun(100, func() { r.Observe(e) }); n > 0 {
		t.Errorf("%v allocations for a known flow", n)
	}
}

func TestOUI(t *testing.T) {
	oui := testOUI(t)
	if oui.Len() < 39000 {
		t.Errorf("%d prefixes", oui.Len())
	}
	for mac, want := range map[string]string{siemensMAC: "Siemens", hikMAC: "Hikvision", routerMAC: "Cisco", "02:1b:1b:00:00:01": "", "08:00:27:7f:09:e1": "VirtualBox"} {
		if _, got, _ := oui.Vendor(mac); got != want {
			t.Errorf("%s is of %q, want %q", mac, got, want)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	r := newRegistry(b)
	events := make([]*event.Event, 1024)
	for i := range events {
		events[i] = flow(i, fmt.Sprintf("10.0.%d.%d", i%4, i%200+1), "", fmt.Sprintf("10.1.0.%d", i%40+1), "", "modbus")
		if i%4 == 0 {
			events[i].SetDstEndpointIP("93.184.216.34")
		}
		r.Observe(events[i])
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Observe(events[i%len(events)])
		i++
	}
}
