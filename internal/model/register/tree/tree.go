// Package tree opens a model on disk, one file or a directory, and lists, reads
// and hashes its files without leaving it: no symbolic link is followed unless
// that is asked for and it stays inside, and only regular files are taken. Each
// file is remembered by what the system says of it, so that a later change
// shows without reading it again.
//
// It attests what lies on the disk while it looks. Between a look and the
// moment another program opens the file by its name somebody may change it;
// that cannot be seen from here. The package must not judge what the files
// hold.
package tree

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"vedette/internal/fault"
)

// The limits of a model.
const (
	MaxFiles = 10_000
	MaxDepth = 32
	MaxName  = 4096 // bytes
)

// Options say how a model is opened.
type Options struct {
	Symlinks bool // links to regular files inside the model are files of it
}

// Tree is an open model.
type Tree struct {
	Path  string // as it was asked for
	Dir   bool
	Files []File // in the order of their names

	root *os.Root
	opts Options
}

// File is one file of a model.
type File struct {
	Name  string // from the model's directory, with slashes; of a single file its own
	Print Print
}

// Open opens the model at path, which must not be a symbolic link itself.
func Open(name string, opts Options) (*Tree, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, missing(err, name)
	}
	t := &Tree{Path: name, Dir: info.IsDir(), opts: opts}
	switch {
	case info.Mode().IsRegular():
		t.root, err = os.OpenRoot(filepath.Dir(name))
	case info.IsDir():
		t.root, err = os.OpenRoot(name)
	default:
		return nil, fault.New(fault.Invalid, "opening the model %s: it is neither a file nor a directory", name).WithHint("name the file or directory itself, not a link to it")
	}
	if err != nil {
		return nil, missing(err, name)
	}
	if t.Dir {
		err = t.walk(".", 0)
	} else {
		err = t.take(filepath.Base(name), info)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	slices.SortFunc(t.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return t, nil
}

func missing(err error, name string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.NotFound, err, "opening the model %s", name).WithHint("check the path; a running server looks for it on its own machine")
	}
	return fault.Wrap(fault.Unavailable, err, "opening the model %s", name)
}

// Close releases the directory.
func (t *Tree) Close() error { return t.root.Close() }

// Bytes adds up the files.
func (t *Tree) Bytes() int64 {
	var sum int64
	for _, f := range t.Files {
		sum += f.Print.Size
	}
	return sum
}

func (t *Tree) walk(dir string, depth int) error {
	if depth > MaxDepth {
		return fault.New(fault.Limited, "opening the model %s: it is more than %d directories deep", t.Path, MaxDepth)
	}
	d, err := t.root.Open(dir)
	if err != nil {
		return missing(err, t.Path)
	}
	entries, err := d.ReadDir(MaxFiles + 1)
	if err = errors.Join(ignoreEOF(err), d.Close()); err != nil {
		return missing(err, t.Path)
	}
	if len(entries) > MaxFiles {
		return t.tooMany()
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		info, err := t.root.Lstat(name)
		if err != nil {
			return missing(err, t.Path)
		}
		if info.IsDir() {
			err = t.walk(name, depth+1)
		} else {
			err = t.take(name, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (t *Tree) tooMany() error {
	return fault.New(fault.Limited, "opening the model %s: it has more than %d files", t.Path, MaxFiles)
}

func (t *Tree) take(name string, info fs.FileInfo) error {
	if len(name) > MaxName || !utf8.ValidString(name) {
		return fault.New(fault.Invalid, "opening the model %s: the name of a file is not UTF-8 or longer than %d bytes", t.Path, MaxName)
	}
	if len(t.Files) == MaxFiles {
		return t.tooMany()
	}
	if info.Mode()&fs.ModeSymlink != 0 && t.opts.Symlinks {
		followed, err := t.root.Stat(name) // a link that leads out is an error
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "opening the model %s: the symbolic link %q leads out of it or nowhere", t.Path, name)
		}
		info = followed
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return fault.New(fault.Invalid, "opening the model %s: %q is a symbolic link", t.Path, name).WithHint("copy the model with its links resolved: cp -rL")
	case !info.Mode().IsRegular():
		return fault.New(fault.Invalid, "opening the model %s: %q is no regular file", t.Path, name)
	}
	t.Files = append(t.Files, File{Name: name, Print: printOf(info)})
	return nil
}

// Open opens a file of the model. It fails if it is no longer the file that was
// listed.
func (t *Tree) Open(f File) (*os.File, error) {
	in, err := t.root.OpenFile(f.Name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, missing(err, path.Join(t.Path, f.Name))
	}
	if err := t.same(in, f); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

func (t *Tree) same(in *os.File, f File) error {
	info, err := in.Stat()
	if err != nil {
		return missing(err, path.Join(t.Path, f.Name))
	}
	if !info.Mode().IsRegular() || printOf(info) != f.Print {
		return fault.New(fault.Conflict, "reading the model %s: %q was changed meanwhile", t.Path, f.Name).WithHint("see who writes there, and repeat it")
	}
	return nil
}

// Digest hashes a file from byte begin to end; end -1 is its end. A file that
// changes while it is read is an error.
func (t *Tree) Digest(ctx context.Context, f File, begin, end int64) (sum [sha256.Size]byte, err error) {
	in, err := t.Open(f)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if end < 0 {
		end = f.Print.Size
	}
	if begin < 0 || begin > end || end > f.Print.Size {
		return sum, fault.New(fault.Invalid, "reading the model %s: %q has no bytes from %d to %d", t.Path, f.Name, begin, end)
	}
	hash := sha256.New()
	section := io.NewSectionReader(in, begin, end-begin)
	for buf := make([]byte, 1<<20); ; {
		if err := ctx.Err(); err != nil {
			return sum, fault.Wrap(fault.Unavailable, err, "reading the model %s", t.Path)
		}
		n, err := section.Read(buf)
		hash.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sum, fault.Wrap(fault.Unavailable, err, "reading the model %s: %q", t.Path, f.Name)
		}
	}
	copy(sum[:], hash.Sum(nil))
	return sum, t.same(in, f)
}

// Sum is a file and its digest.
type Sum struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Sums hashes every file.
func (t *Tree) Sums(ctx context.Context) ([]Sum, error) {
	out := make([]Sum, len(t.Files))
	for i, f := range t.Files {
		sum, err := t.Digest(ctx, f, 0, -1)
		if err != nil {
			return nil, err
		}
		out[i] = Sum{Name: f.Name, Bytes: f.Print.Size, SHA256: hex.EncodeToString(sum[:])}
	}
	return out, nil
}

// DigestOf makes one digest of a model: of a single file its own, as sha256sum
// prints it; of a directory that of the lines sha256sum would print for its
// files in the order of their names.
func DigestOf(dir bool, sums []Sum) string {
	if !dir && len(sums) == 1 {
		return "sha256:" + sums[0].SHA256
	}
	sums = slices.SortedFunc(slices.Values(sums), func(a, b Sum) int { return cmp.Compare(a.Name, b.Name) })
	hash := sha256.New()
	for _, s := range sums {
		hash.Write([]byte(s.SHA256 + "  " + s.Name + "\n"))
	}
	return "sha256-dir:" + hex.EncodeToString(hash.Sum(nil))
}
