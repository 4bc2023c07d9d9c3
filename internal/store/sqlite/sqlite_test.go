package sqlite_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/store/sqlite"
	"vedette/internal/store/storetest"
)

func open(t testing.TB, path string) *sqlite.Records {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRecords(t *testing.T) {
	storetest.RunRecords(t, func(t testing.TB) store.Records {
		return open(t, filepath.Join(t.TempDir(), "a dir?x=1%2", "records.db"))
	})
}

func TestRecordsSurviveClosing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	s := open(t, path)
	if err := s.Update(context.Background(), store.Change{Kind: "k", ID: "i", JSON: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	if r, err := s.Get(context.Background(), "k", "i"); err != nil || string(r.JSON) != `{"a":1}` || r.Version != 1 {
		t.Errorf("Get = %+v, %v", r, err)
	}
}

func refuses(t *testing.T, path string, kind fault.Kind, word string) {
	t.Helper()
	s, err := sqlite.Open(path)
	if err == nil {
		_ = s.Close()
	}
	text, hint := fault.Public(err)
	if err == nil || fault.KindOf(err) != kind || !strings.Contains(text, word) || hint == "" {
		t.Errorf("Open = %v (%v), hint %q; want %v with %q", err, fault.KindOf(err), hint, kind, word)
	}
}

func TestSecondOpeningIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	s := open(t, path)
	refuses(t, path, fault.Conflict, "in use")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, path, fault.Unavailable, "damaged")
}

func TestUnwritablePlaceIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, filepath.Join(file, "records.db"), fault.Denied, "cannot be made")
	refuses(t, t.TempDir(), fault.Denied, "cannot be written")
}

func BenchmarkUpdate(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "records.db"))
	defer s.Close()
	for b.Loop() {
		if err := s.Update(context.Background(), store.Change{Kind: "k", ID: "i", Version: store.AnyVersion, JSON: []byte(`{"a":1}`)}); err != nil {
			b.Fatal(err)
		}
	}
}
