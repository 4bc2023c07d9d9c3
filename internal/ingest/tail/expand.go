package tail

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vedette/internal/fault"
)

// Bounds of what is looked through below a directory.
const (
	maxDepth = 8
	maxNames = 100_000
)

// expand lists the files that a pattern stands for: those of a directory, those
// below it with /**/NAME, or what [filepath.Glob] finds. In directories names that
// begin with a dot are left out.
func expand(pattern string) ([]string, error) {
	root, name, deep := strings.Cut(pattern, string(filepath.Separator)+"**")
	if deep {
		return below(root, strings.TrimPrefix(name, string(filepath.Separator)), maxDepth)
	}
	if info, err := os.Stat(pattern); err == nil && info.IsDir() {
		return below(pattern, "", 0)
	}
	return filepath.Glob(pattern) //nolint:wrapcheck // the caller says which
}

// below lists files of a directory and of those in it down to a depth. What cannot
// be read or went meanwhile is left out but for the root.
func below(root, name string, depth int) ([]string, error) {
	if name == "" {
		name = "*"
	}
	var out []string
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == root && !errors.Is(err, fs.ErrNotExist):
			return fault.Wrap(fault.Unavailable, err, "looking through %s", root)
		case err != nil:
			return nil //nolint:nilerr // as said
		case path == root:
			return nil
		}
		if seen++; seen > maxNames {
			return fault.New(fault.Limited, "there are more than %d names below %s", maxNames, root).WithHint("name the directories that matter")
		}
		hidden := strings.HasPrefix(d.Name(), ".")
		if d.IsDir() {
			if hidden || strings.Count(path[len(root):], string(filepath.Separator)) > depth {
				return fs.SkipDir
			}
			return nil
		}
		if ok, err := filepath.Match(name, d.Name()); ok && err == nil && !hidden {
			out = append(out, path)
		}
		return nil
	})
	return out, err
}
