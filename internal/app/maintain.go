package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/copilot/reading"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/store/disk"
	"vedette/internal/store/duckdb"
	"vedette/internal/trace"
)

// Retention says how long events are kept. Whichever bound is met first
// counts; zero is no bound.
type Retention struct {
	Events time.Duration // age
	Disk   int64         // bytes of the data directory
}

// MaintainEvery is how often a server looks after its directory.
const MaintainEvery = 5 * time.Minute

const (
	sealGrace = time.Hour      // how long after midnight late events of the day are waited for
	oneDay    = 24 * time.Hour // days are UTC
	// upkeepName is the file that tells doctor of the last run.
	upkeepName = "maintenance.json"
)

// Maintain seals the days that are over and applies retention, once. What it
// did, or why it failed, is kept for doctor.
func (a *App) Maintain(ctx context.Context) (api.Upkeep, error) {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	last, _ := lastUpkeep(a.cfg.Dir) // none, or not readable: nothing to carry on
	up := api.Upkeep{At: a.cfg.Now().UTC(), LastGood: last.LastGood}
	err := a.maintain(ctx, &up)
	if ctx.Err() != nil { // it was told to stop: the next run goes on where it ended
		return up, err
	}
	if err == nil {
		up.LastGood = up.At
	} else {
		up.Error = err.Error()
	}
	return up, errors.Join(err, keepUpkeep(a.cfg.Dir, up))
}

func (a *App) maintain(ctx context.Context, up *api.Upkeep) (err error) {
	ctx, span := a.Tracer().Start(ctx, trace.Maintain)
	defer func() { span.End(err) }()
	if err := a.reloadRules(ctx); err != nil {
		a.cfg.Log.Warn("the rules could not be loaded anew; those in force stay", "component", "sigma", "err", err)
	}
	if err := a.settleWhenQuiet(ctx); err != nil {
		return err
	}
	bounds, err := a.events.Bounds(ctx)
	if err != nil {
		return err
	}
	if now := trustedNow(a.cfg.Now(), bounds.Newest); !now.IsZero() {
		moved, err := a.events.Seal(ctx, now.Add(-sealGrace))
		up.Sealed = count(moved)
		if err != nil {
			return err
		}
		if err := a.dropOld(ctx, now, bounds.Oldest, up); err != nil {
			return err
		}
	}
	if err := a.dropLarge(ctx, up); err != nil {
		return err
	}
	if up.TooOld.Events+up.TooLarge.Events > 0 {
		a.tools.Forget()
	}
	return errors.Join(a.sayUpdates(ctx), a.tidyTasks(ctx), a.watchExposure(ctx), a.countSealed(ctx))
}

// countSealed lists the values of the fields that questions name without naming
// the field, so that what new sealed days hold is counted before somebody asks.
func (a *App) countSealed(ctx context.Context) error {
	for _, field := range reading.StoredFields() {
		if _, _, err := a.tools.Values(ctx, "", field); err != nil {
			return err
		}
	}
	return nil
}

// trustedNow is what retention takes for the time: the clock, but at most a day
// after the newest event whose own time can be trusted. A clock that jumps
// years ahead then drops nothing that it would not have dropped anyway, and one
// that falls back drops nothing at all. Zero means that no event tells.
func trustedNow(clock, newest time.Time) time.Time {
	if newest.IsZero() {
		return time.Time{}
	}
	if limit := newest.Add(oneDay); clock.After(limit) {
		return limit
	}
	return clock
}

func (a *App) dropOld(ctx context.Context, now, oldest time.Time, up *api.Upkeep) error {
	keep := a.retention().Events
	if keep <= 0 {
		return nil
	}
	up.KeptFrom = keptFrom(now, keep)
	moved, err := a.drop(ctx, up.KeptFrom, oldest.Before(up.KeptFrom), "age", keep.String())
	up.TooOld = count(moved)
	if err == nil {
		a.taken.forget()
	}
	return err
}

