package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/store"
	"vedette/internal/store/sqlite"
)

const failedLogin = `
title: Failed SSH login
id: 7d9f0d0e-5a3b-4a3c-9a55-0d9a52f5a001
logsource: {product: linux, service: sshd}
detection:
  failed: {class_uid: 3002, status: Failure}
  condition: failed
level: medium
tags: [attack.t1110]
`

// ruled opens a directory with a rule of the site.
func ruled(t *testing.T, dir, rule string) *app.App {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules", "site.yml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

// Records raise findings, each once however often they are taken in; repeats
// are counted in, not dropped; questions see them.
func TestFindingsOfAnIngest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := ruled(t, dir, failedLogin)
	const n = 500
	for i := range 2 {
		sum, err := a.IngestStream(t.Context(), strings.NewReader(logins(n)), "auth.log", "", clock)
		if err != nil || i == 0 && (sum.Findings == 0 || sum.Stored != n) || i == 1 && (sum.Findings != 0 || sum.Stored != 0) {
			t.Fatalf("ingest %d: %+v, %v", i+1, sum, err)
		}
	}
	if _, err := a.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := a.Findings(t.Context(), api.FindingFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, f := range got.List {
		total += f.Count
		if f.Severity != event.Medium || f.Title != "Failed SSH login" || f.Family != event.FamilySigma || len(f.Techniques) != 1 || f.Techniques[0] != "T1110" {
			t.Errorf("finding %+v", f)
		}
	}
	if total != n {
		t.Errorf("the findings stand for %d events, want %d", total, n)
	}
	if len(got.List) > 50 {
		t.Errorf("%d findings for 7 sources in 500 seconds: repeats are not folded", len(got.List))
	}
	d, err := a.Finding(t.Context(), got.List[0].UID)
	if err != nil || len(d.Events) == 0 || !strings.Contains(d.Events[0].Raw, "Failed password") {
		t.Errorf("evidence %+v, %v", d, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// A rule that is broken leaves the others in force, and a file that changes is
// read anew by maintenance.
func TestRulesAreReadAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := ruled(t, dir, "title: broken\ndetection: 5\n---"+failedLogin)
	defer a.Close()
	ingest := func(day int) int {
		log := strings.ReplaceAll(logins(10), "Mar  1", fmt.Sprintf("Feb %2d", day))
		sum, err := a.IngestStream(t.Context(), strings.NewReader(log), "auth.log", "", clock)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		return sum.Findings
	}
	if n := ingest(1); n == 0 {
		t.Error("a broken rule took the others with it")
	}
	path := filepath.Join(dir, "rules", "site.yml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(failedLogin, "Failure", "Success")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, clock, clock.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := ingest(2); n != 0 {
		t.Errorf("%d findings by a rule that was taken away", n)
	}
}

// A kill between storing findings and keeping their incidents loses nothing:
// the next one to judge puts them in, once.
func TestIncidentsCatchUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := ruled(t, dir, failedLogin)
	if _, err := a.IngestStream(t.Context(), strings.NewReader(logins(300)), "auth.log", "", clock); err != nil {
		t.Fatal(err)
	}
	before, err := a.Incidents(t.Context(), true)
	if err != nil || len(before) == 0 {
		t.Fatalf("%+v, %v", before, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	forgetIncidents(t, filepath.Join(dir, "records.db"))
	a = open(t, dir)
	defer a.Close()
	for range 2 {
		if err := a.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := a.Incidents(t.Context(), true)
		if err != nil || len(after) != len(before) || after[0].Findings.Count < before[0].Findings.Count {
			t.Errorf("%d incidents, first with %d findings, %v; want %d with %d or more", len(after), after[0].Findings.Count, err, len(before), before[0].Findings.Count)
		}
	}
}

// forgetIncidents deletes their records, as if they had never been written.
func forgetIncidents(t *testing.T, path string) {
	t.Helper()
	r, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var changes []store.Change
	for _, kind := range correlate.RecordKinds() {
		for rec, err := range r.List(t.Context(), kind) {
			if err != nil {
				t.Fatal(err)
			}
			changes = append(changes, store.Change{Kind: rec.Kind, ID: rec.ID, Version: store.AnyVersion})
		}
	}
	if err := r.Update(t.Context(), changes...); err != nil || len(changes) == 0 {
		t.Fatal(len(changes), err)
	}
}

// A running server tells of refused rules.
func TestCheckTellsOfRules(t *testing.T) {
	a := ruled(t, filepath.Join(t.TempDir(), "d"), "title: broken\nid: 5\ndetection: 5\n---"+failedLogin)
	defer a.Close()
	if err := a.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	checks, err := a.Check(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	for _, c := range checks {
		if c.Name == "rules" {
			told = string(c.State) + " " + c.Text + " " + c.Do
		}
	}
	if !strings.HasPrefix(told, string(api.Warning)) || !strings.Contains(told, "1 rules are in force, 1 were refused") || !strings.Contains(told, "site.yml") {
		t.Errorf("told %q", told)
	}
}
