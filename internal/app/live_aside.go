package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// asideName is the folder beside the spool of payloads that the program failed on
// as a whole: they are kept, and not tried again.
const asideName = "aside"

// asideEnd ends the name of a payload that is set aside.
const asideEnd = ".rec"

// maxAside bounds it in files; beyond it a payload is kept no longer, and told.
const maxAside = 1000

// errPanic marks an error that is a panic of ours. To do the same again would
// fail again.
var errPanic = errors.New("a part of the program failed")

// panicked is an errPanic with what it said, which may be what a device wrote: it is
// no part of the message.
type panicked struct{ what string }

func (p panicked) Error() string { return errPanic.Error() }

// Is makes it an errPanic.
func (p panicked) Is(target error) bool { return target == errPanic }

// whyBroken tells why a payload is set aside.
func whyBroken(err error) string {
	text := plainText(err)
	if p, ok := errors.AsType[panicked](err); ok {
		text += ": " + p.what
	}
	return text
}

// bear runs a part of taking events in; a panic of it is an error, and told.
func (a *App) bear(part string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			b := ingest.Broke(part, nil, r)
			a.Broke(b)
			err = fault.Wrap(fault.Internal, panicked{b.What}, "%s failed, which is a fault of this program", part).WithHint("vedette doctor says where a sample is")
		}
	}()
	return f()
}

// busyAt is the payload that is being parsed.
type busyAt struct {
	source, peer string
	seq          uint64
	since        time.Time
}

// stalledAfter is how long one payload may be parsed before it is told.
const stalledAfter = time.Minute

// stalled tells of a parser that does not return. Nothing can end it but the
// process; the payload comes again after that, so the text says which it is.
func (l *Live) stalled(source string) string {
	at := l.busy.Load()
	if at == nil || at.source != source {
		return ""
	}
	if quiet := time.Since(at.since); quiet > stalledAfter {
		return fmt.Sprintf("the parser has been at one payload (number %d of the spool, from %s) for %s", at.seq, at.peer, quiet.Round(time.Second))
	}
	return ""
}

// storeEach stores a batch that failed by a panic in halves, so that only the
// payload that does it is left: that one is set aside and the others are stored.
func (l *Live) storeEach(ctx context.Context, batch []waitingPayload, why error) error {
	if len(batch) == 1 {
		p := batch[0]
		return l.setAside(p.Source, p.seq, packPayload(&p.Payload), whyBroken(why))
	}
	for _, half := range [][]waitingPayload{batch[:len(batch)/2], batch[len(batch)/2:]} {
		err := l.store(ctx, half, false)
		if errors.Is(err, errPanic) {
			err = l.storeEach(ctx, half, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setAside keeps a payload beside the spool in the form it has there, and why.
func (l *Live) setAside(source string, seq uint64, rec []byte, reason string) error {
	dir := filepath.Join(l.app.cfg.Dir, spoolName, asideName)
	l.mu.Lock()
	l.count(source).aside++
	l.mu.Unlock()
	if files, err := asideFiles(dir); err == nil && len(files) >= 2*maxAside { // each has its note
		l.app.cfg.Log.Error("a payload that the program fails on is given up: too many are set aside", "component", "ingest", "source", source, "place", seq)
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "setting a payload aside")
	}
	id := fmt.Sprintf("%s-%020d", l.id, seq)
	path := filepath.Join(dir, id+asideEnd)
	l.app.cfg.Log.Error("a payload that the program fails on is set aside and not tried again", "component", "ingest", "source", source, "place", seq, "path", path)
	if err := flow.ReplaceFile(path, rec); err != nil {
		return err
	}
	return l.app.noteAside(id, reason)
}
