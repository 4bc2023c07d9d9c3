package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/app"
	"vedette/internal/copilot"
	"vedette/internal/fault"
)

var clock = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// logins writes n failed logins from a few sources.
func logins(n int) string {
	var b strings.Builder
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		fmt.Fprintf(&b, "<38>%s gw1 sshd[%d]: Failed password for root from 203.0.113.%d port %d ssh2\n", at.Add(time.Duration(i)*time.Second).Format(time.Stamp), i, i%7, 1024+i)
	}
	return b.String()
}

func count(t *testing.T, a *app.App) string {
	t.Helper()
	got, err := a.Query(t.Context(), "authentication | count", clock)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(got.Rows[0][0])
}

// More than one batch goes in, is there after a new start, and goes in once.
func TestIngestKeepsEveryEventOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	const n = 12_345
	a := open(t, dir)
	for i, want := range []int{n, 0} {
		sum, err := a.IngestStream(t.Context(), strings.NewReader(logins(n)), "auth.log", "", clock)
		if err != nil || sum.Stored != want || sum.Read != n || sum.Stored+sum.Duplicates != n {
			t.Fatalf("ingest %d: %+v, %v", i+1, sum, err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open(t, dir)
	defer a.Close()
	if got := count(t, a); got != fmt.Sprint(n) {
		t.Errorf("after a new start %s events are stored, want %d", got, n)
	}
	devices, err := a.Devices(t.Context())
	if err != nil || len(devices) == 0 {
		t.Errorf("devices %v, %v", devices, err)
	}
}

// endless is a source that never ends; it cancels after some lines.
type endless struct {
	text   *strings.Reader
	cancel context.CancelFunc
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.text.Read(p)
	if err != nil {
		e.cancel()
		e.text = strings.NewReader(logins(1))
		return 0, nil
	}
	return n, nil
}

func TestCancelledIngestEnds(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "d"))
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := a.IngestStream(ctx, &endless{strings.NewReader(logins(6000)), cancel}, "auth.log", "", clock)
	if err == nil {
		t.Fatal("a cancelled ingest says that it went well")
	}
	// The next one works.
	if sum, err := a.IngestStream(t.Context(), strings.NewReader("<38>Mar  1 09:00:00 gw2 sshd[1]: Failed password for bob from 192.0.2.1 port 1 ssh2\n"), "b.log", "", clock); err != nil || sum.Stored != 1 {
		t.Errorf("after it: %+v, %v", sum, err)
	}
}

// A store that fails ends the reading with its error, and nothing hangs.
func TestIngestIntoClosedStore(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "d"))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.IngestStream(t.Context(), strings.NewReader(logins(20_000)), "auth.log", "", clock); err == nil {
		t.Error("a closed store took events")
	}
}

// Questions are answered while logs go in.
func TestAskWhileIngesting(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "d"))
	defer a.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 5 {
			if _, err := a.IngestStream(t.Context(), strings.NewReader(logins(500*(i+1))), "auth.log", "", clock); err != nil {
				t.Error(err)
			}
		}
	})
	for range 10 {
		ans, err := a.Ask(t.Context(), copilot.Request{Question: "which source has the most failed logins?", Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range ans.Answer {
			if s.Status != "verified" {
				t.Errorf("unverified: %s", s.Text)
			}
		}
	}
	wg.Wait()
}

func TestOneOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := open(t, dir)
	defer a.Close()
	if b, err := app.Open(t.Context(), app.Config{Dir: dir}); err == nil {
		b.Close()
		t.Fatal("two owners of one directory")
	} else if _, hint := fault.Public(err); hint == "" {
		t.Errorf("%v says not what to do", err)
	}
}

// A damaged device record or journal is told, not hidden.
func TestDamagedJournalIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := open(t, dir)
	if _, err := a.ImportDevices(t.Context(), "maria", strings.NewReader("ip,name\n10.0.0.1,pump\n")); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.jsonl")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), "maria", "mario", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := app.Open(t.Context(), app.Config{Dir: dir}); err == nil {
		b.Close()
		t.Error("a changed journal was opened as if it were whole")
	}
}
