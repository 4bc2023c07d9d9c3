package memory

import (
	"context"

	"vedette/internal/event"
	"vedette/internal/store"
)

// load is what a transaction adds, which nobody sees before its end.
type load struct {
	m      *Events
	events []*event.Event
	uids   map[string]bool
	over   bool
}

var _ store.Load = (*load)(nil)

// Begin implements [store.Events].
func (m *Events) Begin(ctx context.Context) (store.Load, error) {
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	select {
	case m.loading <- struct{}{}:
		if err := m.open(ctx); err != nil { // closed while it waited
			<-m.loading
			return nil, err
		}
		return &load{m: m, uids: map[string]bool{}}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *Events) open(ctx context.Context) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return errClosed()
	}
	return ctx.Err()
}

// Append implements [store.Load].
func (l *load) Append(ctx context.Context, batch []*event.Event) (store.Appended, error) {
	if err := l.m.open(ctx); err != nil {
		return store.Appended{}, err
	}
	if err := store.CheckBatch(batch); err != nil {
		return store.Appended{}, err
	}
	l.m.mu.RLock()
	defer l.m.mu.RUnlock()
	var done store.Appended
	for _, e := range batch {
		c := store.Canonical(e, l.m.taken)
		if uid := c.MetadataUID(); l.uids[uid] || l.m.uids[uid] {
			done.Duplicates++
			continue
		}
		l.uids[c.MetadataUID()] = true
		l.events = append(l.events, c.Clone())
		done.Stored++
	}
	return done, nil
}

// Full implements [store.Load]: memory gains nothing from more.
func (l *load) Full() bool { return true }

// Commit implements [store.Load].
func (l *load) Commit(ctx context.Context) error {
	defer l.Rollback()
	if err := l.m.open(ctx); err != nil {
		return err
	}
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.events = append(l.m.events, l.events...)
	for uid := range l.uids {
		l.m.uids[uid] = true
	}
	return nil
}

// Rollback implements [store.Load].
func (l *load) Rollback() {
	if !l.over {
		l.over = true
		<-l.m.loading
	}
}
