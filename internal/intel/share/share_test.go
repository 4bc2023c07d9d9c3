package share

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func finding(uid, kind, value string) event.Finding {
	return event.Finding{
		UID: uid, Rule: "indicator/" + kind + "/" + value, Family: event.FamilyIndicator, Confidence: 0.9, Time: start, First: start.Add(-time.Minute), Count: 3,
		Src: event.Side{IP: "10.0.0.5"}, Dst: event.Side{IP: "203.0.113.9", Port: 23}, Reasons: []event.Reason{{Feature: "family", Observed: "mirai"}},
	}
}

func options() Options {
	return Options{Collection: Collection{Name: "x", TLP: intel.Green}, Site: Site{Namespace: UUID{1}, Name: "North"}}
}

// TestIDs: ids of observables are those that everyone gives them.
func TestIDs(t *testing.T) {
	dns := UUID{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	if got := dns.Of("python.org").String(); got != "886313e1-3b8a-5372-9b90-0c9aee199e5d" {
		t.Error(got)
	}
	if got := observableID("ipv4-addr", map[string]any{"value": "198.51.100.3"}); got != "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4" { // as Python uuid5 makes it
		t.Error(got)
	}
}

// TestRoundTrip: what is written of an indicator is read back by the reader of
// feeds as the same indicator.
func TestRoundTrip(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for kind, value := range map[string]string{
		"ip": "45.9.9.9", "subnet": "45.9.8.0/24", "ip:port": "45.9.9.9:23", "domain": "evil.example", "url": "evil.example/x'.sh", "md5": hash[:32], "sha1": hash[:40], "sha256": hash,
		"email": "bad@evil.example",
	} {
		objects, left := Objects([]event.Finding{finding("u1", kind, value)}, options())
		if left != (Left{}) {
			t.Errorf("%s: %+v", kind, left)
		}
		var got []string
		_, err := feed.Read(context.Background(), feed.Document{Name: "x", Reader: strings.NewReader(bundle(objects))}, feed.Options{Source: "x"}, func(in intel.Indicator) error {
			got = append(got, fmt.Sprint(in.Type, " ", in.Value, " ", in.Confidence, " ", in.Family, " ", in.TLP, " ", in.Sightings))
			return nil
		})
		want := kind + " " + value + " 90 mirai green 3"
		if err != nil || len(got) == 0 || got[0] != want {
			t.Errorf("%s: %v %q, want %q", kind, err, got, want)
		}
	}
}

func bundle(objects []Object) string {
	var parts []string
	for _, o := range objects {
		parts = append(parts, string(o.JSON))
	}
	return `{"type":"bundle","id":"bundle--1","objects":[` + strings.Join(parts, ",") + `]}`
}

// TestStaysHere: what is not to go out does not, and is counted.
func TestStaysHere(t *testing.T) {
	confidential, restricted := finding("c", "ip", "45.9.9.1"), finding("r", "ip", "45.9.9.2")
	confidential.Labels.Confidentiality, restricted.Labels.Confidentiality = event.Confidential, event.Restricted
	list := []event.Finding{
		confidential, restricted, finding("a", "ip", "45.9.9.3"), finding("p", "ip", "10.1.1.1"), finding("o", "url", "192.0.2.77:8080/x.sh"), finding("j", "ja4", "t13d1516h2_8daaf6152771_e5627efa2ab1"),
		{UID: "s", Rule: "some-rule", Family: event.FamilySigma},
		finding("d", "subnet", "45.9.8.0/24"),
	}
	list[7].Dst.IP = "45.9.8.7"
	o := options()
	o.Local = func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.77") }
	o.Mark = func(_ intel.Type, value string, _ time.Time) intel.TLP {
		return map[string]intel.TLP{"45.9.9.3": intel.AmberStrict}[value]
	}
	objects, left := Objects(list, o)
	if want := (Left{Strict: 3, Ours: 2, NoForm: 1, NotRead: 1}); left != want {
		t.Errorf("%+v, want %+v", left, want)
	}
	text := bundle(objects)
	for _, s := range []string{"45.9.9.1", "45.9.9.2", "45.9.9.3", "10.", "192.0.2.77"} {
		if strings.Contains(text, s) {
			t.Errorf("%s went out", s)
		}
	}
	if !strings.Contains(text, "45.9.8.7") {
		t.Error("the address in the subnet is not told")
	}
	o.TLP, o.Addresses = intel.Red, true
	objects, left = Objects(list, o)
	if text = bundle(objects); left.Strict+left.Ours != 0 || !strings.Contains(text, "10.0.0.5") || !strings.Contains(text, "TLP:RED") {
		t.Errorf("%+v %s", left, text)
	}
}

// TestLedger: what was noted stays so over a restart and a cut line, and no two
// are offered at one moment.
func TestLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.ledger")
	at := start
	now := func() time.Time { return at }
	l, err := OpenLedger(path, now)
	if err != nil {
		t.Fatal(err)
	}
	_, first := l.Note("a", start)
	_, second := l.Note("b", start)
	if !second.After(first) {
		t.Error(first, second)
	}
	if err := l.Keep([]Object{{ID: "a"}, {ID: "b"}}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(raw, "c 17"...), 0o600); err != nil {
		t.Fatal(err)
	}
	at = at.Add(-time.Hour) // the clock was set back
	if l, err = OpenLedger(path, now); err != nil {
		t.Fatal(err)
	}
	if _, again := l.Note("b", at); !again.Equal(second) {
		t.Error(again, second)
	}
	if _, third := l.Note("c", at); !third.After(second) {
		t.Error(third)
	}
	if err := l.Keep(make([]Object, 3)); err != nil {
		t.Fatal(err)
	}
	if l, err = OpenLedger(path, now); err != nil || len(l.entries) != 3 {
		t.Errorf("%v %v", err, l.entries)
	}
	for i := range 3000 {
		l.Note(fmt.Sprint(i), at)
	}
	if err := l.Keep([]Object{{ID: "7"}}); err != nil || len(l.entries) != 1 {
		t.Errorf("%v: %d are kept", err, len(l.entries))
	}
}

// FuzzFinding: whatever a finding says, each object is valid JSON with an id of
// its type, refers only to objects that go out too, and no address of ours does.
func FuzzFinding(f *testing.F) {
	f.Add("ip", "45.9.9.9", "mirai", "10.0.0.5")
	f.Add("url", "evil.example/'\\x", "a\x00b", "fe80::1%x")
	f.Add("subnet", "45.0.0.0/8", "", "45.1.1.1")
	f.Fuzz(func(t *testing.T, kind, value, family, src string) {
		one := finding("u", kind, value)
		one.Src.IP, one.Reasons[0].Observed = src, family
		objects, _ := Objects([]event.Finding{one}, options())
		ids := map[string]bool{}
		for _, o := range objects {
			ids[o.ID] = true
		}
		for _, o := range objects {
			var m map[string]any
			if err := json.Unmarshal(o.JSON, &m); err != nil || m["id"] != o.ID || !strings.HasPrefix(o.ID, m["type"].(string)+"--") {
				t.Fatalf("%v %s", err, o.JSON)
			}
			for key, v := range m {
				if one, ok := v.(string); ok && strings.HasSuffix(key, "_ref") && !ids[one] {
					t.Errorf("%s refers to %s, which is not there", o.ID, one)
				}
			}
			if a, err := netip.ParseAddr(fmt.Sprint(m["value"])); err == nil && intel.IsLocal(a) {
				t.Errorf("an address of ours went out: %s", o.JSON)
			}
		}
	})
}
