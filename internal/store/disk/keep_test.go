package disk_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/store/disk"
)

func TestTwoCopiesStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd [name]*")
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i, version := range []int64{9, 10, 10, 11} { // by time, not by name; two in one second
		path, err := disk.Before(dir, "a.db", version, at.Add(time.Duration(i/2)*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte{byte(i)}, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other, err := disk.Before(dir, "b.db", 10, at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := disk.Kept(dir, "a.db")
	want := []string{filepath.Join(dir, "before-v10-20260301T010000Z", "a.db"), filepath.Join(dir, "before-v11-20260301T010000Z", "a.db")}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*", "*")); err != nil || len(left) != 2 {
		t.Errorf("folders left: %v, %v", left, err)
	}
}
