package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// keptCopies is how many copies of one file from before its migrations stay.
const keptCopies = 2

// Before makes room for a copy of a file as it is before its layout changes
// from a version: dir/before-vVERSION-TIME/NAME. It returns where the copy
// belongs. Older copies of the same file go, so that with the new one two stay.
func Before(dir, name string, version int64, now time.Time) (string, error) {
	if err := prune(dir, name, keptCopies-1); err != nil {
		return "", err
	}
	for n := 0; ; n++ {
		folder := fmt.Sprintf("before-v%d-%s", version, now.UTC().Add(time.Duration(n)*time.Second).Format("20060102T150405Z"))
		path := filepath.Join(dir, folder, name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return "", err
			}
			continue
		}
		return path, os.MkdirAll(filepath.Dir(path), 0o700)
	}
}

// Kept lists the copies of a file, oldest first.
func Kept(dir, name string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(escape(dir), "before-v*-*", name))
	slices.SortFunc(found, func(a, b string) int { return strings.Compare(stamp(a), stamp(b)) })
	return found, err
}

// escape keeps a directory's name from being taken for a pattern.
func escape(dir string) string {
	if os.PathSeparator == '\\' {
		return dir // Windows has no escapes in patterns, and no such names
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// stamp is the time in the name of a copy's folder.
func stamp(path string) string {
	folder := filepath.Base(filepath.Dir(path))
	return folder[strings.LastIndexByte(folder, '-')+1:]
}

func prune(dir, name string, keep int) error {
	found, err := Kept(dir, name)
	if err != nil {
		return err
	}
	for len(found) > keep {
		if err := os.Remove(found[0]); err != nil {
			return err
		}
		_ = os.Remove(filepath.Dir(found[0])) // it may hold the copy of another file
		found = found[1:]
	}
	return nil
}
