package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/store/sqlite"
)

func put(t *testing.T, r *sqlite.Records, from, to int) {
	t.Helper()
	var changes []store.Change
	for n := from; n < to; n++ {
		changes = append(changes, store.Change{Kind: "k", ID: fmt.Sprint(n), Version: store.AnyVersion, JSON: []byte(`{"a":1}`)})
	}
	if err := r.Update(t.Context(), changes...); err != nil {
		t.Fatal(err)
	}
}

func TestBackupAndInspect(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "records.db")
	r, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, r, 0, 500)
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := r.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	put(t, r, 500, 600)
	for name, want := range map[string]int64{to: 500, path: 600} { // the second has a log beside it
		if rep, err := sqlite.Inspect(t.Context(), name); err != nil || rep.Records != want || rep.Problem != "" || rep.Version != rep.Known {
			t.Errorf("%s: %+v, %v", name, rep, err)
		}
	}
	if rep, err := r.Inspect(t.Context()); err != nil || rep.Records != 600 {
		t.Errorf("open: %+v, %v", rep, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 4096; at < len(raw); at += 64 {
		raw[at] ^= 0x55
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if rep, err := sqlite.Inspect(t.Context(), path); err == nil && rep.Problem == "" {
		t.Errorf("damage was not seen: %+v", rep)
	}
	if _, err := sqlite.Inspect(t.Context(), filepath.Join(dir, "none.db")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no file: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 2 { // the file and its lock
		t.Errorf("left beside it: %v, %v", entries, err)
	}
}

// older makes a file from before the layout had numbers.
func older(t *testing.T, path, table string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), "CREATE TABLE "+table+" (a); INSERT INTO "+table+" VALUES (1)"); err != nil {
		t.Fatal(err)
	}
}

func TestCopyBeforeMigration(t *testing.T) {
	for table, works := range map[string]bool{"other": true, "records": false} { // the first step makes records
		dir := t.TempDir()
		path := filepath.Join(dir, "records.db")
		older(t, path, table)
		r, err := sqlite.Open(path)
		if works != (err == nil) {
			t.Fatalf("%s: %v", table, err)
		}
		copies, globErr := filepath.Glob(filepath.Join(dir, "backup", "before-v0-*", "records.db"))
		if globErr != nil || len(copies) != 1 || works && r.Kept() != copies[0] {
			t.Fatalf("%s: copies %v, %v", table, copies, globErr)
		}
		if works {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r, err = sqlite.Open(path)
			if err != nil || r.Kept() != "" {
				t.Errorf("a file that is up to date was copied: %v", err)
			}
			_ = r.Close()
		}
		original := copies
		if !works {
			original = append(original, path) // unchanged
		}
		for _, name := range original {
			db, err := sql.Open("sqlite", name)
			if err != nil {
				t.Fatal(err)
			}
			var n int
			if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table+" WHERE a = 1").Scan(&n); err != nil || n != 1 {
				t.Errorf("%s: %s holds %d, %v", table, name, n, err)
			}
			_ = db.Close()
		}
	}
}
