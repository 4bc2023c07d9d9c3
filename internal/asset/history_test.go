package asset

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/content"
	"vedette/internal/asset/fingerprint"
	"vedette/internal/event"
)

func (r *Registry) mustFind(t *testing.T, text string) Device {
	t.Helper()
	return one(t, r, text)
}

// A person's merge holds, survives a restart, and can be taken back.
func TestMergeAndUndo(t *testing.T) {
	r := newRegistry(t)
	r.Observe(flow(1, "10.0.0.1", "00:1b:1b:00:00:01", "10.0.0.2", "00:1b:1b:00:00:02", "modbus"))
	a, b := r.mustFind(t, "10.0.0.1"), r.mustFind(t, "10.0.0.2")
	if _, err := r.Merge(a.UID, b.UID, "two ports of one PLC"); err != nil {
		t.Fatal(err)
	}
	r.Observe(flow(2, "10.0.0.1", "00:1b:1b:00:00:01", "10.0.0.2", "00:1b:1b:00:00:02", "modbus"))
	r = restored(t, r)
	m := r.mustFind(t, b.UID)
	if m.UID != a.UID || r.mustFind(t, "10.0.0.2").UID != a.UID || len(m.Rows()) != 2 || m.Rows()[1].AliasOf != a.UID {
		t.Fatalf("merged: %+v", m)
	}
	if c := m.Changes[0]; c.What != "merged" || c.Source != SourceOperator || c.Why != "two ports of one PLC" {
		t.Errorf("change %+v", c)
	}
	other, err := r.Undo(a.UID, "no, two PLCs")
	if err != nil || other.UID != b.UID {
		t.Fatalf("undo: %+v, %v", other, err)
	}
	r.Observe(flow(3, "10.0.0.1", "00:1b:1b:00:00:01", "10.0.0.2", "00:1b:1b:00:00:02", "modbus"))
	r = restored(t, r)
	if x, y := r.mustFind(t, "10.0.0.1"), r.mustFind(t, "10.0.0.2"); x.UID != a.UID || y.UID != b.UID || len(r.Aliases()) != 0 {
		t.Errorf("after undo: %s and %s, aliases %v", x.UID, y.UID, r.Aliases())
	}
	if _, err := r.Undo(a.UID, "again"); err == nil {
		t.Error("what was undone is undone again")
	}
}

// What a person took off a device stays off, although the traffic would join
// it again; taking the split back joins it.
func TestSplitHolds(t *testing.T) {
	const mac = "00:1b:1b:00:00:01"
	r := newRegistry(t)
	r.Observe(flow(1, "10.0.0.1", mac, "10.0.0.9", "", "modbus"))
	r.Observe(flow(2, "10.0.0.2", mac, "10.0.0.9", "", "modbus"))
	whole := r.mustFind(t, "10.0.0.1")
	part, err := r.Split(whole.UID, "10.0.0.2", "a virtual machine")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		r.Observe(flow(3+i, "10.0.0.2", mac, "10.0.0.9", "", "modbus"))
	}
	if got := r.mustFind(t, "10.0.0.2").UID; got != part.UID || got == whole.UID {
		t.Errorf("10.0.0.2 is %s, want %s", got, part.UID)
	}
	r = restored(t, r)
	back, err := r.Undo(part.UID, "it is the same after all")
	if err != nil || back.UID != whole.UID || r.mustFind(t, "10.0.0.2").UID != whole.UID {
		t.Errorf("undo: %s, %v", back.UID, err)
	}
	for _, what := range []string{"10.9.9.9", mac, "nonsense"} {
		if _, err := r.Split(whole.UID, what, "x"); err == nil && what != mac {
			t.Errorf("%s was split off", what)
		}
	}
}

