package tail

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Files that end in .gz are not followed but read once, when nobody writes to them any more. Rotation makes them of
// files that were followed: such a one begins as that file did, and goes on where that was left.
const (
	packedSuffix = ".gz"
	packedRests  = 5 * time.Second // without a change before it is read
	packedBytes  = 64 << 30        // of what one unfolds to
	packedTimes  = 1100            // more than deflate can: 1032 (zlib's technical details)
	maxPast      = 2000            // files that are no longer followed and still known
)

func isPacked(name string) bool { return strings.HasSuffix(strings.ToLower(name), packedSuffix) }

// past is a file that is not followed any more.
type past struct {
	Stream string    `json:"stream"`
	Offset int64     `json:"offset"`
	Head   head      `json:"head"`
	Last   string    `json:"last"` // of the bytes before offset
	At     time.Time `json:"at"`
}

// lastOf tells by the bytes before a place how a file was left.
func lastOf(at io.ReaderAt, offset int64) (string, error) {
	b := make([]byte, min(offset, headSize))
	if n, err := at.ReadAt(b, offset-int64(len(b))); n < len(b) {
		return "", err //nolint:wrapcheck // the caller says which file
	}
	return digest(b), nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// leave remembers a file that is followed no more, for when its packed form appears.
func (s *Source) leave(f *file) {
	if f.packed || f.last == "" {
		return
	}
	if len(s.past) >= maxPast {
		s.past = s.past[1:]
	}
	s.past = append(s.past, past{f.stream, f.offset, f.head, f.last, s.cfg.Now()})
}

// known are the files that a packed one may be.
func (s *Source) known() []past {
	out := append([]past{}, s.past...)
	for _, f := range s.files {
		if !f.packed && f.last != "" {
			out = append(out, past{f.stream, f.offset, f.head, f.last, time.Time{}})
		}
	}
	return out
}

// unpack reads a packed file once it rests.
func (s *Source) unpack(ctx context.Context, f *file, to ingest.Spooler) error {
	info, err := os.Stat(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it went
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s", f.path)
	}
	if f.ended || s.cfg.Now().Sub(info.ModTime()) < packedRests {
		return nil
	}
	if f.offset == 0 {
		if err := s.recognise(f, info.Size()); err != nil {
			return s.refuse(f, err)
		}
	}
	err = s.readPacked(ctx, f, info.Size(), to)
	if bad, ok := errors.AsType[*unreadable](err); ok {
		return s.refuse(f, bad)
	}
	if err != nil || ctx.Err() != nil {
		return err
	}
	f.ended, s.dirty = true, true
	return s.keep(true)
}

// refuse leaves a file alone that cannot be read, and counts it.
func (s *Source) refuse(f *file, why error) error {
	f.ended, s.dirty = true, true
	s.gauge.Refuse()
	return errors.Join(fault.Wrap(fault.Invalid, why, "%s cannot be unpacked and is left alone after %d bytes: %v", f.path, f.offset, why), s.keep(true))
}

// unreadable says that a packed file is not what it should be, so that it is not tried again.
type unreadable struct{ cause error }

func (u *unreadable) Error() string { return u.cause.Error() }
func (u *unreadable) Unwrap() error { return u.cause }

// unfolding reads what a packed file holds, and keeps what ended it: io.EOF alone
// is its end.
type unfolding struct {
	at   *os.File
	in   io.Reader
	left int64 // what it may still unfold to
	why  error
}

func (u *unfolding) Read(p []byte) (int, error) {
	n, err := u.in.Read(p)
	if u.left -= int64(n); u.left < 0 {
		err = errors.New("it unfolds to more than it can")
	}
	if err != nil {
		u.why = err
	}
	return n, err //nolint:wrapcheck // the caller says which file
}

func (u *unfolding) close() { _ = u.at.Close() } // only read

// unfolded opens what a packed file holds, bounded.
func unfolded(path string, size int64) (*unfolding, error) {
	at, err := os.Open(path) //nolint:gosec // G304: named by the configuration
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening %s", path)
	}
	in, err := gzip.NewReader(bufio.NewReaderSize(at, 64<<10))
	if err != nil {
		_ = at.Close() // only read
		return nil, &unreadable{err}
	}
	return &unfolding{at: at, in: in, left: min(packedBytes, size*packedTimes+headSize)}, nil
}

// broke is why a file could not be read on; nil at its end.
func (u *unfolding) broke() error {
	if errors.Is(u.why, io.EOF) {
		return nil
	}
	return &unreadable{u.why}
}

