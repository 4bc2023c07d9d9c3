package duckdb_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store/duckdb"
	"vedette/internal/store/storetest"
)

// asked lists the values of a field by a query, which counts all anew.
func asked(t *testing.T, s *duckdb.Store, field string) []query.ValueCount {
	t.Helper()
	res, err := s.Query(context.Background(), query.Query{
		Group: []string{field}, Measures: []query.Measure{{Fn: query.Count}}, Where: &query.Expr{Field: field, Op: query.Exists}, Limit: query.MaxLimit,
	})
	if err != nil {
		t.Fatal(err)
	}
	out := []query.ValueCount{}
	for _, row := range res.Rows {
		out = append(out, query.ValueCount{Value: row[0].(string), Count: row[1].(int64)})
	}
	slices.SortFunc(out, func(a, b query.ValueCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	return out
}

func same(t *testing.T, s *duckdb.Store, when string) {
	t.Helper()
	for _, field := range []string{"user.name", "app_name", "mqtt.topic", "process.name", "Odd field/.."} {
		got, complete, err := s.Values(context.Background(), field, 1000)
		if err != nil || !complete {
			t.Fatalf("%s: %s: %v, %v", when, field, complete, err)
		}
		if diff := gocmp.Diff(asked(t, s, field), got); diff != "" {
			t.Errorf("%s: %s (-query +kept):\n%s", when, field, diff)
		}
	}
}

// What is kept of sealed days gives the same lists as counting all anew, whatever
// is sealed, comes late, is dropped or is lost.
func TestValuesAreThoseOfAQuery(t *testing.T) {
	dir := t.TempDir()
	now := start().AddDate(0, 0, 9)
	opts := duckdb.Options{MinSealedRows: 10, Now: func() time.Time { return now }}
	s := open(t, dir, opts)
	put := func(from, to int) {
		t.Helper()
		var batch []*event.Event
		for i := from; i < to; i++ {
			batch = append(batch, storetest.New(i, start().Add(time.Duration(i)*time.Hour/4), func(e *event.Event) {
				e.SetUserName(fmt.Sprintf("user-%d", i%7))
				e.SetMQTTTopic(fmt.Sprintf("plant/%d", i%3))
				e.SetExtra("Odd field/..", fmt.Sprint(i%2))
				if i%5 == 0 {
					e.SetAppName("modbus")
				}
				if i%11 == 0 {
					e.SetCountField(4)
				}
			}))
		}
		if _, err := s.Append(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
	same(t, s, "empty")
	put(0, 300)
	same(t, s, "hot")
	if _, err := s.Seal(context.Background(), start().AddDate(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	same(t, s, "sealed")
	same(t, s, "kept")
	put(1000, 1400)
	same(t, s, "more came")
	if _, err := s.Seal(context.Background(), now); err != nil {
		t.Fatal(err)
	}
	same(t, s, "all sealed")
	var late []*event.Event
	for i := range 20 {
		late = append(late, storetest.New(5000+i, start().Add(time.Duration(i)*time.Minute), func(e *event.Event) { e.SetUserName("latecomer") }))
	}
	if _, err := s.Append(context.Background(), late); err != nil {
		t.Fatal(err)
	}
	same(t, s, "late for a sealed day")
	if _, err := s.Seal(context.Background(), now); err != nil {
		t.Fatal(err)
	}
	same(t, s, "sealed again")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "values", "*", "*.json"))
	if err != nil || len(kept) < 10 {
		t.Fatalf("kept: %v, %v", kept, err)
	}
	for i, path := range kept {
		switch i % 3 {
		case 0:
			err = os.WriteFile(path, []byte("{torn"), 0o600)
		case 1:
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, opts)
	defer s.Close()
	same(t, s, "what was kept is damaged or lost")
	if _, err := s.DropBefore(context.Background(), start().AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	same(t, s, "a day was dropped")
	if got, complete, err := s.Values(context.Background(), "user.name", 3); err != nil || complete || len(got) != 3 {
		t.Errorf("cut: %v %v %v", got, complete, err)
	}
}

// Files of sealed days that are gone do not stay.
func TestValuesOfDroppedDaysGo(t *testing.T) {
	dir := t.TempDir()
	opts := duckdb.Options{MinSealedRows: 10, Now: func() time.Time { return start().AddDate(0, 0, 9) }}
	s := open(t, dir, opts)
	fill(t, s, perDay-200, perDay+50)
	if _, err := s.Seal(context.Background(), start().AddDate(0, 0, 9)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Values(context.Background(), "app_name", 100); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DropBefore(context.Background(), start().AddDate(0, 0, 9)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, opts)
	defer s.Close()
	if _, _, err := s.Values(context.Background(), "app_name", 100); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "values")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
