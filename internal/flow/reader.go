package flow

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"

	"vedette/internal/fault"
)

// Reader hands out the records of a spool in order, from the first that is not
// acknowledged. It is for one goroutine; a spool has one reader at a time.
type Reader struct {
	spool *Spool
	seq   uint64 // next to hand out
	file  *os.File
	part  io.LimitedReader // of file, what is known to be written whole
	buf   *bufio.Reader
	known int64  // bytes that part was let read so far
	first uint64 // of the open segment
	at    uint64 // sequence number that buf stands at
	data  []byte
}

// Read returns a reader. Close it before making another.
func (s *Spool) Read() *Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Reader{spool: s, seq: s.acked}
}

// Next returns the next record and its sequence number, waiting for one to be
// appended. The bytes are valid until the next call. Damaged records are
// skipped and counted in [SpoolStats].
func (r *Reader) Next(ctx context.Context) (seq uint64, data []byte, err error) {
	for {
		seg, wait, err := r.locate()
		if err != nil {
			return 0, nil, err
		}
		if wait != nil {
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return 0, nil, fault.Wrap(fault.Unavailable, ctx.Err(), "waiting for a record of spool %s", r.spool.cfg.Dir)
			}
		}
		ok, err := r.read(seg)
		if err != nil {
			return 0, nil, err
		}
		if ok {
			r.seq++
			return r.seq - 1, r.data, nil
		}
	}
}

// locate finds the segment of the next record, or the channel that tells of
// new records.
func (r *Reader) locate() (segment, <-chan struct{}, error) {
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return segment{}, nil, fault.New(fault.Conflict, "reading spool %s: it is closed", s.cfg.Dir)
	}
	if oldest := s.segments[0].first; r.seq < oldest {
		r.seq = oldest // what was before is dropped, and counted there
	}
	for _, seg := range s.segments {
		if r.seq < seg.next {
			r.seq = max(r.seq, seg.first)
			return seg, nil, nil
		}
	}
	return segment{}, s.grown, nil
}

// read reads record seq of a segment into data. It reports false when the
// record cannot be had, with seq moved on behind it.
func (r *Reader) read(seg segment) (bool, error) {
	if r.file == nil || r.first != seg.first || r.at > r.seq {
		if err := r.open(seg); err != nil || r.file == nil {
			return false, err
		}
	}
	r.part.N += seg.size - r.known
	r.known = seg.size
	for {
		var err error
		r.data, err = readRecord(r.buf, r.at, r.spool.cfg.MaxRecord, r.data)
		if err != nil && !errors.Is(err, errDamaged) { // the rest of the segment is lost
			r.skip(seg.next)
			return false, r.Close()
		}
		r.at++
		if r.at <= r.seq {
			continue
		}
		if err != nil {
			r.skip(r.at)
			return false, nil
		}
		return true, nil
	}
}

func (r *Reader) skip(to uint64) {
	r.spool.mu.Lock()
	defer r.spool.mu.Unlock()
	r.spool.stats.Damaged += int64(to - r.seq) //nolint:gosec // G115: a count of records
	r.seq = to
}

func (r *Reader) open(seg segment) error {
	if err := r.Close(); err != nil {
		return err
	}
	file, err := os.Open(seg.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // dropped meanwhile: look again
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "opening spool segment %s", seg.path)
	}
	if _, err := file.Seek(int64(len(segmentMagic)), io.SeekStart); err != nil {
		_ = file.Close()
		return fault.Wrap(fault.Unavailable, err, "reading spool segment %s", seg.path)
	}
	r.file, r.first, r.at = file, seg.first, seg.first
	r.part, r.known = io.LimitedReader{R: file}, int64(len(segmentMagic))
	r.buf = bufio.NewReaderSize(&r.part, 1<<16)
	return nil
}

// Close releases the file. The reader may be used again.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file, r.buf = nil, nil
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "closing a spool segment")
	}
	return nil
}
