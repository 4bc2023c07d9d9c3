package captures

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// file is a capture as it was last seen.
type file struct {
	path, ring string
	size       int64
	changed    time.Time
	key        string    // of its first bytes; "": it cannot be told yet
	first      time.Time // of its first packet; zero: it has none yet
	newest     bool      // of its ring
	bad        string    // why it was not read to its end
}

// look lists what is there and not read, in order.
func (s *Source) look() []*file {
	var out []*file
	there, seen := map[string]bool{}, 0
	for _, pattern := range s.cfg.Paths {
		if info, err := os.Stat(pattern); err == nil && info.IsDir() {
			pattern = filepath.Join(pattern, "*")
		}
		names, _ := filepath.Glob(pattern) // it was checked
		var ring []*file
		for _, path := range names {
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || strings.HasPrefix(filepath.Base(path), ".") || there[path] || seen >= maxFiles {
				continue
			}
			seen++
			there[path] = true
			ring = append(ring, s.known(path, pattern, info))
		}
		newest := slices.MaxFunc(append(ring, &file{}), func(a, b *file) int { return cmp.Or(a.changed.Compare(b.changed), a.first.Compare(b.first)) })
		for _, f := range ring {
			f.newest = f == newest
			if p := s.state.Read[f.key]; p == nil || !p.Done || f.size > p.Size && !packed(f.path) || p.Half && !f.newest {
				out = append(out, f)
			}
		}
	}
	s.vanished(there)
	slices.SortStableFunc(out, func(a, b *file) int {
		return cmp.Or(a.first.Compare(b.first), a.changed.Compare(b.changed), strings.Compare(a.path, b.path))
	})
	return out
}

func packed(path string) bool { return strings.HasSuffix(path, ".gz") }

// known is a file as it is now; its beginning is read only when it has changed.
func (s *Source) known(path, ring string, info os.FileInfo) *file {
	f := s.looked[path]
	if f == nil || f.key == "" || f.size != info.Size() || !f.changed.Equal(info.ModTime()) {
		f = &file{path: path, ring: ring, size: info.Size(), changed: info.ModTime()}
		s.begin(f)
		s.looked[path] = f
	}
	if p := s.state.Read[f.key]; p != nil {
		p.Seen = s.cfg.Now()
	}
	return f
}

// begin reads what a file is known by. A capture without a packet is none yet.
func (s *Source) begin(f *file) {
	in, end, err := open(f.path)
	if err != nil {
		f.bad = "cannot be opened: " + err.Error()
		return
	}
	defer end()
	head, _ := in.Peek(headSize)
	next := s.cfg.Cut(bufio.NewReaderSize(bytes.NewReader(head), headSize))
	raw, _, err := next()
	if err == nil && len(raw) >= 8 {
		f.first = time.Unix(0, int64(binary.BigEndian.Uint64(raw))) //nolint:gosec // G115: as it was written
	}
	// the first packet alone: a file that grows keeps its key
	if err == nil {
		head = raw
	}
	sum := sha256.Sum256(head)
	f.key = hex.EncodeToString(sum[:16])
}

// vanished tells of files that went before they were read.
func (s *Source) vanished(there map[string]bool) {
	keys := map[string]bool{}
	for path, f := range s.looked {
		if there[path] {
			keys[f.key] = true
		}
	}
	for path, f := range s.looked {
		if there[path] {
			continue
		}
		if p := s.state.Read[f.key]; f.key != "" && !f.first.IsZero() && !keys[f.key] && (p == nil || !p.Done) {
			s.gauge.Lose()
			s.wrong = path + " was deleted before it was read"
		}
		delete(s.looked, path)
	}
}

// complete tells a file that is not written to any more: the next one of its ring
// has begun, or nothing was written for a while. One that grows after all is read on.
func (s *Source) complete(f *file) bool {
	return f.key != "" && (!f.newest || s.cfg.Now().Sub(f.changed) >= s.cfg.Settle)
}

// open opens a capture, unpacked.
func open(path string) (*bufio.Reader, func(), error) {
	file, err := os.Open(path) //nolint:gosec // G304: the configuration names it
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // looked at by the caller
	}
	in := bufio.NewReaderSize(file, 1<<20)
	if head, _ := in.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			_ = file.Close()
			return nil, nil, err //nolint:wrapcheck // likewise
		}
		in = bufio.NewReaderSize(io.LimitReader(z, maxFile), 1<<20)
	}
	return in, func() { _ = file.Close() }, nil
}

// read hands on the packets of a file that were not yet. The error is of the spool;
// what is wrong with the file is told, and it is not read again as it is. The newest
// of a ring may end within a packet, for a program that captures writes when its
// buffer is full: that is told only once there is a newer one.
func (s *Source) read(ctx context.Context, to ingest.Spooler, f *file) error {
	in, end, err := open(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the next look tells
	}
	p := s.state.Read[f.key]
	if p == nil {
		p = &past{}
		s.state.Read[f.key] = p
	}
	p.Done, p.Size, p.Seen, p.Reason, p.Half = false, f.size, s.cfg.Now(), "", false
	if err == nil {
		defer end()
		err = s.hand(ctx, to, f, p, s.cfg.Cut(in))
	}
	if stop := (spoolError{}); errors.As(err, &stop) || ctx.Err() != nil {
		return err
	}
	p.Done, p.Half = true, f.newest && errors.Is(err, io.ErrUnexpectedEOF)
	if f.bad = ""; err != nil && !errors.Is(err, io.EOF) && !p.Half {
		text, _ := fault.Public(err)
		f.bad = "cannot be read to its end, and what is whole was taken: " + text
		p.Reason, s.wrong = f.bad, f.path+" "+f.bad
		s.gauge.Refuse()
	} else {
		s.wrong = ""
	}
	return s.keep(true)
}

// spoolError is one that is not of the file.
type spoolError struct{ error }

// Unwrap shows it.
func (e spoolError) Unwrap() error { return e.error }

// hand gives the spool packet after packet, together, until the file ends.
func (s *Source) hand(ctx context.Context, to ingest.Spooler, f *file, p *past, next func() ([]byte, int64, error)) error {
	var batch []byte
	packets := int64(0) // in the batch
	put := func() error {
		if len(batch) == 0 {
			return nil
		}
		at := s.state.At[f.ring]
		err := to.Put(ctx, ingest.Payload{Source: s.cfg.Name, Peer: f.path, Format: Format, Stream: f.ring, At: at, Received: s.cfg.Now(), Data: batch})
		if err != nil {
			return spoolError{err}
		}
		s.gauge.Take(len(batch))
		s.state.At[f.ring] = at + int64(len(batch))
		p.Packets += packets
		batch, packets = nil, 0
		if err := s.keep(false); err != nil {
			return spoolError{err}
		}
		return nil
	}
	for n := int64(0); ; n++ {
		raw, _, err := next()
		if err != nil {
			return errors.Join(put(), err)
		}
		if n < p.Packets+packets {
			continue // handed on before
		}
		if s.cfg.Fits != nil {
			if fits, err := s.cfg.Fits(raw); err != nil {
				return errors.Join(put(), err)
			} else if !fits {
				packets++
				continue
			}
		}
		if len(raw) > ingest.MaxPayload-4 {
			return errors.Join(put(), fault.New(fault.Invalid, "a packet of %d bytes is too long", len(raw)))
		}
		if len(batch)+len(raw) >= batchSize {
			if err := put(); err != nil {
				return err
			}
		}
		batch = binary.BigEndian.AppendUint32(batch, uint32(len(raw))) //nolint:gosec // G115: bounded above
		batch = append(batch, raw...)
		packets++
	}
}
