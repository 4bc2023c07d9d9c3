package ingest

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vedette/internal/fault"
)

// counter fills the rejected part of a report.
type counter struct {
	rep   *Report
	index map[string]int
}

func (c *counter) reject(reason string, offset int64) {
	c.rep.Rejected++
	if len(reason) > 200 {
		reason = strings.ToValidUTF8(reason[:200], "") + "..."
	}
	if c.index == nil {
		c.index = map[string]int{}
	}
	at, known := c.index[reason]
	if !known {
		if len(c.rep.Reasons) >= maxReasons {
			reason = "other reasons"
			at, known = c.index[reason]
		}
		if !known {
			at = len(c.rep.Reasons)
			c.index[reason] = at
			c.rep.Reasons = append(c.rep.Reasons, Reason{Reason: reason})
		}
	}
	r := &c.rep.Reasons[at]
	r.Count++
	if len(r.Offsets) < maxSamples {
		r.Offsets = append(r.Offsets, offset)
	}
}

func (c *counter) finish() {
	slices.SortStableFunc(c.rep.Reasons, func(a, b Reason) int { return cmp.Compare(b.Count, a.Count) })
}

// Files expands directories to the regular files below them, sorted by path;
// hidden files and what is no regular file, such as a link, are left out. A path that does not
// exist is a NotFound fault that names it.
func Files(paths []string) ([]string, error) {
	var out []string
	for _, p := range paths {
		if p == "-" {
			out = append(out, p)
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, err, "looking for %s", p)
		}
		if !info.IsDir() {
			out = append(out, p)
			continue
		}
		root := p
		if link, err := os.Lstat(p); err == nil && link.Mode()&fs.ModeSymlink != 0 {
			root += string(filepath.Separator) // a link that was named is followed, such as Zeek's "current"
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case strings.HasPrefix(d.Name(), ".") && path != root:
				if d.IsDir() {
					return filepath.SkipDir
				}
			case d.Type().IsRegular():
				out = append(out, path)
			}
			return nil
		})
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading the directory %s", p)
		}
	}
	return out, nil
}
