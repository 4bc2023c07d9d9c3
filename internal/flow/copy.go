package flow

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"vedette/internal/fault"
)

// leap is a run of numbers that were given to records elsewhere: where a copy of a
// spool goes on, the numbers that the spool gave after the copy must not come
// again.
type leap struct {
	From uint64 `json:"from"` // the first that is left out
	To   uint64 `json:"to"`   // one more than the last
}

// leapt is the largest number that is taken by leaps.
func (c cursor) leapt() (to uint64) {
	for _, l := range c.Leaps {
		to = max(to, l.To)
	}
	return to
}

// end is one more than the last number of a segment whose successor begins with
// first: what lies between is lost, unless it was leapt over.
func (c cursor) end(scanned, first uint64) uint64 {
	for _, l := range c.Leaps {
		if l.To == first && l.From >= scanned {
			return l.From
		}
	}
	return first
}

// over counts the numbers at and above a position that were leapt over.
func (c cursor) over(acked uint64) (n uint64) {
	for _, l := range c.Leaps {
		if l.From >= acked {
			n += l.To - l.From
		}
	}
	return n
}

// ahead returns the cursor as it is kept: without the leaps that lie behind it.
func (c cursor) ahead() cursor {
	c.Leaps = slices.DeleteFunc(slices.Clone(c.Leaps), func(l leap) bool { return l.To <= c.Acked })
	return c
}

// SpoolFile tells a file that is part of a spool and not of one process that has it
// open.
func SpoolFile(name string) bool {
	_, segment := firstOf(name)
	return segment || name == cursorFile
}

// Position returns the number below which every record is done, and that which the
// next record gets.
func (s *Spool) Position() (acked, next uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked, s.segments[len(s.segments)-1].next
}

// SpoolCopy is a copy of what a spool held at one moment. It can be opened as a
// spool once [SpoolCopy.End] was called.
type SpoolCopy struct {
	Files   []string // names in its directory
	Pending int64    // records that are not done
	dir     string
	cursor  cursor
	next    uint64
}

// Copy writes what is not done into a new directory, while the spool goes on: what
// is appended after the call is not in it. Records that are done meanwhile may be
// missing.
func (s *Spool) Copy(dir string) (*SpoolCopy, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fault.New(fault.Conflict, "copying spool %s: it is closed", s.cfg.Dir)
	}
	segments := slices.Clone(s.segments)
	c := &SpoolCopy{dir: dir, cursor: cursor{Acked: s.acked, Leaps: s.leaps}, next: segments[len(segments)-1].next}
	s.mu.Unlock()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "making %s", dir)
	}
	for _, seg := range segments {
		if seg.next <= c.cursor.Acked {
			continue
		}
		name := filepath.Base(seg.path)
		switch err := copyStart(filepath.Join(dir, name), seg.path, seg.size); {
		case errors.Is(err, os.ErrNotExist): // done meanwhile
			c.cursor.Acked = max(c.cursor.Acked, seg.next)
		case err != nil:
			return nil, fault.Wrap(fault.Unavailable, err, "copying spool segment %s", seg.path).WithHint("check the free space of the disk of %s", dir)
		default:
			c.Files = append(c.Files, name)
		}
	}
	c.Pending = int64(c.next - c.cursor.Acked - c.cursor.over(c.cursor.Acked)) //nolint:gosec // G115: a count of records
	return c, nil
}

// End makes the copy whole. The spool that it was made of has given no number as
// high as next, or only to records that do not matter to who opens the copy.
func (c *SpoolCopy) End(next uint64) error {
	if next > c.next {
		c.cursor.Leaps = append(slices.Clone(c.cursor.Leaps), leap{c.next, next})
	}
	raw, err := json.Marshal(c.cursor)
	if err == nil {
		err = ReplaceFile(filepath.Join(c.dir, cursorFile), raw)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "finishing the copy of a spool in %s", c.dir)
	}
	c.Files = append(c.Files, cursorFile)
	return nil
}

// copyStart copies the first bytes of a file into a new one, and forces them to the
// disk.
func copyStart(to, from string, size int64) error {
	in, err := os.Open(from) //nolint:gosec // G304: in the operator's own directory
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: in the operator's own directory
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, size)
	return errors.Join(err, out.Sync(), out.Close())
}
