package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/store/disk"
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
		n, err := s.sealDay(ctx, conn, day, true)
		if _, failed := errors.AsType[partsError](err); failed && ctx.Err() == nil {
			n, err = s.sealDay(ctx, conn, day, false)
		}
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
	free, err := s.loadAlone(ctx) // the engine makes no checkpoint while another transaction writes
	if err != nil {
		return
	}
	defer free()
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.sumExtras(ctx)
	_, _ = s.writer.ExecContext(ctx, "CHECKPOINT")
}

// keptExtras is how many names of extras are remembered, so that a source
// with endless field names does not fill the table.
const keptExtras = 20 * store.MaxExtras

func (s *Store) sumExtras(ctx context.Context) error {
	return s.inTransaction(ctx, s.writer, "counting extras", func() error {
		for _, step := range []string{
			`CREATE TEMP TABLE extra_sums AS SELECT name, CAST(sum(events) AS BIGINT) AS events FROM extras GROUP BY name`,
			`DELETE FROM extras`, fmt.Sprintf(`INSERT INTO extras SELECT name, events FROM extra_sums ORDER BY events DESC, name LIMIT %d`, keptExtras), `DROP TABLE extra_sums`,
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
// meanwhile are not visible to the transaction and stay hot. sorted is not, if there
// was no room for the parts of a large day.
func (s *Store) sealDay(ctx context.Context, conn *sql.Conn, day int64, sorted bool) (int64, error) {
	start := dayStart(day)
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
		all := moved
		for _, f := range old {
			all += f.rows
		}
		if err := s.copyDay(ctx, conn, name, s.union("(SELECT * FROM events WHERE "+inDay+")", old), all, sorted); err != nil {
			return err
		}
		if err := s.list(ctx, conn, day, name, moved, old); err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, "DELETE FROM events WHERE "+inDay) //nolint:gosec // G202: made of times only
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

// sealedGroup is how many rows of a sealed file are one group, which the engine
// reads or leaves out as a whole by the least and largest value of each column. It
// is a quarter of its default: a filter that few rows fit takes two thirds of the
// time, one that many fit up to a third more, and since a day is sorted by device
// the files are smaller (docs/benchmarks.md).
const sealedGroup = 32_768

// copyDay writes a file under a temporary name, makes it durable and names it.
// It is sorted by device and time, a day of more rows than can be sorted in the space
// that is allowed in parts. Not sorted it keeps the order in which the events came,
// which is about that of time.
func (s *Store) copyDay(ctx context.Context, conn *sql.Conn, name, relation string, rows int64, sorted bool) error {
	path := filepath.Join(s.sealedDir(), name)
	tmp := path + ".tmp"
	var err error
	parts := (rows + s.opts.MaxSortedRows - 1) / s.opts.MaxSortedRows
	switch {
	case !sorted:
		err = copyTo(ctx, conn, "SELECT * FROM "+relation+" AS e", tmp, "zstd")
	case parts <= 1:
		err = copySorted(ctx, conn, "SELECT * FROM "+relation+" AS e", tmp, "zstd")
	default:
		err = s.copyInParts(ctx, conn, relation, tmp, parts)
	}
	if err == nil {
		err = disk.Sync(tmp)
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = disk.SyncDir(s.sealedDir())
	}
	if err != nil {
		_ = os.Remove(tmp)
	}
	return err
}

// partsError is why a day could not be sorted in parts.
type partsError struct{ error }

func (e partsError) Unwrap() error { return e.error }

// copyInParts sorts a day part by part, each with all events of its devices, and
// puts the parts together: the events of a device lie in few groups of rows.
func (s *Store) copyInParts(ctx context.Context, conn *sql.Conn, relation, path string, parts int64) error {
	dir, err := os.MkdirTemp(s.tmpDir(), "seal-")
	if err != nil {
		return partsError{err}
	}
	defer os.RemoveAll(dir) //nolint:errcheck // emptied at the next opening
	files := make([]string, parts)
	for i := range parts {
		file := filepath.Join(dir, fmt.Sprintf("%d.parquet", i))
		part := fmt.Sprintf(`SELECT * FROM %s AS e WHERE hash(coalesce("device.uid", '')) %% %d = %d`, relation, parts, i)
		if err := copySorted(ctx, conn, part, file, "snappy"); err != nil {
			return partsError{err}
		}
		files[i] = text(file)
	}
	if err := copyTo(ctx, conn, "SELECT * FROM read_parquet(["+strings.Join(files, ", ")+"])", path, "zstd"); err != nil {
		return partsError{err}
	}
	return nil
}

func copySorted(ctx context.Context, conn *sql.Conn, rows, path, compression string) error {
	return copyTo(ctx, conn, rows+` ORDER BY "device.uid", "time"`, path, compression)
}

func copyTo(ctx context.Context, conn *sql.Conn, rows, path, compression string) error {
	_, err := conn.ExecContext(ctx, `COPY (`+rows+`) TO `+text(path)+fmt.Sprintf(` (FORMAT parquet, COMPRESSION %s, ROW_GROUP_SIZE %d)`, compression, sealedGroup))
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
	return insertListing(ctx, conn, listing{day, name, s.layout.fingerprint(), rows, info.Size(), oldest.Int64, newest.Int64})
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
		if err := setDropped(ctx, conn, dayOf(day)); err != nil {
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

// setDropped remembers from which day on events are kept, so that a file that
// could not be deleted is known for one that may be.
func setDropped(ctx context.Context, conn *sql.Conn, day int64) error {
	for _, step := range []string{
		fmt.Sprintf(`INSERT INTO meta SELECT 'dropping', CAST(max(d) AS VARCHAR) FROM (SELECT CAST(value AS BIGINT) AS d FROM meta WHERE key = 'dropped' UNION ALL SELECT %d) AS days`, day),
		`DELETE FROM meta WHERE key = 'dropped'`, `UPDATE meta SET key = 'dropped' WHERE key = 'dropping'`,
	} {
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	return nil
}
