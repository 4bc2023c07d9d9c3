// Package duckdb keeps events in DuckDB: one hot database takes every commit,
// and whole days that are over become Parquet files (zstd, sorted by device
// and time) that anything can read. Queries see both as one.
//
// The directory holds hot.duckdb, sealed/events-DAY-N.parquet, tmp/ and a lock
// file; one process owns it. Nothing is downloaded, and no query can reach a
// file outside of the directory.
//
// Append and Seal are transactions of the hot database: what Append has
// acknowledged is in its write-ahead log, and a sealed file counts only once
// the hot database lists it, in the same transaction that deletes the day's
// rows there.
//
// It is the only package that links the DuckDB driver; it must not know what
// an event means.
package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// Options are the limits of a store. Zero values mean the defaults.
type Options struct {
	MemoryLimit   string           // what DuckDB may use, such as "2GB"; default 2GB
	TempLimit     string           // what queries may spill to disk, so that they leave room for events; default 8GB
	Threads       int              // default: one per core
	Queries       int              // queries that run at once; the others wait; default 4
	QueryTimeout  time.Duration    // default 30 s
	ResultBytes   int64            // texts in one result; default 64 MiB
	MinSealedRows int              // a day with fewer rows stays hot, so that wrong clocks cannot make thousands of files; default 1000
	MaxSortedRows int64            // of a day that are sorted at once; default 5 million
	BackupDir     string           // where a copy is kept before the layout changes; default: the folder backup of the directory
	Now           func() time.Time // the clock; default time.Now
}

func (o Options) withDefaults() Options {
	if o.MemoryLimit == "" {
		o.MemoryLimit = "2GB"
	}
	if o.TempLimit == "" {
		o.TempLimit = "8GB"
	}
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Queries <= 0 {
		o.Queries = 4
	}
	if o.QueryTimeout <= 0 {
		o.QueryTimeout = 30 * time.Second
	}
	if o.ResultBytes <= 0 {
		o.ResultBytes = 64 << 20
	}
	if o.MinSealedRows <= 0 {
		o.MinSealedRows = 1000
	}
	if o.MaxSortedRows <= 0 {
		o.MaxSortedRows = 5_000_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Store is a store.Events in DuckDB.
//
// Lock order: life, maintenance, loading, writing, files. An open load holds loading
// and files between its calls.
type Store struct {
	dir   string
	opts  Options
	taken func(string) bool // names of the schema
	lock  *os.File
	db    *sql.DB

	queryTime atomic.Int64 // nanoseconds; that of opts unless it was set

	life   sync.RWMutex // held for reading by every call, for writing by Close
	closed bool
	ending chan struct{} // closed before Close waits for the calls
	end    sync.Once     // closes ending

	maintenance sync.Mutex // one Seal or DropBefore at a time

	loading chan struct{} // full while a load is open, which alone uses loader
	loader  *sql.Conn
	layout  layout // written by Open

	writing sync.Mutex // guards what follows
	writer  *sql.Conn

	hints hints

	files fileSet

	valuesMu sync.Mutex
	values   map[string]summed // by field

	opening Opening // written by Open
	backups atomic.Int64
}

var _ store.Events = (*Store)(nil)

// Open opens or creates the store in a directory and takes possession of it.
func Open(dir string, opts Options) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "opening the event store in %s", dir)
	}
	if strings.ContainsAny(abs, "?%#") {
		return nil, fault.New(fault.Invalid, "opening the event store in %s: the path holds one of ? %% #", dir).WithHint("choose a directory without them")
	}
	if opts.BackupDir == "" {
		opts.BackupDir = filepath.Join(abs, "backup")
	}
	s := &Store{dir: abs, opts: opts.withDefaults(), taken: store.SchemaNames(), loading: make(chan struct{}, 1), ending: make(chan struct{})}
	if err := s.takeDirectory(); err != nil {
		return nil, err
	}
	if err := s.open(context.Background()); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// takeDirectory makes the directory and locks it.
func (s *Store) takeDirectory() error {
	for _, d := range []string{s.dir, s.sealedDir(), s.tmpDir()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return directoryFault(err, s.dir)
		}
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return directoryFault(err, s.dir)
	}
	if err := lockFile(f); err != nil {
		return errors.Join(inUse(err, s.dir), f.Close())
	}
	s.lock = f
	return nil
}

func directoryFault(err error, dir string) error {
	if errors.Is(err, fs.ErrPermission) {
		return fault.Wrap(fault.Denied, err, "opening the event store: the directory %s cannot be written", dir).WithHint("give this user the right to write there, or choose another directory with --data")
	}
	return fault.Wrap(fault.Unavailable, err, "opening the event store in %s", dir).WithHint("check that the path is a directory on a disk that can be written")
}

