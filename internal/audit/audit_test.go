package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vedette/internal/fault"
)

func clock() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 123456789, time.UTC) }

func open(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(path, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func record(t testing.TB, j *Journal, action, object string) Entry {
	t.Helper()
	e, err := j.Record(Entry{Actor: Actor{Person, "ada"}, Action: action, Object: object, Details: map[string]string{"why": "<b>\u2028 \xff test"}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// journal returns the bytes of a journal with three entries.
func journal(t testing.TB) []byte {
	t.Helper()
	j := open(t, filepath.Join(t.TempDir(), "audit.jsonl"))
	record(t, j, "device.set", "dev-1")
	record(t, j, "incident.close", "inc-1")
	record(t, j, "model.call", "m")
	var out bytes.Buffer
	if n, err := j.Export(&out); err != nil || n != 3 {
		t.Fatalf("exported %d: %v", n, err)
	}
	return out.Bytes()
}

func TestChainGoesOnAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	first := record(t, j, "a", "x")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	second := record(t, j, "b", "y")
	if second.Seq != 2 || second.Prev != first.Hash || first.Prev != genesis {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if _, err := Open(path, clock); fault.KindOf(err) != fault.Conflict {
		t.Errorf("second opening: %v", err)
	}
	last, err := j.Last(1)
	if err != nil || len(last) != 1 || last[0].Hash != second.Hash {
		t.Errorf("last: %+v, %v", last, err)
	}
	if _, err := j.Record(Entry{Action: "c"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an entry without an actor: %v", err)
	}
}

func TestVerifyFindsTheFirstBrokenLink(t *testing.T) {
	good := journal(t)
	lines := bytes.SplitAfter(good, []byte("\n"))
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	tests := []struct {
		name string
		raw  []byte
		want Report
	}{
		{"whole", good, Report{OK: true, Entries: 3}},
		{"empty", nil, Report{OK: true}},
		{"changed", bytes.Replace(good, []byte("inc-1"), []byte("inc-2"), 1), Report{Entries: 1, Line: 2, Problem: "the entry was changed after it was written"}},
		{"removed", join(lines[0], lines[2]), Report{Entries: 1, Line: 2, Problem: "an entry is missing, repeated or out of order"}},
		{"first removed", join(lines[1], lines[2]), Report{Line: 1, Problem: "an entry is missing, repeated or out of order"}},
		{"swapped", join(lines[1], lines[0], lines[2]), Report{Line: 1, Problem: "an entry is missing, repeated or out of order"}},
		{"repeated", join(lines[0], lines[0]), Report{Entries: 1, Line: 2, Problem: "an entry is missing, repeated or out of order"}},
		{"empty line", join(lines[0], []byte("\n"), lines[1]), Report{Entries: 1, Line: 2, Problem: "not an entry: EOF"}},
		{"padded", bytes.Replace(good, []byte(`{"seq":2,`), []byte(`{"seq": 2,`), 1), Report{Entries: 1, Line: 2, Problem: "the entry is not written as the journal writes it"}},
		{"torn", good[:len(good)-10], Report{OK: true, Entries: 2, Torn: len(lines[2]) - 10}},
		{"whole but for its line end", good[:len(good)-1], Report{OK: true, Entries: 2, Torn: len(lines[2]) - 1}},
		{"huge line", append(bytes.Clone(good), bytes.Repeat([]byte("x"), maxLine+1)...), Report{Entries: 3, Line: 4, Problem: "the line is longer than any entry"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Verify(bytes.NewReader(tt.raw), "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Report{}, "Head"), cmpopts.IgnoreUnexported(Report{})); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyAgainstANotedHead(t *testing.T) {
	good := journal(t)
	whole, err := Verify(bytes.NewReader(good), "")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := Verify(bytes.NewReader(good), whole.Head); !got.OK {
		t.Errorf("with its own head: %+v", got)
	}
	cut := good[:bytes.LastIndexByte(good[:len(good)-1], '\n')+1]
	if got, _ := Verify(bytes.NewReader(cut), whole.Head); got.OK {
		t.Error("a journal cut short passes")
	}
}

func TestRecoversFromACrash(t *testing.T) {
	good := journal(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, good[:len(good)-7], 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, path)
	last, err := j.Last(5)
	if err != nil || len(last) != 3 || last[0].Action != "audit.recover" || j.CutBytes() == 0 {
		t.Errorf("after a crash: %+v, %d bytes cut, %v", last, j.CutBytes(), err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := Verify(bytes.NewReader(raw), ""); !got.OK || got.Entries != 3 || got.Torn != 0 {
		t.Errorf("after recovery: %+v", got)
	}
}

func TestRefusesABrokenJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	raw := bytes.Replace(journal(t), []byte("dev-1"), []byte("dev-2"), 1)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, clock)
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("opening: %v", err)
	}
	after, readErr := os.ReadFile(path)
	if readErr != nil || !bytes.Equal(after, raw) {
		t.Error("the evidence was touched")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no", "such"), clock); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("in a missing directory: %v", errors.Unwrap(err))
	}
}

// FuzzVerify: no input panics; the entries that pass are a true prefix: they
// pass alone, and any changed byte in them is noticed.
func FuzzVerify(f *testing.F) {
	good := journal(f)
	f.Add(good, 10)
	f.Add(good[:len(good)-3], 3)
	f.Add([]byte("{}\n"), 0)
	f.Fuzz(func(t *testing.T, raw []byte, flip int) {
		report, err := Verify(bytes.NewReader(raw), "")
		if err != nil {
			t.Fatal(err)
		}
		prefix := bytes.Clone(raw[:report.whole])
		again, err := Verify(bytes.NewReader(prefix), report.Head)
		if err != nil || !again.OK || again.Entries != report.Entries {
			t.Fatalf("prefix: %+v, %v", again, err)
		}
		if len(prefix) == 0 || flip < 0 {
			return
		}
		prefix[flip%len(prefix)] ^= 1
		if changed, _ := Verify(bytes.NewReader(prefix), report.Head); changed.OK {
			t.Fatalf("a changed byte at %d passes", flip%len(prefix))
		}
	})
}
