package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/store/disk"
)

const (
	backupFormat = 1
	manifestName = "manifest.json"
	// partialMark marks a directory as a backup that did not end; such a one
	// may be removed by the next.
	partialMark = "vedette-backup-not-finished"
	partialEnd  = ".partial"

	eventsName  = "events"
	recordsName = "records.db"
	journalName = "audit.jsonl"
	keptName    = "backup" // copies from before migrations
)

// Version tells which build this is.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return info.Main.Version + " " + s.Value
		}
	}
	return info.Main.Version
}

// Backup writes a consistent copy of all that is kept into a new directory,
// while ingest and queries go on. The directory has its name only once it is
// whole and on the disk.
//
// The order makes the parts fit: what a source remembers of how far it has been
// read is older than what it received and what is not stored, this is older than the events, these are older than the devices that they
// name, and those older than the journal of who changed them.
func (a *App) Backup(ctx context.Context, dir string) (api.Backup, error) {
	a.backing.Lock()
	defer a.backing.Unlock()
	b := api.Backup{Format: backupFormat, Version: Version(), Time: a.cfg.Now().UTC()}
	partial, err := a.beginBackup(dir)
	if err != nil {
		return b, err
	}
	if err := a.fillBackup(ctx, partial, &b); err != nil {
		return b, errors.Join(err, os.RemoveAll(partial)) // it carries our mark
	}
	if err := endBackup(dir, partial, b); err != nil {
		return b, fault.Wrap(fault.Unavailable, err, "finishing the backup %s", dir).WithHint("check the free space of its disk")
	}
	return b, nil
}

// beginBackup makes the directory that the backup is written into.
func (a *App) beginBackup(dir string) (string, error) {
	home, err := filepath.Abs(a.cfg.Dir)
	if err != nil || !filepath.IsAbs(dir) {
		return "", fault.Wrap(fault.Invalid, err, "backing up into %q: it is no absolute path", dir)
	}
	if rel, err := filepath.Rel(home, dir); err == nil && filepath.IsLocal(rel) {
		return "", fault.New(fault.Invalid, "backing up into %s: it is inside of the data directory", dir).WithHint("name a directory elsewhere, best on another disk")
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return "", fault.Wrap(fault.Conflict, err, "backing up into %s: it exists already", dir).WithHint("name a new directory")
	}
	partial := dir + partialEnd
	if _, err := os.Lstat(partial); err == nil {
		if _, err := os.Lstat(filepath.Join(partial, partialMark)); err != nil {
			return "", fault.New(fault.Conflict, "backing up into %s: %s is in the way", dir, partial).WithHint("move it away, or name another directory")
		}
		if err := os.RemoveAll(partial); err != nil {
			return "", fault.Wrap(fault.Denied, err, "removing the unfinished backup %s", partial)
		}
	}
	err = os.MkdirAll(partial, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(partial, partialMark), nil, 0o600)
	}
	if err != nil {
		return "", fault.Wrap(fault.Denied, err, "making the backup directory %s", partial).WithHint("name a directory that this user may write to")
	}
	return partial, nil
}

func (a *App) fillBackup(ctx context.Context, partial string, b *api.Backup) error {
	add := func(path string, sum disk.Sum, err error) error {
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "backing up %s", path).WithHint("check the free space of the backup's disk")
		}
		b.Files = append(b.Files, api.BackupFile{Path: filepath.ToSlash(path), Size: sum.Size, SHA256: sum.SHA256})
		return nil
	}
	digest := func(path string) error {
		sum, err := disk.Digest(filepath.Join(partial, path))
		return add(path, sum, err)
	}
	others, err := otherFiles(a.cfg.Dir)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading the data directory %s", a.cfg.Dir)
	}
	for _, name := range others {
		sum, err := disk.Copy(filepath.Join(partial, name), filepath.Join(a.cfg.Dir, name))
		if err := add(name, sum, err); err != nil {
			return err
		}
	}
	spool, err := a.beginSpoolBackup(ctx, partial)
	if err != nil {
		return err
	}
	hot := filepath.Join(eventsName, "hot.duckdb")
	snap, err := a.events.Backup(ctx, filepath.Join(partial, hot), func(path string) error {
		name := filepath.Join(eventsName, "sealed", filepath.Base(path))
		sum, err := disk.Link(filepath.Join(partial, name), path)
		return add(name, sum, err)
	})
	if err != nil {
		return err
	}
	b.Events, b.Devices = snap.Events, snap.Devices
	if err := spool.end(b); err != nil {
		return err
	}
	if err := digest(hot); err != nil {
		return err
	}
	if err := a.records.Backup(ctx, filepath.Join(partial, recordsName)); err != nil {
		return err
	}
	if err := digest(recordsName); err != nil {
		return err
	}
	if b.Audit, err = a.backupJournal(filepath.Join(partial, journalName)); err != nil {
		return err
	}
	return digest(journalName)
}

