package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"vedette/internal/fault"
)

const dayLength = 24 * time.Hour

// sealable are the events that a day's file may take: their time is to be
// trusted. The others stay hot, so that wrong clocks make no files.
const sealable = `"metadata.clock_suspect" IS NOT TRUE AND "time" IS NOT NULL`

// Moved counts what Seal moved or DropBefore dropped.
type Moved struct {
	Days int   // sealed files
	Rows int64 // events
}

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

// Seal moves the whole days before a time out of the hot database into one
// Parquet file each. Days with few rows stay hot; a day that was sealed before
// and got late rows is written anew with them. Appends and queries go on
// meanwhile.
func (s *Store) Seal(ctx context.Context, before time.Time) (Moved, error) {
	const doing = "sealing days"
	leave, err := s.enter()
	if err != nil {
		return Moved{}, err
	}
	defer leave()
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return Moved{}, engineFault(ctx, err, doing)
	}
	defer conn.Close()
	days, err := s.fullDays(ctx, conn, dayOf(before))
	if err != nil {
		return Moved{}, engineFault(ctx, err, doing)
	}
	var done Moved
	for _, day := range days {
		n, err := s.sealDay(ctx, conn, day)
		if err != nil {
			return done, err
		}
		done.Days++
		done.Rows += n
	}
	if done.Days > 0 {
		s.tidy(ctx)
	}
	return done, nil
}

// tidy sums up the counts of extras and lets the engine reuse the space of
// deleted rows. Both only save space and are tried again after the next Seal.
func (s *Store) tidy(ctx context.Context) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.sumExtras(ctx)
	_, _ = s.writer.ExecContext(ctx, "CHECKPOINT")
}

