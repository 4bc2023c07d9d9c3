package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/store/disk"
	"vedette/internal/store/duckdb"
	"vedette/internal/store/sqlite"
)

// facts are what the checks judge.
type facts struct {
	dir       string
	now       time.Time
	retention Retention
	live      bool // this process owns the directory

	events     duckdb.Report
	eventsErr  error
	records    sqlite.Report
	recordsErr error
	journal    audit.Report
	journalErr error
	unreadable int // devices
	spool      flow.SpoolReport
	spoolErr   error
}

// Check implements [api.Keeper] for the directory that this process owns.
func (a *App) Check(ctx context.Context, deep bool) ([]api.Check, error) {
	f := facts{dir: a.cfg.Dir, now: a.cfg.Now(), retention: a.retention(), live: true, unreadable: a.unreadable}
	f.events, f.eventsErr = a.events.Inspect(ctx, deep)
	f.records, f.recordsErr = a.records.Inspect(ctx)
	f.journal, f.journalErr = verifyJournal(f.dir)
	f.lookAtSpool(a.live.Load())
	checks, _ := directoryChecks(f.dir)
	checks = append(checks, api.Check{Name: "owner", State: api.OK, Text: "a server runs and owns the directory"})
	checks = append(append(checks, f.checks()...), a.brokenCheck())
	checks = append(checks, a.judgedChecks()...)
	checks = append(checks, a.taskChecks()...)
	return append(checks, a.mindChecks(ctx)...), ctx.Err()
}

// Examine looks at a data directory that no server owns, in whatever state it
// is, and changes nothing in it.
func Examine(ctx context.Context, cfg Config, deep bool) []api.Check {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	checks, usable := directoryChecks(cfg.Dir)
	if !usable {
		return checks
	}
	owner, free := ownerCheck(cfg.Dir)
	checks = append(checks, owner)
	if !free {
		return checks
	}
	f := facts{dir: cfg.Dir, now: cfg.Now(), retention: cfg.Retention}
	f.events, f.eventsErr = duckdb.Inspect(ctx, filepath.Join(f.dir, eventsName), deep)
	f.records, f.recordsErr = sqlite.Inspect(ctx, filepath.Join(f.dir, recordsName))
	f.journal, f.journalErr = verifyJournal(f.dir)
	f.lookAtSpool(nil)
	f.unreadable = unreadableDevices(f.records.Bad)
	return append(append(checks, f.checks()...), brokenFacts(filepath.Join(cfg.Dir, brokenName), nil))
}

func unreadableDevices(bad map[string]int64) int { return int(bad[asset.RecordKind]) }

func verifyJournal(dir string) (audit.Report, error) {
	path := filepath.Join(dir, journalName)
	file, err := os.Open(path) //nolint:gosec // G304: the data directory
	if errors.Is(err, fs.ErrNotExist) {
		return audit.Report{}, fault.Wrap(fault.NotFound, err, "there is no %s", path)
	}
	if err != nil {
		return audit.Report{}, fault.Wrap(fault.Denied, err, "%s cannot be read", path)
	}
	rep, err := audit.Verify(file, "")
	return rep, errors.Join(err, file.Close())
}

// ownerCheck tells whether another process has the directory open.
func ownerCheck(dir string) (api.Check, bool) {
	c := api.Check{Name: "owner", State: api.OK, Text: "no process has the directory open"}
	path := filepath.Join(dir, eventsName, "lock")
	if _, err := os.Stat(path); err != nil {
		return c, true //nolint:nilerr // it was never opened, or the next checks tell why not
	}
	lock, err := flow.Lock(path)
	if fault.KindOf(err) == fault.Conflict {
		c.State, c.Text = api.Warning, "another process has the directory open and serves no socket"
		c.Do = "wait until it has ended (such as vedette ingest) and ask again"
		return c, false
	}
	if err == nil {
		_ = lock.Close()
	}
	return c, true
}

// Bounds of what the disk should have free.
const (
	lowShare, lowBytes   = 10, 2 << 30
	outShare, outOfBytes = 1, 100 << 20
)

// directoryChecks look at the directory itself; usable tells whether it makes
// sense to look into it.
func directoryChecks(dir string) (checks []api.Check, usable bool) {
	info, err := os.Stat(dir)
	c := api.Check{Name: "directory", State: api.OK, Text: dir + " can be written"}
	bad := func(text, do string) ([]api.Check, bool) {
		return []api.Check{{Name: "directory", State: api.Problem, Text: text, Do: do}}, false
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad("there is no "+dir, "name the right directory with --data; a new one begins with: vedette ingest FILES, an old one comes back with: vedette restore BACKUP")
	case err != nil:
		return bad(err.Error(), "give this user the right to read it, or name another directory with --data")
	case !info.IsDir():
		return bad(dir+" is not a directory", "name the data directory with --data")
	}
	if _, err := os.ReadDir(dir); err != nil {
		return bad(err.Error(), "give this user the right to read it, or name another directory with --data")
	}
	if err := disk.Writable(dir); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		c.State, c.Text = api.Problem, dir+" cannot be written: "+err.Error()
		c.Do = "give this user the right to write there, or mount the disk for writing"
	} else if info.Mode().Perm()&0o077 != 0 {
		c.State, c.Text = api.Warning, dir+" can be entered by other users: "+info.Mode().Perm().String()
		c.Do = "chmod 700 " + dir
	}
	return []api.Check{c, diskCheck(dir)}, true
}

func diskCheck(dir string) api.Check {
	free, all, err := disk.Free(dir)
	if err != nil || all == 0 {
		return api.Check{Name: "disk", State: api.Warning, Text: "the free space is not known here", Do: "look yourself"}
	}
	c := api.Check{Name: "disk", State: api.OK, Text: bytesText(free) + " of " + bytesText(all) + " are free"}
	const do = "free space, lower retention.disk, or move the data directory to a larger disk"
	switch {
	case free < outOfBytes || free < all/100*outShare:
		c.State, c.Do = api.Problem, do
	case free < lowBytes || free < all/100*lowShare:
		c.State, c.Do = api.Warning, do
	}
	return c
}
