package duckdb_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/store/duckdb"
	"vedette/internal/store/storetest"
)

// A copy from before is kept when the layout changes, and only then.
func TestCopyBeforeMigration(t *testing.T) {
	dir, kept := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	now := start()
	opts := duckdb.Options{BackupDir: kept, Now: func() time.Time { return now }}
	for round := range 4 {
		s := open(t, dir, opts)
		fill(t, s, round*10, round*10+10)
		if err := s.DropColumnForTest("message"); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	s := open(t, dir, opts)
	if s.Opening().Kept == "" {
		t.Error("the opening does not tell of the copy")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, opts) // up to date
	defer s.Close()
	copies, err := filepath.Glob(filepath.Join(kept, "*", "*"))
	if err != nil || len(copies) != 2 || filepath.Base(copies[1]) != "hot.duckdb" || s.Opening().Kept != "" {
		t.Fatalf("copies %v, %v; opening %+v", copies, err, s.Opening())
	}
	old := t.TempDir()
	copyFile(t, filepath.Join(old, "hot.duckdb"), copies[1])
	rep, err := duckdb.Inspect(context.Background(), old, false)
	if err != nil || rep.Hot != 40 {
		t.Errorf("the copy holds %+v, %v", rep, err)
	}
}

// A migration that fails leaves the database as it was.
func TestFailedMigration(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, duckdb.Options{})
	fill(t, s, 0, 10)
	if err := s.SpoilColumnForTest("message"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "hot.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if s, err := duckdb.Open(dir, duckdb.Options{}); err == nil {
			_ = s.Close()
			t.Fatal("a column of another kind was taken")
		}
	}
	after, err := os.ReadFile(filepath.Join(dir, "hot.duckdb"))
	if err != nil || !slices.Equal(before, after) {
		t.Errorf("the database was changed (%d bytes, now %d), %v", len(before), len(after), err)
	}
	if copies, err := filepath.Glob(filepath.Join(dir, "backup", "*", "hot.duckdb")); err != nil || len(copies) != 2 {
		t.Errorf("copies %v, %v", copies, err)
	}
}

// backUp makes a store's directory out of a backup.
func backUp(s *duckdb.Store, to string) (duckdb.Snapshot, error) {
	if err := os.MkdirAll(filepath.Join(to, "sealed"), 0o700); err != nil {
		return duckdb.Snapshot{}, err
	}
	return s.Backup(context.Background(), filepath.Join(to, "hot.duckdb"), func(path string) error {
		return os.Link(path, filepath.Join(to, "sealed", filepath.Base(path)))
	})
}

// Backups taken while events come in, days are sealed and dropped are whole.
func TestBackupMeanwhile(t *testing.T) {
	s := open(t, t.TempDir(), duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	fill(t, s, 0, 5000)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for i := range 40 {
			batch := make([]*event.Event, 500)
			for n := range batch {
				batch[n] = storetest.New(10000+i*500+n, start().Add(time.Duration(i*500+n)*20*time.Second), func(*event.Event) {})
			}
			if _, err := s.Append(context.Background(), batch); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for more := true; more; {
			select {
			case <-done:
				more = false
			default:
			}
			if _, err := s.Seal(context.Background(), start().AddDate(0, 0, 3)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 6 {
		to := filepath.Join(t.TempDir(), "b")
		snap, err := backUp(s, to)
		if err != nil {
			t.Fatal(err)
		}
		b := open(t, to, duckdb.Options{})
		if o := b.Opening(); o.Fresh || len(o.Adopted)+len(o.Aside) > 0 {
			t.Errorf("opening the backup: %+v", o)
		}
		res, err := b.Query(context.Background(), query.Query{Measures: []query.Measure{{Fn: query.Count}, {Fn: query.Distinct, Field: "metadata.uid"}}})
		if err != nil || res.Rows[0][0] != snap.Events || res.Rows[0][1] != snap.Events || snap.Events%500 != 0 {
			t.Errorf("the backup of %+v holds %v, %v", snap, res, err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	count(t, s, query.Query{}, 25000)
}

// TestInspect finds each kind of damage and changes nothing.
func TestInspect(t *testing.T) {
	dir := t.TempDir()
	threeDays(t, dir)
	for _, deep := range []bool{false, true} {
		rep, err := duckdb.Inspect(context.Background(), dir, deep)
		if err != nil || rep.Events != 300 || rep.Hot != 100 || len(rep.Days) != 2 || len(rep.Problems)+len(rep.Unlisted) > 0 || rep.Version != rep.Known {
			t.Fatalf("Inspect = %+v, %v", rep, err)
		}
	}
	s := open(t, dir, duckdb.Options{})
	if rep, err := s.Inspect(context.Background(), true); err != nil || rep.Events != 300 {
		t.Errorf("Inspect of an open store = %+v, %v", rep, err)
	}
	if err := s.PutDevices(context.Background(), []store.Device{{UID: "d"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(sealedPath(dir, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-20] ^= 0xff // the footer
	writeFile(t, sealedPath(dir, 0, 1), string(raw))
	if err := os.Remove(sealedPath(dir, 1, 2)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, sealedPath(dir, 9, 9)+".aside", "")
	rep, err := duckdb.Inspect(context.Background(), dir, false)
	if err != nil || rep.Devices != 1 || len(rep.Problems) != 2 || !strings.Contains(rep.Problems[1].Text, "missing") || len(rep.Unlisted) != 1 {
		t.Errorf("Inspect = %+v, %v", rep, err)
	}
	if _, err := duckdb.Inspect(context.Background(), t.TempDir(), false); err == nil {
		t.Error("an empty directory has a store")
	}
}

// A backup of a large hot database does not hold up who appends.
func BenchmarkAppendDuringBackup(b *testing.B) {
	s, err := duckdb.Open(b.TempDir(), duckdb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	next := 0
	add := func() time.Duration {
		batch := make([]*event.Event, 5000)
		for i := range batch {
			batch[i] = numbered(next + i)
		}
		next += len(batch)
		began := time.Now()
		if _, err := s.Append(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	for range 200 {
		add()
	}
	worst := func(while func() bool) (longest time.Duration) {
		for while() {
			longest = max(longest, add())
		}
		return longest
	}
	for b.Loop() {
		n := 0
		b.ReportMetric(worst(func() bool { n++; return n < 60 }).Seconds()*1000, "ms-worst-alone")
		done := make(chan struct{})
		began := time.Now()
		go func() {
			defer close(done)
			if _, err := backUp(s, filepath.Join(b.TempDir(), "b")); err != nil {
				b.Error(err)
			}
		}()
		longest := worst(func() bool {
			select {
			case <-done:
				return false
			default:
				return true
			}
		})
		b.ReportMetric(longest.Seconds()*1000, "ms-worst-in-backup")
		b.ReportMetric(time.Since(began).Seconds()*1000, "ms-backup")
	}
}
