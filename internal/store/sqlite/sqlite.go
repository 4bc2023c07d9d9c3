// Package sqlite keeps records in one SQLite file: write-ahead log, each
// commit synced to disk before it is acknowledged, one writer.
//
// It must not know what a record means, and one process owns the file.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// Records is a store.Records in SQLite.
type Records struct {
	path   string
	writer *sql.DB // one connection
	reader *sql.DB
	owner  *sql.Conn // holds the lock file's transaction
	lock   *sql.DB
	kept   string // written by Open

	life   sync.RWMutex // held for reading by every call, for writing by Close
	closed bool
}

var _ store.Records = (*Records)(nil)

// migrations are the numbered steps of the file's layout, only ever added to.
// The file's user_version counts those that were taken.
func migrations() []string {
	return []string{
		`CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, json BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID, STRICT`,
	}
}

// Open opens or creates the file and takes possession of it.
func Open(path string) (*Records, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "opening the records in %s", path)
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return nil, fault.Wrap(fault.Denied, err, "opening the records: the directory of %s cannot be made", abs).WithHint("choose a directory that this user may write to with --data")
	}
	r := &Records{path: abs}
	if err := r.open(context.Background()); err != nil {
		return nil, errors.Join(r.openFault(err), r.release())
	}
	return r, nil
}

func (r *Records) open(ctx context.Context) error {
	var err error
	if err = r.own(ctx); err != nil {
		return err
	}
	pragmas := "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	// The writer's 16 MiB of pages keep a large fleet's from being read again.
	if r.writer, err = sql.Open("sqlite", r.dsn(r.path, pragmas+"&_txlock=immediate&_pragma=cache_size(-16000)")); err != nil {
		return err
	}
	r.writer.SetMaxOpenConns(1)
	if err := r.keepCopy(ctx); err != nil {
		return err
	}
	if err := r.migrate(ctx); err != nil {
		return err
	}
	if r.reader, err = sql.Open("sqlite", r.dsn(r.path, pragmas+"&_pragma=query_only(1)")); err != nil {
		return err
	}
	r.reader.SetMaxOpenConns(4)
	return nil
}

// own holds an exclusive transaction on a second, empty database beside the
// first for as long as the store is open. A second process fails on it at
// once, and a killed one leaves no lock behind; an exclusive lock on the file
// itself would shut out our own readers too.
func (r *Records) own(ctx context.Context) (err error) {
	if r.lock, err = sql.Open("sqlite", r.dsn(r.path+".lock", "_pragma=busy_timeout(0)")); err != nil {
		return err
	}
	if r.owner, err = r.lock.Conn(ctx); err != nil {
		return err
	}
	_, err = r.owner.ExecContext(ctx, "BEGIN EXCLUSIVE")
	return err
}

func (*Records) dsn(path, options string) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: options}).String()
}

func (r *Records) migrate(ctx context.Context) error {
	tx, err := r.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	steps := migrations()
	if version > len(steps) {
		return fault.New(fault.Conflict, "the records in %s were written by a newer version (%d, this one knows %d)", r.path, version, len(steps)).WithHint("use the newer program, or another directory")
	}
	for i, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fault.Wrap(fault.Internal, err, "bringing the records in %s to version %d", r.path, version+i+1)
		}
	}
	if version < len(steps) {
		// PRAGMA takes no parameters; user_version is the number of steps.
		if _, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(len(steps))); err != nil {
			return err
		}
	}
	var check string
	if err := tx.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&check); err != nil {
		return err
	}
	if check != "ok" {
		return r.damaged(errors.New(check))
	}
	return tx.Commit()
}

func (r *Records) damaged(err error) error {
	return fault.Wrap(fault.Unavailable, err, "opening the records: %s is damaged", r.path).WithHint("%s", damagedHint)
}

const damagedHint = "see all that is damaged with: vedette doctor; go back to a backup with: vedette restore BACKUP --replace"

// openFault says why the file cannot be opened.
func (r *Records) openFault(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return fault.Wrap(fault.Unavailable, err, "opening the records in %s", r.path)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fault.Wrap(fault.Conflict, err, "the records in %s are in use by another process", r.path).WithHint("stop that process, talk to it with --server, or choose another directory with --data")
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return r.damaged(err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return fault.Wrap(fault.Denied, err, "opening the records: %s cannot be written", r.path).WithHint("give this user the right to write there, or choose another directory with --data")
	}
	return fault.Wrap(fault.Unavailable, err, "opening the records in %s", r.path)
}

// Get implements [store.Records].
func (r *Records) Get(ctx context.Context, kind, id string) (store.Record, error) {
	leave, err := r.enter()
	if err != nil {
		return store.Record{}, err
	}
	defer leave()
	rec := store.Record{Kind: kind, ID: id}
	err = r.reader.QueryRowContext(ctx, "SELECT version, json FROM records WHERE kind = ? AND id = ?", kind, id).Scan(&rec.Version, &rec.JSON)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Record{}, store.NoRecord(kind, id)
	}
	if err != nil {
		return store.Record{}, r.fault(ctx, err, "reading "+kind)
	}
	return rec, nil
}

// listPage is how many records List holds at a time.
const listPage = 500

