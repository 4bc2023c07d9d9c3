package app_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/config"
	"vedette/internal/fault"
)

// What is set here counts until the configuration says otherwise; who shortens it is told what goes, and two writers do not undo each other.
func TestRetentionIsSet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := full(t, dir)
	ctx := t.Context()
	was, err := a.Retention(ctx)
	if err != nil || was.Version != 0 || was.Events.Fixed {
		t.Fatalf("%+v, %v", was, err)
	}
	for _, bad := range []string{"soon", "-1d", "1h", "90d; drop"} {
		if _, err := a.SetRetention(ctx, api.RetentionChange{Events: &bad}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	would, err := a.SetRetention(ctx, api.RetentionChange{Change: api.Change{Check: true}, Events: new("1d")})
	if err != nil || would.Effect.Events == 0 || would.Effect.Anyway != 0 {
		t.Fatalf("a check: %+v, %v", would, err)
	}
	if now, _ := a.Retention(ctx); now.Events.Value != was.Events.Value {
		t.Errorf("a check changed it to %s", now.Events.Value)
	}
	if _, err := a.SetRetention(ctx, api.RetentionChange{Events: new("1d")}); fault.KindOf(err) != fault.Conflict || errors.Is(err, api.ErrStale) {
		t.Errorf("without a word of what goes: %v", err)
	}
	set, err := a.SetRetention(ctx, api.RetentionChange{Change: api.Change{Actor: "ann", Why: "disk", Seen: new(int64(0)), Confirm: true}, Events: new("1d")})
	if err != nil || set.Version != 1 || set.Events.Value != "1d" || set.Events.Origin != api.FromHere || set.Events.By.By != "ann" {
		t.Fatalf("%+v, %v", set, err)
	}
	if _, err := a.SetRetention(ctx, api.RetentionChange{Change: api.Change{Actor: "bob", Seen: new(int64(0))}, Events: new("60d")}); !errors.Is(err, api.ErrStale) {
		t.Errorf("the second writer: %v", err)
	}
	journal, err := a.Journal(ctx, 5)
	if err != nil || journal[0].Action != "settings.retention" || journal[0].Actor.Name != "ann" || journal[0].Details["why"] != "disk" || !strings.Contains(journal[0].Details["after"], "events 1d") || journal[0].Details["before"] == "" {
		t.Errorf("%+v, %v", journal, err)
	}
	up, err := a.Maintain(ctx)
	if err != nil || up.TooOld.Events != would.Effect.Events {
		t.Errorf("told that %d events go, %+v went, %v", would.Effect.Events, up.TooOld, err)
	}
	undone, err := a.UndoSettings(ctx, api.SettingsUndo{Change: api.Change{Actor: "ann", Why: "slip"}, Version: 0})
	if err != nil || undone.Version != 2 || len(undone.Changes) != 1 {
		t.Errorf("%+v, %v", undone, err)
	}
	if now, _ := a.Retention(ctx); now.Events.Value != was.Events.Value || now.Version != 2 {
		t.Errorf("%+v", now)
	}
	if _, err := a.UndoSettings(ctx, api.SettingsUndo{Version: 7}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a version that there is not: %v", err)
	}
	history, err := a.SettingsHistory(ctx, 10)
	if err != nil || len(history) != 2 || history[0].Action != "settings.undo" || history[1].By != "ann" {
		t.Errorf("%+v, %v", history, err)
	}
}

// What the configuration says is fixed, and what was set here rests until it is
// taken out there.
func TestConfigurationWins(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	open := func(from config.Origins, change bool) *app.App {
		t.Helper()
		a, err := app.Open(t.Context(), app.Config{Dir: dir, Retention: app.Retention{Events: 90 * 24 * time.Hour, Disk: 1 << 40}, From: from, Settings: config.Settings{Change: change}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open(nil, true)
	if _, err := a.SetRetention(t.Context(), api.RetentionChange{Change: api.Change{Actor: "ann"}, Events: new("40d")}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open(config.Origins{"retention.events": "/etc/vedette.yaml:12"}, true)
	v, err := a.Retention(t.Context())
	if err != nil || v.Events.Value != "90d" || !v.Events.Fixed || v.Events.Place != "/etc/vedette.yaml:12" || v.Events.Kept != "40d" || v.Disk.Fixed {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := a.SetRetention(t.Context(), api.RetentionChange{Events: new("50d")}); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "vedette.yaml:12") {
		t.Errorf("what is fixed was set: %v", err)
	}
	if _, err := a.SetRetention(t.Context(), api.RetentionChange{Change: api.Change{Actor: "ann"}, Disk: new("50GB")}); err != nil {
		t.Errorf("the other value: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open(config.Origins{}, false)
	if v, err := a.Retention(t.Context()); err != nil || v.Events.Value != "40d" || v.Disk.Value != "50GB" {
		t.Errorf("taken out of the file again: %+v, %v", v, err)
	}
	if _, err := a.SetRetention(t.Context(), api.RetentionChange{Disk: new("60GB")}); fault.KindOf(err) != fault.Denied {
		t.Errorf("where nothing may be changed: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}
