// Package audit keeps the journal of decisions: who - a person, a rule, a model
// or the system - did what to which thing, when and why. Entries are only ever
// added; each carries the hash of the one before, so that a changed, removed or
// inserted entry shows in [Verify]. An entry is on disk before the call that
// made it returns, and a decision that cannot be recorded must not be carried
// out: callers pass the error of [Journal.Record] on and stop.
//
// The chain proves order and wholeness against anyone who cannot rewrite the
// file from some entry to its end. Against one who can, keep [Journal.Head]
// somewhere else and hand it to [Verify].
//
// It must not judge what is recorded, and must not be optional: authz, guard
// and respond take a *Journal and cannot be built without it.
package audit

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"vedette/internal/fault"
	"vedette/internal/flow"
)

// Actor is who did it.
type Actor struct {
	Kind string `json:"kind"` // one of the constants below
	Name string `json:"name"`
}

// The kinds of actors.
const (
	Person = "person"
	Rule   = "rule"
	Model  = "model"
	System = "system"
)

// Entry is one decision. The caller fills Actor, Action, Object and Details;
// the journal fills the rest.
type Entry struct {
	Seq     int64             `json:"seq"`
	Time    time.Time         `json:"time"`
	Actor   Actor             `json:"actor"`
	Action  string            `json:"action"` // such as "device.set", "incident.close", "model.call"
	Object  string            `json:"object"` // uid of what was acted on
	Details map[string]string `json:"details,omitempty"`
	Prev    string            `json:"prev"`           // hash of the entry before, 64 zeros for the first
	Hash    string            `json:"hash,omitempty"` // SHA-256 of the entry's JSON without this field
}

// genesis stands for the entry before the first.
const genesis = "0000000000000000000000000000000000000000000000000000000000000000"

// maxLine bounds one entry, written or read.
const maxLine = 1 << 20

// Journal is an open journal. It is safe for concurrent use; one process at a
// time may have it open.
type Journal struct {
	now  func() time.Time
	path string

	mu     sync.Mutex
	file   *os.File
	lock   *os.File
	size   int64
	seq    int64 // of the last entry
	head   string
	broken error
	closed bool
	cut    int
}

// Open opens or makes the journal at path. An unfinished last line, left by a
// crash while it was written, is taken off - its decision was never
// acknowledged - and the fact is recorded as an entry of its own. A journal
// whose chain is broken is not opened for writing: it is evidence.
func Open(path string, now func() time.Time) (*Journal, error) {
	lock, err := flow.Lock(path + ".lock")
	if err != nil {
		return nil, err
	}
	j := &Journal{now: now, path: path, lock: lock, head: genesis}
	if err := j.open(); err != nil {
		_ = lock.Close()
		if j.file != nil {
			_ = j.file.Close()
		}
		return nil, err
	}
	return j, nil
}

func (j *Journal) open() error {
	var err error
	j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "opening audit journal %s", j.path).WithHint("check that this user may write there")
	}
	report, err := Verify(j.file, "")
	if err != nil {
		return err
	}
	if !report.OK {
		return fault.New(fault.Conflict, "opening audit journal %s: line %d: %s", j.path, report.Line, report.Problem).
			WithHint("keep the file as evidence: move it away, and a new journal begins")
	}
	j.seq, j.head, j.size, j.cut = report.Entries, report.Head, report.whole, report.Torn
	if report.Torn == 0 {
		return nil
	}
	if err := errors.Join(j.file.Truncate(j.size), j.file.Sync()); err != nil {
		return fault.Wrap(fault.Unavailable, err, "cutting the unfinished line off audit journal %s", j.path)
	}
	_, err = j.Record(Entry{
		Actor: Actor{System, "audit"}, Action: "audit.recover", Object: "journal",
		Details: map[string]string{"bytes_cut": strconv.Itoa(report.Torn), "why": "the last line was unfinished after a crash"},
	})
	return err
}

