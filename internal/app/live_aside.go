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

// bear runs a part of taking events in; a panic of it is an error, and told.
func (a *App) bear(part string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			a.Broke(ingest.Broke(part, nil, r))
			err = fault.Wrap(fault.Internal, errPanic, "%s failed, which is a fault of this program", part).WithHint("vedette doctor says where a sample is")
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
func (l *Live) storeEach(ctx context.Context, batch []waitingPayload) error {
	if len(batch) == 1 {
		return l.setAside(batch[0])
	}
	for _, half := range [][]waitingPayload{batch[:len(batch)/2], batch[len(batch)/2:]} {
		err := l.store(ctx, half)
		if errors.Is(err, errPanic) {
			err = l.storeEach(ctx, half)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setAside keeps a payload beside the spool in the form it has there.
func (l *Live) setAside(p waitingPayload) error {
	dir := filepath.Join(l.app.cfg.Dir, spoolName, asideName)
	l.mu.Lock()
	l.count(p.Source).aside++
	l.mu.Unlock()
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) >= maxAside {
		l.app.cfg.Log.Error("a payload that the program fails on is given up: too many are set aside", "component", "ingest", "source", p.Source, "place", p.seq)
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "setting a payload aside")
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%020d"+asideEnd, l.id, p.seq))
	l.app.cfg.Log.Error("a payload that the program fails on is set aside and not tried again", "component", "ingest", "source", p.Source, "place", p.seq, "path", path)
	return flow.ReplaceFile(path, packPayload(&p.Payload))
}
