package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/store/disk"
)

// backupWait is how long a backup waits until what sources have received is stored;
// what is not by then is copied as it waits.
const backupWait = 10 * time.Second

// spoolFiles are the files of a spool that are no segments.
func spoolFiles() []string { return []string{"id", toldName} }

// spoolBackup is the part of a backup that holds what sources received and what is
// not stored. It is begun before the events are copied: what is no longer in it is in
// them, and what is in both is one event, since the identity of a record is its place
// in the spool.
type spoolBackup struct {
	dir   string   // of the copy
	files []string // names in it
	live  *Live
	copy  *flow.SpoolCopy // nil: nobody has the spool open, so it does not change
}

func (a *App) beginSpoolBackup(ctx context.Context, partial string) (*spoolBackup, error) {
	s := &spoolBackup{dir: filepath.Join(partial, spoolName)}
	from := filepath.Join(a.cfg.Dir, spoolName)
	if l := a.live.Load(); l != nil {
		if err := l.settle(ctx, a.spoolWait); err != nil {
			return nil, err
		}
		c, err := l.spool.Copy(s.dir)
		if err != nil && fault.KindOf(err) != fault.Conflict { // just closed
			return nil, err
		}
		if err == nil {
			s.live, s.copy = l, c
		}
	}
	if s.copy == nil {
		entries, err := os.ReadDir(from)
		if errors.Is(err, fs.ErrNotExist) {
			return s, nil
		}
		for _, e := range entries {
			if name := e.Name(); flow.SpoolFile(name) {
				err = errors.Join(err, s.take(from, name))
			}
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "backing up %s", from).WithHint("check the free space of the backup's disk")
		}
	}
	// what was set aside has left the spool, so it is copied after it
	aside, err := asideFiles(filepath.Join(from, asideName))
	for _, name := range append(spoolFiles(), aside...) {
		err = errors.Join(err, s.take(from, name))
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "backing up %s", from).WithHint("check the free space of the backup's disk")
	}
	return s, nil
}

// take copies a file; one that is not there is none.
func (s *spoolBackup) take(from, name string) error {
	_, err := disk.Copy(filepath.Join(s.dir, name), filepath.Join(from, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.files = append(s.files, name)
	}
	return err
}

// end is called once the events are copied: these may be of payloads that came
// after the copy of the spool, whose numbers must not be given to others.
func (s *spoolBackup) end(b *api.Backup) error {
	if s.copy != nil {
		_, next := s.live.spool.Position()
		if err := s.copy.End(next); err != nil {
			return err
		}
		s.files = append(s.files, s.copy.Files...)
	}
	for _, name := range s.files {
		sum, err := disk.Digest(filepath.Join(s.dir, name))
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "backing up the spool")
		}
		b.Files = append(b.Files, api.BackupFile{Path: filepath.ToSlash(filepath.Join(spoolName, name)), Size: sum.Size, SHA256: sum.SHA256})
		if strings.HasSuffix(name, asideEnd) {
			b.SetAside++
		}
	}
	var err error
	b.Spooled, err = spooled(s.dir)
	return err
}

// spooled counts what waits in a spool that nobody has open.
func spooled(dir string) (int64, error) {
	rep, err := flow.InspectSpool(dir, 0)
	if fault.KindOf(err) == fault.NotFound {
		return 0, nil
	}
	return rep.Pending, err
}

// settle waits until what is in the spool now is stored, or for as long as is given.
func (l *Live) settle(ctx context.Context, limit time.Duration) error {
	_, until := l.spool.Position()
	end := time.Now().Add(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(end) {
		if acked, _ := l.spool.Position(); acked >= until {
			return nil
		}
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, ctx.Err(), "waiting for what sources received to be stored")
		case <-tick.C:
		}
	}
	return nil
}

// asideFiles lists what is set aside, by names from the spool.
func asideFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if e.Type().IsRegular() && isSettled(e.Name()) {
			out = append(out, filepath.Join(asideName, e.Name()))
		}
	}
	return out, err
}
