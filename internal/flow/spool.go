package flow

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"vedette/internal/fault"
)

// Sync says when appended records are forced to the disk.
type Sync uint8

// The policies. With SyncEach an append survives a power cut once it returned.
// With SyncNever it survives a kill of the process; a power cut may take what
// the system had not written yet, unless [Spool.Sync] was called.
const (
	SyncEach Sync = iota
	SyncNever
)

// SpoolConfig places and sizes a spool. Zero values take the defaults.
type SpoolConfig struct {
	Dir         string
	SegmentSize int64 // bytes of one file, 16 MiB
	MaxBytes    int64 // of all files together, 1 GiB
	MaxRecord   int   // bytes of one record, 8 MiB
	Sync        Sync
	DropOldest  bool // when full, forget the oldest segment instead of refusing
}

// Spool is a queue on disk: records are appended at one end, read by one
// [Reader] at the other, and deleted once acknowledged. What was appended and
// not acknowledged is there again after a kill; a record that was being
// written then is cut off. It is safe for concurrent use.
type Spool struct {
	cfg  SpoolConfig
	lock *os.File

	mu       sync.Mutex
	segments []segment // oldest first; the last one is written to
	tail     *os.File
	acked    uint64 // every record below it is done
	leaps    []leap
	broken   error // a write to disk failed: nothing more is accepted
	grown    chan struct{}
	closed   bool
	stats    SpoolStats
	scratch  []byte
}

// SpoolStats counts.
type SpoolStats struct {
	Pending  int64 // records not acknowledged
	Bytes    int64 // on disk
	Appended int64 // since opening
	CutBytes int64 // taken off the end when opening, after a kill
	Damaged  int64 // records skipped because their checksum was wrong
	Dropped  int64 // records forgotten because the spool was full
}

// MaxRecord is the longest record of a spool that sets no other.
const MaxRecord = 8 << 20

const cursorFile = "cursor.json"

type cursor struct {
	Acked uint64 `json:"acked"`
	Leaps []leap `json:"leaps,omitempty"`
}