// keptFolders are the folders of the data directory, beside that of the events,
// whose files a backup holds.
func keptFolders() []string { return []string{intelName, rulesName, learntName, vulnName} }

// otherFiles lists what a backup copies as it is: the files of the data
// directory that no store owns, and those of keptFolders.
func otherFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		name := e.Name()
		own := strings.HasPrefix(name, recordsName) || strings.HasPrefix(name, journalName) || name == upkeepName || name == manifestName || name == partialMark
		if e.Type().IsRegular() && !own && isSettled(name) {
			names = append(names, name)
		}
	}
	for _, folder := range keptFolders() {
		walk := fs.WalkDir(os.DirFS(dir), folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && isSettled(path) {
				names = append(names, filepath.FromSlash(path))
			}
			return err
		})
		if !errors.Is(walk, fs.ErrNotExist) {
			err = errors.Join(err, walk)
		}
	}
	return names, err
}

// isSettled tells a file that is not being written and is no lock.
func isSettled(name string) bool {
	return !strings.HasSuffix(name, ".lock") && !strings.HasSuffix(name, ".new")
}

func (a *App) backupJournal(path string) (int64, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the directory that the operator named
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "backing up the audit journal")
	}
	n, err := a.journal.Export(f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "backing up the audit journal").WithHint("check the free space of the backup's disk")
	}
	return n, nil
}

// endBackup writes the manifest and gives the backup its name.
func endBackup(dir, partial string, b api.Backup) error {
	slices.SortFunc(b.Files, func(x, y api.BackupFile) int { return strings.Compare(x.Path, y.Path) })
	raw, err := json.MarshalIndent(b, "", "  ")
	if err == nil {
		err = flow.ReplaceFile(filepath.Join(partial, manifestName), append(raw, '\n'))
	}
	if err == nil {
		err = os.Remove(filepath.Join(partial, partialMark))
	}
	if err == nil {
		err = disk.SyncTree(partial)
	}
	if err == nil {
		err = os.Rename(partial, dir)
	}
	if err == nil {
		err = disk.SyncDir(filepath.Dir(dir))
	}
	return err
}

// BackupBytes tells how much of a backup that is being made is written.
func BackupBytes(dir string) int64 {
	n, _ := disk.Size(dir + partialEnd) // not yet begun, or just renamed
	return n
}

// maxManifest bounds what is read of a manifest: years of sealed days fit.
const maxManifest = 16 << 20

// ReadBackup reads a backup's manifest. It may come from anywhere.
func ReadBackup(dir string) (api.Backup, error) {
	var b api.Backup
	path := filepath.Join(dir, manifestName)
	f, err := os.Open(path) //nolint:gosec // G304: the backup that the operator named
	if err != nil {
		return b, fault.Wrap(fault.NotFound, err, "%s is not a whole backup", dir).WithHint("name the directory that vedette backup has made; one that ends in %s is not finished", partialEnd)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return b, fault.Wrap(fault.Unavailable, err, "reading %s", path)
	}
	return ParseManifest(raw)
}

// ParseManifest reads a manifest. Its paths stay inside of the backup.
func ParseManifest(raw []byte) (api.Backup, error) {
	var b api.Backup
	if len(raw) > maxManifest {
		return b, fault.New(fault.Invalid, "reading the backup's manifest: it is larger than %d bytes", maxManifest)
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&b); err != nil {
		return b, fault.Wrap(fault.Invalid, err, "reading the backup's manifest").WithHint("the manifest is damaged; take another backup")
	}
	if b.Format != backupFormat {
		return b, fault.New(fault.Conflict, "the backup has format %d, this version knows %d", b.Format, backupFormat).WithHint("use the version that made it: %q", b.Version)
	}
	seen := map[string]bool{}
	for _, f := range b.Files {
		local := filepath.FromSlash(f.Path)
		if !filepath.IsLocal(local) || filepath.Clean(local) != local || local == "." || f.Size < 0 || seen[f.Path] {
			return b, fault.New(fault.Invalid, "the backup's manifest names the file %q, which cannot be", f.Path)
		}
		seen[f.Path] = true
	}
	for _, name := range []string{eventsName + "/hot.duckdb", recordsName, journalName} {
		if !seen[name] {
			return b, fault.New(fault.Invalid, "the backup's manifest names no %s", name)
		}
	}
	return b, nil
}