// List implements [store.Records]. It reads page by page, so that neither a
// slow consumer nor one that writes meanwhile holds anything up.
func (r *Records) List(ctx context.Context, kind string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		after := ""
		for {
			page, err := r.page(ctx, kind, after)
			if err != nil {
				yield(store.Record{}, err)
				return
			}
			for _, rec := range page {
				if !yield(rec, nil) {
					return
				}
			}
			if len(page) < listPage {
				return
			}
			after = page[len(page)-1].ID
		}
	}
}

func (r *Records) page(ctx context.Context, kind, after string) ([]store.Record, error) {
	leave, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	rows, err := r.reader.QueryContext(ctx, "SELECT id, version, json FROM records WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", kind, after, listPage)
	if err != nil {
		return nil, r.fault(ctx, err, "listing "+kind)
	}
	defer rows.Close()
	var page []store.Record
	for rows.Next() {
		rec := store.Record{Kind: kind}
		if err := rows.Scan(&rec.ID, &rec.Version, &rec.JSON); err != nil {
			return nil, r.fault(ctx, err, "listing "+kind)
		}
		page = append(page, rec)
	}
	if err := rows.Err(); err != nil {
		return nil, r.fault(ctx, err, "listing "+kind)
	}
	return page, nil
}

// Update implements [store.Records].
func (r *Records) Update(ctx context.Context, changes ...store.Change) error {
	const doing = "storing records"
	if err := store.CheckChanges(changes); err != nil {
		return err
	}
	leave, err := r.enter()
	if err != nil {
		return err
	}
	defer leave()
	tx, err := r.writer.BeginTx(ctx, nil)
	if err != nil {
		return r.fault(ctx, err, doing)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	changes = inOrder(changes)
	for len(changes) > 0 {
		n, err := applySome(ctx, tx, changes)
		if err != nil {
			return r.fault(ctx, err, doing)
		}
		changes = changes[n:]
	}
	if err := tx.Commit(); err != nil {
		return r.fault(ctx, err, doing)
	}
	return nil
}

// inOrder is many writes without a version check in the order of the table, so
// that each page is met once; others keep the order that they were given.
func inOrder(changes []store.Change) []store.Change {
	if len(changes) < unchecked || slices.ContainsFunc(changes, func(c store.Change) bool { return c.Version != store.AnyVersion }) {
		return changes
	}
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(a, b store.Change) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	})
	return sorted
}

// unchecked is how many writes without a version check go into one statement.
const unchecked = 100

// applySome applies the first changes and says how many: a run of writes
// without a version check in one statement, or a single other one.
func applySome(ctx context.Context, tx *sql.Tx, changes []store.Change) (int, error) {
	var args []any
	n := 0
	for n < len(changes) && n < unchecked && changes[n].Version == store.AnyVersion && changes[n].JSON != nil {
		args = append(args, changes[n].Kind, changes[n].ID, changes[n].JSON)
		n++
	}
	if n == 0 {
		return 1, apply(ctx, tx, changes[0])
	}
	rows := strings.TrimSuffix(strings.Repeat("(?, ?, 1, ?), ", n), ", ")
	_, err := tx.ExecContext(ctx, "INSERT INTO records (kind, id, version, json) VALUES "+rows+" ON CONFLICT (kind, id) DO UPDATE SET version = records.version + 1, json = excluded.json", args...) //nolint:gosec // G202: placeholders only
	return n, err
}

func apply(ctx context.Context, tx *sql.Tx, c store.Change) error {
	var have int64
	err := tx.QueryRowContext(ctx, "SELECT version FROM records WHERE kind = ? AND id = ?", c.Kind, c.ID).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if c.Version != store.AnyVersion && c.Version != have {
		return store.OtherVersion(c, have)
	}
	if c.JSON == nil {
		_, err = tx.ExecContext(ctx, "DELETE FROM records WHERE kind = ? AND id = ?", c.Kind, c.ID)
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO records (kind, id, version, json) VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, json = excluded.json",
		c.Kind, c.ID, have+1, c.JSON)
	return err
}

// fault says which kind of failure an error of the engine is.
func (r *Records) fault(ctx context.Context, err error, doing string) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return fault.Wrap(fault.Unavailable, ctx.Err(), "%s: it was cancelled", doing)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_FULL:
			return fault.Wrap(fault.Unavailable, err, "%s: the disk is full", doing).WithHint("free space on the data directory's disk; what was acknowledged is kept")
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return fault.Wrap(fault.Unavailable, err, "%s: %s is damaged", doing, r.path).WithHint("%s", damagedHint)
		}
	}
	return fault.Wrap(fault.Internal, err, "%s failed", doing)
}

func (r *Records) enter() (func(), error) {
	r.life.RLock()
	if r.closed {
		r.life.RUnlock()
		return nil, fault.New(fault.Unavailable, "the record store is closed")
	}
	return r.life.RUnlock, nil
}

// Close implements [store.Records].
func (r *Records) Close() error {
	r.life.Lock()
	defer r.life.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	return r.release()
}

func (r *Records) release() error {
	var errs []error
	for _, db := range []*sql.DB{r.reader, r.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if r.owner != nil {
		errs = append(errs, r.owner.Close())
	}
	if r.lock != nil {
		errs = append(errs, r.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fault.Wrap(fault.Internal, err, "closing the records in %s", r.path)
	}
	return nil
}