// OpenSpool opens or makes a spool. One process at a time may have it open.
func OpenSpool(cfg SpoolConfig) (*Spool, error) {
	if cfg.SegmentSize <= 0 {
		cfg.SegmentSize = 16 << 20
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 1 << 30
	}
	if cfg.MaxRecord <= 0 {
		cfg.MaxRecord = MaxRecord
	}
	if cfg.SegmentSize*2 > cfg.MaxBytes {
		cfg.SegmentSize = max(cfg.MaxBytes/2, 1)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "making spool directory %s", cfg.Dir).WithHint("check that this user may write there")
	}
	lock, err := Lock(filepath.Join(cfg.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	s := &Spool{cfg: cfg, lock: lock, grown: make(chan struct{})}
	if err := s.load(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return s, nil
}

func (s *Spool) load() error {
	if err := s.loadCursor(); err != nil {
		return err
	}
	var err error
	if s.segments, err = listSegments(s.cfg.Dir); err != nil {
		return err
	}
	cur := cursor{Acked: s.acked, Leaps: s.leaps}
	for i := range s.segments {
		seg, err := scanSegment(s.segments[i].path, s.segments[i].first, s.cfg.MaxRecord)
		if err != nil {
			return err
		}
		if i+1 < len(s.segments) {
			seg.next = cur.end(seg.next, s.segments[i+1].first) // what a sealed segment lost is skipped in reading
		}
		s.segments[i] = seg
	}
	if len(s.segments) == 0 {
		return s.roll(max(s.acked, cur.leapt()))
	}
	if err := s.openTail(); err != nil {
		return err
	}
	s.acked = max(s.acked, s.segments[0].first)
	if last := s.segments[len(s.segments)-1]; max(s.acked, cur.leapt()) > last.next {
		return s.roll(max(s.acked, cur.leapt())) // the tail was cut below what is done: its numbers must not come again
	}
	return nil
}

// openTail cuts what a kill left half written and makes the last segment ready
// for appending.
func (s *Spool) openTail() error {
	seg := &s.segments[len(s.segments)-1]
	file, err := os.OpenFile(seg.path, os.O_RDWR, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "opening spool segment %s", seg.path)
	}
	info, err := file.Stat()
	if err == nil && seg.size == 0 { // killed before the magic was whole
		s.stats.CutBytes += info.Size()
		err = errors.Join(file.Truncate(0), writeAt(file, []byte(segmentMagic), 0))
		seg.size = int64(len(segmentMagic))
	} else if err == nil && info.Size() > seg.size {
		s.stats.CutBytes += info.Size() - seg.size
		err = file.Truncate(seg.size)
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		_ = file.Close()
		return fault.Wrap(fault.Unavailable, err, "cutting the tail of spool segment %s", seg.path)
	}
	s.tail = file
	return nil
}

func writeAt(f *os.File, b []byte, at int64) error {
	_, err := f.WriteAt(b, at)
	return err
}

func (s *Spool) loadCursor() error {
	raw, err := os.ReadFile(filepath.Join(s.cfg.Dir, cursorFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var c cursor
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the cursor of spool %s", s.cfg.Dir).WithHint("remove %s to have all kept records handed out again", cursorFile)
	}
	s.acked, s.leaps = c.Acked, c.Leaps
	return nil
}

// Append adds records and returns the sequence number of the last. All or none
// are added. When it returns they survive what [SpoolConfig.Sync] says. A full
// spool refuses with a Limited fault.
func (s *Spool) Append(records ...[]byte) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return 0, err
	}
	total := int64(0)
	for _, rec := range records {
		if len(rec) == 0 || len(rec) > s.cfg.MaxRecord {
			return 0, fault.New(fault.Invalid, "spooling a record of %d bytes: the limit is 1 to %d", len(rec), s.cfg.MaxRecord)
		}
		total += recordHead + int64(len(rec))
	}
	if err := s.makeRoom(total); err != nil {
		return 0, err
	}
	seg := &s.segments[len(s.segments)-1]
	seq := seg.next
	s.scratch = s.scratch[:0]
	for _, rec := range records {
		s.scratch = appendRecord(s.scratch, seq, rec)
		seq++
	}
	if err := s.write(seg); err != nil {
		return 0, err
	}
	seg.next, seg.size = seq, seg.size+total
	s.stats.Appended += int64(len(records))
	if cap(s.scratch) > 1<<20 {
		s.scratch = nil
	}
	close(s.grown)
	s.grown = make(chan struct{})
	return seq - 1, nil
}

func (s *Spool) ready() error {
	switch {
	case s.closed:
		return fault.New(fault.Conflict, "using spool %s: it is closed", s.cfg.Dir)
	case s.broken != nil:
		return fault.Wrap(fault.Unavailable, s.broken, "using spool %s after a failed write", s.cfg.Dir).WithHint("see to the disk and restart")
	}
	return nil
}

// write puts scratch behind the segment. A failed write is taken back; if that
// fails too, or the disk does not take a sync, what is on disk is unknown and
// the spool accepts nothing more.
func (s *Spool) write(seg *segment) error {
	if err := writeAt(s.tail, s.scratch, seg.size); err != nil {
		if cut := s.tail.Truncate(seg.size); cut != nil {
			s.broken = errors.Join(err, cut)
		}
		return fault.Wrap(fault.Unavailable, err, "writing to spool %s", s.cfg.Dir).WithHint("check the free space of the disk")
	}
	if s.cfg.Sync == SyncEach {
		if err := s.tail.Sync(); err != nil {
			s.broken = err
			return fault.Wrap(fault.Unavailable, err, "forcing spool %s to disk", s.cfg.Dir)
		}
	}
	return nil
}

// makeRoom begins a new segment when the last one is full, and enforces the
// bound on all of them.
func (s *Spool) makeRoom(bytes int64) error {
	for s.size()+bytes > s.cfg.MaxBytes {
		// The last file is written to and stays though all of it is done. A bound that was
		// made smaller than it would refuse for good.
		if last := s.segments[len(s.segments)-1]; last.next > last.first && last.next <= s.acked {
			if err := s.roll(last.next); err != nil {
				return err
			}
			for len(s.segments) > 1 {
				if err := s.removeOldest(); err != nil {
					return err
				}
			}
			continue
		}
		if !s.cfg.DropOldest || len(s.segments) == 1 {
			return fault.New(fault.Limited, "appending to spool %s: it holds %d of at most %d bytes", s.cfg.Dir, s.size(), s.cfg.MaxBytes).
				WithHint("its reader is slow or away; make the spool larger or see to the reader")
		}
		lost := s.segments[0]
		from := max(lost.first, s.acked)
		if lost.next > from {
			s.stats.Dropped += int64(lost.next - from) //nolint:gosec // G115: a count of records
		}
		s.acked = max(s.acked, lost.next)
		if err := s.removeOldest(); err != nil {
			return err
		}
	}
	if last := s.segments[len(s.segments)-1]; last.size+bytes > s.cfg.SegmentSize && last.next > last.first {
		return s.roll(last.next)
	}
	return nil
}

