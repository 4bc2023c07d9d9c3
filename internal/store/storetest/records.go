package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// OpenRecords opens an empty store of records; the suite closes it.
type OpenRecords func(t testing.TB) store.Records

// RunRecords runs the suite on an engine of records.
func RunRecords(t *testing.T, open OpenRecords) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, store.Records){
		"versions": recordVersions, "all or none": recordsAllOrNone, "list": recordList, "hostile": recordsHostile,
		"refused": recordsRefused, "races": recordRaces, "cancelled": recordsCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			run(t, s)
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if _, err := s.Get(context.Background(), "a", "b"); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

func change(id string, version int64, doc string) store.Change {
	c := store.Change{Kind: "thing", ID: id, Version: version}
	if doc != "" {
		c.JSON = []byte(doc)
	}
	return c
}

func update(t testing.TB, s store.Records, changes ...store.Change) {
	t.Helper()
	if err := s.Update(context.Background(), changes...); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func refused(t testing.TB, s store.Records, kind fault.Kind, changes ...store.Change) {
	t.Helper()
	if err := s.Update(context.Background(), changes...); err == nil || fault.KindOf(err) != kind {
		t.Errorf("Update = %v, want %v", err, kind)
	}
}

func listed(t testing.TB, s store.Records) string {
	t.Helper()
	var out []string
	for r, err := range s.List(context.Background(), "thing") {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s@%d=%s", r.ID, r.Version, r.JSON))
	}
	return strings.Join(out, " ")
}

func recordVersions(t *testing.T, s store.Records) {
	if _, err := s.Get(context.Background(), "thing", "a"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Get of nothing = %v", err)
	}
	update(t, s, change("a", 0, "1"))
	refused(t, s, fault.Conflict, change("a", 0, "2"))
	refused(t, s, fault.Conflict, change("b", 1, "2"))
	update(t, s, change("a", 1, "2"))
	refused(t, s, fault.Conflict, change("a", 1, "3"))
	update(t, s, change("a", store.AnyVersion, "4"))
	got, err := s.Get(context.Background(), "thing", "a")
	if diff := cmp.Diff(store.Record{Kind: "thing", ID: "a", Version: 3, JSON: []byte("4")}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	refused(t, s, fault.Conflict, change("a", 2, ""))
	update(t, s, change("a", 3, ""))
	refused(t, s, fault.Conflict, change("a", 3, ""))
	update(t, s, change("a", store.AnyVersion, ""), change("a", 0, "5"), change("a", 1, "6"), change("a", 2, ""), change("a", 0, "7"))
	if got := listed(t, s); got != "a@1=7" {
		t.Errorf("left: %s", got)
	}
}

func recordsAllOrNone(t *testing.T, s store.Records) {
	update(t, s, change("a", 0, "1"), change("b", 0, "1"))
	refused(t, s, fault.Conflict, change("a", 1, "2"), change("b", 1, ""), change("c", 0, "1"), change("a", 1, "3"))
	if got := listed(t, s); got != "a@1=1 b@1=1" {
		t.Errorf("after a refused transaction: %s", got)
	}
	update(t, s)
}

func recordList(t *testing.T, s store.Records) {
	var changes []store.Change
	var want []string
	for i := range 1203 {
		changes = append(changes, change(fmt.Sprintf("%05d", (i*7919)%1203), 0, fmt.Sprint(i)))
		want = append(want, fmt.Sprintf("%05d", i))
	}
	update(t, s, changes...)
	update(t, s, store.Change{Kind: "other", ID: "x", JSON: []byte("{}")})
	var got []string
	for r, err := range s.List(context.Background(), "thing") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.ID)
		if len(got) == 3 { // a consumer may write
			update(t, s, change(r.ID, 1, "0"))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d ids, not in order or not all", len(got))
	}
	for range s.List(context.Background(), "thing") { //nolint:errcheck // left at the first
		break
	}
	for range s.List(context.Background(), "none") { //nolint:errcheck // there is none
		t.Error("a kind without records yields one")
	}
}

func recordsHostile(t *testing.T, s store.Records) {
	for _, h := range hostile() {
		h = strings.ToValidUTF8(h, "?")
		doc := []byte(`{"a":"` + strings.Repeat("x", 100000) + `"}`)
		update(t, s, store.Change{Kind: h, ID: h, Version: store.AnyVersion, JSON: doc})
		got, err := s.Get(context.Background(), h, h)
		if err != nil || string(got.JSON) != string(doc) {
			t.Errorf("%.40q: %v", h, err)
		}
	}
}

func recordsRefused(t *testing.T, s store.Records) {
	refused(t, s, fault.Invalid, change("", 0, "1"))
	refused(t, s, fault.Invalid, change("a", 0, "{"))
	refused(t, s, fault.Invalid, change("a", -2, "1"))
	refused(t, s, fault.Invalid, change("\xff", 0, "1"))
	refused(t, s, fault.Invalid, store.Change{ID: "a", JSON: []byte("1")})
}

// recordRaces lets writers count up one record; each success counts once.
func recordRaces(t *testing.T, s store.Records) {
	update(t, s, change("n", 0, "0"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for done := 0; done < 10; {
				r, err := s.Get(context.Background(), "thing", "n")
				if err != nil {
					t.Error(err)
					return
				}
				var n int
				if _, err := fmt.Sscan(string(r.JSON), &n); err != nil {
					t.Error(err)
					return
				}
				err = s.Update(context.Background(), change("n", r.Version, fmt.Sprint(n+1)))
				switch {
				case err == nil:
					done++
				case fault.KindOf(err) != fault.Conflict:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := listed(t, s); got != "n@41=40" {
		t.Errorf("after 40 increments: %s", got)
	}
}

func recordsCancelled(t *testing.T, s store.Records) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Update(ctx, change("a", 0, "1")); err == nil {
		t.Error("a cancelled Update succeeded")
	}
	if got := listed(t, s); got != "" {
		t.Errorf("a cancelled Update stored %s", got)
	}
}
