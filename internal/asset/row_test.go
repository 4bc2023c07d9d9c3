package asset

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/store"
)

// The rows that are handed out are those of the devices as they are exported.
func TestRowsAreThoseOfTheDevices(t *testing.T) {
	r := fleet(50)
	r.Observe(flow(0, "10.0.0.1", "", "10.0.0.2", "", "s7comm"))
	a, b := r.mustFind(t, "10.0.0.1"), r.mustFind(t, "10.0.0.2")
	if _, err := r.Merge(a.UID, b.UID, "one box"); err != nil {
		t.Fatal(err)
	}
	if err := r.Set(a.UID, KeyState, "approved"); err != nil {
		t.Fatal(err)
	}
	_, rows, err := r.Dirty()
	if err != nil || len(rows) < 50 {
		t.Fatal(len(rows), err)
	}
	got := map[string][]store.Device{}
	for _, row := range rows {
		uid := row.UID
		if row.AliasOf != "" {
			uid = row.AliasOf
		}
		got[uid] = append(got[uid], row)
	}
	for uid, rows := range got {
		d, ok := r.Get(uid)
		if !ok {
			t.Fatalf("no device %s", uid)
		}
		if diff := cmp.Diff(d.Rows(), rows); diff != "" {
			t.Error(diff)
		}
	}
}