func (s *Store) sumExtras(ctx context.Context) error {
	return s.inTransaction(ctx, s.writer, "counting extras", func() error {
		for _, step := range []string{
			`CREATE TEMP TABLE extra_sums AS SELECT name, CAST(sum(events) AS BIGINT) AS events FROM extras GROUP BY name`,
			`DELETE FROM extras`, `INSERT INTO extras SELECT name, events FROM extra_sums`, `DROP TABLE extra_sums`,
		} {
			if _, err := s.writer.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) fullDays(ctx context.Context, conn *sql.Conn, before int64) ([]int64, error) {
	rows, err := conn.QueryContext(ctx, `SELECT day FROM (SELECT CAST(floor(epoch_ns("time") / 86400000000000.0) AS BIGINT) AS day, count(*) AS n FROM events WHERE `+sealable+` GROUP BY 1) AS d
		WHERE day < ? AND (n >= ? OR day IN (SELECT day FROM sealed)) ORDER BY day`, before, s.opts.MinSealedRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var days []int64
	for rows.Next() {
		var day int64
		if err := rows.Scan(&day); err != nil {
			return nil, err
		}
		days = append(days, day)
	}
	return days, rows.Err()
}

// sealDay is one transaction: the file is written, synced and named, then
// listed, and the rows that it holds are deleted. Rows that are appended
// meanwhile are not visible to the transaction and stay hot.
func (s *Store) sealDay(ctx context.Context, conn *sql.Conn, day int64) (int64, error) {
	start := time.Unix(day*int64(dayLength/time.Second), 0).UTC()
	doing := "sealing " + start.Format(time.DateOnly)
	var old []sealedFile
	var moved int64
	var name string
	err := s.inTransaction(ctx, conn, doing, func() error {
		var err error
		if old, err = s.sealedFiles(ctx, conn, day, day); err != nil {
			return err
		}
		inDay := sealable + fmt.Sprintf(` AND "time" >= make_timestamp_ns(%d) AND "time" < make_timestamp_ns(%d)`, start.UnixNano(), start.Add(dayLength).UnixNano())
		if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM events WHERE "+inDay).Scan(&moved); err != nil {
			return err
		}
		if name, err = s.nextName(ctx, conn, start); err != nil {
			return err
		}
		if err := s.copyDay(ctx, conn, name, s.union("(SELECT * FROM events WHERE "+inDay+")", old)); err != nil {
			return err
		}
		if err := s.list(ctx, conn, day, name, moved, old); err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, "DELETE FROM events WHERE "+inDay)
		return err
	})
	if err != nil {
		_ = os.Remove(filepath.Join(s.sealedDir(), name)) // not listed: cleanUp would remove it at the next opening
		return 0, err
	}
	s.files.retire(s.sealedDir(), old)
	return moved, nil
}

// nextName names a file that never existed before.
func (s *Store) nextName(ctx context.Context, conn *sql.Conn, start time.Time) (string, error) {
	var n int64
	err := conn.QueryRowContext(ctx, `SELECT coalesce(max(CAST(value AS BIGINT)), 0) FROM meta WHERE key = 'sealed'`).Scan(&n)
	if err != nil {
		return "", err
	}
	n++
	for _, step := range []string{`DELETE FROM meta WHERE key = 'sealed'`, fmt.Sprintf(`INSERT INTO meta VALUES ('sealed', '%d')`, n)} {
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("events-%s-%d.parquet", start.Format(time.DateOnly), n), nil
}

// copyDay writes a file under a temporary name, makes it durable and names it.
func (s *Store) copyDay(ctx context.Context, conn *sql.Conn, name, relation string) error {
	path := filepath.Join(s.sealedDir(), name)
	tmp := path + ".tmp"
	_, err := conn.ExecContext(ctx, `COPY (SELECT * FROM `+relation+` AS e ORDER BY "device.uid", "time") TO `+text(tmp)+` (FORMAT parquet, COMPRESSION zstd)`)
	if err == nil {
		err = syncPath(tmp)
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncPath(s.sealedDir())
	}
	if err != nil {
		_ = os.Remove(tmp)
	}
	return err
}

// list puts the file into the sealed table in place of the day's old ones,
// after counting that it holds them all.
func (s *Store) list(ctx context.Context, conn *sql.Conn, day int64, name string, moved int64, old []sealedFile) error {
	path := filepath.Join(s.sealedDir(), name)
	want := moved
	for _, f := range old {
		want += f.rows
	}
	var rows int64
	var oldest, newest sql.NullInt64
	err := conn.QueryRowContext(ctx, `SELECT count(*), epoch_ns(min("time")), epoch_ns(max("time")) FROM read_parquet([`+text(path)+`])`).Scan(&rows, &oldest, &newest)
	if err != nil {
		return err
	}
	if rows != want {
		return fault.New(fault.Internal, "%s holds %d events instead of %d", name, rows, want)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `DELETE FROM sealed WHERE day = ?`, day); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `INSERT INTO sealed VALUES (?, ?, ?, ?, ?, ?, ?)`, day, name, s.layout.fingerprint(), rows, info.Size(), oldest.Int64, newest.Int64)
	return err
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// DropBefore forgets the events of the UTC days before a time: sealed days by
// deleting their files, hot ones in one statement. Events whose own time
// cannot be trusted go by when they were stored.
func (s *Store) DropBefore(ctx context.Context, day time.Time) (Moved, error) {
	const doing = "dropping old events"
	leave, err := s.enter()
	if err != nil {
		return Moved{}, err
	}
	defer leave()
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return Moved{}, engineFault(ctx, err, doing)
	}
	defer conn.Close()
	start := dayOf(day) * int64(dayLength)
	var done Moved
	var old []sealedFile
	err = s.inTransaction(ctx, conn, doing, func() error {
		if old, err = s.sealedFiles(ctx, conn, -1<<40, dayOf(day)-1); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, `DELETE FROM sealed WHERE day < ?`, dayOf(day)); err != nil {
			return err
		}
		res, err := conn.ExecContext(ctx, fmt.Sprintf(`DELETE FROM events WHERE (%[1]s AND "time" < make_timestamp_ns(%[2]d)) OR (NOT (%[1]s) AND stored_at < make_timestamp_ns(%[2]d))`, sealable, start))
		if err != nil {
			return err
		}
		done.Rows, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return Moved{}, err
	}
	for _, f := range old {
		done.Days++
		done.Rows += f.rows
	}
	s.files.retire(s.sealedDir(), old)
	return done, nil
}

// cleanUp removes what an interrupted Seal or DropBefore left: files that the
// sealed table does not list. A listed file that is gone is an error.
func (s *Store) cleanUp(ctx context.Context) error {
	const doing = "checking the sealed days"
	files, err := s.sealedFiles(ctx, s.writer, -1<<40, 1<<40)
	if err != nil {
		return engineFault(ctx, err, doing)
	}
	listed := map[string]bool{}
	for _, f := range files {
		listed[f.file] = true
		if _, err := os.Stat(filepath.Join(s.sealedDir(), f.file)); err != nil {
			return fault.Wrap(fault.Unavailable, err, "opening the event store: the sealed day %s cannot be read", f.file).WithHint("restore the file from a backup")
		}
	}
	entries, err := os.ReadDir(s.sealedDir())
	if err != nil {
		return directoryFault(err, s.dir)
	}
	for _, e := range entries {
		ours := strings.HasPrefix(e.Name(), "events-") && (strings.HasSuffix(e.Name(), ".parquet") || strings.HasSuffix(e.Name(), ".parquet.tmp"))
		if ours && !listed[e.Name()] {
			if err := os.Remove(filepath.Join(s.sealedDir(), e.Name())); err != nil {
				return directoryFault(err, s.dir)
			}
		}
	}
	return s.sumExtras(ctx)
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
