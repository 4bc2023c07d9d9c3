package task

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestArchiveKnowsWhatToLookAt: of many tasks those alone whose subject was told with
// another version after it was looked at, or of whose vulnerability something else is
// said; and all in time.
func TestArchiveKnowsWhatToLookAt(t *testing.T) {
	a := NewArchive()
	closed := start.Add(time.Hour)
	made := func(i int, part bool) Task {
		return Task{UID: fmt.Sprint("t", i), Part: part, Closed: closed, Vulnerabilities: []string{fmt.Sprint("CVE-2024-", i%3)}, Subjects: []Subject{{ID: fmt.Sprint("device:", i), Version: "2.8"}, {ID: "device:all", Version: "2.8"}}}
	}
	for i := range 6 {
		k := made(i, i == 5)
		a.Put(&k)
		a.Put(&k)
	}
	at := func(n int) time.Time { return closed.Add(time.Duration(n) * time.Minute) }
	is := func(what string, want ...string) {
		t.Helper()
		if got := a.Stale(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	is("at first")
	a.Told("device:1", []Told{{Version: "2.7", Last: at(-5)}, {Version: "2.8", Last: at(5)}})
	is("the same version since, another before")
	a.Told("device:1", []Told{{Version: "2.9", Last: at(6)}})
	is("another", "t1")
	a.Looked("t1", "device:1", "2.9", at(6))
	a.Told("device:1", []Told{{Version: "2.8", Last: at(5)}, {Version: "2.9", Last: at(9)}})
	is("what was looked at already")
	a.Told("device:1", []Told{{Version: "2.8", Last: at(10)}, {Version: "2.9", Last: at(9)}})
	is("back again", "t1")
	a.Told("device:5", []Told{{Version: "2.8", Last: at(1)}})
	is("a part's version is not the firmware's", "t5")
	a.Concern([]string{"device:2"}, []string{"cve-2024-0"})
	is("an advisory and a bill", "t0", "t2", "t3")
	a.ConcernParts()
	is("a product's bill", "t5")
	a.Drop("t4")
	a.Retry("t4", "t0")
	is("one that is gone", "t0")
	a.ConcernAll()
	n := 0
	for range 10 {
		a.Some(2)
		got := a.Stale()
		if n += len(got); len(got) > 2 {
			t.Errorf("%v at once", got)
		}
	}
	if n != 5 || a.Has("device:4") || !a.Has("device:all") || a.Cut() != 0 {
		t.Errorf("%d looked at in time", n)
	}
}
