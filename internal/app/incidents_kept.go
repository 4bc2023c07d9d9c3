package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
)

// behindKind is the record that says that there are stored findings whose
// incidents were not written yet, and since when, by the time of the findings.
// It is written before the first of them waits and deleted together with the
// writing of the incidents, so that what a kill takes is found again.
const (
	behindKind = "incidents-behind"
	behindID   = "from"
)

// maxWaiting is how many findings may wait in memory to be written as parts of
// incidents while events come in.
const maxWaiting = 4000

// incidentsKept says how far the records are behind the incidents in memory.
type incidentsKept struct {
	mu      sync.Mutex // held while findings are added or incidents are written
	from    time.Time  // what the record says; zero: there is none
	waiting int
}

// behind is the record of behindKind.
type behind struct {
	From time.Time `json:"from"`
}

// correlate makes incidents of the findings of a committed batch and notes
// which they belong to. With wait it leaves them unwritten for a while.
func (a *App) correlate(ctx context.Context, findings []event.Finding, touched map[string]bool, wait bool) error {
	if len(findings) == 0 {
		return nil
	}
	a.recorded.mu.Lock()
	defer a.recorded.mu.Unlock()
	for _, f := range findings {
		if uid := a.incidents.Add(f); uid != "" {
			touched[uid] = true
		}
	}
	a.recorded.waiting += len(findings)
	if wait && a.recorded.waiting <= maxWaiting {
		return a.noteBehind(ctx, findings)
	}
	return a.writeIncidents(ctx)
}

// incidentsBehind notes that findings are about to be stored whose incidents are
// not written: a kill right after that is known by it.
func (a *App) incidentsBehind(ctx context.Context, findings []event.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	a.recorded.mu.Lock()
	defer a.recorded.mu.Unlock()
	return a.noteBehind(ctx, findings)
}

// noteBehind is called under recorded.mu.
func (a *App) noteBehind(ctx context.Context, findings []event.Finding) error {
	oldest := slices.MinFunc(findings, func(a, b event.Finding) int { return a.Time.Compare(b.Time) }).Time
	if !a.recorded.from.IsZero() && !oldest.Before(a.recorded.from) {
		return nil
	}
	raw, err := json.Marshal(behind{oldest})
	if err != nil { // a time that JSON cannot write
		return a.writeIncidents(ctx)
	}
	if err := a.records.Update(ctx, store.Change{Kind: behindKind, ID: behindID, Version: store.AnyVersion, JSON: raw}); err != nil {
		return fmt.Errorf("keeping incidents: %w", err)
	}
	a.recorded.from = oldest
	return nil
}

// keepIncidents writes what changed to the records.
func (a *App) keepIncidents(ctx context.Context) error {
	a.recorded.mu.Lock()
	defer a.recorded.mu.Unlock()
	return a.writeIncidents(ctx)
}

// writeIncidents is called under recorded.mu.
func (a *App) writeIncidents(ctx context.Context) error {
	records, err := a.incidents.Dirty()
	if err != nil {
		return err
	}
	changes := make([]store.Change, len(records), len(records)+1)
	for i, r := range records {
		changes[i] = store.Change{Kind: r.Kind, ID: r.ID, Version: store.AnyVersion, JSON: r.JSON}
	}
	if !a.recorded.from.IsZero() {
		changes = append(changes, store.Change{Kind: behindKind, ID: behindID, Version: store.AnyVersion})
	}
	if len(changes) == 0 {
		return nil
	}
	if err := a.records.Update(ctx, changes...); err != nil {
		for _, r := range records {
			a.incidents.Retry(r.Kind, r.ID)
		}
		return fmt.Errorf("keeping incidents: %w", err)
	}
	a.recorded.from, a.recorded.waiting = time.Time{}, 0
	return nil
}

// catchUp puts findings into incidents that were stored when the process was
// killed before it could write them. Those that were added before change
// nothing.
func (a *App) catchUp(ctx context.Context) error {
	rec, err := a.records.Get(ctx, behindKind, behindID)
	if fault.KindOf(err) == fault.NotFound {
		return a.catchUpNewest(ctx)
	}
	if err != nil {
		return fmt.Errorf("reading how far the incidents were written: %w", err)
	}
	var b behind
	if err := json.Unmarshal(rec.JSON, &b); err != nil {
		a.cfg.Log.Warn("the record of how far incidents were written cannot be read: the newest findings are looked at", "component", "correlate", "err", err)
		return a.catchUpNewest(ctx)
	}
	a.recorded.mu.Lock()
	a.recorded.from = b.From
	a.recorded.mu.Unlock()
	if err := a.catchUpSince(ctx, b.From); err != nil {
		return err
	}
	return a.keepIncidents(ctx)
}

// catchUpNewest looks whether more findings are stored than were ever added,
// which is so when the kill came right after a batch was stored, and adds the
// newest, as many as one query gives.
func (a *App) catchUpNewest(ctx context.Context) error {
	got, err := a.findings(ctx, findingQuery(nil))
	if err != nil || got.Total <= a.incidents.Totals().Added {
		return err
	}
	q := findingQuery(nil)
	q.Sort, q.Limit = []query.Sort{{By: "time", Desc: true}}, query.MaxLimit
	if got, err = a.findings(ctx, q); err != nil {
		return err
	}
	slices.Reverse(got.List) // oldest first, as they were found
	return a.correlate(ctx, got.List, map[string]bool{}, false)
}

// catchUpSince adds the findings from a moment on, page by page, as many as the
// correlator can tell from those that were added before.
func (a *App) catchUpSince(ctx context.Context, from time.Time) error {
	for range correlate.Remembered / query.MaxLimit {
		q := findingQuery(&query.Expr{Field: "time", Op: query.Ge, Value: from})
		q.Sort, q.Limit = []query.Sort{{By: "time"}}, query.MaxLimit
		got, err := a.findings(ctx, q)
		if err != nil || len(got.List) == 0 {
			return err
		}
		if err := a.correlate(ctx, got.List, map[string]bool{}, false); err != nil {
			return err
		}
		last := got.List[len(got.List)-1].Time
		if got.Total <= int64(len(got.List)) {
			return nil
		}
		if !last.After(from) { // a whole page at one moment: what is left of it cannot be told apart by time
			last = last.Add(1)
		}
		from = last
	}
	return nil
}
