package app

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/config"
	"vedette/internal/fault"
)

// Limits are set while the server runs, count at once and after a restart, and can be
// undone; what they would refuse is told before.
func TestLimitsAreSet(t *testing.T) {
	dir := t.TempDir()
	a := openForSources(t, dir, Config{Settings: config.Settings{Change: true}, From: config.Origins{"limits.memory": "site.yaml:3"}})
	set := func(c api.Change, values map[string]string) (api.LimitsInForce, error) {
		return a.SetLimits(t.Context(), api.LimitsChange{Change: c, Set: values})
	}
	for name, row := range map[string]struct {
		set  map[string]string
		kind fault.Kind
	}{
		"nothing": {nil, fault.Invalid}, "soon": {map[string]string{"query_time": "soon"}, fault.Invalid}, "too long": {map[string]string{"query_time": "25h"}, fault.Invalid}, "negative": {map[string]string{"devices": "-1"}, fault.Invalid},
		"none": {map[string]string{"devices": "0"}, fault.Invalid}, "huge": {map[string]string{"devices": "99999999999999999999"}, fault.Invalid}, "small": {map[string]string{"spool": "1"}, fault.Invalid}, "unknown": {map[string]string{"<b>": "1"}, fault.Invalid},
		"at the start": {map[string]string{"threads": "2"}, fault.Invalid}, "of the configuration": {map[string]string{"memory": "2GB"}, fault.Conflict},
	} {
		if _, err := set(sure, row.set); fault.KindOf(err) != row.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	log := `{"timestamp":"2025-12-10T10:00:00.000000+0000","event_type":"dhcp","src_ip":"10.9.0.7","dest_ip":"10.9.0.1","src_mac":"00:11:22:33:44:55","dhcp":{"type":"request","client_mac":"00:11:22:33:44:55","assigned_ip":"10.9.0.7","hostname":"crane-3"}}` + "\n"
	take := func(text string) int {
		if _, err := a.IngestStream(t.Context(), strings.NewReader(text), "eve.json", "", time.Time{}); err != nil {
			t.Fatal(err)
		}
		return a.devices.Stats().Devices
	}
	n := take(log)
	if _, err := set(ann, map[string]string{"devices": "1"}); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "no new one is kept") {
		t.Fatalf("with %d devices: %v", n, err)
	}
	if l, err := set(sure, map[string]string{"devices": "1", "query_time": "1s"}); err != nil || len(l.Notes) != 1 || l.Version != 1 {
		t.Fatalf("%+v, %v", l, err)
	}
	if got := take(strings.NewReplacer("10.9.0.7", "10.9.0.8", ":55", ":56", "crane-3", "crane-4").Replace(log)); got != n {
		t.Errorf("%d devices after the limit, %d before", got, n)
	}
	if _, err := set(api.Change{Actor: "bob", Why: "w", Seen: new(int64(0))}, map[string]string{"devices": ""}); !errors.Is(err, api.ErrStale) {
		t.Errorf("the second writer: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = openForSources(t, dir, Config{Settings: config.Settings{Change: true}, From: config.Origins{"limits.query_time": "site.yaml:3"}})
	defer func() { _ = a.Close() }()
	l, err := a.Limits(t.Context())
	if err != nil || l.Limits[0].Setting.Kept != "1s" || !l.Limits[0].Setting.Fixed || l.Limits[1].Setting.Value != "1" || l.Limits[1].Setting.By.By != "ann" {
		t.Errorf("after a restart: %+v, %v", l, err)
	}
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 0}); err != nil || len(u.Changes) != 1 {
		t.Errorf("%+v, %v", u, err)
	}
	if got := take(strings.NewReplacer("10.9.0.7", "10.9.0.9", ":55", ":57", "crane-3", "crane-5").Replace(log)); got <= n {
		t.Errorf("%d devices after the way back", got)
	}
	list, err := a.journal.Last(10)
	if err != nil || list[len(list)-1].Action != "settings.limits" || !strings.Contains(list[len(list)-1].Details["after"], "devices 1") {
		t.Errorf("%+v, %v", list, err)
	}
}
