package flow

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A copy holds what is not done, and gives no number again that the original has
// given since; nothing of that looks like damage.
func TestSpoolCopy(t *testing.T) {
	s := open(t, SpoolConfig{Dir: filepath.Join(t.TempDir(), "a"), SegmentSize: 64})
	for i := range 10 {
		appendAll(t, s, fmt.Sprintf("record-%d", i))
	}
	if err := s.Ack(4); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "b")
	c, err := s.Copy(to)
	if err != nil || c.Pending != 5 {
		t.Fatalf("%+v, %v", c, err)
	}
	appendAll(t, s, "later-10", "later-11")
	_, next := s.Position()
	if err := c.End(next); err != nil {
		t.Fatal(err)
	}
	rep, err := InspectSpool(to, 0)
	if err != nil || rep.Pending != 5 || string(rep.Oldest) != "record-5" {
		t.Errorf("%+v, %v", rep, err)
	}
	for range 3 { // also after further openings
		b := open(t, SpoolConfig{Dir: to, SegmentSize: 64})
		if st := b.Stats(); st.Pending != 5 {
			t.Errorf("%+v", st)
		}
		expect(t, "copy", drain(t, b), "5:record-5 6:record-6 7:record-7 8:record-8 9:record-9")
		if st := b.Stats(); st.Damaged != 0 {
			t.Errorf("%+v", st)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, SpoolConfig{Dir: to, SegmentSize: 64})
	if seq := appendAll(t, b, "new"); seq != next {
		t.Errorf("the first new number is %d, want %d", seq, next)
	}
	expect(t, "copy and new", drain(t, b), "5:record-5 6:record-6 7:record-7 8:record-8 9:record-9 12:new")
	again := filepath.Join(t.TempDir(), "c") // a copy of a copy
	c2, err := b.Copy(again)
	if err != nil || c2.Pending != 6 {
		t.Fatalf("%+v, %v", c2, err)
	}
	if err := c2.End(next + 100); err != nil {
		t.Fatal(err)
	}
	d := open(t, SpoolConfig{Dir: again, SegmentSize: 64})
	expect(t, "copy of a copy", drain(t, d), "5:record-5 6:record-6 7:record-7 8:record-8 9:record-9 12:new")
	if err := b.Ack(9); err != nil {
		t.Fatal(err)
	}
	if st := b.Stats(); st.Pending != 1 || st.Damaged != 0 {
		t.Errorf("%+v", st)
	}
	if err := b.Ack(12); err != nil || len(b.leaps) != 0 {
		t.Errorf("%v, %v", err, b.leaps)
	}
}

// A copy of a spool in which all is done is an empty one that goes on behind it.
func TestSpoolCopyOfNothing(t *testing.T) {
	s := open(t, SpoolConfig{Dir: filepath.Join(t.TempDir(), "a")})
	last := appendAll(t, s, "one", "two")
	if err := s.Ack(last); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "b")
	c, err := s.Copy(to)
	if err != nil || c.Pending != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := c.End(7); err != nil {
		t.Fatal(err)
	}
	b := open(t, SpoolConfig{Dir: to})
	if seq := appendAll(t, b, "x"); seq != 7 {
		t.Errorf("number %d", seq)
	}
}

// What is wrong with a spool is told by the file, and nothing of it changes.
func TestInspectSpool(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolConfig{Dir: dir, SegmentSize: 64})
	for i := range 9 {
		appendAll(t, s, fmt.Sprintf("record-%d", i))
	}
	if rep := s.Inspect(); rep.Pending != 9 || len(rep.Segments) != 3 || rep.Bytes != 72 {
		t.Fatalf("%+v", rep)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	change := func(n int, f func([]byte) []byte) {
		t.Helper()
		list, err := listSegments(dir)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(list[n].path)
		if err == nil {
			err = os.WriteFile(list[n].path, f(raw), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change(0, func(b []byte) []byte { b[8+8+3] ^= 1; return b })
	change(1, func(b []byte) []byte { return b[:len(b)-20] })
	change(2, func(b []byte) []byte { return append(b, 0, 0, 0, 9, 1) })
	before := content(t, dir)
	rep, err := InspectSpool(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if before != content(t, dir) {
		t.Error("looking at it changed it")
	}
	one, two, three := rep.Segments[0], rep.Segments[1], rep.Segments[2]
	if one.Damaged != 1 || two.Missing != 2 || two.Torn != 12 || three.Torn != 5 || three.Damaged+three.Missing != 0 || rep.Pending != 6 || string(rep.Oldest) != "record-1" {
		t.Errorf("%+v", rep)
	}
	change(1, func([]byte) []byte { return []byte("something else altogether") })
	if err := os.WriteFile(filepath.Join(dir, cursorFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if rep, err = InspectSpool(dir, 0); err != nil || rep.Segments[1].Err == nil || rep.Cursor == nil {
		t.Errorf("%+v, %v", rep, err)
	}
}

func content(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		raw, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		fmt.Fprintf(&out, "%s %q\n", e.Name(), raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
