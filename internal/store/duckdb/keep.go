package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vedette/internal/fault"
	"vedette/internal/store/disk"
)

const hotName = "hot.duckdb"

// outdated tells whether this version will change the layout of the hot
// database, and its version.
func (s *Store) outdated(ctx context.Context) (bool, int64, error) {
	const doing = "reading the layout of the event store"
	have, err := s.tableColumns(ctx, "meta")
	if err != nil || len(have) == 0 {
		return false, 0, engineFaultOrNil(ctx, err, doing)
	}
	version, err := s.meta(ctx, "version")
	if err != nil {
		return false, 0, engineFault(ctx, err, doing)
	}
	if version == 0 || version > int64(len(migrations())) { // made and not yet filled; refused later
		return false, version, nil
	}
	if version < int64(len(migrations())) {
		return true, version, nil
	}
	for table, want := range map[string][]columnDef{"events": eventColumns(), "devices": deviceColumns()} {
		have, err := s.tableColumns(ctx, table)
		if err != nil {
			return false, 0, engineFault(ctx, err, doing)
		}
		for _, col := range want {
			if !slices.Contains(have, col) {
				return true, version, nil
			}
		}
	}
	return false, version, nil
}

func engineFaultOrNil(ctx context.Context, err error, doing string) error {
	if err == nil {
		return nil
	}
	return engineFault(ctx, err, doing)
}

// keepCopy keeps a copy of the hot database before it is migrated. The
// database is closed meanwhile: its file is whole then, and closing a copied
// file cannot give up the engine's lock on it.
func (s *Store) keepCopy(ctx context.Context, version int64) error {
	const doing = "keeping a copy of the event store before it is brought up to date"
	if _, err := s.writer.ExecContext(ctx, "CHECKPOINT"); err != nil {
		return engineFault(ctx, err, doing)
	}
	if err := errors.Join(s.loader.Close(), s.writer.Close(), s.db.Close()); err != nil {
		return fault.Wrap(fault.Internal, err, doing)
	}
	s.loader, s.writer, s.db = nil, nil, nil
	path, err := disk.Before(s.opts.BackupDir, hotName, version, s.opts.Now())
	if err == nil {
		_, err = disk.Copy(path+".partial", filepath.Join(s.dir, hotName))
	}
	if err == nil {
		err = os.Rename(path+".partial", path)
	}
	if err == nil {
		err = disk.SyncTree(s.opts.BackupDir)
	}
	if err != nil {
		_ = os.Remove(path + ".partial")
		return fault.Wrap(fault.Unavailable, err, doing).WithHint("free space in %s; the event store is unchanged", s.opts.BackupDir)
	}
	s.opening.Kept = path
	return s.connect(ctx)
}

// Snapshot is what a backup of the store holds.
type Snapshot struct {
	Events, Devices int64
}

// Backup writes one state of the hot database to a new file and hands the
// paths of that state's sealed files to keep; they stay until it returns.
// Appends, queries and sealing go on meanwhile.
func (s *Store) Backup(ctx context.Context, hot string, keep func(path string) error) (Snapshot, error) {
	const doing = "backing up the event store"
	var snap Snapshot
	leave, err := s.enter()
	if err != nil {
		return snap, err
	}
	defer leave()
	s.files.acquire()
	defer s.files.release()
	tmp, err := os.MkdirTemp(s.tmpDir(), "backup-")
	if err != nil {
		return snap, directoryFault(err, s.dir)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // emptied at the next opening
	files, err := s.copyHot(ctx, filepath.Join(tmp, hotName), &snap)
	if err != nil {
		return snap, engineFault(ctx, err, doing)
	}
	if err := moveFile(hot, filepath.Join(tmp, hotName)); err != nil {
		return snap, fault.Wrap(fault.Unavailable, err, doing).WithHint("check that %s has enough free space and can be written", filepath.Dir(hot))
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return snap, fault.Wrap(fault.Unavailable, err, "%s: it was cancelled", doing)
		}
		if err := keep(filepath.Join(s.sealedDir(), f.file)); err != nil {
			return snap, err
		}
		snap.Events += f.rows
	}
	return snap, nil
}

// copyHot copies the hot database in one transaction, so that the copy lists
// the files that it belongs to. No writer waits for it.
func (s *Store) copyHot(ctx context.Context, to string, snap *Snapshot) (files []sealedFile, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	name := fmt.Sprintf("backup_%d", s.backups.Add(1))
	if _, err := conn.ExecContext(ctx, "ATTACH "+text(to)+" AS "+name); err != nil {
		return nil, err
	}
	err = s.inTransaction(ctx, conn, "copying the hot database", func() error {
		var err error
		if files, err = s.sealedFiles(ctx, conn, -1<<40, 1<<40); err != nil {
			return err
		}
		if err := conn.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM hot.events), (SELECT count(*) FROM hot.devices)`).Scan(&snap.Events, &snap.Devices); err != nil {
			return err
		}
		return copyTables(ctx, conn, name)
	})
	end := context.WithoutCancel(ctx)
	if err == nil {
		_, err = conn.ExecContext(end, "CHECKPOINT "+name)
	}
	_, detached := conn.ExecContext(end, "DETACH "+name)
	if err == nil {
		err = detached
	}
	return files, err
}

// copyTables copies table by table. COPY FROM DATABASE would do the same in one
// statement, but changes a setting at times, which configure forbids.
func copyTables(ctx context.Context, conn *sql.Conn, to string) error {
	rows, err := conn.QueryContext(ctx, `SELECT table_name FROM duckdb_tables() WHERE database_name = 'hot' AND schema_name = 'main' AND NOT temporary ORDER BY table_name`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := conn.ExecContext(ctx, "CREATE TABLE "+to+"."+quote(name)+" AS SELECT * FROM hot."+quote(name)); err != nil {
			return err
		}
	}
	return nil
}

// moveFile renames a file, or copies it to another disk.
func moveFile(to, from string) error {
	if err := disk.Sync(from); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Rename(from, to); err == nil {
		return nil
	}
	_, err := disk.Copy(to, from)
	return err
}

// FileProblem is a sealed file that is not as it should be.
type FileProblem struct {
	Path, Text string
}

// Report is what Inspect found.
type Report struct {
	Version  int64 // of the layout
	Known    int64 // the version that this program knows
	Hot      int64 // events in the hot database
	Events   int64
	Suspect  int64
	Devices  int64
	Oldest   time.Time
	Newest   time.Time
	Days     []Day
	Problems []FileProblem
	Unlisted []string // paths in the folder of the sealed days that nothing lists
}
