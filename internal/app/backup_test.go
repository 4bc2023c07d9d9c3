package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/fault"
)

// full makes a directory with sealed and hot days, devices and a journal.
func full(t *testing.T, dir string) *app.App {
	t.Helper()
	now := first.AddDate(0, 0, 3).Add(2 * time.Hour)
	a := tuned(t, dir, &now, app.Retention{})
	take(t, a, days(first, 4, 50), "a.log", 200)
	if _, err := a.ImportDevices(t.Context(), "maria", strings.NewReader("ip,name\n10.0.0.1,pump\n")); err != nil {
		t.Fatal(err)
	}
	maintain(t, a)
	return a
}

// Each backup that is taken while events come in restores to exactly what its
// manifest says, and every event's device is known there.
func TestBackupWhileIngesting(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := full(t, dir)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 4 {
			if _, err := a.IngestStream(t.Context(), strings.NewReader(days(first.AddDate(0, 0, 4+i), 1, 8000)), fmt.Sprint(i), "", clock); err != nil {
				t.Error(err)
			}
		}
	})
	defer wg.Wait()
	for i := range 3 {
		to := filepath.Join(t.TempDir(), "b")
		b, err := a.Backup(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(t.TempDir(), "restored")
		done, err := app.RestoreBackup(t.Context(), app.Config{Dir: target}, app.Restore{Backup: to})
		if err != nil || done.Events != b.Events || b.Events < 200 {
			t.Fatalf("%d: %+v, %v", i, done, err)
		}
		r := open(t, target)
		if got := events(t, r); got != b.Events {
			t.Errorf("%d: %d events, the manifest says %d", i, got, b.Events)
		}
		knowsDevices(t, r)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Answers hold together while logs come in, days are sealed, everything is
// checked and backed up: counts only grow, and the parts add up to the whole.
func TestAnswersWhileEverythingGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	now := first.AddDate(0, 0, 20)
	a := tuned(t, dir, &now, app.Retention{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		for i := range 6 {
			if _, err := a.IngestStream(t.Context(), strings.NewReader(days(first.AddDate(0, 0, i), 3, 2500)), fmt.Sprint(i), "", clock); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		if err := upkeep(ctx, a, dir, rand.New(rand.NewPCG(3, 3))); err != nil {
			t.Error(err)
		}
	})
	var last, asked int64
	for ctx.Err() == nil {
		got, err := a.Query(t.Context(), "| by src count | limit 100", clock)
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, row := range got.Rows {
			sum += row[1].(int64)
		}
		if sum < last || sum%2500 != 0 { // batches are whole
			t.Fatalf("%d events after %d", sum, last)
		}
		last = sum
		asked++
	}
	wg.Wait()
	t.Logf("%d questions meanwhile", asked)
	if n := events(t, a); n != 6*3*2500 {
		t.Errorf("%d events", n)
	}
}

// knowsDevices checks that no stored event names a device that is not known.
func knowsDevices(t *testing.T, a *app.App) {
	t.Helper()
	known := map[string]bool{}
	list, err := a.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		known[d.UID] = true
	}
	got, err := a.Query(t.Context(), "| by device.uid count | limit 10000", clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range got.Rows {
		if uid, _ := row[0].(string); uid != "" && !known[uid] {
			t.Errorf("events of device %s, which is not known", uid)
		}
	}
}

func TestBackupRefusesAndCleansUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := full(t, dir)
	there, foreign, unfinished := t.TempDir(), filepath.Join(t.TempDir(), "x"), filepath.Join(t.TempDir(), "y")
	for _, d := range []string{foreign + ".partial", unfinished + ".partial"} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(unfinished+".partial", "vedette-backup-not-finished"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]fault.Kind{"relative": fault.Invalid, filepath.Join(dir, "b"): fault.Invalid, dir: fault.Invalid, there: fault.Conflict, foreign: fault.Conflict, filepath.Join(dir, "audit.jsonl", "b"): fault.Invalid} {
		if _, err := a.Backup(t.Context(), to); fault.KindOf(err) != want || err == nil {
			t.Errorf("into %s: %v", to, err)
		}
	}
	if _, err := os.Stat(foreign + ".partial"); err != nil {
		t.Errorf("someone else's directory: %v", err)
	}
	if _, err := a.Backup(t.Context(), unfinished); err != nil {
		t.Errorf("after one that was killed: %v", err)
	}
	if _, err := a.Backup(t.Context(), filepath.Join(t.TempDir(), "file")); err != nil {
		t.Error(err)
	}
}

// Any byte of a backup that is not as it was is noticed, and nothing of what is
// there is touched.
func TestRestoreNoticesDamage(t *testing.T) {
	a := full(t, filepath.Join(t.TempDir(), "d"))
	backup := filepath.Join(t.TempDir(), "b")
	b, err := a.Backup(t.Context(), backup)
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "kept")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(target, "mine"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := func(what string) {
		t.Helper()
		_, err := app.RestoreBackup(t.Context(), app.Config{Dir: target}, app.Restore{Backup: backup, Replace: true})
		entries, listed := os.ReadDir(filepath.Dir(target))
		if err == nil || listed != nil || len(entries) != 1 {
			t.Errorf("%s: %v, left %v", what, err, entries)
		}
		if raw, err := os.ReadFile(filepath.Join(target, "mine")); err != nil || string(raw) != "x" {
			t.Errorf("%s: what was there is %q, %v", what, raw, err)
		}
	}
	for _, f := range b.Files {
		path := filepath.Join(backup, filepath.FromSlash(f.Path))
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		replace := func(content []byte) {
			t.Helper()
			if err := os.Remove(path); err != nil { // it may be a link to the living file
				t.Fatal(err)
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		flipped := append([]byte(nil), raw...)
		flipped[len(raw)/2] ^= 1
		replace(flipped)
		refused(f.Path + " flipped")
		replace(raw[:len(raw)-1])
		refused(f.Path + " cut")
		if err := os.Rename(path, path+"~"); err != nil {
			t.Fatal(err)
		}
		refused(f.Path + " gone")
		replaceBack(t, path, raw)
	}
	done, err := app.RestoreBackup(t.Context(), app.Config{Dir: target}, app.Restore{Backup: backup, Replace: true})
	if err != nil || done.Events != 200 {
		t.Fatalf("%+v, %v", done, err)
	}
	if raw, err := os.ReadFile(filepath.Join(done.Aside, "mine")); err != nil || string(raw) != "x" {
		t.Errorf("moved aside: %q, %v", raw, err)
	}
}

func replaceBack(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A manifest may come from anywhere: it never names a file outside of its
// backup, and what it says survives being written and read again.
func FuzzManifest(f *testing.F) {
	for _, path := range []string{"x", "../x", "/etc/passwd", "a//b", "a/../../b", `a\..\b`, ".", "", "a\x00b"} {
		raw, err := json.Marshal(api.Backup{Format: 1, Files: []api.BackupFile{{Path: path}, {Path: "events/hot.duckdb"}, {Path: "records.db"}, {Path: "audit.jsonl"}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"format":1,"files":[{"path":"records.db"},{"path":"records.db"}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := app.ParseManifest(raw)
		if err != nil {
			return
		}
		root := string(filepath.Separator) + "backup"
		seen := map[string]bool{}
		for _, file := range b.Files {
			rel, err := filepath.Rel(root, filepath.Join(root, filepath.FromSlash(file.Path)))
			if err != nil || rel == ".." || strings.HasPrefix(rel, "../") || rel == "." || seen[rel] || file.Size < 0 {
				t.Fatalf("the file %q", file.Path)
			}
			seen[rel] = true
		}
		again, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := app.ParseManifest(again); err != nil || len(c.Files) != len(b.Files) || c.Events != b.Events {
			t.Fatalf("written and read again: %+v, %v", c, err)
		}
	})
}
