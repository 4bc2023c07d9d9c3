package duckdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store/duckdb"
)

// threeDays makes a store with two sealed days and one hot, and closes it.
func threeDays(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir, duckdb.Options{MinSealedRows: 1})
	for day := range 3 {
		fill(t, s, day*perDay, day*perDay+100)
	}
	seal(t, s, start().AddDate(0, 0, 2), duckdb.Moved{Days: 2, Rows: 200})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func sealedPath(dir string, day, number int) string {
	return filepath.Join(dir, "sealed", fmt.Sprintf("events-%s-%d.parquet", start().AddDate(0, 0, day).Format(time.DateOnly), number))
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, string(raw))
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A hot database that is damaged and moved away takes no sealed day with it.
func TestSealedDaysOutliveTheHotDatabase(t *testing.T) {
	dir := t.TempDir()
	threeDays(t, dir)
	before := sealedFiles(t, dir)
	copyFile(t, sealedPath(dir, 0, 99), sealedPath(dir, 0, 1)) // a later file of the first day
	writeFile(t, sealedPath(dir, 4, 7), "half a file")
	writeFile(t, sealedPath(dir, 5, 8)+".tmp", "half a file")
	copyFile(t, sealedPath(dir, 6, 9), sealedPath(dir, 1, 2)) // its name lies
	odd := []string{"events-old.parquet", "events-2026-13-41-1.parquet", "events-2026-03-01-01.parquet", "events-2026-03-01-1.parquet.bak", "events-.parquet.tmp"}
	for _, name := range odd {
		writeFile(t, filepath.Join(dir, "sealed", name), "someone else's")
	}
	for _, name := range []string{"hot.duckdb", "hot.duckdb.wal"} {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(t.TempDir(), name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	for range 2 { // the second opening changes nothing
		s := open(t, dir, duckdb.Options{MinSealedRows: 1})
		count(t, s, query.Query{}, 200)
		b, err := s.Bounds(context.Background())
		if err != nil || !b.Oldest.Equal(start()) || !b.Newest.Equal(numbered(perDay+99).TimeField()) {
			t.Errorf("Bounds = %+v, %v", b, err)
		}
		if got := fill(t, s, 50, 60); got.Duplicates != 10 {
			t.Errorf("events of a sealed day again: %+v", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := append(slices.Clone(before), sealedPath(dir, 0, 99), sealedPath(dir, 4, 7)+".aside", sealedPath(dir, 5, 8)+".tmp.aside", sealedPath(dir, 6, 9)+".aside")
	want[slices.Index(want, sealedPath(dir, 0, 1))] += ".aside"
	for _, name := range odd {
		want = append(want, filepath.Join(dir, "sealed", name))
	}
	slices.Sort(want)
	if got := sealedFiles(t, dir); !slices.Equal(got, want) {
		t.Errorf("files\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// New files are numbered after those that were taken over.
	s := open(t, dir, duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	if o := s.Opening(); o.Fresh || len(o.Adopted)+len(o.Aside) > 0 {
		t.Errorf("a third opening says %+v", o)
	}
	fill(t, s, 2*perDay, 2*perDay+10)
	seal(t, s, start().AddDate(0, 0, 3), duckdb.Moved{Days: 1, Rows: 10})
	if _, err := os.Stat(sealedPath(dir, 2, 100)); err != nil {
		t.Error(err)
	}
}

func TestAdoptionIsTold(t *testing.T) {
	dir := t.TempDir()
	threeDays(t, dir)
	writeFile(t, sealedPath(dir, 4, 7), "")
	if err := os.Remove(filepath.Join(dir, "hot.duckdb")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, duckdb.Options{})
	defer s.Close()
	o := s.Opening()
	if !o.Fresh || !slices.Equal(o.Adopted, []string{filepath.Base(sealedPath(dir, 0, 1)), filepath.Base(sealedPath(dir, 1, 2))}) || !slices.Equal(o.Aside, []string{sealedPath(dir, 4, 7) + ".aside"}) {
		t.Errorf("Opening = %+v", o)
	}
}

// What an interrupted Seal leaves is deleted only when it is stored elsewhere.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	threeDays(t, dir)
	s := open(t, dir, duckdb.Options{MinSealedRows: 1})
	fill(t, s, 3*perDay, 3*perDay+10)
	seal(t, s, start().AddDate(0, 0, 4), duckdb.Moved{Days: 2, Rows: 110})
	if err := s.Unlist(start().AddDate(0, 0, 3)); err != nil { // as if the commit had got lost
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kept := sealedFiles(t, dir)
	copyFile(t, sealedPath(dir, 1, 98), sealedPath(dir, 1, 2))
	writeFile(t, sealedPath(dir, 1, 99)+".tmp", "half")
	writeFile(t, sealedPath(dir, 1, 97), "half")
	s = open(t, dir, duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	if want := append(kept, sealedPath(dir, 1, 97)+".aside"); !slices.Equal(sealedFiles(t, dir), sorted(want)) {
		t.Errorf("left %v, want %v", sealedFiles(t, dir), want)
	}
	count(t, s, query.Query{}, 310)
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// A process that is killed after the new file of a day is listed and before the
// old one is deleted leaves both.
func TestOldFileOfADayIsRemoved(t *testing.T) {
	dir := t.TempDir()
	threeDays(t, dir)
	kept := filepath.Join(t.TempDir(), "kept")
	copyFile(t, kept, sealedPath(dir, 0, 1))
	s := open(t, dir, duckdb.Options{MinSealedRows: 1})
	fill(t, s, 100, 110) // late events of the first day
	seal(t, s, start().AddDate(0, 0, 1), duckdb.Moved{Days: 1, Rows: 10})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want := sealedFiles(t, dir)
	copyFile(t, sealedPath(dir, 0, 1), kept)
	s = open(t, dir, duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	if got := sealedFiles(t, dir); !slices.Equal(got, want) || len(want) != 2 {
		t.Errorf("left %v, want %v", got, want)
	}
	count(t, s, query.Query{}, 310)
}

// A file that retention dropped and the system did not delete stays dropped.
func TestDroppedStaysDropped(t *testing.T) {
	dir := t.TempDir()
	threeDays(t, dir)
	kept := filepath.Join(t.TempDir(), "kept")
	copyFile(t, kept, sealedPath(dir, 0, 1))
	s := open(t, dir, duckdb.Options{MinSealedRows: 1})
	for _, day := range []int{1, 0} { // a smaller one changes nothing
		if _, err := s.DropBefore(context.Background(), start().AddDate(0, 0, day)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copyFile(t, sealedPath(dir, 0, 1), kept)
	s = open(t, dir, duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	count(t, s, query.Query{}, 200)
	if _, err := os.Stat(sealedPath(dir, 0, 1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dropped day is still there: %v", err)
	}
}

func TestMissingDayIsTold(t *testing.T) {
	dir := t.TempDir()
	threeDays(t, dir)
	if err := os.Remove(sealedPath(dir, 1, 2)); err != nil {
		t.Fatal(err)
	}
	s, err := duckdb.Open(dir, duckdb.Options{})
	if err == nil {
		_ = s.Close()
	}
	text, hint := fault.Public(err)
	if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, os.ErrNotExist) || !strings.Contains(text, filepath.Base(sealedPath(dir, 1, 2))) || !strings.Contains(hint, "vedette restore") {
		t.Errorf("Open without a sealed day: %v, hint %q", err, hint)
	}
}

// Whether a time is doubtful depends on the clock of the moment. An event that
// comes again under another clock is stored once all the same.
func TestDuplicatesUnderAnotherClock(t *testing.T) {
	batch := func(suspect bool, from, to int) []*event.Event {
		var out []*event.Event
		for n := from; n < to; n++ {
			e := numbered(n)
			e.SetMetadataClockSuspect(suspect)
			out = append(out, e)
		}
		return out
	}
	dir := t.TempDir()
	s := open(t, dir, duckdb.Options{MinSealedRows: 1})
	put := func(suspect bool, from, to, want int) {
		t.Helper()
		got, err := s.Append(context.Background(), batch(suspect, from, to))
		if err != nil || got.Stored != want || got.Duplicates != to-from-want {
			t.Errorf("Append(%v, %d, %d) = %+v, %v; want %d stored", suspect, from, to, got, err, want)
		}
	}
	put(false, 0, 100, 100)
	put(true, 0, 200, 100)    // 100 of them known and sure
	put(false, 100, 300, 100) // 100 of them known and doubtful, all newer than the sure ones
	seal(t, s, start().AddDate(0, 0, 1), duckdb.Moved{Days: 1, Rows: 200})
	put(true, 0, 300, 0)
	put(false, 0, 300, 0)
	spread := make([]*event.Event, 0, 40) // over more days than are looked into one by one
	for d := range 40 {
		spread = append(spread, numbered(d*perDay+500))
	}
	if got, err := s.Append(context.Background(), spread); err != nil || got.Stored != 40 {
		t.Fatal(got, err)
	}
	for _, e := range spread {
		e.SetMetadataClockSuspect(true)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	put(true, 0, 300, 0)
	if got, err := s.Append(context.Background(), spread); err != nil || got.Stored != 0 {
		t.Error(got, err)
	}
}
