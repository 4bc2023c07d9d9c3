package memory

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// Records is a store.Records in memory.
type Records struct {
	mu      sync.RWMutex
	records map[recordKey]store.Record
	closed  bool
}

type recordKey struct{ kind, id string }

var _ store.Records = (*Records)(nil)

// NewRecords returns an empty store.
func NewRecords() *Records { return &Records{records: map[recordKey]store.Record{}} }

// Get implements [store.Records].
func (m *Records) Get(ctx context.Context, kind, id string) (store.Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.usable(ctx); err != nil {
		return store.Record{}, err
	}
	r, ok := m.records[recordKey{kind, id}]
	if !ok {
		return store.Record{}, store.NoRecord(kind, id)
	}
	return copied(r), nil
}

// List implements [store.Records]. It yields the state at its beginning.
func (m *Records) List(ctx context.Context, kind string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		m.mu.RLock()
		err := m.usable(ctx)
		var list []store.Record
		for k, r := range m.records {
			if k.kind == kind {
				list = append(list, copied(r))
			}
		}
		m.mu.RUnlock()
		if err != nil {
			yield(store.Record{}, err)
			return
		}
		slices.SortFunc(list, func(a, b store.Record) int { return strings.Compare(a.ID, b.ID) })
		for _, r := range list {
			if ctx.Err() != nil {
				yield(store.Record{}, ctx.Err())
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Update implements [store.Records].
func (m *Records) Update(ctx context.Context, changes ...store.Change) error {
	if err := store.CheckChanges(changes); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	before := map[recordKey]store.Record{}
	for _, c := range changes {
		key := recordKey{c.Kind, c.ID}
		have := m.records[key]
		if _, seen := before[key]; !seen {
			before[key] = have
		}
		if c.Version != store.AnyVersion && c.Version != have.Version {
			m.restore(before)
			return store.OtherVersion(c, have.Version)
		}
		if c.JSON == nil {
			delete(m.records, key)
			continue
		}
		m.records[key] = store.Record{Kind: c.Kind, ID: c.ID, Version: have.Version + 1, JSON: bytes.Clone(c.JSON)}
	}
	return nil
}

// restore undoes the changes of a failed transaction.
func (m *Records) restore(before map[recordKey]store.Record) {
	for key, r := range before {
		if r.Version == 0 {
			delete(m.records, key)
		} else {
			m.records[key] = r
		}
	}
}

// Close implements [store.Records].
func (m *Records) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *Records) usable(ctx context.Context) error {
	if m.closed {
		return fault.New(fault.Unavailable, "the record store is closed")
	}
	return ctx.Err()
}

func copied(r store.Record) store.Record {
	r.JSON = bytes.Clone(r.JSON)
	return r
}
