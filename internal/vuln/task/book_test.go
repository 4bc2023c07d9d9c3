package task

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"vedette/internal/fault"
)

// TestBookConcernsOnlyWhatChanged: of many tasks those alone are looked at whose
// device or vulnerability changed, and whose acceptance ended.
func TestBookConcernsOnlyWhatChanged(t *testing.T) {
	b := NewBook()
	uids := make([]string, 100)
	for i := range uids {
		_, a := gates()
		a.ID, a.Subjects, a.Vulnerabilities = fmt.Sprint("a", i), []string{fmt.Sprint("device:", i), "device:all"}, []string{fmt.Sprint("CVE-2024-", i%10)}
		k, err := New(a, "ada", "", start)
		if err != nil {
			t.Fatal(err)
		}
		uids[i] = k.UID
		b.Put(k)
		b.Put(k)
	}
	if n := b.Concern([]string{"device:7", "device:none"}, nil); n != 1 || !slices.Equal(b.Stale(start), []string{uids[7]}) {
		t.Error(n)
	}
	if n := b.Concern(nil, []string{"cve-2024-3"}); n != 10 || len(b.Stale(start)) != 10 || len(b.Stale(start)) != 0 {
		t.Error(n)
	}
	if n := b.Concern([]string{"device:all"}, nil); n != 100 {
		t.Error(n)
	}
	b.Stale(start)
	k, err := b.Get(uids[4][:8])
	if err != nil {
		t.Fatal(err)
	}
	if k, err = k.Set(Order{By: "ada", State: Accepted, Why: "later", AcceptUntil: start.Add(time.Hour)}, start); err != nil {
		t.Fatal(err)
	}
	b.Put(k)
	if b.Stale(start) != nil || !slices.Equal(b.Stale(start.Add(2*time.Hour)), []string{k.UID}) {
		t.Error("the end of the acceptance")
	}
	b.Drop(k.UID)
	if b.Len() != 99 || len(b.Of("a4")) != 0 || len(b.Of("a5")) != 2 || b.ByAction(nil)["a5"] != uids[5] {
		t.Error(b.Len())
	}
}

// TestUndoneBySight: what was seen cannot be taken back.
func TestUndoneBySight(t *testing.T) {
	_, a := gates()
	k, err := New(a, "ada", "", start)
	if err != nil {
		t.Fatal(err)
	}
	if k, err = k.Set(Order{By: "ada", State: SaidDone}, start); err != nil {
		t.Fatal(err)
	}
	seen, changed := k.Look(func(string) Subject { return Subject{State: Seen, Version: "2.8", At: start, Source: "identity"} }, start)
	if !changed || seen.State != Verified {
		t.Fatalf("%+v", seen)
	}
	if _, _, err := seen.Undo("ada", "", start); err == nil {
		t.Error("undone")
	}
	if _, err := seen.Set(Order{By: "ada", State: Open}, start); err == nil {
		t.Error("set")
	}
	if back, gone, err := k.Undo("ada", "", start); err != nil || gone || back.State != Open || !back.Done.IsZero() {
		t.Errorf("%v %+v", err, back)
	}
	if k.State != SaidDone {
		t.Error("the value before changed")
	}
	for range 500 { // bounded
		if k, _, err = k.Undo("ada", "", start); err != nil {
			if k, err = k.AddNote("ada", "x", start); err != nil {
				t.Fatal(err)
			}
		}
	}
	raw, err := k.Write()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(k.UID, raw); err != nil || len(k.History) > maxHistory {
		t.Error(err)
	}
}

// A start of a uid finds among the tasks that somebody sees: one that is not seen is
// neither found nor told of in what is asked for instead.
func TestFindTellsNothingOfOthers(t *testing.T) {
	b := NewBook()
	seen, hidden := Task{UID: "abcd1", Action: "a"}, Task{UID: "abcd2", Action: "b"}
	b.Put(seen)
	b.Put(hidden)
	sees := func(k *Task) bool { return k.UID == seen.UID }
	if k, err := b.Find("abcd", sees); err != nil || k.UID != seen.UID {
		t.Errorf("%v %v", k.UID, err)
	}
	for _, text := range []string{"abcd2", "abc", "abce"} {
		if _, err := b.Find(text, sees); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := b.Get("abcd"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("who sees all: %v", err)
	}
}
