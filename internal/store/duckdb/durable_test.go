package duckdb_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/store/duckdb"
	"vedette/internal/store/storetest"
)

// childDir names the directory that this test binary fills when it runs as
// the child process of a test.
const childDir = "VEDETTE_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child appends batches until it is killed and says so after each one.
func child(dir string) error {
	s, err := duckdb.Open(dir, duckdb.Options{Threads: 1})
	if err != nil {
		return err
	}
	b, err := s.Bounds(context.Background())
	if err != nil {
		return err
	}
	for n := int(b.Events); ; n += 500 {
		var batch []*event.Event
		for i := range 500 {
			batch = append(batch, numbered(n+i))
		}
		if _, err := s.Append(context.Background(), batch); err != nil {
			return err
		}
		if _, err := fmt.Println(n + 500); err != nil {
			return err
		}
	}
}

func start() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }

func numbered(n int) *event.Event {
	return storetest.New(n, start().Add(time.Duration(n)*time.Second), func(e *event.Event) { e.SetMessage(strings.Repeat("m", n%200)) })
}

// TestKilledWhileAppending kills a writing process ten times and finds every
// acknowledged event again, each once.
func TestKilledWhileAppending(t *testing.T) {
	dir := t.TempDir()
	for round := range 10 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acked := 0
		lines := bufio.NewScanner(out)
		for i := 0; i < 3+round && lines.Scan(); i++ {
			if _, err := fmt.Sscan(lines.Text(), &acked); err != nil {
				t.Fatal(lines.Text())
			}
		}
		if err := cmd.Process.Kill(); err != nil { // mostly in the middle of the next batch
			t.Fatal(err)
		}
		for lines.Scan() { // acknowledged between the last line and the kill
			if _, err := fmt.Sscan(lines.Text(), &acked); err != nil {
				t.Fatal(lines.Text())
			}
		}
		_ = cmd.Wait() // it was killed
		s := open(t, dir, duckdb.Options{Threads: 1})
		res, err := s.Query(context.Background(), query.Query{Measures: []query.Measure{{Fn: query.Count}, {Fn: query.Distinct, Field: "metadata.uid"}}})
		if err != nil {
			t.Fatal(err)
		}
		if n := res.Rows[0][0].(int64); acked == 0 || n < int64(acked) || n != res.Rows[0][1] || n%500 != 0 {
			t.Fatalf("round %d: %d acknowledged, found %v", round, acked, res.Rows)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, duckdb.Options{})
	defer s.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "in use by another process") {
		t.Errorf("the second process said %q", out)
	}
	again, err := duckdb.Open(dir, duckdb.Options{})
	if err == nil {
		_ = again.Close()
	}
	if _, hint := fault.Public(err); fault.KindOf(err) != fault.Conflict || hint == "" {
		t.Errorf("the same process: %v", err)
	}
	count(t, s, query.Query{}, 0)
}

func TestBadDirectories(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "hot.duckdb"), []byte(strings.Repeat("not a database ", 9999)), 0o600); err != nil {
		t.Fatal(err)
	}
	locked := t.TempDir()
	if err := os.Chmod(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]fault.Kind{file: fault.Unavailable, damaged: fault.Unavailable, t.TempDir() + "/a?b": fault.Invalid, locked: fault.Denied} {
		if dir == locked && os.Getuid() == 0 {
			continue // root may write anywhere
		}
		s, err := duckdb.Open(dir, duckdb.Options{})
		if err == nil {
			_ = s.Close()
		}
		if _, hint := fault.Public(err); err == nil || fault.KindOf(err) != want || hint == "" {
			t.Errorf("Open(%s) = %v (%v), hint %q", dir, err, fault.KindOf(err), hint)
		}
	}
	odd := filepath.Join(t.TempDir(), `it's a "dir"; --`)
	s := open(t, odd, duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	fill(t, s, 0, 10)
	seal(t, s, start().AddDate(0, 0, 1), duckdb.Moved{Days: 1, Rows: 10})
	count(t, s, query.Query{}, 10)
}

