package app

import (
	"context"
	"maps"
	"time"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/store"
)

// loadFor is how long a load may be open; for the next batch it waits a lullShare of
// that. In that time a source that is read as fast as it goes gives as much as the
// engine stores best at once, also on a slow machine; what comes live is stored at
// the end of its piece, long before.
const (
	loadFor   = 20 * time.Second
	lullShare = 4
)

// load are batches that are stored together, and what follows once they are.
type load struct {
	open    store.Load // nil: there is none
	began   time.Time
	batches []loaded
	raised  int       // how many findings the batches have
	learnt  snapshots // the newest of the batches
	waits   pending   // for what they wait
	fresh   bool      // it was not stored before the load
}

// loaded is what is to be done for a batch once it is stored.
type loaded struct {
	raised []event.Finding
	said   []asset.Update
	got    store.Appended
	own    int
}

// commit adds a batch to the load, and stores the load when it is full or old, or
// has as many findings as may wait for their incidents. New devices go first, so
// that no stored event names a device that a crash would make unknown.
func (w *writer) commit(ctx context.Context, b *batch) error {
	l := &w.load
	l.batches = append(l.batches, loaded{raised: b.raised, said: b.said, own: b.own})
	l.raised += len(b.raised)
	whole := false
	defer func() {
		if !whole {
			w.giveUp()
		}
	}()
	err := w.app.keepNewDevices(ctx)
	if err == nil && l.open == nil {
		l.began = time.Now()
		l.open, err = w.app.events.Begin(ctx)
	}
	if err != nil {
		return err
	}
	got, err := l.open.Append(ctx, b.events)
	if err != nil {
		return err
	}
	whole, l.batches[len(l.batches)-1].got = true, got
	l.learn(b)
	left := w.app.loadFor - time.Since(l.began)
	if l.open.Full() || left <= 0 || l.raised > maxWaiting {
		return w.settle(ctx)
	}
	w.due.Reset(min(left, w.app.loadFor/lullShare))
	return nil
}

// learn keeps what was learnt from a batch, in the place of what was before it. It
// was learnt from all batches of the load up to this one: any record that is stored
// with the load tells whether it counts.
func (l *load) learn(b *batch) {
	if b.fresh != nil || !l.fresh {
		l.waits, l.fresh = b.waitsFor(), b.fresh != nil
	}
	if b.learnt == nil {
		return
	}
	if l.learnt == nil {
		l.learnt = snapshots{}
	}
	maps.Copy(l.learnt, b.learnt)
}

// findings are those of the load.
func (l *load) findings() []event.Finding {
	out := make([]event.Finding, 0, l.raised)
	for _, b := range l.batches {
		out = append(out, b.raised...)
	}
	return out
}

// giveUp forgets the load, if there is one.
func (w *writer) giveUp() {
	if len(w.load.batches) == 0 {
		return
	}
	w.lost.Store(true)
	if w.load.open != nil {
		w.load.open.Rollback()
	}
	for _, b := range w.load.batches {
		w.app.devices.SaidUpdates(b.said, false)
	}
	w.load = load{}
}

// settle stores the load and does what follows from it; that known devices were
// seen again, and the incidents, are written now and then and at the end.
func (w *writer) settle(ctx context.Context) error {
	w.due.Stop()
	l := &w.load
	if l.open == nil {
		return nil
	}
	defer w.giveUp() // unless it is stored
	if err := w.app.incidentsBehind(ctx, l.findings()); err != nil {
		return err
	}
	if err := w.app.await(ctx, l.learnt, l.waits); err != nil {
		return err
	}
	if err := l.open.Commit(ctx); err != nil {
		return err
	}
	done := w.load
	w.load = load{}
	return w.follow(ctx, done)
}

// follow does what follows from a load that is stored.
func (w *writer) follow(ctx context.Context, done load) error {
	for _, b := range done.batches {
		w.app.devices.SaidUpdates(b.said, true)
		w.stored += b.got.Stored - b.own
		w.duplicates += b.got.Duplicates
		w.findings += len(b.raised)
	}
	if err := w.app.stored(len(done.learnt) > 0); err != nil {
		return err
	}
	if err := w.app.correlate(ctx, done.findings(), w.incidents, true); err != nil {
		return err
	}
	if w.app.cfg.Acknowledged != nil {
		w.app.cfg.Acknowledged(w.stored + w.duplicates)
	}
	if time.Now().After(w.app.pace) {
		return w.app.keepAll(ctx)
	}
	return nil
}
