package library

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
)

// maxHistory is how many bills that others took the place of are kept of one key;
// the oldest goes first.
const maxHistory = 200

// ID names a bill among all that there are and were.
func (b *Bill) ID() string {
	sum := sha256.Sum256([]byte(b.Key + "\x00" + b.Imported.UTC().Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:5])
}

// oldPath is where a bill lies that another took the place of. The name orders
// those of a key by time.
func (l *Library) oldPath(b *Bill) string {
	name := strings.TrimSuffix(filepath.Base(l.billPath(b.Key)), billEnd)
	return filepath.Join(l.cfg.Dir, billDir, oldDir, name+"-"+b.Imported.UTC().Format("20060102T150405.000000000")+"-"+b.ID()+billEnd)
}

// retire keeps a bill as one of the past, before another takes its place: a kill
// between leaves it twice, which History shows once.
func (l *Library) retire(b *Bill) error {
	old := *b
	old.Until = l.cfg.Now().UTC()
	if err := l.keepBill(l.oldPath(&old), &old); err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(l.billPath(b.Key)), billEnd)
	files, err := filepath.Glob(filepath.Join(l.cfg.Dir, billDir, oldDir, name+"-*"+billEnd))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, path := range files[:max(0, len(files)-maxHistory)] {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(fault.Unavailable, err, "removing a bill of materials of long ago")
		}
	}
	return nil
}

// History returns the bills of a subject that count and those that others took
// the place of, the newest first; of all subjects when it is "". What cannot be
// read is left out and told by [Library.Problems] after the next start.
func (l *Library) History(ctx context.Context, subject string) ([]*Bill, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	var out []*Bill
	seen := map[string]bool{}
	add := func(b *Bill) {
		if (subject == "" || b.Subject == subject) && !seen[b.ID()] {
			seen[b.ID()] = true
			out = append(out, b)
		}
	}
	for _, b := range l.bills {
		add(b)
	}
	dir := filepath.Join(l.cfg.Dir, billDir, oldDir)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.Unavailable, err, "reading the bills of materials in %s", dir)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), billEnd) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // G304: in the data directory
		var b Bill
		if err == nil && json.Unmarshal(raw, &b) == nil && b.BOM != nil {
			add(&b)
		}
	}
	slices.SortFunc(out, func(a, b *Bill) int {
		if c := b.Imported.Compare(a.Imported); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return out, nil
}