// keptFrom is the day from which on events are kept.
func keptFrom(now time.Time, keep time.Duration) time.Time {
	return now.Add(-keep).UTC().Truncate(oneDay)
}

// drop forgets the days before a time. The decision is on record before it is
// carried out, when it concerns any event at all.
func (a *App) drop(ctx context.Context, before time.Time, any bool, why, bound string) (duckdb.Moved, error) {
	if any {
		_, err := a.journal.Record(audit.Entry{
			Actor: audit.Actor{Kind: audit.System, Name: "retention"}, Action: "events.drop", Object: "events",
			Details: map[string]string{"before": before.Format(time.DateOnly), "bound": why, "limit": bound},
		})
		if err != nil {
			return duckdb.Moved{}, err
		}
	}
	return a.events.DropBefore(ctx, before)
}

// dropLarge drops sealed days, oldest first, until the data directory is below
// its bound. The newest sealed day and what is not sealed stay.
func (a *App) dropLarge(ctx context.Context, up *api.Upkeep) error {
	size, err := a.size()
	if err != nil {
		return err
	}
	up.Bytes = size
	limit := a.retention().Disk
	if limit <= 0 || size <= limit {
		return nil
	}
	days, err := a.events.Days(ctx)
	if err != nil {
		return err
	}
	before, size := tooLarge(days, size, limit)
	if size > limit {
		up.Warning = fmt.Sprintf("the data directory is larger than retention.disk (%d bytes) even without its older days; raise the bound, or look for other files in it", limit)
	}
	if before.IsZero() {
		return nil
	}
	moved, err := a.drop(ctx, before, true, "size", fmt.Sprint(limit))
	up.TooLarge = count(moved)
	if err != nil {
		return err
	}
	up.Bytes, err = a.size()
	return err
}

// size measures the data directory without what is about to be deleted and only
// waits for a load or query to end: no day is dropped because of it.
func (a *App) size() (int64, error) {
	leaving := a.events.Leaving() // before, as what is deleted in between is not to count for a day
	size, err := disk.Size(a.cfg.Dir)
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "measuring the data directory %s", a.cfg.Dir)
	}
	return max(0, size-leaving), nil
}

// tooLarge is before which day events must go for the size to fit, and what is left
// then. The newest sealed day stays.
func tooLarge(days []duckdb.Day, size, limit int64) (before time.Time, left int64) {
	for i := 0; i < len(days)-1 && size > limit; i++ {
		size -= days[i].Bytes
		before = days[i].Start.Add(oneDay)
	}
	return before, size
}

func count(m duckdb.Moved) api.Moved { return api.Moved{Days: m.Days, Events: m.Rows} }

// KeepUp maintains the directory now and at every tick until ctx ends. What
// fails is logged and tried again at the next tick.
func (a *App) KeepUp(ctx context.Context, ticks <-chan time.Time) {
	for {
		up, err := a.Maintain(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.cfg.Log.Error("maintenance failed; it is tried again", "component", "maintenance", "err", err)
		case up.Warning != "":
			a.cfg.Log.Warn("maintenance could not reach its aim", "component", "maintenance", "why", up.Warning)
		case up.Sealed.Days+up.TooOld.Days+up.TooLarge.Days > 0:
			a.cfg.Log.Info("maintenance", "component", "maintenance", "sealed_days", up.Sealed.Days, "dropped_days", up.TooOld.Days+up.TooLarge.Days, "bytes", up.Bytes)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
	}
}

func keepUpkeep(dir string, up api.Upkeep) error {
	raw, err := json.Marshal(up)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "writing what maintenance did")
	}
	return flow.ReplaceFile(filepath.Join(dir, upkeepName), append(raw, '\n'))
}

// lastUpkeep reads what the last run did; none is a zero value.
func lastUpkeep(dir string) (api.Upkeep, error) {
	var up api.Upkeep
	raw, err := os.ReadFile(filepath.Join(dir, upkeepName)) //nolint:gosec // G304: the data directory
	if errors.Is(err, os.ErrNotExist) {
		return up, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &up)
	}
	return up, err
}
