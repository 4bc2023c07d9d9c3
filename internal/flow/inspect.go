package flow

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"vedette/internal/fault"
)

// SpoolReport is what was seen of a spool without changing it.
type SpoolReport struct {
	Segments []SegmentReport // oldest first
	Cursor   error           // why the file that says what is done cannot be used
	Pending  int64           // whole records that are not done
	Bytes    int64           // of these
	Oldest   []byte          // the first of these

	maxRecord int
}

// SegmentReport is what was seen of one file. Only what is not done counts.
type SegmentReport struct {
	Path    string
	Bytes   int64
	Records int64 // whole ones
	Damaged int64 // records with a wrong checksum
	Missing int64 // records that the next file says were here
	Torn    int64 // bytes at the end that are no whole record
	Err     error // why it cannot be read at all
}

// InspectSpool looks at a spool that nobody has open, in whatever state it is.
// maxRecord is as in [SpoolConfig].
func InspectSpool(dir string, maxRecord int) (SpoolReport, error) {
	var cur cursor
	rep := SpoolReport{maxRecord: maxRecord}
	if maxRecord <= 0 {
		rep.maxRecord = MaxRecord
	}
	raw, err := os.ReadFile(filepath.Join(dir, cursorFile)) //nolint:gosec // G304: in the operator's own directory
	if err == nil {
		err = json.Unmarshal(raw, &cur)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		rep.Cursor = err
	}
	segments, err := listSegments(dir)
	if err != nil {
		return rep, err
	}
	for i := range segments {
		segments[i].size = -1
	}
	rep.look(segments, cur)
	return rep, nil
}

// Inspect looks at a spool while it is in use.
func (s *Spool) Inspect() SpoolReport {
	s.mu.Lock()
	segments := slices.Clone(s.segments)
	cur := cursor{Acked: s.acked, Leaps: s.leaps}
	s.mu.Unlock()
	rep := SpoolReport{maxRecord: s.cfg.MaxRecord}
	rep.look(segments, cur)
	return rep
}

// listSegments finds the files, the oldest first.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Wrap(fault.NotFound, err, "there is no spool %s", dir)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "listing spool directory %s", dir)
	}
	var out []segment
	for _, e := range entries {
		if first, ok := firstOf(e.Name()); ok {
			out = append(out, segment{first: first, path: filepath.Join(dir, e.Name())})
		}
	}
	slices.SortFunc(out, func(a, b segment) int { return int(min(max(int64(a.first-b.first), -1), 1)) }) //nolint:gosec // G115: the sign is meant
	return out, nil
}

// look reads the segments, each to its size, or whole if that is below 0.
func (r *SpoolReport) look(segments []segment, cur cursor) {
	for i, seg := range segments {
		if i+1 < len(segments) && segments[i+1].first <= cur.Acked {
			continue // done, and not yet deleted
		}
		one, next, gone := r.segment(seg, cur.Acked)
		if gone {
			continue
		}
		if i+1 < len(segments) {
			if end := cur.end(next, segments[i+1].first); end > max(next, cur.Acked) {
				one.Missing = int64(end - max(next, cur.Acked)) //nolint:gosec // G115: a count of records
			}
		}
		r.Segments = append(r.Segments, one)
	}
}

// segment reads one; next is the number behind the last record that is told apart.
func (r *SpoolReport) segment(seg segment, acked uint64) (one SegmentReport, next uint64, gone bool) {
	one, next = SegmentReport{Path: seg.path}, seg.first
	file, err := os.Open(seg.path)
	if errors.Is(err, os.ErrNotExist) {
		return one, next, true // done meanwhile
	}
	if err != nil {
		one.Err = err
		return one, next, false
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && seg.size < 0 {
		seg.size = info.Size()
	}
	one.Bytes = seg.size
	in := bufio.NewReaderSize(io.LimitReader(file, seg.size), 1<<16)
	magic := make([]byte, len(segmentMagic))
	if n, err := io.ReadFull(in, magic); err != nil || string(magic) != segmentMagic {
		if one.Torn = int64(n); string(magic[:n]) != segmentMagic[:n] {
			one.Err, one.Torn = errors.New("it is no spool segment of this version"), 0
		}
		return one, next, false
	}
	at := int64(len(segmentMagic))
	var buf []byte
	for {
		buf, err = readRecord(in, next, r.maxRecord, buf)
		if err != nil && !errors.Is(err, errDamaged) {
			one.Torn = seg.size - at
			return one, next, false
		}
		at += recordHead + int64(len(buf))
		next++
		switch {
		case next <= acked:
		case err != nil:
			one.Damaged++
		default:
			if one.Records++; r.Pending == 0 {
				r.Oldest = bytes.Clone(buf)
			}
			r.Pending++
			r.Bytes += int64(len(buf))
		}
	}
}
