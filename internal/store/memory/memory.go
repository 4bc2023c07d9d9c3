// Package memory keeps events and records in memory. It owns the reference
// meaning of a query: it evaluates the same plan as the SQL engines directly,
// event by event, so that the conformance suite can compare them. It suits
// tests, and commands that look at files without storing them.
//
// It must not be used where data has to survive the process, nor for more
// events than fit in memory.
package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
)

// Events is a store.Events in memory.
type Events struct {
	loading chan struct{} // full while a load is open
	mu      sync.RWMutex
	events  []*event.Event
	uids    map[string]bool
	devices map[string]store.Device
	taken   func(string) bool
	closed  bool
}

var _ store.Events = (*Events)(nil)

// New returns an empty store.
func New() *Events {
	return &Events{loading: make(chan struct{}, 1), uids: map[string]bool{}, devices: map[string]store.Device{}, taken: store.SchemaNames()}
}

// Append implements [store.Events]: a load of one batch.
func (m *Events) Append(ctx context.Context, batch []*event.Event) (store.Appended, error) {
	l, err := m.Begin(ctx)
	if err != nil {
		return store.Appended{}, err
	}
	defer l.Rollback()
	done, err := l.Append(ctx, batch)
	if err == nil {
		err = l.Commit(ctx)
	}
	if err != nil {
		return store.Appended{}, err
	}
	return done, nil
}

// Known implements [store.Events].
func (m *Events) Known(ctx context.Context, batch []*event.Event) (map[string]bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, errClosed()
	}
	known := map[string]bool{}
	for _, e := range batch {
		if uid := e.MetadataUID(); m.uids[uid] {
			known[uid] = true
		}
	}
	return known, ctx.Err()
}

// PutDevices implements [store.Events].
func (m *Events) PutDevices(ctx context.Context, devices []store.Device) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := store.CheckDevices(devices); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed()
	}
	for _, d := range devices {
		c := store.CleanDevice(d)
		m.devices[c.UID] = c
	}
	return nil
}

// Query implements [store.Events].
func (m *Events) Query(ctx context.Context, q query.Query) (*store.Result, error) {
	plan, err := query.NewPlan(q, store.DeviceFields())
	if err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, errClosed()
	}
	own := m.confined(ctx)
	r := &run{plan: plan, devices: own.devices}
	if plan.Sequence != nil {
		r.sequence(own.records(plan))
		return r.result(), ctx.Err()
	}
	for i, rec := range own.records(plan) {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if r.keeps(rec) {
			r.add(rec)
		}
	}
	return r.result(), nil
}

// records are the rows that a plan looks at.
func (m *Events) records(p *query.Plan) []record {
	var list []record
	if !p.Devices {
		for _, e := range m.events {
			list = append(list, record{event: e})
		}
		return list
	}
	for _, d := range m.devices {
		if d.AliasOf == "" {
			list = append(list, record{device: d})
		}
	}
	return list
}

// confined is what may be seen of the store in a context; the caller holds the lock.
func (m *Events) confined(ctx context.Context) *Events {
	if _, ok := query.Confined(ctx); !ok {
		return m
	}
	own := &Events{devices: map[string]store.Device{}}
	for uid, d := range m.devices {
		if query.Sees(ctx, d.Zone) {
			own.devices[uid] = d
		}
	}
	for _, e := range m.events {
		concerns, others := false, false
		for _, slot := range query.DeviceSlots() {
			if e.Has(slot) {
				_, mine := own.devices[e.Str(slot)]
				concerns, others = true, others || !mine
			}
		}
		if concerns && !others {
			own.events = append(own.events, e)
		}
	}
	return own
}

// Bounds implements [store.Events].
func (m *Events) Bounds(ctx context.Context) (store.Bounds, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return store.Bounds{}, errClosed()
	}
	own := m.confined(ctx)
	b := store.Bounds{Events: int64(len(own.events))}
	extras := map[string]int{}
	for _, e := range own.events {
		for _, x := range e.Extras() {
			extras[x.Name]++
		}
		if e.MetadataClockSuspect() {
			b.Suspect++
			continue
		}
		t := e.TimeField()
		if t.IsZero() {
			continue
		}
		if b.Oldest.IsZero() || t.Before(b.Oldest) {
			b.Oldest = t
		}
		if b.Newest.IsZero() || t.After(b.Newest) {
			b.Newest = t
		}
	}
	for name := range extras {
		b.Extras = append(b.Extras, name)
	}
	slices.SortFunc(b.Extras, func(x, y string) int {
		return cmp.Or(cmp.Compare(extras[y], extras[x]), cmp.Compare(x, y))
	})
	b.Extras = b.Extras[:min(len(b.Extras), store.MaxExtras)]
	return b, ctx.Err()
}

// Close implements [store.Events].
func (m *Events) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func errClosed() error { return fault.New(fault.Unavailable, "the event store is closed") }

// record is one event or one device.
type record struct {
	event  *event.Event
	device store.Device
}

// deviceValue reads a column of the device table; nil if it is missing.
func deviceValue(d store.Device, key string) any {
	v := map[string]any{
		"uid": d.UID, "name": d.Name, "type": d.Type, "vendor": d.Vendor, "model": d.Model, "firmware": d.Firmware,
		"zone": d.Zone, "level": d.Level, "criticality": d.Criticality, "owner": d.Owner,
		"ips": d.IPs, "macs": d.MACs, "first_seen": d.FirstSeen, "last_seen": d.LastSeen,
		"serial": d.Serial, "os": d.OS, "state": d.State, "location": d.Location, "evidence": d.Evidence,
	}[key]
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
	case []string:
		if len(v) == 0 {
			return nil
		}
	case time.Time:
		if v.IsZero() {
			return nil
		}
	}
	return v
}
