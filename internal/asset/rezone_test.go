package asset_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/asset"
	"vedette/internal/event"
)

// What is foretold of other zones is what becomes of them: a person's word stands, a
// narrower subnet wins, and a zone that goes takes with it what it gave.
func TestRezone(t *testing.T) {
	at := time.Date(2025, 12, 1, 10, 0, 0, 0, time.UTC)
	zone := func(name, subnet, level string) asset.Zone {
		return asset.Zone{Name: name, Level: level, Subnets: []netip.Prefix{netip.MustParsePrefix(subnet)}}
	}
	r := asset.New(asset.Config{Site: "s", Zones: []asset.Zone{zone("plant", "10.1.0.0/16", "2")}}, nil, func() time.Time { return at })
	for _, ip := range []string{"10.1.0.1", "10.1.5.1", "10.1.5.2", "10.2.0.1"} {
		e := new(event.Event)
		e.SetTimeField(at)
		e.SetSrcEndpointIP(ip)
		e.SetDstEndpointIP("10.1.0.9")
		r.Observe(e)
	}
	uid := func(ip string) string { return r.Find(ip)[0].UID }
	if err := r.Set(uid("10.1.5.2"), asset.KeyZone, "lab"); err != nil {
		t.Fatal(err)
	}
	zones := func() map[string]string {
		out := map[string]string{}
		for _, d := range r.List() {
			for _, ip := range d.IPs {
				out[ip] = d.Value(asset.KeyZone) + " " + d.Value(asset.KeyLevel)
			}
		}
		return out
	}
	for _, next := range [][]asset.Zone{
		{zone("plant", "10.1.0.0/16", "2"), zone("press", "10.1.5.0/24", "1")},
		{zone("plant", "10.1.0.0/16", "3"), zone("press", "10.1.5.0/24", "1"), zone("office", "10.2.0.0/16", "4")},
		{zone("office", "10.0.0.0/8", "4")},
		nil,
		{zone("plant", "10.1.0.0/16", "2")},
	} {
		before := zones()
		moves := r.WouldRezone(next)
		if diff := cmp.Diff(before, zones()); diff != "" {
			t.Fatalf("foretelling moved devices: %s", diff)
		}
		was := map[string]string{}
		for _, d := range r.List() {
			was[d.UID] = d.Value(asset.KeyZone)
		}
		r.Rezone(next)
		foretold := map[string]string{}
		for _, m := range moves {
			if m.From != was[m.UID] || m.Name == "" {
				t.Errorf("%+v, and it was in %q", m, was[m.UID])
			}
			foretold[m.UID] = m.To
		}
		became := map[string]string{}
		for _, d := range r.List() {
			if z := d.Value(asset.KeyZone); z != was[d.UID] {
				became[d.UID] = z
			}
		}
		if diff := cmp.Diff(became, foretold); diff != "" {
			t.Errorf("%v: became, foretold: %s", next, diff)
		}
	}
	want := map[string]string{"10.1.0.1": "plant 2", "10.1.5.1": "plant 2", "10.1.5.2": "lab 2", "10.2.0.1": " "}
	got := zones()
	delete(got, "10.1.0.9")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.Rezone(nil)
	if got := zones(); got["10.1.0.1"] != " " || got["10.1.5.2"] != "lab " {
		t.Errorf("without zones: %v", got)
	}
}

// What a person said by a former name is said by the present one, also later; what the
// subnets say is not touched, and to say it twice changes nothing.
func TestRenameZones(t *testing.T) {
	at := time.Date(2025, 12, 1, 10, 0, 0, 0, time.UTC)
	r := asset.New(asset.Config{Site: "s", Zones: []asset.Zone{{Name: "plant", Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}}}, nil, func() time.Time { return at })
	e := new(event.Event)
	e.SetTimeField(at)
	e.SetSrcEndpointIP("10.1.0.1")
	e.SetDstEndpointIP("10.1.0.9")
	r.Observe(e)
	uid := r.Find("10.1.0.1")[0].UID
	zone := func() string { d, _ := r.Get(uid); return d.Value(asset.KeyZone) }
	set := func(zone string) {
		t.Helper()
		if err := r.Set(uid, asset.KeyZone, zone); err != nil {
			t.Fatal(err)
		}
	}
	set("lab")
	if n := r.SaidOfZone("lab"); n != 1 || r.SaidOfZone("plant") != 0 {
		t.Errorf("%d devices are said to be in it", n)
	}
	for range 2 {
		r.RenameZones(map[string]string{"lab": "west", "plant": "east"})
		if zone() != "west" {
			t.Errorf("it is in %q", zone())
		}
	}
	set("lab")
	if zone() != "west" {
		t.Errorf("said by the former name it is in %q", zone())
	}
	set("")
	if zone() != "plant" {
		t.Errorf("the subnets say %q", zone())
	}
}
