package app

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/authz"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/query"
)

const zonePolicy = `mode: alert
conduits:
  - {name: press to plant, from: press, to: plant, allow: [{protocols: tcp, ports: 502}]}
  - {name: office out, from: office, to: internet}
`

// Zones are set while devices are there: who moves is told before, and is what moves;
// an account that is limited to a zone is told of, and sees what is in it then.
func TestZonesAreSetWhileTheServerRuns(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "conduits.yaml")
	if err := os.WriteFile(rules, []byte(zonePolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Settings: config.Settings{Change: true}, Detect: Detect{Policy: rules}, From: map[string]string{"zones[0]": "site.yaml:3"}}
	cfg.Assets.Zones = []asset.Zone{{Name: "plant", Level: "2", Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}}
	a := openForSources(t, dir, cfg)
	var b strings.Builder
	for i, ip := range []string{"10.1.0.5", "10.1.7.5", "10.1.7.6", "10.2.0.5"} {
		fmt.Fprintf(&b, "<38>1 2025-12-09T10:00:0%dZ gw1 sshd 1 - - Failed password for root from %s port 1024 ssh2\n", i, ip)
	}
	if _, err := a.IngestStream(t.Context(), strings.NewReader(b.String()), "auth.log", "", a.cfg.Now()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.accounts.AddUser(t.Context(), "ann", "pia", []authz.Role{authz.Viewer}, []string{"press"}); err != nil {
		t.Fatal(err)
	}
	put := api.ZonePut{Change: ann, New: true, Config: api.ZoneConfig{Name: "press", Level: "1", Subnets: []string{"10.1.7.0/24"}}}
	check := put
	check.Check = true
	v, err := a.PutZone(t.Context(), check)
	if err != nil || v.Effect.Moves != 2 || v.Effect.Devices[0].From != "plant" || v.Effect.Devices[0].To != "press" || len(v.Effect.Accounts) != 1 || v.Effect.Accounts[0] != (api.ZoneAccount{Name: "pia", Kind: "user", More: 2}) || strings.Join(v.Effect.Conduits, ",") != "press to plant" {
		t.Fatalf("%+v %+v, %v", v, v.Effect, err)
	}
	if countOf(t, a, "") != 4 || inZone(t, a, "press") != 0 {
		t.Error("a check changed something")
	}
	if _, err := a.PutZone(t.Context(), put); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "pia sees 2 devices more") {
		t.Errorf("an account sees more, and nobody confirmed: %v", err)
	}
	put.Confirm = true
	if v, err = a.PutZone(t.Context(), put); err != nil || v.Devices != 2 || v.By.By != "ann" || v.Version != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	if n := inZone(t, a, "press"); n != 2 {
		t.Errorf("%d events of stored ones are in the zone", n)
	}
	seen := int64(0)
	late := put
	late.New, late.Seen = false, &seen
	if _, err := a.PutZone(t.Context(), late); !errors.Is(err, api.ErrStale) {
		t.Errorf("the second writer: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = openForSources(t, dir, cfg)
	if n := inZone(t, a, "press"); n != 2 {
		t.Errorf("after a restart: %d", n)
	}
	if v, err := a.RemoveZone(t.Context(), api.ZoneDeed{Change: ann, Name: "press"}); err != nil || v.Effect.Accounts[0].Fewer != 2 || inZone(t, a, "press") != 0 || inZone(t, a, "plant") != 3 {
		t.Errorf("%+v, %v", v.Effect, err)
	}
	if _, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 1}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("going back lets an account see more, and nobody confirmed: %v", err)
	}
	sure := ann
	sure.Confirm = true
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: sure, Version: 1}); err != nil || u.Zones == nil || u.Zones.Moves != 2 || inZone(t, a, "press") != 2 {
		t.Errorf("%+v, %v", u, err)
	}
	last, err := a.journal.Last(10)
	if err != nil || last[0].Action != "settings.undo" || last[1].Action != "settings.zone_remove" {
		t.Errorf("%+v, %v", last, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Assets.Zones = append(cfg.Assets.Zones, asset.Zone{Name: "Press", Subnets: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}})
	a = openForSources(t, dir, cfg) // the configuration has one of that name by now: it wins
	defer a.Close()
	list, err := a.ConfiguredZones(t.Context())
	if err != nil || len(list) != 3 || !list[0].Fixed || list[0].Place != "site.yaml:3" || list[2].Rests == "" || inZone(t, a, "press") != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestZonesThatAreRefused(t *testing.T) {
	cfg := Config{Settings: config.Settings{Change: true}}
	cfg.Assets.Zones = []asset.Zone{{Name: "plant", Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}}
	a := openForSources(t, t.TempDir(), cfg)
	defer a.Close()
	one := api.ZoneConfig{Name: "one", Subnets: []string{"10.5.0.0/16"}}
	if _, err := a.PutZone(t.Context(), api.ZonePut{Change: ann, New: true, Config: one}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]api.ZoneConfig{
		"none":                         {},
		"no subnet":                    {Name: "x"},
		"bits behind the mask":         {Name: "x", Subnets: []string{"10.7.0.1/16"}},
		"no such level":                {Name: "x", Subnets: []string{"10.7.0.0/16"}, Level: "6"},
		"no such label":                {Name: "x", Subnets: []string{"10.7.0.0/16"}, Confidentiality: "secret"},
		"a name of the configuration":  {Name: "PLANT", Subnets: []string{"10.7.0.0/16"}},
		"a subnet of it":               {Name: "x", Subnets: []string{"10.1.0.0/16"}},
		"a subnet of another":          {Name: "x", Subnets: []string{"10.5.0.0/16"}},
		"a name but for case":          {Name: "One", Subnets: []string{"10.7.0.0/16"}},
		"a word of conduits":           {Name: "Internet", Subnets: []string{"10.7.0.0/16"}},
		"a name that hides characters": {Name: "x\x00y", Subnets: []string{"10.7.0.0/16"}},
		"a name that turns its text":   {Name: "x\u202ey", Subnets: []string{"10.7.0.0/16"}},
		"one that is there":            one,
	} {
		_, err := a.PutZone(t.Context(), api.ZonePut{Change: ann, New: true, Config: c})
		if k := fault.KindOf(err); err == nil || k == fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.PutZone(t.Context(), api.ZonePut{Change: ann, Config: api.ZoneConfig{Name: "none", Subnets: []string{"10.7.0.0/16"}}}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("changing none: %v", err)
	}
	if _, err := a.RemoveZone(t.Context(), api.ZoneDeed{Change: ann, Name: "plant"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("removing one of the configuration: %v", err)
	}
	if _, version := a.set.Now(); version != 1 {
		t.Errorf("version %d", version)
	}
}

func inZone(t *testing.T, a *App, zone string) int64 {
	t.Helper()
	res, err := a.events.Query(t.Context(), query.Query{Where: &query.Expr{Field: "src_endpoint.zone", Op: query.Eq, Value: zone}, Measures: []query.Measure{{Fn: query.Count}}, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	n, _ := res.Rows[0][0].(int64)
	return n
}
