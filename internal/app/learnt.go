package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/detect"
	"vedette/internal/fault"
	"vedette/internal/flow"
)

// learntName is the folder of what detectors have learnt, in the data
// directory: one snapshot a detector.
const learntName = "learnt"

// What was learnt is written when learntEvery has passed since the last time,
// or learntShare times as long as the writing took, and when the directory is
// closed. A kill loses what was learnt since, and no event or finding.
const (
	learntEvery = 5 * time.Minute
	learntShare = 50
)

// learnt is when what was learnt is written next.
type learnt struct {
	next    time.Time
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
func (a *App) restoreLearnt() error {
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

// keepLearnt writes what was learnt when it is due. It is called under writing.
func (a *App) keepLearnt(now bool) error {
	if a.chain == nil || !a.learnt.changed || !now && time.Now().Before(a.learnt.next) {
		return nil
	}
	started := time.Now()
	for _, d := range a.chain.Detectors() {
		k, ok := d.(detect.Keeper)
		if !ok {
			continue
		}
		data, err := k.Snapshot()
		if err != nil {
			return fault.Wrap(fault.Internal, err, "writing what %s has learnt", d.Name())
		}
		path := a.snapshotPath(d)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fault.Wrap(fault.Unavailable, err, "making the directory for %s", path)
		}
		if err := flow.ReplaceFile(path, data); err != nil {
			return err
		}
	}
	a.learnt.changed = false
	a.learnt.next = time.Now().Add(max(learntEvery, learntShare*time.Since(started)))
	return nil
}
