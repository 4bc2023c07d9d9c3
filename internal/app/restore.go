package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/store/disk"
)

// Restore is what to restore and where.
type Restore struct {
	Backup  string // directory that Backup has made
	Replace bool   // move what is in the data directory aside
	// Progress, if not nil, is told how many bytes of all have been done.
	Progress func(step string, done, all int64)
}

// Restored tells what a restore has done.
type Restored struct {
	api.Backup
	Aside string // where the old data directory is now; empty if there was none
}

// RestoreBackup makes the data directory of cfg from a backup. The backup is
// checked against its digests, copied beside the data directory, opened and
// counted; only then does the copy take the directory's name. What was there is
// renamed, never deleted.
func RestoreBackup(ctx context.Context, cfg Config, r Restore) (Restored, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return Restored{}, fault.Wrap(fault.Invalid, err, "restoring into %s", cfg.Dir)
	}
	b, err := ReadBackup(r.Backup)
	if err != nil {
		return Restored{}, err
	}
	if r.Progress == nil {
		r.Progress = func(string, int64, int64) {}
	}
	done := Restored{Backup: b}
	old, free, err := claim(dir, r.Replace)
	if err != nil {
		return done, err
	}
	defer free()
	if err := verify(ctx, r, b); err != nil {
		return done, err
	}
	next := dir + ".restoring"
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return done, fault.Wrap(fault.Denied, err, "making %s", filepath.Dir(dir))
	}
	if err := os.Mkdir(next, 0o700); err != nil {
		return done, fault.Wrap(fault.Conflict, err, "restoring beside %s", dir).WithHint("%s is left of a restore that was stopped, or belongs to one that runs; move it away", next)
	}
	if err := copyBackup(ctx, r, b, next); err != nil {
		return done, errors.Join(err, os.RemoveAll(next))
	}
	if err := tryOut(ctx, cfg, next, b); err != nil {
		return done, errors.Join(err, os.RemoveAll(next))
	}
	if done.Aside, err = swap(dir, next, old, cfg); err != nil {
		return done, fault.Wrap(fault.Unavailable, err, "giving the restored directory its name").WithHint("the restored directory is %s; rename it to %s by hand", next, dir)
	}
	return done, nil
}

// claim makes sure that nobody uses the directory. old tells whether there is
// something to move aside.
func claim(dir string, replace bool) (old bool, free func(), err error) {
	free = func() {}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, free, nil
	case err != nil:
		return false, free, fault.Wrap(fault.Unavailable, err, "restoring into %s", dir).WithHint("name a directory with --data")
	case len(entries) == 0:
		return false, free, nil
	case !replace:
		return false, free, fault.New(fault.Conflict, "restoring into %s: it is not empty", dir).WithHint("name another directory with --data, or move this one aside with --replace")
	}
	path := filepath.Join(dir, eventsName, "lock")
	if _, err := os.Stat(path); err != nil {
		return true, free, nil //nolint:nilerr // nothing was ever opened there
	}
	lock, err := flow.Lock(path)
	if err != nil {
		return false, free, fault.Wrap(fault.Conflict, err, "restoring into %s: it is in use", dir).WithHint("stop the server or command that uses it")
	}
	return true, func() { _ = lock.Close() }, nil
}

// verify reads the whole backup.
func verify(ctx context.Context, r Restore, b api.Backup) error {
	var done int64
	all := b.Bytes()
	for _, f := range b.Files {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Unavailable, err, "checking the backup")
		}
		r.Progress("checking", done, all)
		got, err := disk.Digest(filepath.Join(r.Backup, filepath.FromSlash(f.Path)))
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "checking the backup: %s cannot be read", f.Path).WithHint("take another backup; nothing was changed")
		}
		if got != (disk.Sum{Size: f.Size, SHA256: f.SHA256}) {
			return damagedFile(f)
		}
		done += f.Size
	}
	return nil
}

func damagedFile(f api.BackupFile) error {
	return fault.New(fault.Unavailable, "checking the backup: %s is not the file that was backed up", f.Path).WithHint("take another backup; nothing was changed")
}

func copyBackup(ctx context.Context, r Restore, b api.Backup, to string) error {
	var done int64
	all := b.Bytes()
	if free, _, err := disk.Free(to); err == nil && int64(min(free, 1<<62)) < all {
		return fault.New(fault.Unavailable, "restoring needs %d bytes, the disk of %s has %d free", all, to, free).WithHint("free space; nothing was changed")
	}
	for _, f := range b.Files {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Unavailable, err, "copying the backup")
		}
		r.Progress("copying", done, all)
		local := filepath.FromSlash(f.Path)
		sum, err := disk.Copy(filepath.Join(to, local), filepath.Join(r.Backup, local))
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "copying %s", f.Path).WithHint("check the free space of the disk of %s; nothing was changed", to)
		}
		if sum != (disk.Sum{Size: f.Size, SHA256: f.SHA256}) {
			return damagedFile(f)
		}
		done += f.Size
	}
	if err := disk.SyncTree(to); err != nil {
		return fault.Wrap(fault.Unavailable, err, "forcing %s to the disk", to)
	}
	return nil
}

// tryOut opens the copy and counts what is in it.
func tryOut(ctx context.Context, cfg Config, dir string, b api.Backup) error {
	cfg.Dir = dir
	a, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	bounds, err := a.events.Bounds(ctx)
	entries, _ := a.journal.Head()
	if err := errors.Join(err, a.Close()); err != nil {
		return err
	}
	if waits, err := spooled(filepath.Join(dir, spoolName)); err != nil || waits != b.Spooled {
		return fault.Wrap(fault.Internal, err, "the restored spool holds %d payloads, that of the backup %d", waits, b.Spooled).WithHint("nothing was changed; keep the backup and report this")
	}
	if bounds.Events != b.Events || entries != b.Audit {
		return fault.New(fault.Internal, "the restored directory holds %d events and %d journal entries, the backup %d and %d", bounds.Events, entries, b.Events, b.Audit).WithHint("nothing was changed; keep the backup and report this")
	}
	return nil
}

// swap gives the new directory its name.
func swap(dir, next string, old bool, cfg Config) (aside string, err error) {
	if old {
		now := cfg.Now
		if now == nil {
			now = time.Now
		}
		aside = dir + ".before-restore-" + now().UTC().Format("20060102T150405Z")
		if _, err := os.Lstat(aside); err == nil {
			return "", fault.New(fault.Conflict, "%s exists already", aside)
		}
		if err := os.Rename(dir, aside); err != nil {
			return "", err
		}
	} else if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return "", err
	}
	if err := os.Rename(next, dir); err != nil {
		if old {
			err = errors.Join(err, os.Rename(aside, dir))
		}
		return "", err
	}
	return aside, disk.SyncDir(filepath.Dir(dir))
}
