package app_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/store/duckdb"
)

// days writes n logins a day at noon, for some days from a date on.
func days(from time.Time, number, n int) string {
	var b strings.Builder
	for d := range number {
		for i := range n {
			at := from.AddDate(0, 0, d).Add(12*time.Hour + time.Duration(i)*time.Second)
			fmt.Fprintf(&b, "<38>1 %s gw1 sshd %d - - Failed password for root from 203.0.113.%d port %d ssh2\n", at.Format(time.RFC3339), i, i%7, 1024+i)
		}
	}
	return b.String()
}

// tuned opens a directory with a clock and bounds of its own.
func tuned(t *testing.T, dir string, now *time.Time, keep app.Retention) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: func() time.Time { return *now }, Retention: keep, Store: duckdb.Options{MinSealedRows: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func take(t *testing.T, a *app.App, text, name string, want int) {
	t.Helper()
	sum, err := a.IngestStream(t.Context(), strings.NewReader(text), name, "", clock)
	if err != nil || sum.Stored != want {
		t.Fatalf("%s: %+v, %v; want %d stored", name, sum, err, want)
	}
}

func events(t *testing.T, a *app.App) int64 {
	t.Helper()
	got, err := a.Query(t.Context(), "| count", clock)
	if err != nil {
		t.Fatal(err)
	}
	return got.Rows[0][0].(int64)
}

func maintain(t *testing.T, a *app.App) api.Upkeep {
	t.Helper()
	up, err := a.Maintain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return up
}

var first = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestMaintainSealsAndDrops(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "d"), first.AddDate(0, 0, 9).Add(30*time.Minute) // within the grace of the ninth day
	a := tuned(t, dir, &now, app.Retention{Events: 5 * 24 * time.Hour})
	take(t, a, days(first, 9, 100), "a.log", 900)
	up := maintain(t, a)
	if up.Sealed != (api.Moved{Days: 8, Events: 800}) || up.TooOld != (api.Moved{Days: 4, Events: 400}) || up.TooLarge.Days != 0 || events(t, a) != 500 {
		t.Errorf("%+v, %d events left", up, events(t, a))
	}
	now = now.Add(time.Hour)
	if up := maintain(t, a); up.Sealed != (api.Moved{Days: 1, Events: 100}) || up.TooOld.Days != 0 {
		t.Errorf("after the grace: %+v", up)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil || strings.Count(string(raw), `"action":"events.drop"`) != 1 || !strings.Contains(string(raw), `"before":"2026-01-05"`) {
		t.Errorf("journal %s, %v", raw, err)
	}
}

// A clock that jumps must not make retention drop what it should keep.
func TestClockJumps(t *testing.T) {
	for name, jump := range map[string]time.Time{"far ahead": first.AddDate(50, 0, 0), "far back": time.Unix(0, 0), "a little back": first.AddDate(0, 0, 5)} {
		t.Run(name, func(t *testing.T) {
			now := first.AddDate(0, 0, 10)
			a := tuned(t, filepath.Join(t.TempDir(), "d"), &now, app.Retention{Events: 30 * 24 * time.Hour})
			take(t, a, days(first, 10, 20), "a.log", 200)
			now = jump
			for range 2 {
				if up := maintain(t, a); up.TooOld.Events > 0 || events(t, a) != 200 {
					t.Fatalf("%+v, %d events left", up, events(t, a))
				}
			}
			take(t, a, days(first.AddDate(0, 0, 10), 2, 20), "b.log", 40) // ingest goes on under the wrong clock
			now = first.AddDate(0, 0, 13)
			if up := maintain(t, a); up.TooOld.Events > 0 || events(t, a) != 240 {
				t.Errorf("after the clock was set right: %+v, %d events left", up, events(t, a))
			}
		})
	}
}

// An event stamped far in the future does not make the others old.
func TestEventFromTheFuture(t *testing.T) {
	now := first.AddDate(0, 0, 10)
	a := tuned(t, filepath.Join(t.TempDir(), "d"), &now, app.Retention{Events: 30 * 24 * time.Hour})
	take(t, a, days(first, 10, 20), "a.log", 200)
	take(t, a, days(first.AddDate(30, 0, 0), 1, 1)+days(first.AddDate(-40, 0, 0), 1, 1), "odd.log", 2)
	if maintain(t, a); events(t, a) < 201 {
		t.Errorf("%d events left", events(t, a))
	}
}

func TestRetentionBySize(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "d"), first.AddDate(0, 0, 6)
	a := tuned(t, dir, &now, app.Retention{})
	take(t, a, days(first, 6, 3000), "a.log", 18000)
	whole := maintain(t, a)
	if whole.Sealed.Days != 5 || whole.Bytes == 0 {
		t.Fatalf("%+v", whole)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = tuned(t, dir, &now, app.Retention{Disk: 1}) // cannot be reached
	up := maintain(t, a)
	left, err := filepath.Glob(filepath.Join(dir, "events", "sealed", "*"))
	if err != nil || len(left) != 1 || !strings.Contains(left[0], "2026-01-05") || up.Warning == "" || events(t, a) != 6000 {
		t.Errorf("%+v: left %v, %v, %d events", up, left, err, events(t, a))
	}
}

// The background run ends with its context and goes on after a failure.
func TestKeepUp(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "d"), first.AddDate(0, 0, 3)
	a := tuned(t, dir, &now, app.Retention{})
	ctx, cancel := context.WithCancel(t.Context())
	ticks, ended := make(chan time.Time), make(chan struct{})
	go func() { defer close(ended); a.KeepUp(ctx, ticks) }()
	ticks <- now // taken once the first run is over
	blocked := filepath.Join(dir, "maintenance.json.new")
	for err := os.ErrExist; errors.Is(err, os.ErrExist); { // makes the next run fail; the file may be there while this one writes
		if err = os.Mkdir(blocked, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
	ticks <- now
	ticks <- now
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	take(t, a, days(first, 2, 10), "a.log", 20)
	ticks <- now
	ticks <- now
	cancel()
	<-ended
	sealed, err := filepath.Glob(filepath.Join(dir, "events", "sealed", "*"))
	if err != nil || len(sealed) != 2 {
		t.Errorf("sealed %v, %v", sealed, err)
	}
}