func inUse(err error, dir string) error {
	return fault.Wrap(fault.Conflict, err, "the event store in %s is in use by another process", dir).WithHint("stop that process, talk to it with --server, or choose another directory with --data")
}

func (s *Store) open(ctx context.Context) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	outdated, version, err := s.outdated(ctx)
	if err != nil {
		return err
	}
	if outdated {
		if err := s.keepCopy(ctx, version); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{s.migrate, s.cleanUp, s.recall} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// connect opens the hot database.
func (s *Store) connect(ctx context.Context) error {
	path := filepath.Join(s.dir, hotName)
	connector, err := duck.NewConnector(path, nil)
	if err != nil {
		return openFault(err, path, s.dir)
	}
	s.db = sql.OpenDB(connector)
	s.db.SetMaxOpenConns(s.opts.Queries + 4) // the writer, loads, maintenance and a backup have their own
	if s.writer, err = s.db.Conn(ctx); err != nil {
		return openFault(err, path, s.dir)
	}
	if s.loader, err = s.db.Conn(ctx); err != nil {
		return openFault(err, path, s.dir)
	}
	return s.configure(ctx)
}

func openFault(err error, path, dir string) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "lock on file"):
		return inUse(err, dir)
	case errors.Is(err, fs.ErrPermission) || strings.Contains(text, "Permission denied") || strings.Contains(text, "Read-only file system"):
		return directoryFault(fs.ErrPermission, dir)
	case isDamage(text) || strings.Contains(text, "INTERNAL Error"):
		return fault.Wrap(fault.Unavailable, err, "opening the event store: %s is damaged", path).WithHint("%s", damagedHint(path))
	}
	return fault.Wrap(fault.Unavailable, err, "opening the event store %s", path)
}

// isDamage tells whether the engine's text means that the bytes of a file are
// not those that were written.
func isDamage(text string) bool {
	for _, sign := range []string{"not a valid DuckDB database", "Serialization Error", "checksum", "Corrupt", "corrupt", "Could not read all bytes", "Could not read enough bytes", "Failed to load metadata pointer", "replaying WAL", "Failure while replaying", "Invalid Input Error: No magic bytes", "TProtocolException", "ZSTD"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

func damagedHint(path string) string {
	return "see all that is damaged with: vedette doctor; go back to a backup with: vedette restore BACKUP --replace; without a backup, move " + path + " and " + path + ".wal to another place and start again: the sealed days are taken over then, and only the days that were not yet sealed are missing"
}

// configure closes the engine off from everything but the directory. The last
// setting forbids every later change.
func (s *Store) configure(ctx context.Context) error {
	settings := []string{
		"SET memory_limit = " + text(s.opts.MemoryLimit),
		fmt.Sprintf("SET threads = %d", s.opts.Threads),
		"SET checkpoint_threshold = '256MB'",
		// What was freed goes back to the system when a thread rests and when much
		// is freed at once, not only beyond 128 and 512 MB.
		"SET allocator_flush_threshold = '1MB'",
		"SET allocator_bulk_deallocation_flush_threshold = '8MB'",
		"SET temp_directory = " + text(s.tmpDir()),
		"SET max_temp_directory_size = " + text(s.opts.TempLimit),
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET preserve_insertion_order = false",
		"SET allowed_directories = [" + text(s.dir) + "]",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	}
	for _, set := range settings {
		if _, err := s.writer.ExecContext(ctx, set); err != nil {
			return fault.Wrap(fault.Invalid, err, "configuring the event store: %s", set)
		}
	}
	return nil
}

// text writes a literal. It is for paths and settings of the operator, which
// DuckDB takes no parameters for; nothing out of a query comes here.
func text(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }

func (s *Store) sealedDir() string { return filepath.Join(s.dir, "sealed") }
func (s *Store) tmpDir() string    { return filepath.Join(s.dir, "tmp") }

// enter begins a call; the returned function ends it.
func (s *Store) enter() (func(), error) {
	s.life.RLock()
	if s.closed {
		s.life.RUnlock()
		return nil, errClosed()
	}
	return s.life.RUnlock, nil
}

func errClosed() error { return fault.New(fault.Unavailable, "the event store is closed") }

// Close implements [store.Events]. Calls that wait for an open load to end wait no
// longer: its owner could not end it before Close, which waits for them.
func (s *Store) Close() error {
	s.end.Do(func() { close(s.ending) })
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.release()
}

func (s *Store) release() error {
	var errs []error
	for _, conn := range []*sql.Conn{s.loader, s.writer} {
		if conn != nil {
			errs = append(errs, conn.Close())
		}
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fault.Wrap(fault.Internal, err, "closing the event store in %s", s.dir)
	}
	return nil
}
