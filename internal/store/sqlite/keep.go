package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/fault"
	"vedette/internal/store/disk"
)

// Kept returns the copy of the file from before Open migrated it, "" if it did
// not.
func (r *Records) Kept() string { return r.kept }

// keepCopy keeps a copy of a file of an older version.
func (r *Records) keepCopy(ctx context.Context) error {
	var version, tables int64
	err := r.writer.QueryRowContext(ctx, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)").Scan(&version, &tables)
	if err != nil || tables == 0 || version >= int64(len(migrations())) {
		return err
	}
	dir := filepath.Join(filepath.Dir(r.path), "backup")
	path, err := disk.Before(dir, filepath.Base(r.path), version, time.Now())
	if err == nil {
		err = copyTo(ctx, r.writer, path)
	}
	if err == nil {
		err = disk.SyncTree(dir)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "keeping a copy of the records before they are brought up to date").WithHint("free space in %s; the records are unchanged", dir)
	}
	r.kept = path
	return nil
}

// copyTo writes one state of a database to a new file.
func copyTo(ctx context.Context, db *sql.DB, path string) error {
	partial := path + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	_, err := db.ExecContext(ctx, "VACUUM INTO ?", partial)
	if err == nil {
		err = disk.Sync(partial)
	}
	if err == nil {
		err = os.Rename(partial, path)
	}
	if err != nil {
		_ = os.Remove(partial)
	}
	return err
}

// Backup writes one state of the records to a new file. Writers wait for it.
func (r *Records) Backup(ctx context.Context, path string) error {
	leave, err := r.enter()
	if err != nil {
		return err
	}
	defer leave()
	if err := copyTo(ctx, r.writer, path); err != nil {
		return r.fault(ctx, err, "backing up the records")
	}
	return nil
}

// Report is what Inspect found.
type Report struct {
	Version, Known int64
	Records        int64
	Bad            map[string]int64 // records that hold no JSON, by kind
	Problem        string           // what the engine's check of the whole file says; empty: nothing
}

// Inspect checks an open store.
func (r *Records) Inspect(ctx context.Context) (Report, error) {
	leave, err := r.enter()
	if err != nil {
		return Report{}, err
	}
	defer leave()
	rep, err := inspect(ctx, r.reader)
	if err != nil {
		return rep, r.fault(ctx, err, "checking the records")
	}
	return rep, nil
}

// Inspect checks a file that no process has open. It changes nothing: the
// engine would write beside the file, so it is given a copy.
func Inspect(ctx context.Context, path string) (Report, error) {
	r := &Records{path: path}
	dir, err := os.MkdirTemp("", "vedette-check-")
	if err != nil {
		return Report{}, fault.Wrap(fault.Unavailable, err, "checking the records: no temporary directory")
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	to := filepath.Join(dir, "records.db")
	if _, err := disk.Copy(to, path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return Report{}, fault.Wrap(fault.NotFound, err, "there is no %s", path)
		}
		return Report{}, fault.Wrap(fault.Denied, err, "%s cannot be read", path)
	}
	if _, err := disk.Copy(to+"-wal", path+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Report{}, fault.Wrap(fault.Denied, err, "%s-wal cannot be read", path)
	}
	db, err := sql.Open("sqlite", r.dsn(to, ""))
	if err != nil {
		return Report{}, r.openFault(err)
	}
	defer db.Close() //nolint:errcheck // a copy
	rep, err := inspect(ctx, db)
	if err != nil {
		return rep, r.openFault(err)
	}
	return rep, nil
}

func inspect(ctx context.Context, db *sql.DB) (Report, error) {
	rep := Report{Known: int64(len(migrations()))}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&rep.Version); err != nil {
		return rep, err
	}
	var check string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&check); err != nil {
		return rep, err
	}
	if check != "ok" {
		rep.Problem = check
		return rep, nil
	}
	rows, err := db.QueryContext(ctx, "SELECT kind, count(*), sum(NOT json_valid(CAST(json AS TEXT))) FROM records GROUP BY kind")
	if err != nil {
		return rep, err
	}
	defer rows.Close()
	rep.Bad = map[string]int64{}
	for rows.Next() {
		var kind string
		var n, bad int64
		if err := rows.Scan(&kind, &n, &bad); err != nil {
			return rep, err
		}
		rep.Records += n
		rep.Bad[kind] = bad
	}
	return rep, rows.Err()
}
