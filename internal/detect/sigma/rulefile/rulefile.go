// Package rulefile finds Sigma documents in files, directories and zip archives.
// It owns the bounds of what is read there: archives may come from anyone.
//
// It must not fetch anything or compile rules.
package rulefile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/fault"
)

// The bounds of one load.
const (
	maxTotal = 512 << 20 // bytes of all files, unpacked
	maxFiles = 200_000
)

// Loaded is what was found.
type Loaded struct {
	Files   int
	Docs    []sigma.Document
	Refused []sigma.Refusal
	total   int64
}

// Load reads rules from paths: files, directories (*.yml and *.yaml below them)
// and zip archives. A rule that cannot be read is a refusal; the error is for a
// path that cannot.
func Load(paths ...string) (*Loaded, error) {
	var l Loaded
	for _, p := range paths {
		if err := l.path(p); err != nil {
			return nil, err
		}
	}
	return &l, nil
}

// FromFS reads all rules below the root of a file system.
func FromFS(fsys fs.FS) (*Loaded, error) {
	var l Loaded
	return &l, l.walk(fsys, "")
}

func (l *Loaded) path(p string) error {
	info, err := os.Stat(p)
	if err != nil {
		kind := fault.Invalid
		if errors.Is(err, fs.ErrNotExist) {
			kind = fault.NotFound
		}
		return fault.Wrap(kind, err, "looking for the rules in %s", p)
	}
	switch {
	case info.IsDir():
		return l.walk(os.DirFS(p), p)
	case strings.EqualFold(filepath.Ext(p), ".zip"):
		z, err := zip.OpenReader(p)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "reading the archive %s", p)
		}
		defer z.Close() //nolint:errcheck // only read
		return l.walk(z, p)
	}
	f, err := os.Open(p) //nolint:gosec // G304: the person named this file
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the rules in %s", p)
	}
	defer f.Close() //nolint:errcheck // only read
	return l.file(p, f)
}

// isRules tells files of rules by name. Hidden ones and those that only hold
// metadata of tests are none.
func isRules(name string) bool {
	base := path.Base(name)
	ext := strings.ToLower(path.Ext(base))
	return (ext == ".yml" || ext == ".yaml") && !strings.HasPrefix(base, ".")
}

func (l *Loaded) walk(fsys fs.FS, under string) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "reading the rules below %s", under)
		}
		if d.IsDir() && name != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || !isRules(name) {
			return nil
		}
		f, err := fsys.Open(name)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "reading the rules in %s", name)
		}
		defer f.Close() //nolint:errcheck // only read
		return l.file(path.Join(filepath.ToSlash(under), name), f)
	})
}

func (l *Loaded) file(name string, in io.Reader) error {
	if l.Files++; l.Files > maxFiles {
		return fault.New(fault.Limited, "more than %d files of rules", maxFiles)
	}
	data, err := io.ReadAll(io.LimitReader(in, rule.MaxFile+1))
	if err != nil {
		l.Refused = append(l.Refused, sigma.Refusal{File: name, Reason: fmt.Sprintf("the file cannot be read: %v", err)})
		return nil
	}
	if l.total += int64(len(data)); l.total > maxTotal {
		return fault.New(fault.Limited, "the rules have more than %d MiB", maxTotal>>20)
	}
	docs, refused := sigma.Parse(name, data)
	l.Docs = append(l.Docs, docs...)
	l.Refused = append(l.Refused, refused...)
	return nil
}

// Compile makes a set of what was loaded. The refusals are those of reading and
// of compiling, by file and line.
func (l *Loaded) Compile(opts sigma.Options) (*sigma.Set, []sigma.Refusal) {
	set, more := sigma.Compile(l.Docs, opts)
	refused := slices.Concat(l.Refused, more)
	slices.SortStableFunc(refused, func(a, b sigma.Refusal) int { return strings.Compare(a.File, b.File) })
	return set, refused
}
