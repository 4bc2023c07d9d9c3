package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/event"
)

// attempts are failed logins of one address, one a second.
func attempts(from, to int) string {
	var b strings.Builder
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "<38>%s gw1 sshd[%d]: Failed password for root from 203.0.113.3 port %d ssh2\n", at.Add(time.Duration(i)*time.Second).Format(time.Stamp), i, 1024+i%60000)
	}
	return b.String()
}

// loading opens a directory with a rule and tells what is acknowledged.
func loading(t *testing.T, acks chan int) *App {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.MkdirAll(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	const rule = `
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
  timespan: 24h
  condition: {gte: 25}
`
	if err := os.WriteFile(filepath.Join(dir, "rules", "site.yml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Config{Dir: dir, Now: func() time.Time { return time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC) }, Acknowledged: func(n int) { acks <- n }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func bruteForces(t *testing.T, a *App) int {
	t.Helper()
	got, err := a.Findings(t.Context(), api.FindingFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range got.List {
		if f.Title == "SSH brute force" {
			n++
		}
	}
	return n
}

// then calls something where a text has ended, and gives empty lines until that
// fails.
type then func() error

func (f then) Read(p []byte) (int, error) {
	err := f()
	if err != nil {
		return 0, err
	}
	return copy(p, "\n"), nil
}

// Batches that come without a pause are stored together, and nobody sees one of them
// before.
func TestBatchesAreStoredTogether(t *testing.T) {
	acks := make(chan int, 10)
	a := loading(t, acks)
	a.loadFor = time.Hour
	const n = 3*batchSize + 1
	seen := int64(-1)
	look := then(func() error { seen = countOf(t, a, "authentication"); return io.EOF })
	if _, err := a.IngestStream(t.Context(), io.MultiReader(strings.NewReader(attempts(0, n)), look), "auth.log", "", a.cfg.Now()); err != nil {
		t.Fatal(err)
	}
	close(acks)
	var all []int
	for n := range acks {
		all = append(all, n)
	}
	if !slices.Equal(all, []int{n}) || seen != 0 || countOf(t, a, "authentication") != n {
		t.Errorf("acknowledged %v, want %d alone; seen before it: %d", all, n, seen)
	}
}

// A source that pauses has stored what it gave, without its end.
func TestPausingSource(t *testing.T) {
	acks := make(chan int, 10)
	a := loading(t, acks)
	a.loadFor = 10 * time.Second // more than a batch takes: not the age of the load counts but the pause
	waits := then(func() error {
		select {
		case n := <-acks:
			if n != batchSize || countOf(t, a, "authentication") != batchSize {
				t.Errorf("%d are acknowledged", n)
			}
		case <-time.After(30 * time.Second):
			t.Error("what a pausing source gave is not stored")
		}
		return io.EOF
	})
	if _, err := a.IngestStream(t.Context(), io.MultiReader(strings.NewReader(attempts(0, batchSize)+strings.Repeat("\n", 1<<20)), waits), "auth.log", "", a.cfg.Now()); err != nil {
		t.Fatal(err)
	}
}

// When an ingest is cancelled, what was judged is stored: what is taken in after it
// goes on from there, and nothing that was found is missing.
func TestCancelledIngestKeepsWhatWasJudged(t *testing.T) {
	acks := make(chan int, 10)
	a := loading(t, acks)
	text := attempts(0, 4*batchSize)
	ctx, cancel := context.WithCancel(t.Context())
	stop := then(func() error { cancel(); return nil })
	if _, err := a.IngestStream(ctx, io.MultiReader(strings.NewReader(text), stop), "auth.log", "", a.cfg.Now()); err == nil {
		t.Fatal("a cancelled ingest says that it went well")
	}
	last := 0
	for len(acks) > 0 {
		last = <-acks
	}
	if got := countOf(t, a, "authentication"); got < batchSize || int64(last) != got {
		t.Errorf("%d events are stored, %d acknowledged", got, last)
	}
	if got := bruteForces(t, a); got == 0 {
		t.Error("what was found before is not stored")
	}
	sum, err := a.IngestStream(t.Context(), strings.NewReader(text), "auth.log", "", a.cfg.Now())
	if err != nil || countOf(t, a, "authentication") != 4*batchSize {
		t.Errorf("again: %+v, %v", sum, err)
	}
}

// When a load cannot be stored, nothing of it is acknowledged, and what was found
// in it is found when it is taken in again: the detectors have not kept it.
func TestLoadThatFailsIsJudgedAgain(t *testing.T) {
	acks := make(chan int, 10)
	a := loading(t, acks)
	take := func(from, to int) error {
		_, err := a.IngestStream(t.Context(), strings.NewReader(attempts(from, to)), "auth.log", "", a.cfg.Now())
		return err
	}
	if err := take(0, 5); err != nil {
		t.Fatal(err)
	}
	<-acks
	block := a.pendingPath() // where what was learnt and waits is noted
	if err := os.MkdirAll(filepath.Join(block, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := take(5, 30); err == nil {
		t.Fatal("the load was stored, so this tests nothing")
	}
	if countOf(t, a, "authentication") != 5 || bruteForces(t, a) != 0 || len(acks) != 0 {
		t.Errorf("of a load that failed something is stored or acknowledged")
	}
	if err := os.RemoveAll(block); err != nil {
		t.Fatal(err)
	}
	if err := take(5, 30); err != nil {
		t.Fatal(err)
	}
	if countOf(t, a, "authentication") != 30 || bruteForces(t, a) != 1 || <-acks != 25 {
		t.Errorf("taken in again: %d events, %d findings of the brute force, want 30 and 1", countOf(t, a, "authentication"), bruteForces(t, a))
	}
}

// What was learnt waits for a record that tells whether the load was stored: a batch
// that was there before says nothing of the others.
func TestWhatALoadWaitsFor(t *testing.T) {
	named := func(uid string) *event.Event {
		e := new(event.Event)
		e.SetMetadataUID(uid)
		return e
	}
	old, fresh := named("old"), named("new")
	batches := map[string]*batch{
		"old":      {events: []*event.Event{old}, learnt: snapshots{"p": []byte("old")}},
		"new":      {events: []*event.Event{fresh, old}, fresh: fresh, learnt: snapshots{"p": []byte("new")}},
		"unlearnt": {events: []*event.Event{fresh, old}, fresh: fresh},
	}
	for _, c := range []struct{ order, waits, learnt string }{
		{"old", "old", "old"}, {"old new", "new", "new"}, {"new old", "new", "old"}, {"unlearnt old", "new", "old"}, {"old unlearnt old", "new", "old"},
	} {
		var l load
		for name := range strings.FieldsSeq(c.order) {
			l.learn(batches[name])
		}
		if l.waits.UID != c.waits || string(l.learnt["p"]) != c.learnt {
			t.Errorf("%s: waits for %s with %s, want %s and %s", c.order, l.waits.UID, l.learnt["p"], c.waits, c.learnt)
		}
	}
}