func fill(t *testing.T, s *duckdb.Store, from, to int) store.Appended {
	t.Helper()
	var batch []*event.Event
	for n := from; n < to; n++ {
		batch = append(batch, numbered(n))
	}
	done, err := s.Append(context.Background(), batch)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func seal(t *testing.T, s *duckdb.Store, before time.Time, want duckdb.Moved) {
	t.Helper()
	got, err := s.Seal(context.Background(), before)
	if err != nil || got != want {
		t.Fatalf("Seal = %+v, %v; want %+v", got, err, want)
	}
}

func count(t *testing.T, s *duckdb.Store, q query.Query, want int64) {
	t.Helper()
	q.Measures = []query.Measure{{Fn: query.Count}}
	res, err := s.Query(context.Background(), q)
	if err != nil || res.Rows[0][0] != want {
		t.Fatalf("count = %+v, %v; want %d", res, err, want)
	}
}

func sealedFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "sealed", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

const perDay = 24 * 60 * 60

// A day that is too large to be sorted at once is sorted in parts, and where there is
// no room for them it is sealed all the same; it is read and written anew like any
// other.
func TestSealLargeDays(t *testing.T) {
	for name, room := range map[string]bool{"in parts": true, "without room for them": false} {
		t.Run(name, func(t *testing.T) {
			now, dir := start().AddDate(0, 0, 1), t.TempDir()
			s := open(t, dir, duckdb.Options{MinSealedRows: 1, MaxSortedRows: 100, Now: func() time.Time { return now }})
			defer s.Close()
			var batch []*event.Event
			for i := range 500 {
				e := numbered(i)
				e.SetDeviceUID(fmt.Sprintf("device-%d", i%7))
				batch = append(batch, e)
			}
			if _, err := s.Append(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if tmp := filepath.Join(dir, "tmp"); !room && (os.RemoveAll(tmp) != nil || os.WriteFile(tmp, nil, 0o600) != nil) {
				t.Fatal("tmp is still there")
			}
			seal(t, s, start().AddDate(0, 0, 9), duckdb.Moved{Days: 1, Rows: 500})
			if runs := runsOfDevices(t, sealedFiles(t, dir)); (runs == 7) != room {
				t.Errorf("the events of 7 devices lie in %d places", runs)
			}
			if got := fill(t, s, 490, 510); got != (store.Appended{Stored: 10, Duplicates: 10}) {
				t.Errorf("late and repeated events: %+v", got)
			}
			seal(t, s, start().AddDate(0, 0, 9), duckdb.Moved{Days: 1, Rows: 10})
			count(t, s, query.Query{}, 510)
			if left, _ := filepath.Glob(filepath.Join(dir, "tmp", "*")); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// runsOfDevices counts in how many places of a file the events of one device lie
// together.
func runsOfDevices(t *testing.T, files []string) int {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil || len(files) != 1 {
		t.Fatal(err, files)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT "device.uid" FROM read_parquet(?, file_row_number = true) ORDER BY file_row_number`, files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n, last := 0, ""
	for rows.Next() {
		var uid string
		if err := rows.Scan(&uid); err != nil {
			t.Fatal(err)
		}
		if uid != last {
			n++
		}
		last = uid
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSealAndDrop(t *testing.T) {
	dir := t.TempDir()
	now := start().AddDate(0, 0, 1)
	opts := duckdb.Options{MinSealedRows: 100, Now: func() time.Time { return now }}
	s := open(t, dir, opts)
	fill(t, s, perDay-200, perDay+50) // 200 on the first day, 50 on the second
	suspect := storetest.New(1<<40, start(), func(e *event.Event) { e.SetMetadataClockSuspect(true) })
	if _, err := s.Append(context.Background(), []*event.Event{suspect}); err != nil {
		t.Fatal(err)
	}
	seal(t, s, start().AddDate(0, 0, 9), duckdb.Moved{Days: 1, Rows: 200})
	count(t, s, query.Query{}, 251)
	count(t, s, query.Query{Time: query.TimeRange{From: start(), To: start().AddDate(0, 0, 1)}}, 200)
	count(t, s, query.Query{Time: query.TimeRange{From: start().AddDate(0, 0, 1)}}, 50)
	if got := fill(t, s, perDay-210, perDay-190); got != (store.Appended{Stored: 10, Duplicates: 10}) {
		t.Errorf("late and repeated events: %+v", got)
	}
	if got := fill(t, s, perDay-2, perDay+2); got != (store.Appended{Duplicates: 4}) {
		t.Errorf("across sealed and hot: %+v", got)
	}
	seal(t, s, start().AddDate(0, 0, 9), duckdb.Moved{Days: 1, Rows: 10})
	files := sealedFiles(t, dir)
	listed, err := s.Days(context.Background())
	if err != nil || len(files) != 1 || len(listed) != 1 || listed[0].File != files[0] || listed[0].Rows != 210 || listed[0].Bytes < 100 || !listed[0].Start.Equal(start()) {
		t.Errorf("files: %v, listed: %+v, %v", files, listed, err)
	}
	count(t, s, query.Query{}, 261)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, opts)
	defer s.Close()
	count(t, s, query.Query{}, 261)
	b, err := s.Bounds(context.Background())
	if err != nil || b.Events != 261 || !b.Oldest.Equal(numbered(perDay-210).TimeField()) || !b.Newest.Equal(numbered(perDay+49).TimeField()) {
		t.Errorf("Bounds = %+v, %v", b, err)
	}
	got, err := s.DropBefore(context.Background(), start().AddDate(0, 0, 1))
	if err != nil || got != (duckdb.Moved{Days: 1, Rows: 210}) || len(sealedFiles(t, dir)) != 0 {
		t.Errorf("DropBefore = %+v, %v; left %v", got, err, sealedFiles(t, dir))
	}
	count(t, s, query.Query{}, 51)
	got, err = s.DropBefore(context.Background(), start().AddDate(0, 0, 2))
	if err != nil || got != (duckdb.Moved{Rows: 51}) {
		t.Errorf("DropBefore = %+v, %v", got, err)
	}
}

// TestOlderLayout opens a directory, sealed day included, that was written
// before some columns existed.
func TestOlderLayout(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, duckdb.Options{MinSealedRows: 1})
	if err := s.DropColumnForTest("message"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Written by the older version: nothing in the column. Opening adds it.
	s = open(t, dir, duckdb.Options{MinSealedRows: 1})
	if err := s.DropColumnForTest("message"); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 0, 10)
	seal(t, s, start().AddDate(0, 0, 1), duckdb.Moved{Days: 1, Rows: 10})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	count(t, s, query.Query{Where: &query.Expr{Field: "message", Op: query.Exists}}, 0)
	fill(t, s, 10, 20)
	fill(t, s, perDay, perDay+10)
	count(t, s, query.Query{Where: &query.Expr{Field: "message", Op: query.Exists}}, 19) // number 86400 has an empty one
	seal(t, s, start().AddDate(0, 0, 2), duckdb.Moved{Days: 2, Rows: 20})
	count(t, s, query.Query{Where: &query.Expr{Field: "message", Op: query.Exists}}, 19)
	count(t, s, query.Query{}, 30)
}

func TestNewerLayoutIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, duckdb.Options{})
	if err := s.SetVersionForTest(9999); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := duckdb.Open(dir, duckdb.Options{})
	if err == nil {
		_ = s.Close()
	}
	if text, _ := fault.Public(err); fault.KindOf(err) != fault.Conflict || !strings.Contains(text, "newer version") {
		t.Errorf("Open = %v", err)
	}
}

func TestLimits(t *testing.T) {
	s := open(t, t.TempDir(), duckdb.Options{QueryTimeout: time.Nanosecond})
	defer s.Close()
	fill(t, s, 0, 100)
	_, err := s.Query(context.Background(), query.Query{})
	if _, hint := fault.Public(err); fault.KindOf(err) != fault.Limited || hint == "" {
		t.Errorf("after the time limit: %v", err)
	}
	s.SetQueryTimeout(time.Minute)
	count(t, s, query.Query{}, 100)
	s.SetQueryTimeout(time.Nanosecond)
	if _, err := s.Query(context.Background(), query.Query{}); fault.KindOf(err) != fault.Limited {
		t.Errorf("after the time limit was set: %v", err)
	}
	small := open(t, t.TempDir(), duckdb.Options{ResultBytes: 50})
	defer small.Close()
	fill(t, small, 0, 100)
	if _, err := small.Query(context.Background(), query.Query{}); fault.KindOf(err) != fault.Limited {
		t.Errorf("over the size limit: %v", err)
	}
	count(t, small, query.Query{}, 100)
}

// TestMemoryLimit asks for more groups than the engine may hold.
func TestMemoryLimit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, duckdb.Options{})
	for n := 0; n < 200000; n += 10000 {
		fill(t, s, n, n+10000)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, duckdb.Options{MemoryLimit: "48MB", TempLimit: "1MB"})
	defer s.Close()
	_, err := s.Query(context.Background(), query.Query{Group: []string{"metadata.uid", "message"}, Measures: []query.Measure{{Fn: query.Distinct, Field: "message"}, {Fn: query.Distinct, Field: "time"}, {Fn: query.Median, Field: "class_uid"}}})
	if _, hint := fault.Public(err); fault.KindOf(err) != fault.Limited || hint == "" {
		t.Errorf("over the memory limit: %v", err)
	}
	count(t, s, query.Query{}, 200000)
}

// TestInterrupt cancels a query that runs and one that has not begun.
func TestInterrupt(t *testing.T) {
	s := open(t, t.TempDir(), duckdb.Options{})
	defer s.Close()
	for n := 0; n < 100000; n += 10000 {
		fill(t, s, n, n+10000)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	slow := query.Query{Group: []string{"metadata.uid", "message", "raw"}, Measures: []query.Measure{{Fn: query.Distinct, Field: "message"}, {Fn: query.Distinct, Field: "time"}, {Fn: query.Median, Field: "count"}}}
	if _, err := s.Query(ctx, slow); !errors.Is(err, context.DeadlineExceeded) || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Query = %v", err)
	}
	count(t, s, query.Query{}, 100000)
}

// TestFullDisk fills a small disk and finds what was acknowledged again.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	defer func() {
		if err := exec.Command("umount", dir).Run(); err != nil {
			t.Error(err)
		}
	}()
	s := open(t, dir, duckdb.Options{})
	var acked int64
	var failed error
	for n := 0; failed == nil && n < 1000000; n += 5000 {
		var batch []*event.Event
		for i := range 5000 {
			e := numbered(n + i)
			e.SetMessage(event.UID("noise", int64(n+i), nil) + event.UID("more", int64(n+i), nil))
			batch = append(batch, e)
		}
		if _, failed = s.Append(context.Background(), batch); failed == nil {
			acked += int64(len(batch))
		}
	}
	if _, hint := fault.Public(failed); fault.KindOf(failed) != fault.Unavailable || hint == "" {
		t.Errorf("after %d events: %v", acked, failed)
	}
	_ = s.Close() // it may say that the disk is full
	s = open(t, dir, duckdb.Options{})
	defer s.Close()
	count(t, s, query.Query{}, acked)
}

// TestTogether appends, asks, seals and drops at once.
func TestTogether(t *testing.T) {
	s := open(t, t.TempDir(), duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	const days, each, size = 6, 5, 200
	var wg sync.WaitGroup
	for d := range days {
		wg.Go(func() {
			for i := range each {
				fill(t, s, d*perDay+i*size, d*perDay+(i+1)*size)
			}
		})
	}
	done := make(chan struct{})
	var upkeep sync.WaitGroup
	loop := func(fn func() error) {
		upkeep.Go(func() {
			for {
				if err := fn(); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	loop(func() error { _, err := s.Seal(context.Background(), start().AddDate(0, 0, days)); return err })
	loop(func() error {
		res, err := s.Query(context.Background(), query.Query{Measures: []query.Measure{{Fn: query.Count}, {Fn: query.Distinct, Field: "metadata.uid"}}})
		if err == nil && (res.Rows[0][0] != res.Rows[0][1] || res.Rows[0][0].(int64)%size != 0) {
			return fmt.Errorf("half a batch or a repeat is visible: %v", res.Rows)
		}
		return err
	})
	wg.Wait()
	close(done)
	upkeep.Wait()
	count(t, s, query.Query{}, days*each*size)
	if _, err := s.Seal(context.Background(), start().AddDate(0, 0, days)); err != nil {
		t.Fatal(err)
	}
	count(t, s, query.Query{}, days*each*size)
	if _, err := s.DropBefore(context.Background(), start().AddDate(0, 0, 3)); err != nil {
		t.Fatal(err)
	}
	count(t, s, query.Query{}, 3*each*size)
}
