package app_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/app"
)

const bruteForce = `
title: Failed SSH login
id: 7d9f0d0e-5a3b-4a3c-9a55-0d9a52f5a001
name: failed_login
logsource: {product: linux, service: sshd}
detection:
  failed: {class_uid: 3002, status: Failure}
  condition: failed
level: low
---
title: SSH brute force
id: 7d9f0d0e-5a3b-4a3c-9a55-0d9a52f5a002
level: high
correlation:
  type: event_count
  rules: [failed_login]
  group-by: [src_endpoint.ip]
  timespan: 1h
  condition: {gte: 8}
`

// brute takes in lines of an attack and returns how many findings that gave and
// how many there are in all.
func brute(t *testing.T, a *app.App, lines []string) (now, all int) {
	t.Helper()
	sum, err := a.IngestStream(t.Context(), strings.NewReader(strings.Join(lines, "\n")+"\n"), "auth.log", "", clock)
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Findings(t.Context(), api.FindingFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range got.List {
		if f.Title == "SSH brute force" {
			all++
		}
	}
	return sum.Findings, all
}

// attack is failed logins from one address.
func attack(n int) []string {
	var out []string
	for line := range strings.Lines(logins(n * 7)) {
		if strings.Contains(line, "203.0.113.3 ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// learntFile is a file of what was learnt, or nil if there is none.
func learntFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "learnt", name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return data
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "learnt", name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBruteForceOverRestart: a brute force whose first half came before a restart
// is found after it, and what was counted is kept as soon as it is found, so
// that a kill does not let it be told twice; a damaged snapshot is set aside.
func TestBruteForceOverRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	lines := attack(20)
	a := ruled(t, dir, bruteForce)
	if now, all := brute(t, a, lines[:5]); now != 0 || all != 0 {
		t.Fatalf("%d findings, %d in all of five attempts", now, all)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	before := learntFile(t, dir, "sigma.snapshot")

	a = open(t, dir)
	if now, all := brute(t, a, lines[5:9]); now != 1 || all != 1 {
		t.Fatalf("%d findings, %d in all after the restart", now, all)
	}
	killed := learntFile(t, dir, "sigma.snapshot") // as a kill leaves it
	if bytes.Equal(killed, before) || learntFile(t, dir, "pending.json") != nil {
		t.Error("what was counted is not kept when the finding is stored")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}

	put(t, dir, "sigma.snapshot", killed)
	a = open(t, dir)
	if now, all := brute(t, a, lines[9:14]); now != 0 || all != 1 {
		t.Errorf("%d findings, %d in all after the kill", now, all)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}

	put(t, dir, "sigma.snapshot", killed[:len(killed)/2])
	a = open(t, dir)
	if now, all := brute(t, a, lines[14:16]); now != 0 || all != 1 {
		t.Errorf("%d findings, %d in all with a damaged snapshot", now, all)
	}
	if learntFile(t, dir, "sigma.snapshot.damaged") == nil {
		t.Error("the damaged snapshot is not set aside")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestKillWhileStoring: a snapshot that waits for a batch counts if the batch was
// stored, and does not if a kill kept it from being stored.
func TestKillWhileStoring(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	lines := attack(20)
	a := ruled(t, dir, bruteForce+"  generate: true\n")
	brute(t, a, lines[:5])
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	five := learntFile(t, dir, "sigma.snapshot")
	a = open(t, dir)
	brute(t, a, lines[5:7])
	stored, err := a.Findings(t.Context(), api.FindingFilter{Limit: 1})
	if err != nil || len(stored.List) != 1 {
		t.Fatal(err, stored)
	}
	record := stored.List[0]
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	seven := learntFile(t, dir, "sigma.snapshot")
	for _, c := range []struct {
		uid  string
		want int // findings of the correlation after one more attempt
	}{{"00000000000000000000000000000000", 0}, {record.UID, 1}} {
		put(t, dir, "sigma.snapshot", five)
		put(t, dir, "sigma.snapshot.waiting", seven)
		at, _ := record.Time.MarshalJSON()
		put(t, dir, "pending.json", fmt.Appendf(nil, `{"uid":%q,"time":%s}`, c.uid, at))
		a = open(t, dir)
		if _, all := brute(t, a, lines[7:8]); all != c.want {
			t.Errorf("%s: %d findings, want %d", c.uid, all, c.want)
		}
		if learntFile(t, dir, "pending.json") != nil || learntFile(t, dir, "sigma.snapshot.waiting") != nil {
			t.Error("something waits on")
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		lines = append(lines[:7], lines[8:]...)
	}
}
