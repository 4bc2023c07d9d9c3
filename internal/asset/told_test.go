package asset

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// Which zones a text means, and in which a device is, is told as the copies of the
// devices tell it.
func TestZonesMeant(t *testing.T) {
	r := newRegistry(t, Zone{Name: "ovens", Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}, Zone{Name: "docks", Subnets: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("fd00::/64")}})
	inventory := "ip,mac,name\n10.1.0.5,02:00:00:00:00:01,pump\n10.2.0.5,02:00:00:00:00:02,pump\n10.2.0.6,,gate.north\nfd00::7,,dead:beef\n10.9.0.1,,10 4 main st\n"
	if _, err := r.Import(strings.NewReader(inventory)); err != nil {
		t.Fatal(err)
	}
	texts := []string{"", "pump", "PUMP ", "10.1.0.5", "10.2.0.6", "fd00::7", "::ffff:10.2.0.5", "dead:beef", "gate.north", "gate", "02:00:00:00:00:02", "02-00-00-00-00-01", "020000000001", "10 4 main st", "10.2.0.99", "none"}
	for _, d := range r.List() {
		texts = append(texts, d.UID)
	}
	found := 0
	for _, text := range texts {
		list := r.Find(text)
		found += len(list)
		for _, zone := range []string{"ovens", "docks", ""} {
			want := slices.ContainsFunc(list, func(d Device) bool { return d.Value(KeyZone) == zone })
			if got := r.ZonesMeant(text, func(z string) bool { return z == zone }); got != want {
				t.Errorf("%q means a device of %q: %v, want %v", text, zone, got, want)
			}
		}
		d, there := r.Get(text)
		if zone, ok := r.ZoneOf(text); ok != there || zone != d.Value(KeyZone) {
			t.Errorf("the zone of %q is %q, %v", text, zone, ok)
		}
	}
	if found < 16 {
		t.Errorf("only %d were found", found)
	}
}
