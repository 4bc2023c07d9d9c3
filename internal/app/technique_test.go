package app_test

import (
	"strings"
	"testing"
	"time"

	"vedette/internal/app"
	"vedette/internal/fault"
)

const techniqueFeed = `{"type":"bundle","id":"bundle--1","objects":[
 {"type":"indicator","id":"indicator--2","pattern_type":"stix","pattern":"[ipv4-addr:value = '45.9.9.9']","valid_from":"2026-01-01T00:00:00Z","confidence":90},
 {"type":"malware","id":"malware--1","name":"mirai","is_family":true},
 {"type":"attack-pattern","id":"attack-pattern--1","name":"Brute Force","external_references":[{"source_name":"mitre-attack","external_id":"T1110"}]},
 {"type":"relationship","id":"relationship--1","relationship_type":"indicates","source_ref":"indicator--2","target_ref":"malware--1"},
 {"type":"relationship","id":"relationship--2","relationship_type":"uses","source_ref":"malware--1","target_ref":"attack-pattern--1"}]}`

// TestTechnique: what a technique is, what detects it, where it was found, who
// uses it and what counters it.
func TestTechnique(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Now: func() time.Time { return now }, Detect: app.Detect{BuiltIn: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	takeFeed(t, a, techniqueFeed)
	log := strings.Repeat("<38>Mar  1 09:00:00 gw2 sshd[1]: Failed password for bob from 192.0.2.1 port 1 ssh2\n", 1)
	if _, err := a.IngestStream(t.Context(), strings.NewReader(log), "auth.log", "", now); err != nil {
		t.Fatal(err)
	}
	got, err := a.Technique(t.Context(), "t1110")
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "T1110" || got.Name != "Brute Force" || len(got.Rules) == 0 || len(got.Measures) == 0 || len(got.Uses) != 1 || got.Uses[0].Family != "mirai" || got.Uses[0].Source != "them" {
		t.Errorf("%+v", got)
	}
	if got.Findings > 0 && len(got.Devices) == 0 {
		t.Errorf("%+v", got)
	}
	if _, err := a.Technique(t.Context(), "T9999"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}
