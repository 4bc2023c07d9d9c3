package app

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"vedette/internal/event"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// batchSize is how many events are committed at once.
const batchSize = 10_000

// Progress is told about each source that has been taken in.
type Progress func(done, all int, last ingest.SourceResult)

// Ingest takes in files and directories. What is wrong with a source is in the
// summary; the error is for what ends the whole: a path that does not exist, a
// store that cannot be written.
func (a *App) Ingest(ctx context.Context, paths []string, format string, progress Progress) (ingest.Summary, error) {
	started := a.cfg.Now()
	var sum ingest.Summary
	files, err := ingest.Files(paths)
	if err != nil {
		return sum, err
	}
	for i, path := range files {
		if err := a.source(ctx, path, format, &sum); err != nil {
			return sum, err
		}
		if progress != nil {
			progress(i+1, len(files), sum.Sources[len(sum.Sources)-1])
		}
	}
	a.finish(ctx, &sum, started)
	return sum, nil
}

// IngestStream takes in one source from a stream.
func (a *App) IngestStream(ctx context.Context, in io.Reader, name, format string, modified time.Time) (ingest.Summary, error) {
	started := a.cfg.Now()
	var sum ingest.Summary
	err := a.taking(ctx, &sum, false, func(sink func(*event.Event) error) (ingest.Report, error) {
		return a.reader.Stream(ctx, in, name, format, modified, sink)
	})
	a.finish(ctx, &sum, started)
	return sum, err
}

func (a *App) finish(ctx context.Context, sum *ingest.Summary, started time.Time) {
	a.tellTooOld(ctx, sum)
	sum.Devices = a.devices.Stats().Devices
	sum.Done(a.cfg.Now().Sub(started).Seconds())
}

func (a *App) source(ctx context.Context, path, format string, sum *ingest.Summary) error {
	return a.taking(ctx, sum, false, func(sink func(*event.Event) error) (ingest.Report, error) {
		return a.reader.File(ctx, path, format, sink)
	})
}

// taking runs one source through identity into the store. Reading and
// committing go on side by side: while one batch is committed the next is read.
// With more, another call follows at once, so that what can wait may wait for it.
func (a *App) taking(ctx context.Context, sum *ingest.Summary, more bool, read func(sink func(*event.Event) error) (ingest.Report, error)) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	if err := a.ready(ctx); err != nil {
		return err
	}
	w := &writer{app: a, ctx: ctx, full: make(chan *batch), done: make(chan error, 1), incidents: map[string]bool{}}
	go a.inBackground(func() { w.done <- a.bear("storing", func() error { return w.commit(ctx) }) })
	var rep ingest.Report
	err := a.bear("taking events in", func() (err error) {
		if rep, err = read(w.add); err != nil {
			return err
		}
		return w.flush(true)
	})
	close(w.full)
	err = errors.Join(err, <-w.done)
	if a.owing = true; err == nil && (!more || time.Now().After(a.pace)) {
		err = a.keepAll(ctx)
	}
	sum.Add(rep, w.stored, w.duplicates)
	sum.Judged(w.findings, slices.Sorted(maps.Keys(w.incidents)))
	return err
}

// inBackground runs work behind what people ask for, where a server has people.
func (a *App) inBackground(work func()) {
	if a.live.Load() == nil {
		work()
		return
	}
	flow.Background(work)
}

// writer collects events into batches, judges and commits them in order.
type writer struct {
	app                *App
	ctx                context.Context //nolint:containedctx // lives as long as one source
	batch              []*event.Event
	full               chan *batch
	done               chan error // the end of commit
	stored, duplicates int        // written by commit, read after done
	findings           int        // likewise
	incidents          map[string]bool
}

func (w *writer) add(e *event.Event) error {
	w.app.observe(e)
	if w.batch == nil {
		w.batch = make([]*event.Event, 0, batchSize)
	}
	w.batch = append(w.batch, e.Clone())
	if len(w.batch) < batchSize {
		return nil
	}
	return w.flush(false)
}

// flush judges the batch and hands it to commit; when that has failed, its
// error ends the reading too. The end of a source lets the detectors tell what
// they held back.
func (w *writer) flush(end bool) error {
	records, said, err := w.app.withUpdates(w.ctx, w.batch)
	if err != nil {
		return err
	}
	b, err := w.app.judge(w.ctx, records, end)
	if err != nil || len(b.events) == 0 {
		w.app.devices.SaidUpdates(said, err == nil)
		return err
	}
	b.said, b.own = said, b.own+len(records)-len(w.batch)
	select {
	case w.full <- b:
		w.batch = nil
		return nil
	case err := <-w.done:
		w.app.devices.SaidUpdates(said, false)
		w.done <- nil // it has been reported
		return err
	}
}

// What was learnt about known devices, and the incidents, wait at least
// keepEvery to be written while events come in, and keepShare times as long as
// the last writing took, so that a large fleet does not slow the events down.
const (
	keepEvery = 2 * time.Second
	keepShare = 20
)

// keepAll writes what may wait. It is called under writing.
func (a *App) keepAll(ctx context.Context) error {
	began := time.Now()
	err := errors.Join(a.keepDevices(ctx), a.keepIncidents(ctx))
	a.pace = time.Now().Add(max(keepEvery, keepShare*time.Since(began)))
	a.owing = err != nil
	return err
}

// commit stores batch after batch. New devices go first, so that no stored
// event names a device that a crash would make unknown; that a known one was
// seen again, and the incidents, are written now and then and at the end.
func (w *writer) commit(ctx context.Context) error {
	for batch := range w.full {
		if err := w.app.keepNewDevices(ctx); err != nil {
			return err
		}
		got, err := w.app.store(ctx, batch)
		w.app.devices.SaidUpdates(batch.said, err == nil)
		if err != nil {
			return err
		}
		w.stored += got.Stored - batch.own
		w.duplicates += got.Duplicates
		w.findings += len(batch.raised)
		if err := w.app.correlate(ctx, batch.raised, w.incidents, true); err != nil {
			return err
		}
		if w.app.cfg.Acknowledged != nil {
			w.app.cfg.Acknowledged(w.stored + w.duplicates)
		}
		if time.Now().After(w.app.pace) {
			if err := w.app.keepAll(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
