package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/store/disk"
)

// Opening tells what Open met that a person may want to know.
type Opening struct {
	Fresh   bool     // the hot database is new
	Adopted []string // sealed files that were taken over as nothing listed them
	Aside   []string // paths of files that were renamed as they cannot be used
	Kept    string   // copy of the hot database from before it was migrated
}

// Opening returns what Open met.
func (s *Store) Opening() Opening { return s.opening }

// sealedName is how nextName names a file.
var sealedName = regexp.MustCompile(`^events-(\d{4}-\d\d-\d\d)-([1-9]\d{0,17})\.parquet(\.tmp)?$`)

// sealedOnDisk is a file of our name, listed or not.
type sealedOnDisk struct {
	name   string
	day    int64
	number int64
	tmp    bool // not finished
}

// parseSealed takes a name apart. Others that only look like ours are none of
// our business.
func parseSealed(name string) (sealedOnDisk, bool) {
	m := sealedName.FindStringSubmatch(name)
	if m == nil {
		return sealedOnDisk{}, false
	}
	day, err := time.Parse(time.DateOnly, m[1])
	if err != nil {
		return sealedOnDisk{}, false
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	return sealedOnDisk{name: name, day: dayOf(day), number: n, tmp: m[3] != ""}, err == nil
}

// sealedOnDisk finds the files of our names, those of a day with the highest
// number first.
func (s *Store) sealedOnDisk() ([]sealedOnDisk, error) {
	entries, err := os.ReadDir(s.sealedDir())
	if err != nil {
		return nil, directoryFault(err, s.dir)
	}
	var files []sealedOnDisk
	for _, e := range entries {
		if f, ok := parseSealed(e.Name()); ok && e.Type().IsRegular() {
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b sealedOnDisk) int {
		if a.day != b.day {
			return int(a.day - b.day)
		}
		return -strings.Compare(fmt.Sprintf("%020d", a.number), fmt.Sprintf("%020d", b.number))
	})
	return files, nil
}

// listing is what the sealed table says about a file.
type listing struct {
	day            int64
	file, layout   string
	rows, bytes    int64
	oldest, newest int64
}

// examine reads from a sealed file itself what the sealed table has to say. A
// file that queries could not read together with the others is an error.
func (s *Store) examine(ctx context.Context, f sealedOnDisk) (listing, error) {
	path := filepath.Join(s.sealedDir(), f.name)
	info, err := os.Stat(path)
	if err != nil {
		return listing{}, err
	}
	layout, err := s.fileLayout(ctx, path)
	if err != nil {
		return listing{}, err
	}
	l := listing{day: f.day, file: f.name, layout: layout, bytes: info.Size()}
	var oldest, newest sql.NullInt64
	err = s.writer.QueryRowContext(ctx, `SELECT count(*), epoch_ns(min("time")), epoch_ns(max("time")) FROM read_parquet([`+text(path)+`])`).Scan(&l.rows, &oldest, &newest)
	if err != nil {
		return listing{}, err
	}
	l.oldest, l.newest = oldest.Int64, newest.Int64
	if !oldest.Valid || dayOf(nanos(oldest)) != f.day || dayOf(nanos(newest)) != f.day {
		return listing{}, fmt.Errorf("it does not hold the events of that day")
	}
	return l, nil
}

// fileLayout checks a file's columns and returns the fingerprint of them.
func (s *Store) fileLayout(ctx context.Context, path string) (string, error) {
	rows, err := s.writer.QueryContext(ctx, `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet([`+text(path)+`]))`) //nolint:gosec // G202: names of ours
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var cols []columnDef
	for rows.Next() {
		var c columnDef
		if err := rows.Scan(&c.name, &c.kind); err != nil {
			return "", err
		}
		cols = append(cols, c)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	needed := map[string]bool{"metadata.uid": true, "time": true, "device.uid": true}
	for _, want := range eventColumns() {
		at := slices.IndexFunc(cols, func(c columnDef) bool { return c.name == want.name })
		if at >= 0 && cols[at].kind != want.kind || at < 0 && needed[want.name] {
			return "", fmt.Errorf("column %q is not the one of an event", want.name)
		}
	}
	return newLayout(cols).fingerprint(), nil
}

// findSealed readies the sealed files for a hot database that is new: of each
// day the file with the highest number is returned, as it holds all that the
// others do; those and the ones that cannot be read are renamed aside. Nothing
// is deleted: these files may be all that is left.
func (s *Store) findSealed(ctx context.Context) ([]listing, error) {
	files, err := s.sealedOnDisk()
	if err != nil {
		return nil, err
	}
	var found []listing
	for _, f := range files {
		taken := len(found) > 0 && found[len(found)-1].day == f.day
		if !taken && !f.tmp {
			l, err := s.examine(ctx, f)
			if err == nil {
				found = append(found, l)
				continue
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		if err := s.setAside(f.name); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *Store) setAside(name string) error {
	path, err := disk.Aside(filepath.Join(s.sealedDir(), name))
	if err != nil {
		return directoryFault(err, s.dir)
	}
	s.opening.Aside = append(s.opening.Aside, path)
	return nil
}

// adopt lists the files. It is part of the transaction that makes the tables,
// so that no opening ever sees tables without the files.
func (s *Store) adopt(ctx context.Context, found []listing) error {
	var highest int64
	for _, l := range found {
		if err := insertListing(ctx, s.writer, l); err != nil {
			return err
		}
		f, _ := parseSealed(l.file)
		highest = max(highest, f.number)
		s.opening.Adopted = append(s.opening.Adopted, l.file)
	}
	if highest == 0 {
		return nil
	}
	return s.setMeta(ctx, "sealed", highest)
}

func insertListing(ctx context.Context, conn *sql.Conn, l listing) error {
	_, err := conn.ExecContext(ctx, `INSERT INTO sealed VALUES (?, ?, ?, ?, ?, ?, ?)`, l.day, l.file, l.layout, l.rows, l.bytes, l.oldest, l.newest)
	return err
}

// cleanUp removes what an interrupted Seal or DropBefore left: files that the
// sealed table does not list and that hold nothing that is not stored
// elsewhere, or was dropped on purpose. A listed file that is gone is an error.
func (s *Store) cleanUp(ctx context.Context) error {
	const doing = "checking the sealed days"
	listed := map[string]bool{}
	files, err := s.sealedFiles(ctx, s.writer, -1<<40, 1<<40)
	if err != nil {
		return engineFault(ctx, err, doing)
	}
	for _, f := range files {
		listed[f.file] = true
		if _, err := os.Stat(filepath.Join(s.sealedDir(), f.file)); err != nil {
			return fault.Wrap(fault.Unavailable, err, "opening the event store: the sealed day %s cannot be read", f.file).
				WithHint("put %s back into %s, for example from the folder events/sealed of a backup, or go back to a whole backup with: vedette restore BACKUP --replace", f.file, s.sealedDir())
		}
	}
	there, err := s.sealedOnDisk()
	if err != nil {
		return err
	}
	for _, f := range there {
		if listed[f.name] {
			continue
		}
		if err := s.leftover(ctx, f); err != nil {
			return engineFault(ctx, err, doing)
		}
	}
	if err := s.emptyTmp(); err != nil {
		return directoryFault(err, s.dir)
	}
	return s.sumExtras(ctx)
}

// leftover deals with one file that is not listed. It is deleted only when
// that loses nothing; otherwise it is listed again or, when that would show
// events twice, renamed aside.
func (s *Store) leftover(ctx context.Context, f sealedOnDisk) error {
	remove := func() error { return os.Remove(filepath.Join(s.sealedDir(), f.name)) }
	if f.tmp { // its rows were not deleted from the hot table
		return remove()
	}
	dropped, err := s.meta(ctx, "dropped")
	if err != nil {
		return err
	}
	if dropped != 0 && f.day < dropped {
		return remove()
	}
	l, err := s.examine(ctx, f)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.setAside(f.name)
	}
	others, err := s.sealedFiles(ctx, s.writer, f.day, f.day)
	if err != nil {
		return err
	}
	var missing int64
	path := text(filepath.Join(s.sealedDir(), f.name))
	err = s.writer.QueryRowContext(ctx, `SELECT count(*) FROM read_parquet([`+path+`]) AS f ANTI JOIN `+s.union("events", others)+` AS e USING ("metadata.uid")`).Scan(&missing)
	switch {
	case err != nil:
		return errors.Join(ctx.Err(), s.setAside(f.name)) // damaged behind its first page
	case missing == 0:
		return remove()
	case missing == l.rows && len(others) == 0:
		s.opening.Adopted = append(s.opening.Adopted, f.name)
		return insertListing(ctx, s.writer, l)
	}
	return s.setAside(f.name)
}
