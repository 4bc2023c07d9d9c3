package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	duck "github.com/duckdb/duckdb-go/v2"

	"vedette/internal/fault"
)

// Inspect looks at a store that no process has open and changes nothing in it.
// Deep reads every sealed file whole.
func Inspect(ctx context.Context, dir string, deep bool) (Report, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Report{}, fault.Wrap(fault.Invalid, err, "looking at the event store in %s", dir)
	}
	path := filepath.Join(abs, hotName)
	if _, err := os.Stat(path); err != nil {
		return Report{}, missingHot(err, path)
	}
	connector, err := duck.NewConnector(path+"?access_mode=READ_ONLY", nil)
	if err != nil {
		return Report{}, openFault(err, path, abs)
	}
	db := sql.OpenDB(connector)
	defer db.Close() //nolint:errcheck // only read
	conn, err := db.Conn(ctx)
	if err != nil {
		return Report{}, openFault(err, path, abs)
	}
	defer conn.Close()
	for _, set := range []string{"SET temp_directory = ''", "SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false", "SET allowed_directories = [" + text(abs) + "]", "SET enable_external_access = false"} {
		if _, err := conn.ExecContext(ctx, set); err != nil {
			return Report{}, fault.Wrap(fault.Internal, err, "looking at the event store: %s", set)
		}
	}
	s := &Store{dir: abs, opts: Options{}.withDefaults(), db: db, loading: make(chan struct{}, 1)}
	return s.inspect(ctx, conn, deep)
}

func missingHot(err error, path string) error {
	if errors.Is(err, os.ErrNotExist) {
		return fault.Wrap(fault.NotFound, err, "there is no %s", path)
	}
	return fault.Wrap(fault.Denied, err, "%s cannot be read", path)
}

// Inspect looks at an open store.
func (s *Store) Inspect(ctx context.Context, deep bool) (Report, error) {
	leave, err := s.enter()
	if err != nil {
		return Report{}, err
	}
	defer leave()
	var rep Report
	err = s.reading(ctx, "looking at the event store", func(conn *sql.Conn) error {
		rep, err = s.inspect(ctx, conn, deep)
		return err
	})
	return rep, err
}

func (s *Store) inspect(ctx context.Context, conn *sql.Conn, deep bool) (Report, error) {
	const doing = "looking at the event store"
	rep := Report{Known: int64(len(migrations()))}
	err := conn.QueryRowContext(ctx, `SELECT coalesce(max(CAST(value AS BIGINT)), 0) FROM meta WHERE key = 'version'`).Scan(&rep.Version)
	if err == nil {
		err = conn.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM devices)`).Scan(&rep.Hot, &rep.Devices)
	}
	if err != nil {
		return rep, engineFault(ctx, err, doing)
	}
	b, err := s.bounds(ctx, conn)
	if err != nil {
		return rep, err
	}
	rep.Events, rep.Suspect, rep.Oldest, rep.Newest = b.Events, b.Suspect, b.Oldest, b.Newest
	if rep.Days, err = s.days(ctx, conn); err != nil {
		return rep, engineFault(ctx, err, doing)
	}
	listed := map[string]bool{}
	for _, d := range rep.Days {
		listed[filepath.Base(d.File)] = true
		if wrong := checkDay(ctx, conn, d, deep); wrong != "" {
			rep.Problems = append(rep.Problems, FileProblem{d.File, wrong})
		}
		if ctx.Err() != nil {
			return rep, engineFault(ctx, ctx.Err(), doing)
		}
	}
	entries, err := os.ReadDir(s.sealedDir())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return rep, directoryFault(err, s.dir)
	}
	for _, e := range entries {
		if !listed[e.Name()] {
			rep.Unlisted = append(rep.Unlisted, filepath.Join(s.sealedDir(), e.Name()))
		}
	}
	return rep, nil
}

// checkDay says what is wrong with a sealed file. Deep decodes every value.
func checkDay(ctx context.Context, conn *sql.Conn, d Day, deep bool) string {
	info, err := os.Stat(d.File)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "the file is missing"
	case err != nil:
		return err.Error()
	case info.Size() != d.Bytes:
		return fmt.Sprintf("the file has %d bytes, %d were written", info.Size(), d.Bytes)
	}
	var rows int64
	var ignored sql.NullString
	find := `SELECT count(*), '' FROM read_parquet([` + text(d.File) + `])`
	if deep {
		find = `SELECT count(*), CAST(bit_xor(hash(e)) AS VARCHAR) FROM read_parquet([` + text(d.File) + `]) AS e`
	}
	if err := conn.QueryRowContext(ctx, find).Scan(&rows, &ignored); err != nil {
		return "the file cannot be read: " + err.Error()
	}
	if rows != d.Rows {
		return fmt.Sprintf("the file holds %d events, %d were written", rows, d.Rows)
	}
	return ""
}
