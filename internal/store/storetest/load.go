package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
)

func begin(t testing.TB, s store.Events) store.Load {
	t.Helper()
	l, err := s.Begin(context.Background())
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return l
}

func wantCount(t testing.TB, s store.Events, n int64) {
	t.Helper()
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Count}}}, row(n))
}

// loads appends batches that are stored together.
func loads(t *testing.T, s store.Events) {
	ctx := context.Background()
	put(t, s, New(1, day(), nil))
	l := begin(t, s)
	for i, batch := range [][]*event.Event{
		{New(1, day(), nil), New(2, day(), nil), New(2, day(), nil)},
		{New(2, day(), nil), New(3, day(), nil)},
	} {
		got, err := l.Append(ctx, batch)
		if want := (store.Appended{Stored: 1, Duplicates: len(batch) - 1}); err != nil || got != want {
			t.Errorf("batch %d: %+v, %v; want %+v", i, got, err, want)
		}
	}
	wantCount(t, s, 1)
	if err := s.PutDevices(ctx, []store.Device{{UID: "d"}}); err != nil {
		t.Errorf("PutDevices beside an open load: %v", err)
	}
	if err := l.Commit(ctx); err != nil {
		t.Fatalf("Commit: %v", err)
	}
	l.Rollback()
	wantCount(t, s, 3)
	wantKnown(t, s, []*event.Event{New(2, day(), nil), New(4, day(), nil)}, New(2, day(), nil))
}

// forgottenLoads leave nothing, and let the next one in.
func forgottenLoads(t *testing.T, s store.Events) {
	ctx, cancel := context.WithCancel(context.Background())
	l := begin(t, s)
	if _, err := l.Append(ctx, []*event.Event{New(1, day(), nil)}); err != nil {
		t.Fatalf("Append: %v", err)
	}
	soon, stop := context.WithTimeout(ctx, 20*time.Millisecond)
	defer stop()
	if _, err := s.Begin(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Begin beside an open load = %v", err)
	}
	if _, err := s.Append(soon, []*event.Event{New(2, day(), nil)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append beside an open load = %v", err)
	}
	l.Rollback()
	l.Rollback()
	l = begin(t, s)
	if _, err := l.Append(ctx, []*event.Event{New(3, day(), nil)}); err != nil {
		t.Fatalf("Append: %v", err)
	}
	cancel()
	if err := l.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit of somebody who went = %v", err)
	}
	l = begin(t, s)
	if _, err := l.Append(context.Background(), []*event.Event{New(4, day(), nil), nil}); err == nil {
		t.Error("a batch with no event in it was taken")
	}
	l.Rollback()
	wantCount(t, s, 0)
	if got := put(t, s, New(1, day(), nil)); got != (store.Appended{Stored: 1}) {
		t.Errorf("what was forgotten counts: %+v", got)
	}
}

// closedLoad is open when the store is closed, and somebody waits for it to end.
func closedLoad(t *testing.T, s store.Events) {
	l := begin(t, s)
	waits, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.Append(context.Background(), []*event.Event{New(2, day(), nil)})
		waits <- err
	}()
	select {
	case err := <-waits:
		t.Fatalf("Append does not wait for an open load: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Fatalf("Close beside an open load: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Close waits for an open load, which cannot end before it")
	}
	_, err := l.Append(context.Background(), []*event.Event{New(1, day(), nil)})
	errs := []error{err, l.Commit(context.Background())}
	l.Rollback()
	for _, err := range append(errs, <-waits) {
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("after Close: %v", err)
		}
	}
}
