package tail

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// file is one file that is followed, under whatever name.
type file struct {
	path   string
	id     identity
	stream string // its name for the identity of records
	offset int64  // up to which it was handed on
	head   head   // of what was handed on
	last   string // of the bytes before offset

	packed bool // it is read once, by unpack
	ended  bool // nothing more is read of it

	at   *os.File
	told bool // its head was handed on since the start
	seen time.Time
	gone time.Time // since when its path leads elsewhere
}

func (f *file) is(info os.FileInfo) bool { return f.id == idOf(info) && f.id != identity{} }

// head tells by its first bytes whether a file is still the one that was read: a
// number of a file is used again once the file is gone, and one that was cut may
// have grown beyond where it was.
type head struct {
	Size int64  `json:"size"`
	Sum  string `json:"sum"`
}

// headSize is how many bytes tell files apart.
const headSize = 1 << 10

// headOf reads the first bytes, at most so many.
func headOf(at io.ReaderAt, size int64) (head, error) {
	b := make([]byte, min(size, headSize))
	n, err := at.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return head{}, err //nolint:wrapcheck // the caller says which file
	}
	sum := sha256.Sum256(b[:n])
	return head{int64(n), hex.EncodeToString(sum[:16])}, nil
}

// same reports whether the file still begins as it did.
func (f *file) same() (bool, error) {
	if f.head.Size == 0 {
		return true, nil
	}
	now, err := headOf(f.at, f.head.Size)
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, err, "reading %s", f.path)
	}
	return now == f.head, nil
}

// passed notes that a file was handed on up to a place.
func (f *file) passed(to int64) error {
	f.offset = to
	var err error
	if f.last, err = lastOf(f.at, to); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s", f.path)
	}
	if f.head.Size >= headSize {
		return nil
	}
	if f.head, err = headOf(f.at, to); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s", f.path)
	}
	return nil
}

// open opens the file at its path, if it is that file. A file that was renamed
// while nothing ran is looked for beside it.
func (f *file) open() error {
	if f.at != nil || f.packed {
		return nil
	}
	try := func(path string) (bool, error) {
		at, err := os.Open(path) //nolint:gosec // G304: named by the configuration
		if errors.Is(err, os.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fault.Wrap(fault.Unavailable, err, "opening %s", path)
		}
		if info, err := at.Stat(); err != nil || !f.is(info) {
			return false, at.Close()
		}
		f.at = at
		return true, nil
	}
	if ok, err := try(f.path); ok || err != nil {
		return err
	}
	beside, err := filepath.Glob(f.path + "*")
	if err != nil {
		return nil //nolint:nilerr // a path that is a pattern by chance: it is not found then
	}
	for _, path := range beside {
		if ok, err := try(path); ok || err != nil {
			return err
		}
	}
	return nil
}

func (f *file) close() {
	if f.at != nil {
		_ = f.at.Close() // only read
		f.at = nil
	}
}

// lines reads whole lines from where the last ended, at most a chunk. A line that
// no payload can hold is passed over.
func (f *file) lines() (data []byte, skipped bool, err error) {
	data = make([]byte, chunk)
	n, err := f.at.ReadAt(data, f.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, fault.Wrap(fault.Unavailable, err, "reading %s", f.path)
	}
	if end := bytes.LastIndexByte(data[:n], '\n'); end >= 0 {
		return data[:end+1], false, nil
	}
	if n < chunk {
		return nil, false, nil // the line is not whole yet
	}
	in := bufio.NewReaderSize(io.NewSectionReader(f.at, f.offset, 1<<62), chunk)
	size := int64(0)
	for {
		piece, err := in.ReadSlice('\n')
		size += int64(len(piece))
		switch {
		case err == nil && size <= ingest.MaxPayload:
			line := make([]byte, size)
			_, err := f.at.ReadAt(line, f.offset)
			return line, false, err
		case err == nil:
			f.offset += size
			return nil, true, nil
		case errors.Is(err, io.EOF):
			return nil, false, nil // its end has not come yet
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, fault.Wrap(fault.Unavailable, err, "reading %s", f.path)
		}
	}
}

// record is what is kept of a file.
type record struct {
	Path   string    `json:"path"`
	ID     identity  `json:"id"`
	Stream string    `json:"stream"`
	Offset int64     `json:"offset"`
	Head   head      `json:"head,omitzero"`
	Last   string    `json:"last,omitempty"`
	Seen   time.Time `json:"seen,omitzero"`
	Ended  bool      `json:"ended,omitempty"` // a packed file that was read
}

// kept is the file of the state.
type kept struct {
	Files []record `json:"files"`
	Past  []past   `json:"past"`
}

// readKept reads the state; before there were packed files it was the list alone.
func readKept(raw []byte) (k kept, err error) {
	if len(bytes.TrimSpace(raw)) > 0 && bytes.TrimSpace(raw)[0] == '[' {
		err = json.Unmarshal(raw, &k.Files)
		return k, err //nolint:wrapcheck // the caller says which file
	}
	err = json.Unmarshal(raw, &k)
	return k, err //nolint:wrapcheck // the caller says which file
}

// keep writes down how far files were read, at most once a second unless it must
// be now. After a kill what is not written down is read again, and stored once.
func (s *Source) keep(now bool) error {
	if !s.dirty || !now && s.cfg.Now().Sub(s.kept) < keepEvery {
		return nil
	}
	list := make([]record, 0, len(s.files))
	for _, f := range s.files {
		list = append(list, record{f.path, f.id, f.stream, f.offset, f.head, f.last, f.seen, f.ended})
	}
	raw, err := json.Marshal(kept{list, s.past})
	if err != nil {
		return fault.Wrap(fault.Internal, err, "writing down how far files were read")
	}
	if err := flow.ReplaceFile(s.cfg.State, raw); err != nil {
		return err
	}
	s.kept, s.dirty = s.cfg.Now(), false
	return nil
}

// restore reads what was written down. What was damaged is told: to begin anew
// would store everything a second time.
func (s *Source) restore() error {
	raw, err := os.ReadFile(s.cfg.State)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var k kept
	if err == nil {
		k, err = readKept(raw)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading how far the files of source %s were read", s.cfg.Name).
			WithHint("if it cannot be mended remove %s: all files are then read from their beginning, and their records stored once more", s.cfg.State)
	}
	for _, p := range k.Past {
		if s.cfg.Now().Sub(p.At) < forgets {
			s.past = append(s.past, p)
		}
	}
	for _, r := range k.Files {
		if s.cfg.Now().Sub(r.Seen) > forgets && !r.Seen.IsZero() {
			if info, err := os.Stat(r.Path); err != nil || idOf(info) != r.ID {
				continue // it is long gone
			}
		}
		s.files = append(s.files, &file{path: r.Path, id: r.ID, stream: r.Stream, offset: r.Offset, head: r.Head, last: r.Last, seen: r.Seen, packed: isPacked(r.Path), ended: r.Ended})
	}
	return nil
}
