package duckdb_test

import (
	"context"
	"os"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/store/duckdb"
)

// span is numbered events, the last one left out.
func span(from, to int) []*event.Event {
	var out []*event.Event
	for n := from; n < to; n++ {
		out = append(out, numbered(n))
	}
	return out
}

// TestSealBesideALoad seals days that an open load looks into: what was stored is
// known in it to its end, in files too that nothing lists any more, and nothing is
// there twice after it.
func TestSealBesideALoad(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	threeDays(t, dir)
	s := open(t, dir, duckdb.Options{MinSealedRows: 1})
	defer s.Close()
	fill(t, s, 100, 110) // late ones of the first day, which is written anew
	l, err := s.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Rollback()
	add := func(from, to, stored int) {
		t.Helper()
		if got, err := l.Append(ctx, span(from, to)); err != nil || got != (store.Appended{Stored: stored, Duplicates: to - from - stored}) {
			t.Errorf("events %d to %d: %+v, %v; want %d stored", from, to, got, err, stored)
		}
	}
	add(95, 115, 5)
	sealed := make(chan error, 1)
	go func() {
		moved, err := s.Seal(ctx, start().AddDate(0, 0, 3))
		if want := (duckdb.Moved{Days: 2, Rows: 110}); err == nil && moved != want {
			t.Errorf("moved %+v, want %+v", moved, want)
		}
		sealed <- err
	}()
	for end := time.Now().Add(20 * time.Second); ; { // the first and the third day are in new files
		if days, err := s.Days(ctx); err != nil || time.Now().After(end) {
			t.Fatalf("%v, %v", days, err)
		} else if len(days) == 3 && days[0].Rows == 110 {
			break
		}
	}
	if _, err := os.Stat(sealedPath(dir, 0, 1)); err != nil || s.Leaving() == 0 {
		t.Errorf("the load may still read the old file: %v, %d bytes are leaving", err, s.Leaving())
	}
	add(90, 120, 5)
	add(2*perDay+50, 2*perDay+120, 20)
	count(t, s, query.Query{}, 310)
	if err := l.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-sealed; err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(sealedPath(dir, 0, 1)); err == nil || s.Leaving() != 0 {
		t.Errorf("after the load the old file stays: %d bytes are leaving", s.Leaving())
	}
	count(t, s, query.Query{}, 340)
	if got := fill(t, s, 0, 120); got.Stored != 0 {
		t.Errorf("all of the first day again: %+v", got)
	}
}