func TestAddressesOverTime(t *testing.T) {
	r := newRegistry(t)
	r.Observe(lease(0, "00:1b:1b:00:00:01", "10.0.0.5", ""))
	r.Observe(lease(60, "00:1b:1b:00:00:02", "10.0.0.5", ""))
	got := r.mustFind(t, "00:1b:1b:00:00:01").Bindings
	want := []Binding{{IP: "10.0.0.5", MAC: "00:1b:1b:00:00:01", From: start, Until: start.Add(time.Hour)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bindings:\n%s", diff)
	}
}

func TestLifecycle(t *testing.T) {
	const day = 24 * 60
	r := newRegistry(t)
	r.Observe(flow(0, "10.0.0.1", "", "10.0.0.2", "", "modbus"))
	for _, ip := range []string{"10.0.0.3", "10.0.0.4", "10.0.0.5"} {
		r.Observe(flow(1, ip, "", "", "", ""))
	}
	set := func(ip, state string) {
		t.Helper()
		if err := r.Set(r.mustFind(t, ip).UID, KeyState, state); err != nil {
			t.Fatal(err)
		}
	}
	set("10.0.0.3", "approved")
	set("10.0.0.4", "decommissioned")
	if _, _, err := r.Dirty(); err != nil {
		t.Fatal(err)
	}
	check := func(when string, want map[string]string) {
		t.Helper()
		got := map[string]string{}
		for ip := range want {
			got[ip] = r.mustFind(t, ip).Value(KeyState)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", when, diff)
		}
	}
	check("first day", map[string]string{"10.0.0.1": "new", "10.0.0.3": "approved", "10.0.0.4": "retired"})
	r.Observe(flow(8*day, "10.0.0.1", "", "10.0.0.2", "", "modbus"))
	check("after a week", map[string]string{"10.0.0.1": "known", "10.0.0.3": "approved"})
	r.Observe(flow(20*day, "10.0.0.1", "", "", "", ""))
	check("after three weeks", map[string]string{"10.0.0.1": "known", "10.0.0.3": "silent", "10.0.0.4": "retired", "10.0.0.5": "silent"})
	_, changed, err := r.Dirty()
	if err != nil || len(changed) != 4 { // all but the retired one
		t.Errorf("%d devices are handed out after their state changed, %v", len(changed), err)
	}
	if err := r.Set(r.mustFind(t, "10.0.0.1").UID, KeyState, "silent"); err == nil {
		t.Error("a computed state was set")
	}
}

func TestClaims(t *testing.T) {
	r := newRegistry(t)
	r.UseFingerprints(testPrints(t))
	claimed := func(minute int, set func(*event.Event)) {
		e := &event.Event{}
		e.SetTime(event.SlotTime, start.Add(time.Duration(minute)*time.Minute))
		e.SetClassUID(int64(event.DeviceInventoryInfo))
		e.SetDeviceIP("10.0.0.7")
		set(e)
		r.Observe(e)
	}
	claimed(0, func(e *event.Event) {
		e.SetIdentitySource("snmp.sys_description")
		e.SetIdentityBanner("HP ETHERNET MULTI-ENVIRONMENT,ROM none,JETDIRECT,JD149,EEPROM JSI23900028,CIDATE 05/06/2016")
	})
	if d := r.mustFind(t, "10.0.0.7"); d.Value(KeyType) != "printer" || d.Attributes[KeyVendor].Source != SourceBanner || d.Attributes[KeyVendor].Source.Integrity() != event.Untrusted {
		t.Errorf("by its banner: %+v", d.Attributes)
	}
	claimed(1, func(e *event.Event) {
		e.SetIdentitySource("profinet dcp")
		e.SetIdentityVendor("Siemens AG")
		e.SetIdentityModel("S7-1200")
		e.SetIdentitySerial("S C-1")
		e.SetIdentityName("failed")
		e.SetIdentityType("IO-Controller")
		e.SetIdentityOs("VxWorks")
		e.SetIdentityFirmware("V4.2")
	})
	claimed(2, func(e *event.Event) {
		e.SetIdentitySource("profinet dcp")
		e.SetIdentityType("all hosts that failed")
		e.SetIdentityVendor("unknown")
	})
	got := map[Key]string{}
	d := r.mustFind(t, "10.0.0.7")
	for k, a := range d.Attributes {
		got[k] = a.Value
	}
	want := map[Key]string{
		KeyVendor: "Siemens", KeyModel: "S7-1200", KeySerial: "S C-1", KeyName: "failed", KeyType: "plc", KeyOS: "VxWorks", KeyFirmware: "V4.2", KeyState: "new",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims:\n%s", diff)
	}
	stranger := &event.Event{}
	stranger.SetClassUID(int64(event.DeviceInventoryInfo))
	stranger.SetDeviceIP("203.0.113.9")
	stranger.SetIdentitySource("ssh.banner")
	stranger.SetIdentityBanner("OpenSSH_9.6")
	r.Observe(stranger)
	if r.Stats().Devices != 1 {
		t.Error("a stranger whose greeting was overheard is a device")
	}
}

// Seeing the same again allocates nothing.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	r := newRegistry(t)
	r.UseFingerprints(testPrints(t))
	ssh := flow(1, "10.0.0.1", "00:1b:1b:00:00:01", "10.0.0.2", "00:1b:1b:00:00:02", "ssh")
	ssh.SetSSHServer("SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.1")
	said := flow(1, "", "", "", "", "")
	said.SetClassUID(int64(event.DeviceInventoryInfo))
	said.SetDeviceIP("10.0.0.2")
	said.SetIdentitySource("enip identity")
	said.SetIdentityVendor("Rockwell Automation/Allen-Bradley")
	said.SetIdentityModel("1756-ENBT/A")
	said.SetIdentityType("Communications Adapter")
	for name, e := range map[string]*event.Event{"ssh": ssh, "enip": said} {
		r.Observe(e)
		if n := testing.AllocsPerRun(200, func() { r.Observe(e) }); n != 0 {
			t.Errorf("%s: %v allocations an event", name, n)
		}
	}
	if d := r.mustFind(t, "10.0.0.2"); d.Value(KeyOS) == "" || d.Value(KeyType) != "plc" {
		t.Errorf("learnt %+v", d.Attributes)
	}
}

func testPrints(t testing.TB) *fingerprint.Set {
	t.Helper()
	prints, err := fingerprint.Parse(content.Recog())
	if err != nil {
		t.Fatal(err)
	}
	return prints
}

// restored is the registry after a new start.
func restored(t *testing.T, r *Registry) *Registry {
	t.Helper()
	for uid := range r.nodes {
		r.Retry(uid)
	}
	for uid := range r.alias {
		r.Retry(uid)
	}
	records, _, err := r.Dirty()
	if err != nil {
		t.Fatal(err)
	}
	again := newRegistry(t)
	if problems := again.Restore(slices.Values(records)); len(problems) > 0 {
		t.Fatal(problems)
	}
	return again
}
