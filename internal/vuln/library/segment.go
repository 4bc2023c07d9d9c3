package library

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/vuln/advisory"
)

const (
	segmentEnd  = ".advisories.gz"
	maxSegments = 16
)

// head is the first line of a segment.
type head struct {
	Format int  `json:"format"`
	Lines  int  `json:"lines"`
	Whole  bool `json:"whole"` // nothing before it counts
}

func (l *Library) segmentPath(n int) string {
	return filepath.Join(l.cfg.Dir, fmt.Sprintf("%08d%s", n, segmentEnd))
}

func (l *Library) readSegments(ctx context.Context) error {
	entries, err := os.ReadDir(l.cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Unavailable, err, "reading the advisories in %s", l.cfg.Dir)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), segmentEnd); ok {
			if n, err := strconv.Atoi(name); err == nil {
				l.segments = append(l.segments, n)
			}
		}
	}
	slices.Sort(l.segments)
	for _, n := range l.segments {
		if err := l.readSegment(n); err != nil {
			l.problems = append(l.problems, l.segmentPath(n)+" cannot be read: "+err.Error())
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (l *Library) readSegment(n int) error {
	f, err := os.Open(l.segmentPath(n))
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<18))
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(z, 1<<18)
	first, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var h head
	if err := json.Unmarshal(first, &h); err != nil || h.Format != 1 {
		return errors.Join(err, errors.New("it is of a form that is not known here"))
	}
	if h.Whole {
		clear(l.current)
		clear(l.hashes)
	}
	for i := 0; ; i++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			if i != h.Lines {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		var a advisory.Advisory
		if err := json.Unmarshal(line, &a); err != nil {
			return err
		}
		key := a.Key()
		l.current[key], l.hashes[key] = &a, hash(bytes.TrimSpace(line))
	}
}

// write keeps advisories as the next segment.
func (l *Library) write(lines [][]byte, whole bool) error {
	if err := os.MkdirAll(l.cfg.Dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "making %s", l.cfg.Dir)
	}
	n := 1
	if len(l.segments) > 0 {
		n = l.segments[len(l.segments)-1] + 1
	}
	first, err := json.Marshal(head{1, len(lines), whole})
	if err != nil {
		return err
	}
	err = flow.Replace(l.segmentPath(n), func(out io.Writer) error {
		z, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
		if err != nil {
			return err
		}
		_, err = z.Write(append(first, '\n'))
		for _, line := range lines {
			if err != nil {
				break
			}
			_, err = z.Write(append(line, '\n'))
		}
		return errors.Join(err, z.Close())
	})
	if err == nil {
		l.segments = append(l.segments, n)
	}
	return err
}

// join writes all that counts as one segment and removes those before it. A
// kill between leaves segments that the whole one makes void.
func (l *Library) join() error {
	if len(l.segments) <= maxSegments || len(l.problems) > 0 {
		return nil // what cannot be read is left for a person to look at
	}
	keys := make([]string, 0, len(l.current))
	for key := range l.current {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	lines := make([][]byte, 0, len(keys))
	for _, key := range keys {
		line, err := json.Marshal(l.current[key])
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	old := slices.Clone(l.segments)
	if err := l.write(lines, true); err != nil {
		return err
	}
	for _, n := range old {
		if err := os.Remove(l.segmentPath(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(fault.Unavailable, err, "removing an old segment")
		}
	}
	l.segments = l.segments[len(l.segments)-1:]
	return nil
}
