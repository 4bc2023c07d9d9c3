package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// sealedFile is one row of the sealed table.
type sealedFile struct {
	file   string
	layout string
	rows   int64
}

// relation is the SQL of everything that may lie in a range of time: the hot
// table and the sealed files of the days it touches. Zero times are open ends.
func (s *Store) relation(ctx context.Context, conn *sql.Conn, from, to time.Time) (string, error) {
	first, last := int64(-1<<40), int64(1<<40)
	if !from.IsZero() {
		first = dayOf(from)
	}
	if !to.IsZero() {
		last = dayOf(to.Add(-1))
	}
	files, err := s.sealedFiles(ctx, conn, first, last)
	if err != nil {
		return "", err
	}
	return s.union("events", files), nil
}

// union reads a hot relation and sealed files as one; columns that some of
// them lack are missing values.
func (s *Store) union(hot string, files []sealedFile) string {
	if len(files) == 0 {
		return hot
	}
	var paths []string
	mixed := "false"
	for _, f := range files {
		paths = append(paths, text(filepath.Join(s.sealedDir(), f.file)))
		if f.layout != files[0].layout {
			mixed = "true"
		}
	}
	return "(SELECT * FROM " + hot + " UNION ALL BY NAME SELECT * FROM read_parquet([" + strings.Join(paths, ", ") + "], union_by_name = " + mixed + "))"
}

// dayOf is the number of a time's UTC day, counted from 1970. Times outside of
// what events can hold give the days outside of all others.
func dayOf(t time.Time) int64 {
	secs := t.Unix()
	const day = 24 * 60 * 60
	if secs < 0 {
		secs -= day - 1
	}
	return secs / day
}

func dayStart(day int64) time.Time { return time.Unix(day*int64(dayLength/time.Second), 0).UTC() }

func (s *Store) sealedFiles(ctx context.Context, conn *sql.Conn, first, last int64) ([]sealedFile, error) {
	rows, err := conn.QueryContext(ctx, `SELECT file, layout, row_count FROM sealed WHERE day >= ? AND day <= ? ORDER BY day`, first, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var files []sealedFile
	for rows.Next() {
		var f sealedFile
		if err := rows.Scan(&f.file, &f.layout, &f.rows); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, rows.Err()
}

// Day is one sealed day.
type Day struct {
	Start time.Time // midnight UTC
	File  string    // path of its Parquet file
	Rows  int64
	Bytes int64
}

// Leaving is how many bytes belong to sealed files that nothing lists any more and
// that are deleted once no query or load may still read them.
func (s *Store) Leaving() int64 { return s.files.bytes() }

// Days lists the sealed days, oldest first, so that retention by size can tell
// how far to drop.
func (s *Store) Days(ctx context.Context) ([]Day, error) {
	const doing = "listing the sealed days"
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	var days []Day
	err = s.reading(ctx, doing, func(conn *sql.Conn) error {
		days, err = s.days(ctx, conn)
		return err
	})
	return days, err
}

func (s *Store) days(ctx context.Context, conn *sql.Conn) ([]Day, error) {
	rows, err := conn.QueryContext(ctx, `SELECT day, file, row_count, bytes FROM sealed ORDER BY day`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var days []Day
	for rows.Next() {
		var d Day
		var n int64
		if err := rows.Scan(&n, &d.File, &d.Rows, &d.Bytes); err != nil {
			return nil, err
		}
		d.Start, d.File = dayStart(n), filepath.Join(s.sealedDir(), d.File)
		days = append(days, d)
	}
	return days, rows.Err()
}

// WouldDrop counts what [Store.DropBefore] would drop.
func (s *Store) WouldDrop(ctx context.Context, day time.Time) (Moved, error) {
	const doing = "counting old events"
	leave, err := s.enter()
	if err != nil {
		return Moved{}, err
	}
	defer leave()
	var out Moved
	err = s.reading(ctx, doing, func(conn *sql.Conn) error {
		if err := conn.QueryRowContext(ctx, `SELECT count(*), CAST(coalesce(sum(row_count), 0) AS BIGINT) FROM sealed WHERE day < ?`, dayOf(day)).Scan(&out.Days, &out.Rows); err != nil {
			return err
		}
		var hot int64
		err := conn.QueryRowContext(ctx, fmt.Sprintf(`SELECT count(*) FROM events WHERE (%[1]s AND "time" < make_timestamp_ns(%[2]d)) OR (NOT (%[1]s) AND stored_at < make_timestamp_ns(%[2]d))`, sealable, dayOf(day)*int64(dayLength))).Scan(&hot)
		out.Rows += hot
		return err
	})
	return out, err
}

// emptyTmp removes what queries of a killed process spilled to disk.
func (s *Store) emptyTmp() error {
	entries, err := os.ReadDir(s.tmpDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(s.tmpDir(), e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// fileSet deletes sealed files that are no longer listed once no query that
// may still read them is running.
type fileSet struct {
	mu      sync.Mutex
	readers int
	old     []string
}

func (f *fileSet) acquire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers++
}

func (f *fileSet) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers--
	f.delete()
}

func (f *fileSet) retire(dir string, files []sealedFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, file := range files {
		f.old = append(f.old, filepath.Join(dir, file.file))
	}
	f.delete()
}

// bytes is the space of the files that wait to be deleted.
func (f *fileSet) bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sum int64
	for _, path := range f.old {
		if info, err := os.Stat(path); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// delete removes the files if nobody reads. A file that cannot be removed now
// is removed at the next opening, as it is not listed.
func (f *fileSet) delete() {
	if f.readers > 0 {
		return
	}
	for _, path := range f.old {
		_ = os.Remove(path)
	}
	f.old = nil
}
