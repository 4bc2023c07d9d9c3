package duckdb_test

import (
	"testing"

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
