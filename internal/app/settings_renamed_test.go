package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/api/account"
	"vedette/internal/app/chosen"
	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/model/route"
	"vedette/internal/store"
)

const renamePolicy = `mode: alert
default: deny
isolated: [press]
conduits:
  - {name: press to plant, from: press, to: plant, allow: [{protocols: tcp, ports: 502}]}
`

// renamePlant has a zone press that was set here, with a device by subnet, one by a
// person's word, an account and a token.
func renamePlant(t *testing.T, dir string) (*App, Config) {
	t.Helper()
	rules := filepath.Join(dir, "conduits.yaml")
	if err := os.WriteFile(rules, []byte(renamePolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Settings: config.Settings{Change: true}, Detect: Detect{Policy: rules}, From: map[string]string{"zones[0]": "site.yaml:3"}}
	cfg.Assets.Zones = []asset.Zone{{Name: "plant", Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}}
	cfg.Mind.Policy.Rules = []route.Rule{{Name: "stays", Zones: []string{"Press"}}}
	return openForSources(t, dir, cfg), cfg
}

func furnish(t *testing.T, a *App) {
	t.Helper()
	var b strings.Builder
	for i, ip := range []string{"10.1.0.5", "10.1.7.5", "10.2.0.5"} {
		fmt.Fprintf(&b, "<38>1 2025-12-09T10:00:0%dZ gw1 sshd 1 - - Failed password for root from %s port 1024 ssh2\n", i, ip)
	}
	if _, err := a.IngestStream(t.Context(), strings.NewReader(b.String()), "auth.log", "", a.cfg.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.PutZone(t.Context(), api.ZonePut{Change: ann, New: true, Config: api.ZoneConfig{Name: "press", Level: "1", Subnets: []string{"10.1.7.0/24"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetDevice(t.Context(), "ann", "10.2.0.5", "zone", "press"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.accounts.AddUser(t.Context(), "ann", "pia", []authz.Role{authz.Viewer}, []string{"press", "plant"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.accounts.AddToken(t.Context(), "ann", account.NewToken{Name: "tok", Roles: []authz.Role{authz.Viewer}, Zones: []string{"press"}}); err != nil {
		t.Fatal(err)
	}
}

// called tells by which names the parts of the plant know the zone.
func called(t *testing.T, a *App) (zone, user, token string, devices map[string]int) {
	t.Helper()
	doc, _ := a.set.Now()
	if len(doc.Zones) != 1 {
		t.Fatalf("%d zones", len(doc.Zones))
	}
	users, err := a.accounts.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := a.accounts.Tokens(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	devices = map[string]int{}
	for _, d := range a.devices.Rows() {
		devices[d.Zone]++
	}
	return doc.Zones[0].Name, users[0].Zones[0], tokens[0].Zones[0], devices
}

func wantCalled(t *testing.T, a *App, name string) {
	t.Helper()
	zone, user, token, devices := called(t, a)
	if zone != name || user != name || token != name || devices[name] != 2 {
		t.Errorf("the zone is %s, of the user %s, of the token %s, devices %v; want %s", zone, user, token, devices, name)
	}
	if n := inZone(t, a, name); n != 2 {
		t.Errorf("%d stored events are in %s", n, name)
	}
	p, err := a.ZonePolicy(t.Context())
	if err != nil || !slices.Contains(p.Conduits[0].From, name) || !slices.Contains(p.Isolated, name) {
		t.Errorf("the policy does not know %s: %+v %v", name, p, err)
	}
	if !slices.Contains(a.alsoCalled([]string{"Press"}), name) && !strings.EqualFold(name, "press") {
		t.Errorf("a rule of models does not know %s", name)
	}
}

func TestZoneIsRenamed(t *testing.T) {
	dir := t.TempDir()
	a, cfg := renamePlant(t, dir)
	furnish(t, a)
	if err := a.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	rename := func(from, to string) (api.ZoneView, error) {
		return a.RenameZone(t.Context(), api.ZoneRename{Change: ann, Name: from, To: to})
	}
	check := ann
	check.Check = true
	v, err := a.RenameZone(t.Context(), api.ZoneRename{Change: check, Name: "press", To: "hall 7"})
	if err != nil || len(v.Effect.Renamed) != 1 || v.Effect.Moves != 0 || len(v.Effect.Accounts) != 0 {
		t.Fatalf("%+v %+v, %v", v, v.Effect, err)
	}
	r := v.Effect.Renamed[0]
	if r.Devices != 2 || r.Set != 1 || !slices.Equal(r.Follow, []string{"what people or inventories say of 1 devices", "the user pia", "the token tok"}) ||
		len(r.Read) != 3 || !strings.Contains(strings.Join(r.Read, ";"), "the conduit press to plant in "+cfg.Detect.Policy) {
		t.Errorf("%+v", r)
	}
	wantCalled(t, a, "press")
	if v, err = rename("press", "hall 7"); err != nil || v.Config.Name != "hall 7" || v.Devices != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	wantCalled(t, a, "hall 7")
	_, version := a.set.Now()
	for _, name := range []string{"press", "PLANT", "internet", "x\x00y", "", "hall 7"} {
		if _, err := a.PutZone(t.Context(), api.ZonePut{Change: ann, New: true, Config: api.ZoneConfig{Name: name, Subnets: []string{"10.9.0.0/16"}}}); err == nil {
			t.Errorf("a zone %q was added", name)
		}
		if _, err := rename("hall 7", name); err == nil && name != "press" {
			t.Errorf("it was renamed to %q", name)
		} else if err == nil {
			if _, err := rename("press", "hall 7"); err != nil { // back to its own name, and forth
				t.Fatal(err)
			}
			version += 2
		}
	}
	for name, kind := range map[string]fault.Kind{"plant": fault.Conflict, "nothing": fault.NotFound} {
		if _, err := rename(name, "other"); fault.KindOf(err) != kind {
			t.Errorf("renaming %s: %v", name, err)
		}
	}
	if _, err := rename("plant", "other"); !strings.Contains(err.Error(), "site.yaml:3") {
		t.Errorf("it does not say where the zone stands: %v", err)
	}
	seen := int64(0)
	if _, err := a.RenameZone(t.Context(), api.ZoneRename{Change: api.Change{Actor: "ann", Why: "x", Seen: &seen}, Name: "hall 7", To: "other"}); !errors.Is(err, api.ErrStale) {
		t.Errorf("the second writer: %v", err)
	}
	if _, now := a.set.Now(); now != version {
		t.Errorf("version %d, not %d", now, version)
	}
	if _, err := a.SetDevice(t.Context(), "ann", "10.2.0.5", "zone", "press"); err != nil {
		t.Fatal(err)
	}
	wantCalled(t, a, "hall 7") // said by the former name, it is said of the zone
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = openForSources(t, dir, cfg)
	defer a.Close()
	wantCalled(t, a, "hall 7")
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 1}); err != nil || u.Changes[0] != "zone hall 7 is called press" || len(u.Zones.Renamed) != 1 {
		t.Fatalf("%+v, %v", u, err)
	}
	wantCalled(t, a, "press")
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 2}); err != nil {
		t.Fatalf("%+v, %v", u, err)
	}
	wantCalled(t, a, "hall 7")
	last, err := a.journal.Last(10)
	if err != nil || last[0].Action != "settings.undo" || !slices.ContainsFunc(last, func(e audit.Entry) bool { return e.Action == "settings.zone_rename" }) {
		t.Errorf("%+v, %v", last, err)
	}
}

// Who is limited to a name that a zone gets sees more, and that is asked for.
func TestZoneRenamedToANameThatSomebodySees(t *testing.T) {
	a, _ := renamePlant(t, t.TempDir())
	defer a.Close()
	furnish(t, a)
	if _, _, err := a.accounts.AddUser(t.Context(), "ann", "bob", []authz.Role{authz.Viewer}, []string{"hall 7"}); err != nil {
		t.Fatal(err)
	}
	r := api.ZoneRename{Change: ann, Name: "press", To: "hall 7"}
	if _, err := a.RenameZone(t.Context(), r); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "bob sees 2 devices more") {
		t.Errorf("%v", err)
	}
	r.Confirm = true
	if _, err := a.RenameZone(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// A zone of the configuration is renamed there; then the rest follows.
func TestZoneRenamedInTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	a, cfg := renamePlant(t, dir)
	furnish(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Assets.Zones = slices.Clone(cfg.Assets.Zones)
	cfg.Assets.Zones[0].Name = "works"
	a = openForSources(t, dir, cfg)
	defer a.Close()
	r := api.ZoneRename{Change: ann, Name: "plant", To: "works"}
	if _, err := a.RenameZone(t.Context(), r); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "pia sees") {
		t.Errorf("pia sees the zone again, and nobody confirmed: %v", err)
	}
	r.Confirm = true
	if _, err := a.RenameZone(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	users, err := a.accounts.Users(t.Context())
	if err != nil || !slices.Equal(users[0].Zones, []string{"press", "works"}) {
		t.Errorf("%+v %v", users, err)
	}
	p, err := a.ZonePolicy(t.Context())
	if err != nil || !slices.Contains(p.Conduits[0].To, "works") {
		t.Errorf("%+v %v", p, err)
	}
}

// A change that cannot be written leaves all by the former name.
func TestZoneRenameThatCannotBeWritten(t *testing.T) {
	a, _ := renamePlant(t, t.TempDir())
	defer a.Close()
	furnish(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	err := a.nameAnew(ctx, zoneNames{"press": "hall 7"}, func() (d chosen.Doc) { d, _ = a.set.Now(); remember(&d, zoneNames{"press": "hall 7"}); return d }(), func([]store.Change) error {
		cancel()
		return fault.New(fault.Unavailable, "the disk is full")
	})
	if err == nil {
		t.Error("it was written")
	}
	wantCalled(t, a, "press")
}

const childRename = "VEDETTE_TEST_RENAME_DIR"

// TestZoneRenameSurvivesKills kills a process that renames a zone to and fro, at random
// moments: the zone, the account, the token, the devices and the policy are of one mind.
func TestZoneRenameSurvivesKills(t *testing.T) {
	if dir := os.Getenv(childRename); dir != "" {
		a, _ := renamePlant(t, dir)
		for {
			doc, _ := a.set.Now()
			from := doc.Zones[0].Name
			to := map[string]string{"press": "hall 7", "hall 7": "west", "west": "press"}[from]
			if _, err := a.RenameZone(t.Context(), api.ZoneRename{Change: ann, Name: from, To: to}); err != nil {
				fmt.Println("refused:", err) //nolint:forbidigo // the parent reads it
				os.Exit(1)
			}
			fmt.Println("renamed") //nolint:forbidigo // the parent reads it
		}
	}
	dir := t.TempDir()
	a, _ := renamePlant(t, dir)
	furnish(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	seen := map[string]int{}
	for range 10 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestZoneRenameSurvivesKills$")
		cmd.Env = append(os.Environ(), childRename+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64)
		if n, err := out.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "renamed") {
			t.Fatalf("the child says %q %v", buf[:n], err)
		}
		time.AfterFunc(time.Duration(rng.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for err == nil {
			_, err = out.Read(buf)
		}
		_ = cmd.Wait()
		a, _ := renamePlant(t, dir)
		zone, _, _, _ := called(t, a)
		seen[zone]++
		wantCalled(t, a, zone)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(seen)
}

// What goes by the former name of a zone, as groups of the identity provider and notes of
// who was limited to it do, means the zone by the name that it has, also after a restart.
func TestFormerNamesOfAZoneMeanIt(t *testing.T) {
	dir := t.TempDir()
	a, cfg := renamePlant(t, dir)
	furnish(t, a)
	if _, err := a.RenameZone(t.Context(), api.ZoneRename{Change: ann, Name: "press", To: "stamping"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := a.zonesNow([]string{"press", "stamping", "plant"}); !slices.Equal(got, []string{"stamping", "plant"}) {
			t.Errorf("zones by either name: %v", got)
		}
		for zones, want := range map[string]bool{"press": true, "stamping": true, "plant": false} {
			sight, _ := a.sightOf(authz.With(t.Context(), authz.Principal{Zones: []string{"stamping"}}))
			if got := sight.Reads([]string{zones}); got != want {
				t.Errorf("what somebody limited to %s wrote is read: %v", zones, got)
			}
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		a = openForSources(t, dir, cfg)
	}
	_ = a.Close()
}