// recognise looks whether a packed file is one that was followed. One that breaks
// off before that is known is refused: else what was read of it would be read twice.
func (s *Source) recognise(f *file, size int64) error {
	candidates := s.known()
	if len(candidates) == 0 {
		return nil
	}
	in, err := unfolded(f.path, size)
	if err != nil {
		return err
	}
	defer in.close()
	t := trail{in: in, begin: make([]byte, headSize)}
	n, err := io.ReadFull(in, t.begin)
	if t.begin, t.read = t.begin[:n], int64(n); err != nil && in.broke() != nil {
		return in.broke()
	}
	candidates = slices.DeleteFunc(candidates, func(c past) bool { return !c.begins(t.begin) })
	slices.SortFunc(candidates, func(x, y past) int { return cmp.Compare(x.Offset, y.Offset) })
	for _, c := range candidates {
		last, err := t.before(c.Offset)
		if err != nil {
			return in.broke() // at its end: it is shorter than that one, another file
		}
		if digest(last) == c.Last {
			f.stream, f.offset = c.Stream, c.Offset
			return nil
		}
	}
	return nil
}

// begins tells whether a file that begins so may be the one.
func (p *past) begins(with []byte) bool {
	return p.Head.Size <= int64(len(with)) && p.Offset >= p.Head.Size && p.Head.Sum == digest(with[:p.Head.Size])
}

// trail reads on in a file and knows the bytes before where it is.
type trail struct {
	in    io.Reader
	begin []byte
	tail  []byte // the last bytes before read, beyond begin
	read  int64
}

// before returns the last bytes before a place, at most headSize. Places must come
// in order.
func (t *trail) before(offset int64) ([]byte, error) {
	if offset <= int64(len(t.begin)) {
		return t.begin[max(0, offset-headSize):offset], nil
	}
	if t.tail == nil {
		t.tail = append(make([]byte, 0, 2*headSize), t.begin...)
	}
	piece := make([]byte, headSize)
	for t.read < offset {
		n, err := io.ReadFull(t.in, piece[:min(headSize, offset-t.read)])
		t.read += int64(n)
		t.tail = append(t.tail, piece[:n]...)
		t.tail = append(t.tail[:0], t.tail[max(0, len(t.tail)-headSize):]...)
		if err != nil {
			return nil, err //nolint:wrapcheck // whoever reads the file says which
		}
	}
	return t.tail, nil
}

// readPacked hands on the lines from where the file was left.
func (s *Source) readPacked(ctx context.Context, f *file, size int64, to ingest.Spooler) error {
	in, err := unfolded(f.path, size)
	if err != nil {
		return err
	}
	defer in.close()
	if err := s.skipPacked(ctx, f, in, to); err != nil {
		return err
	}
	rest := make([]byte, 0, 2*chunk)
	for ctx.Err() == nil {
		n, err := io.ReadFull(in, rest[len(rest):len(rest)+chunk])
		rest = rest[:len(rest)+n]
		ended := err != nil && errors.Is(in.why, io.EOF) && !errors.Is(in.why, io.ErrUnexpectedEOF)
		end := bytes.LastIndexByte(rest, '\n') + 1
		if ended && ctx.Err() == nil {
			end = len(rest) // nothing comes after it
		}
		if end == 0 && len(rest) > ingest.MaxPayload-chunk {
			return &unreadable{errors.New("a line is longer than a payload")}
		}
		if end > 0 {
			if err := s.put(ctx, f, f.offset, rest[:end], to); err != nil {
				return err
			}
			f.offset, f.seen, s.dirty = f.offset+int64(end), s.cfg.Now(), true
			rest = append(make([]byte, 0, max(2*chunk, len(rest)-end+chunk)), rest[end:]...)
			if err := s.keep(false); err != nil {
				return err
			}
		} else if cap(rest)-len(rest) < chunk {
			rest = append(make([]byte, 0, cap(rest)+chunk), rest...)
		}
		switch {
		case ended:
			return nil
		case err != nil:
			return &unreadable{in.why}
		}
	}
	return nil
}

// skipPacked passes over what was handed on, but for the head, which may tell what the rest means.
func (s *Source) skipPacked(ctx context.Context, f *file, in io.Reader, to ingest.Spooler) error {
	if f.offset == 0 {
		return nil
	}
	begin := make([]byte, min(headBytes, f.offset))
	if _, err := io.ReadFull(in, begin); err != nil {
		return &unreadable{err}
	}
	if end := bytes.LastIndexByte(begin, '\n'); end >= 0 {
		if err := s.put(ctx, f, 0, begin[:end+1], to); err != nil {
			return err
		}
	}
	if _, err := io.CopyN(io.Discard, in, f.offset-int64(len(begin))); err != nil {
		return &unreadable{err}
	}
	return nil
}
