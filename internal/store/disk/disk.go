// Package disk copies, digests and sets aside files so that what it says is
// there survives a power cut: content first, then the name, then the directory
// that holds it.
//
// It must not know what a file means, and must not delete one that it did not
// make itself.
package disk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Sync forces a file's content to the disk.
func Sync(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: the operator's own directory
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// SyncDir makes a new, changed or removed name in a directory durable. Windows
// has no such call and needs none.
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return Sync(path)
}

// Sum is what tells whether a file is the one that was written.
type Sum struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Digest reads a file whole.
func Digest(path string) (Sum, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the operator's own directory
	if err != nil {
		return Sum{}, err
	}
	sum, err := digest(io.Discard, f)
	return sum, errors.Join(err, f.Close())
}

func digest(to io.Writer, from io.Reader) (Sum, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(h, to), from, make([]byte, 1<<18))
	return Sum{Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// Copy writes a new file with the content of another, synced, and makes its
// directory. It never overwrites.
func Copy(to, from string) (Sum, error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return Sum{}, err
	}
	in, err := os.Open(from) //nolint:gosec // G304: the operator's own directory
	if err != nil {
		return Sum{}, err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the operator's own directory
	if err != nil {
		return Sum{}, errors.Join(err, in.Close())
	}
	sum, err := digest(out, in)
	err = errors.Join(err, out.Sync(), out.Close(), in.Close())
	if err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return sum, err
}

// Link gives a file that never changes a second name, or copies it where the
// file system cannot, such as to another disk.
func Link(to, from string) (Sum, error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return Sum{}, err
	}
	if err := os.Link(from, to); err != nil {
		return Copy(to, from)
	}
	return Digest(to)
}

// Aside renames a file or directory so that nothing takes it for its own any
// more, and returns the new name.
func Aside(path string) (string, error) {
	for n := 1; ; n++ {
		name := path + ".aside"
		if n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		_, err := os.Lstat(name)
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := os.Rename(path, name); err != nil {
			return "", err
		}
		return name, SyncDir(filepath.Dir(path))
	}
}

// Size adds up the regular files below a directory. Files that vanish
// meanwhile count nothing.
func Size(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// SyncTree makes every directory below one, and itself, durable.
func SyncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return SyncDir(path)
	})
}
