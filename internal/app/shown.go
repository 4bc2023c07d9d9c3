package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/query"
)

// DeviceNames tells what devices are called; a uid that is no device of ours is
// left out, and so is a device that the context may not see.
func (a *App) DeviceNames(ctx context.Context, uids []string) map[string]string {
	out := make(map[string]string, len(uids))
	sight, confined := a.sightOf(ctx)
	for _, uid := range uids {
		if confined && !sight.own(uid) {
			continue
		}
		if name, _ := a.devices.NameOf(uid); name != "" {
			out[uid] = name
		}
	}
	return out
}

// Event returns all fields of an event that have a value, by their names. at, if
// not zero, is about when it happened, which makes it quick to find.
func (a *App) Event(ctx context.Context, uid string, at time.Time) (map[string]any, error) {
	bounds, err := a.tools.Bounds(query.Unconfined(ctx)) // of the names those are told that the event has
	if err != nil {
		return nil, err
	}
	q := query.Query{Where: &query.Expr{Field: "metadata.uid", Op: query.Eq, Value: uid}, Limit: 1}
	if !at.IsZero() {
		q.Time = query.TimeRange{From: at.Add(-time.Second), To: at.Add(time.Second)}
	}
	names, schema := []string{}, event.NewSchema()
	for _, f := range event.Fields() {
		names = append(names, f.Name)
	}
	for _, name := range bounds.Extras {
		if _, known := schema.Lookup(name); !known { // else it would be read as that field
			names = append(names, name)
		}
	}
	out := make(map[string]any)
	for part := range slices.Chunk(names, maxColumns) {
		q.Select = part
		table, err := a.events.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(table.Rows) == 0 {
			return nil, fault.New(fault.NotFound, "there is no event %.64q", uid).WithHint("it may be older than what is kept")
		}
		for i, v := range table.Rows[0] {
			if v != nil && v != "" {
				out[table.Columns[i]] = v
			}
		}
	}
	return out, nil
}

// maxColumns is how many fields one query is asked for.
const maxColumns = 150

// Journal returns the newest entries of the audit journal, the newest first.
func (a *App) Journal(_ context.Context, n int) ([]audit.Entry, error) { return a.journal.Last(n) }

// Health tells how the parts stand, without data.
func (a *App) Health(ctx context.Context) []api.Condition {
	store := api.Condition{Name: "store", State: api.Good, Text: "events can be read"}
	if _, err := a.Status(ctx); err != nil {
		store.State, store.Text = api.Failed, "events cannot be read"
	}
	return append(append([]api.Condition{store, a.brokenHealth()}, a.asideHealth()...), a.sourceHealth()...)
}

// asideHealth tells of payloads that are set aside; without any there is no condition.
func (a *App) asideHealth() []api.Condition {
	c := facts{dir: a.cfg.Dir}.asideCheck()
	if c.State == api.OK {
		return nil
	}
	return []api.Condition{{Name: c.Name, State: api.Warned, Text: c.Text}}
}

// sourceHealth sums the live sources up; a site without any has no condition.
func (a *App) sourceHealth() []api.Condition {
	l := a.live.Load()
	if l == nil {
		return nil
	}
	bad, list := 0, l.Status()
	for _, s := range list {
		if s.State != ingest.Running && s.State != ingest.Starting {
			bad++
		}
	}
	c := api.Condition{Name: "sources", State: api.Good, Text: fmt.Sprintf("%d live sources run", len(list))}
	if bad > 0 {
		c.State, c.Text = api.Failed, fmt.Sprintf("%d of %d live sources are silent, waiting, failing or stopped", bad, len(list))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tooOld > 0 {
		return []api.Condition{c, {Name: "retention", State: api.Failed, Text: fmt.Sprintf("%d records that came in are older than what retention keeps, and are dropped at the next maintenance; raise retention.events to keep them", l.tooOld)}}
	}
	return []api.Condition{c}
}

// Now is the time by the clock that the product was opened with.
func (a *App) Now() time.Time { return a.cfg.Now() }
