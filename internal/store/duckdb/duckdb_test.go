package duckdb_test

import (
	"context"
	"testing"
	"time"

	"vedette/internal/store"
	"vedette/internal/store/duckdb"
	"vedette/internal/store/storetest"
)

func open(t testing.TB, dir string, opts duckdb.Options) *duckdb.Store {
	t.Helper()
	s, err := duckdb.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEvents(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Events { return open(t, t.TempDir(), duckdb.Options{Threads: 1}) })
}

// TestRandom compares with the in-memory engine, sealing days and opening the
// directory again now and then.
func TestRandom(t *testing.T) {
	dirs := map[store.Events]string{}
	opts := duckdb.Options{Threads: 1, MinSealedRows: 1}
	start := func(t testing.TB) store.Events {
		dir := t.TempDir()
		s := open(t, dir, opts)
		dirs[s] = dir
		return s
	}
	seal := func(t testing.TB, s store.Events, before time.Time) store.Events {
		if _, err := s.(*duckdb.Store).Seal(context.Background(), before); err != nil {
			t.Fatal(err)
		}
		return s
	}
	reopen := func(t testing.TB, s store.Events, _ time.Time) store.Events {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again := open(t, dirs[s], opts)
		dirs[again] = dirs[s]
		return again
	}
	storetest.Random(t, start, seal, seal, reopen)
}
