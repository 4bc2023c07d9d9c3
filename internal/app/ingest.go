package app

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// batchSize is how many events are judged and appended at once. Twelve batches are a
// group of rows of the engine: a load that is full leaves few rows over, which
// would be a small group of their own.
const batchSize = 10_240

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
	return a.stream(ctx, a.reader, in, name, format, modified)
}

// IngestCapture is IngestStream of a capture of which a filter says what packets are taken.
func (a *App) IngestCapture(ctx context.Context, in io.Reader, name, filter string, modified time.Time) (ingest.Summary, error) {
	return a.stream(ctx, a.reader.Only(filter), in, name, "", modified)
}

func (a *App) stream(ctx context.Context, reader *ingest.Reader, in io.Reader, name, format string, modified time.Time) (ingest.Summary, error) {
	started := a.cfg.Now()
	var sum ingest.Summary
	err := a.taking(ctx, &sum, false, func(sink func(*event.Event) error) (ingest.Report, error) {
		return reader.Stream(ctx, in, name, format, modified, sink)
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

// taking runs one source through identity and judgement into the store. Reading,
// judging and committing go on side by side: while one batch is committed the
// next is judged and the one after that is read. With more, another call follows
// at once, so that what can wait may wait for it. When ctx ends, reading ends; what
// was judged by then is stored, since it was learnt from.
func (a *App) taking(ctx context.Context, sum *ingest.Summary, more bool, read func(sink func(*event.Event) error) (ingest.Report, error)) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	if err := a.ready(ctx); err != nil {
		return err
	}
	w := newWriter(context.WithoutCancel(ctx), a)
	var rep ingest.Report
	err := a.bear("taking events in", func() (err error) {
		if rep, err = read(w.add); err != nil {
			return err
		}
		return w.flush(true)
	})
	err = errors.Join(err, w.judging.end(), w.committing.end())
	if w.lost.Load() {
		a.chain = nil // the next to judge has them as they were written last
	}
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

// stage is a step of the way in that works beside the one before it. What fails
// in it ends the step before at its next hand-over.
type stage[T any] struct {
	in   chan T
	done chan error
}

// after makes a stage that does work with what it is handed, one after the other,
// and what is left over when due says so and at the end. What is handed over after a
// failure is not worked on.
func after[T any](a *App, part string, work func(T) error, due <-chan time.Time, left func() error) stage[T] {
	s := stage[T]{make(chan T), make(chan error, 1)}
	go a.inBackground(func() {
		s.done <- a.bear(part, func() error {
			for {
				var err error
				select {
				case v, more := <-s.in:
					if !more {
						return left()
					}
					err = work(v)
				case <-due:
					err = left()
				}
				if err != nil {
					return err
				}
			}
		})
	})
	return s
}

// hand gives the stage the next piece, or returns what the stage failed with.
func (s stage[T]) hand(v T) error {
	select {
	case s.in <- v:
		return nil
	case err := <-s.done:
		s.done <- nil // it has been reported
		return err
	}
}

// end waits until all that was handed over is done.
func (s stage[T]) end() error {
	close(s.in)
	return <-s.done
}

// gathered are events whose devices are known.
type gathered struct {
	records []*event.Event
	said    []asset.Update // of firmware, by these events
	ended   bool           // they are the last of their source
}

// writer collects events into batches, judges and commits them in order.
type writer struct {
	app                *App
	records            []*event.Event
	judging            stage[gathered]
	committing         stage[*batch]
	lost               atomic.Bool // what was judged is not stored
	due                *time.Timer // when the load is stored that nothing more came for
	load               load        // of the stage committing, as what follows, which is read after its end
	stored, duplicates int
	findings           int
	incidents          map[string]bool
}

func newWriter(ctx context.Context, a *App) *writer {
	w := &writer{app: a, due: time.NewTimer(loadFor), incidents: map[string]bool{}}
	w.due.Stop()
	w.committing = after(a, "storing", func(b *batch) error { return w.commit(ctx, b) }, w.due.C, func() error { return w.settle(ctx) })
	w.judging = after(a, "judging", func(g gathered) error { return w.judge(ctx, g) }, nil, func() error { return nil })
	return w
}

func (w *writer) add(e *event.Event) error {
	w.app.observe(e)
	if w.records == nil {
		w.records = make([]*event.Event, 0, batchSize)
	}
	w.records = append(w.records, e.Clone())
	if len(w.records) < batchSize {
		return nil
	}
	return w.flush(false)
}

// flush hands on what was collected; when a later stage has failed, its error
// ends the reading too. The end of a source lets the detectors tell what they
// held back.
func (w *writer) flush(end bool) error {
	g := gathered{w.records, w.app.devices.Updates(), end}
	err := w.judging.hand(g)
	if err != nil {
		w.app.devices.SaidUpdates(g.said, false)
	}
	w.records = nil
	return err
}

func (w *writer) judge(ctx context.Context, g gathered) (err error) {
	handed := false
	defer func() {
		if !handed {
			w.app.devices.SaidUpdates(g.said, err == nil)
		}
		if err != nil {
			w.lost.Store(true)
		}
	}()
	records, err := w.app.withUpdates(ctx, g)
	if err != nil {
		return err
	}
	b, err := w.app.judge(ctx, records, g.ended)
	if err != nil || len(b.events) == 0 {
		return err
	}
	b.said, b.own = g.said, b.own+len(records)-len(g.records)
	err = w.committing.hand(b)
	handed = err == nil
	return err
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
