package app

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/flow"
)

// learntName is the folder of what detectors have learnt, in the data
// directory: one snapshot a detector.
const learntName = "learnt"

// What was learnt is written when learntEvery has passed since the last time,
// or learntShare times as long as taking it took, and when the directory is
// closed; of a detector that would tell again what it has told, as soon as it
// has told it, or learntShare times as long as that took. A kill loses what was
// learnt since, and no event or finding.
//
// A snapshot is of a batch that is not stored yet. It waits beside the last one,
// with the name of a record of the batch, until the batch is stored; after a kill
// it counts if that record is in the store.
const (
	learntEvery = 5 * time.Minute
	learntShare = 50
)

// learnt is when what was learnt is written next.
type learnt struct {
	next    time.Time
	soon    time.Time // before it no snapshot out of turn is taken
	waiting bool      // snapshots wait; only who stores a batch may look
	changed bool      // events were judged since the last writing
	judged  time.Time // when events were judged last, by the clock of the process
	settled bool      // nothing was judged since the detectors told all
}

// quiet is how long no event has come when the detectors tell what they held
// back.
const quiet = 10 * time.Minute

// settleWhenQuiet tells what is held back for events that do not come.
func (a *App) settleWhenQuiet(ctx context.Context) error {
	if !a.writing.TryLock() {
		return nil // events are coming
	}
	defer a.writing.Unlock()
	if err := a.carryWords(ctx); err != nil {
		return err
	}
	if a.learnt.settled || a.learnt.judged.IsZero() || time.Since(a.learnt.judged) < quiet {
		return nil
	}
	a.learnt.settled = true
	_, err := a.settle(ctx)
	return err
}

func (a *App) snapshotPath(d detect.Detector) string {
	return filepath.Join(a.cfg.Dir, learntName, d.Name()+".snapshot")
}

// restoreLearnt gives the detectors back what they had learnt. A snapshot that
// cannot be read is set aside and told: the detector learns anew.
func (a *App) restoreLearnt(ctx context.Context) error {
	if err := a.settlePending(ctx); err != nil {
		return err
	}
	for _, d := range a.chain.Detectors() {
		k, ok := d.(detect.Keeper)
		if !ok {
			continue
		}
		path := a.snapshotPath(d)
		data, err := os.ReadFile(path) //nolint:gosec // G304: in the data directory
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "reading what was learnt, %s", path)
		}
		if err := k.Restore(data); err != nil {
			aside := path + ".damaged"
			a.cfg.Log.Warn("what was learnt cannot be read; it is learnt anew", "component", d.Name(), "path", aside, "err", err)
			if err := os.Rename(path, aside); err != nil {
				return fault.Wrap(fault.Unavailable, err, "setting %s aside", path)
			}
		}
	}
	a.learnt.next = time.Now().Add(learntEvery)
	return nil
}

// keepLearnt writes what was learnt. It is called under writing, when all that
// was judged is stored.
func (a *App) keepLearnt() error {
	if a.chain == nil || !a.learnt.changed {
		return nil
	}
	taken, err := a.takeLearnt(true)
	if err != nil {
		return err
	}
	return taken.write("")
}

// snapshots are what detectors have learnt, by the path of the file.
type snapshots map[string][]byte

// takeLearnt takes what was learnt of all detectors, or of those alone that
// have told something since.
func (a *App) takeLearnt(all bool) (snapshots, error) {
	started := time.Now()
	taken := make(snapshots)
	for _, d := range a.chain.Detectors() {
		k, ok := d.(detect.Keeper)
		if !ok || !all && !told(d) {
			continue
		}
		data, err := k.Snapshot()
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "writing what %s has learnt", d.Name())
		}
		taken[a.snapshotPath(d)] = data
	}
	wait := learntShare * time.Since(started)
	a.learnt.soon = time.Now().Add(wait)
	if all {
		a.learnt.changed = false
		a.learnt.next = time.Now().Add(max(learntEvery, wait))
	}
	return taken, nil
}

// told reports whether a detector would tell again what it has told.
func told(d detect.Detector) bool {
	t, ok := d.(detect.Teller)
	return ok && t.Told()
}

// takeFor takes what is due of what was learnt and lets it wait for the batch.
func (a *App) takeFor(b *batch) error {
	all := a.learnt.changed && !time.Now().Before(a.learnt.next)
	if len(b.events) == 0 || !all && time.Now().Before(a.learnt.soon) {
		return nil
	}
	taken, err := a.takeLearnt(all)
	if err != nil || len(taken) == 0 {
		return err
	}
	b.learnt = taken
	return nil
}

// The names of what waits for a batch.
const (
	waitingSuffix = ".waiting"
	pendingName   = "pending.json"
)

// pending names a record of the batch that snapshots wait for.
type pending struct {
	UID     string    `json:"uid"`
	Time    time.Time `json:"time"`
	Suspect bool      `json:"suspect,omitempty"`
}

// waitsFor is what a snapshot of the batch waits for: if all of it is there already,
// for nothing that is to come.
func (b *batch) waitsFor() pending {
	e := b.fresh
	if e == nil {
		e = b.events[len(b.events)-1]
	}
	return pending{e.MetadataUID(), e.TimeField(), e.MetadataClockSuspect()}
}

// await writes snapshots of what is about to be stored.
func (a *App) await(ctx context.Context, taken snapshots, p pending) error {
	if len(taken) == 0 {
		return nil
	}
	if a.learnt.waiting { // the batch before could not be stored, or that is not known
		if err := a.settlePending(ctx); err != nil {
			return err
		}
	}
	a.learnt.waiting = true
	if err := taken.write(waitingSuffix); err != nil {
		return err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "naming the batch that what was learnt waits for")
	}
	return flow.ReplaceFile(a.pendingPath(), data)
}

func (a *App) pendingPath() string { return filepath.Join(a.cfg.Dir, learntName, pendingName) }

// settlePending puts snapshots that wait in the place of the last ones if
// their batch was stored, and removes them if not.
func (a *App) settlePending(ctx context.Context) error {
	data, err := os.ReadFile(a.pendingPath())
	stored := false
	var p pending
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fault.Wrap(fault.Unavailable, err, "reading %s", a.pendingPath())
	case json.Unmarshal(data, &p) == nil && p.UID != "":
		e := new(event.Event)
		e.SetMetadataUID(p.UID)
		e.SetTimeField(p.Time)
		if p.Suspect {
			e.SetMetadataClockSuspect(true)
		}
		known, err := a.events.Known(ctx, []*event.Event{e})
		if err != nil {
			return err
		}
		stored = known[p.UID]
	}
	return a.endWaiting(stored)
}

// endWaiting ends the waiting of all snapshots.
func (a *App) endWaiting(stored bool) error {
	for _, d := range a.chain.Detectors() {
		path := a.snapshotPath(d)
		end := func() error { return os.Remove(path + waitingSuffix) }
		if stored {
			end = func() error { return os.Rename(path+waitingSuffix, path) }
		}
		err := end()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(fault.Unavailable, err, "keeping what was learnt, %s", path)
		}
	}
	if err := os.Remove(a.pendingPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Unavailable, err, "removing %s", a.pendingPath())
	}
	return nil
}

// write writes snapshots to their files with a suffix.
func (s snapshots) write(suffix string) error {
	for path, data := range s {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fault.Wrap(fault.Unavailable, err, "making the directory for %s", path)
		}
		if err := flow.ReplaceFile(path+suffix, data); err != nil {
			return err
		}
	}
	return nil
}
