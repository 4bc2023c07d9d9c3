package share

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
)

// Ledger keeps when each object of a collection was made and when it was first
// offered, so that who asks for what is new gets each once, also what old logs
// brought. No two are offered at one moment. It is a file of lines; its owner
// takes care that only one goroutine uses it.
type Ledger struct {
	path    string
	now     func() time.Time
	entries map[string]entry
	last    time.Time
	fresh   []string // not written yet
	lines   int      // of the file
}

type entry struct{ made, added int64 } // microseconds since 1970

// maxLedger bounds the lines that are read.
const maxLedger = 2_000_000

// OpenLedger reads what was noted. A line that cannot be read, such as one that a
// kill cut, is left out: its object is then new again.
func OpenLedger(path string, now func() time.Time) (*Ledger, error) {
	l := &Ledger{path: path, now: now, entries: map[string]entry{}}
	f, err := os.Open(path) //nolint:gosec // G304: in the data directory
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading when sightings were offered")
	}
	defer f.Close() //nolint:errcheck // only read
	in := bufio.NewScanner(f)
	for in.Scan() && l.lines < maxLedger {
		l.lines++
		l.read(in.Text())
	}
	if err := in.Err(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading when sightings were offered").WithHint("remove %s; all that is shared is then offered as new", path)
	}
	return l, nil
}

func (l *Ledger) read(line string) {
	part := strings.Split(line, " ")
	if len(part) != 3 || len(part[0]) > 120 {
		return
	}
	made, err1 := strconv.ParseInt(part[1], 10, 64)
	added, err2 := strconv.ParseInt(part[2], 10, 64)
	if err1 != nil || err2 != nil {
		return
	}
	l.entries[part[0]] = entry{made, added}
	if at := time.UnixMicro(added).UTC(); at.After(l.last) {
		l.last = at
	}
}

// Note tells when an object was made and first offered; one that is new is
// offered now.
func (l *Ledger) Note(id string, made time.Time) (created, added time.Time) {
	e, known := l.entries[id]
	if !known {
		at := l.now().UTC().Truncate(finest)
		if !at.After(l.last) {
			at = l.last.Add(finest)
		}
		l.last = at
		e = entry{made.UnixMicro(), at.UnixMicro()}
		l.entries[id] = e
		l.fresh = append(l.fresh, id)
	}
	return time.UnixMicro(e.made).UTC(), time.UnixMicro(e.added).UTC()
}

// Noted tells whether something was noted.
func (l *Ledger) Noted(id string) bool { _, known := l.entries[id]; return known }

// Keep writes what is new. When most of what is noted is offered no more, that is
// forgotten.
func (l *Ledger) Keep(offered []Object) error {
	if l.lines+len(l.fresh) > 2*len(offered)+1000 {
		return l.rewrite(offered)
	}
	if len(l.fresh) == 0 {
		return nil
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "keeping when sightings were offered")
	}
	out := bufio.NewWriter(f)
	_, _ = out.WriteString("\n") // ends a line that a kill cut; an error comes with Flush
	for _, id := range l.fresh {
		l.write(out, id)
	}
	if err := errors.Join(out.Flush(), f.Sync(), f.Close()); err != nil {
		return fault.Wrap(fault.Unavailable, err, "keeping when sightings were offered").WithHint("check the free space of the data directory's disk")
	}
	l.lines += len(l.fresh) + 1
	l.fresh = nil
	return nil
}

func (l *Ledger) write(out io.Writer, id string) {
	e := l.entries[id]
	_, _ = io.WriteString(out, id+" "+strconv.FormatInt(e.made, 10)+" "+strconv.FormatInt(e.added, 10)+"\n")
}

func (l *Ledger) rewrite(offered []Object) error {
	kept := make(map[string]entry, len(offered))
	for i := range offered {
		for _, id := range []string{offered[i].ID, offered[i].ID + withdrawn} {
			if e, known := l.entries[id]; known {
				kept[id] = e
			}
		}
	}
	l.entries = kept
	err := flow.Replace(l.path, func(file io.Writer) error {
		out := bufio.NewWriter(file)
		for id := range kept {
			l.write(out, id)
		}
		return out.Flush()
	})
	if err == nil {
		l.lines, l.fresh = len(kept), nil
	}
	return err
}