// SetMaxBytes changes the bound on all files together. What waits beyond a smaller
// one stays, and nothing more is accepted until it is read.
func (s *Spool) SetMaxBytes(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.MaxBytes = n
	s.cfg.SegmentSize = max(min(s.cfg.SegmentSize, n/2), 1)
}

func (s *Spool) size() int64 {
	total := int64(0)
	for i := range s.segments {
		total += s.segments[i].size
	}
	return total
}

// roll begins a new segment.
func (s *Spool) roll(first uint64) error {
	path := segmentPath(s.cfg.Dir, first)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: in the operator's own directory
	if err == nil {
		err = errors.Join(writeAt(file, []byte(segmentMagic), 0), file.Sync(), syncDir(s.cfg.Dir))
	}
	if err != nil {
		if file != nil {
			_ = file.Close()
		}
		return fault.Wrap(fault.Unavailable, err, "making spool segment %s", path)
	}
	if s.tail != nil {
		if err := errors.Join(s.tail.Sync(), s.tail.Close()); err != nil {
			s.broken = err
			_ = file.Close()
			return fault.Wrap(fault.Unavailable, err, "closing a full spool segment")
		}
	}
	s.tail = file
	s.segments = append(s.segments, segment{first: first, next: first, size: int64(len(segmentMagic)), path: path})
	return nil
}

func (s *Spool) removeOldest() error {
	if err := os.Remove(s.segments[0].path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fault.Wrap(fault.Unavailable, err, "removing a finished spool segment")
	}
	s.segments = slices.Delete(s.segments, 0, 1)
	return nil
}

// Ack says that the record with this sequence number and all before it are
// done. They are not handed out again after a restart, and finished files are
// deleted. After a power cut some acknowledged records may come again.
func (s *Spool) Ack(seq uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fault.New(fault.Conflict, "using spool %s: it is closed", s.cfg.Dir)
	}
	if end := s.segments[len(s.segments)-1].next; seq >= end {
		return fault.New(fault.Invalid, "acknowledging record %d of spool %s: the last one is %d", seq, s.cfg.Dir, int64(end)-1) //nolint:gosec // G115: for display
	}
	if seq < s.acked {
		return nil
	}
	s.acked = seq + 1
	cur := cursor{Acked: s.acked, Leaps: s.leaps}.ahead()
	s.leaps = cur.Leaps
	raw, err := json.Marshal(cur)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding the cursor of spool %s", s.cfg.Dir)
	}
	if err := ReplaceFile(filepath.Join(s.cfg.Dir, cursorFile), raw); err != nil {
		return err
	}
	for len(s.segments) > 1 && s.segments[0].next <= s.acked {
		if err := s.removeOldest(); err != nil {
			return err
		}
	}
	return nil
}

// Sync forces what was appended to the disk.
func (s *Spool) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return err
	}
	if err := s.tail.Sync(); err != nil {
		s.broken = err
		return fault.Wrap(fault.Unavailable, err, "forcing spool %s to disk", s.cfg.Dir)
	}
	return nil
}

// Stats returns the spool's counts.
func (s *Spool) Stats() SpoolStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Bytes = s.size()
	over := cursor{Leaps: s.leaps}.over(s.acked)
	st.Pending = int64(s.segments[len(s.segments)-1].next - s.acked - over) //nolint:gosec // G115: a count of records
	return st
}

// Close forces what was appended to the disk and releases the files. A reader
// that waits gets a Conflict fault.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.grown)
	if err := errors.Join(s.tail.Sync(), s.tail.Close(), s.lock.Close()); err != nil {
		return fault.Wrap(fault.Unavailable, err, "closing spool %s", s.cfg.Dir)
	}
	return nil
}