// Record adds an entry and returns it as written. It is on disk when Record
// returns nil.
func (j *Journal) Record(e Entry) (Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return e, fault.New(fault.Conflict, "recording %s in the audit journal: it is closed", e.Action)
	case j.broken != nil:
		return e, fault.Wrap(fault.Unavailable, j.broken, "recording %s in the audit journal after a failed write", e.Action).WithHint("see to the disk and restart")
	case e.Action == "" || e.Actor.Kind == "" || e.Actor.Name == "":
		return e, fault.New(fault.Invalid, "recording a decision: it names no actor or no action")
	}
	e.Seq, e.Time, e.Prev = j.seq+1, j.now().UTC().Truncate(time.Microsecond), j.head
	valid(&e)
	line, err := seal(&e)
	if err != nil {
		return e, err
	}
	if _, err := j.file.WriteAt(line, j.size); err != nil {
		if cut := j.file.Truncate(j.size); cut != nil {
			j.broken = errors.Join(err, cut)
		}
		return e, fault.Wrap(fault.Unavailable, err, "writing to audit journal %s", j.path).WithHint("check the free space of the disk")
	}
	if err := j.file.Sync(); err != nil {
		j.broken = err
		return e, fault.Wrap(fault.Unavailable, err, "forcing audit journal %s to disk", j.path)
	}
	j.seq, j.head, j.size = e.Seq, e.Hash, j.size+int64(len(line))
	return e, nil
}

// valid replaces what JSON could not write back the same.
func valid(e *Entry) {
	fix := func(s string) string {
		if utf8.ValidString(s) {
			return s
		}
		return string([]rune(s))
	}
	e.Actor.Kind, e.Actor.Name, e.Action, e.Object = fix(e.Actor.Kind), fix(e.Actor.Name), fix(e.Action), fix(e.Object)
	if len(e.Details) == 0 {
		e.Details = nil
		return
	}
	details := make(map[string]string, len(e.Details))
	for k, v := range e.Details {
		details[fix(k)] = fix(v)
	}
	e.Details = details
}

// seal computes the hash and returns the entry's line.
func seal(e *Entry) ([]byte, error) {
	hash, err := hashOf(*e)
	if err != nil {
		return nil, err
	}
	e.Hash = hash
	line, err := json.Marshal(e)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding audit entry %d", e.Seq)
	}
	if len(line)+1 > maxLine {
		return nil, fault.New(fault.Invalid, "recording %s in the audit journal: the entry has %d bytes, the limit is %d", e.Action, len(line), maxLine)
	}
	return append(line, '\n'), nil
}

func hashOf(e Entry) (string, error) {
	e.Hash = ""
	raw, err := json.Marshal(e)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "encoding audit entry %d", e.Seq)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// Head returns the number of entries and the hash of the last. Kept elsewhere,
// it makes [Verify] notice a journal that was rewritten or cut short.
func (j *Journal) Head() (entries int64, hash string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq, j.head
}

// CutBytes returns how many bytes of an unfinished line opening took off.
func (j *Journal) CutBytes() int { return j.cut }

// Export copies the journal as it stands, JSON lines, and returns how many
// entries that were.
func (j *Journal) Export(w io.Writer) (entries int64, err error) {
	j.mu.Lock()
	size, seq := j.size, j.seq
	j.mu.Unlock()
	file, err := os.Open(j.path)
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "opening audit journal %s", j.path)
	}
	defer func() { _ = file.Close() }()
	if _, err := io.CopyN(w, file, size); err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "exporting audit journal %s", j.path)
	}
	return seq, nil
}

// Last yields the newest entries, newest first, at most n.
func (j *Journal) Last(n int) ([]Entry, error) {
	j.mu.Lock()
	size := j.size
	j.mu.Unlock()
	file, err := os.Open(j.path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening audit journal %s", j.path)
	}
	defer func() { _ = file.Close() }()
	var ring []Entry
	err = readEntries(bufio.NewReaderSize(io.LimitReader(file, size), 1<<16), func(_ int, line []byte) bool {
		var e Entry
		if json.Unmarshal(line, &e) == nil {
			if ring = append(ring, e); len(ring) > 2*n {
				ring = append(ring[:0], ring[len(ring)-n:]...)
			}
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	ring = ring[max(0, len(ring)-n):]
	for a, b := 0, len(ring)-1; a < b; a, b = a+1, b-1 {
		ring[a], ring[b] = ring[b], ring[a]
	}
	return ring, nil
}

// Close releases the files.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	if err := errors.Join(j.file.Close(), j.lock.Close()); err != nil {
		return fault.Wrap(fault.Unavailable, err, "closing audit journal %s", j.path)
	}
	return nil
}
