package flow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/fault"
)

func open(t testing.TB, cfg SpoolConfig) *Spool {
	t.Helper()
	s, err := OpenSpool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func appendAll(t testing.TB, s *Spool, records ...string) uint64 {
	t.Helper()
	var last uint64
	for _, rec := range records {
		seq, err := s.Append([]byte(rec))
		if err != nil {
			t.Fatal(err)
		}
		last = seq
	}
	return last
}

// drain reads what is there without waiting for more.
func drain(t testing.TB, s *Spool) string {
	t.Helper()
	r := s.Read()
	defer func() { _ = r.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out []string
	for {
		seq, data, err := r.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return strings.Join(out, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%d:%s", seq, data))
	}
}

func expect(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestSpoolKeepsOrderAndCursor(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolConfig{Dir: dir, SegmentSize: 40})
	appendAll(t, s, "a", "b", "c", "d", "e", "f")
	expect(t, "all", drain(t, s), "0:a 1:b 2:c 3:d 4:e 5:f")
	if err := s.Ack(3); err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(1); err != nil { // going back does nothing
		t.Fatal(err)
	}
	if err := s.Ack(99); fault.KindOf(err) != fault.Invalid {
		t.Errorf("ack of what is not there: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, SpoolConfig{Dir: dir, SegmentSize: 40})
	expect(t, "after reopening", drain(t, s), "4:e 5:f")
	appendAll(t, s, "g")
	expect(t, "more", drain(t, s), "4:e 5:f 6:g")
	if err := s.Ack(6); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Pending != 0 || st.Bytes > 80 {
		t.Errorf("finished files stay: %+v", st)
	}
}

func TestSpoolCutsATornTail(t *testing.T) {
	for cut := int64(1); cut < 12; cut++ {
		dir := t.TempDir()
		s := open(t, SpoolConfig{Dir: dir})
		appendAll(t, s, "one", "two", "three")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		path := segmentPath(dir, 0)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-cut); err != nil {
			t.Fatal(err)
		}
		s = open(t, SpoolConfig{Dir: dir})
		if st := s.Stats(); st.CutBytes != 13-cut {
			t.Errorf("cut %d: %d bytes were taken off", cut, st.CutBytes)
		}
		appendAll(t, s, "four")
		expect(t, fmt.Sprintf("cut %d", cut), drain(t, s), "0:one 1:two 2:four")
	}
}

func TestSpoolCutsZerosAndRubbish(t *testing.T) {
	for _, tail := range []string{strings.Repeat("\x00", 100), "\xff\xff\xff\xff\xff\xff\xff\xff rubbish", "\x00\x00\x00\x02\x00\x00\x00\x00ab"} {
		dir := t.TempDir()
		s := open(t, SpoolConfig{Dir: dir})
		appendAll(t, s, "one")
		_ = s.Close()
		raw, err := os.ReadFile(segmentPath(dir, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(segmentPath(dir, 0), append(raw, tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		s = open(t, SpoolConfig{Dir: dir})
		appendAll(t, s, "two")
		expect(t, "after rubbish", drain(t, s), "0:one 1:two")
	}
}

func TestSpoolSkipsADamagedRecord(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolConfig{Dir: dir})
	appendAll(t, s, "one", "two", "three")
	_ = s.Close()
	raw, err := os.ReadFile(segmentPath(dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segmentPath(dir, 0), bytes.Replace(raw, []byte("two"), []byte("tw0"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, SpoolConfig{Dir: dir})
	expect(t, "damaged", drain(t, s), "0:one 2:three")
	if st := s.Stats(); st.Damaged != 1 || st.CutBytes != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestSpoolBounds(t *testing.T) {
	refusing := open(t, SpoolConfig{Dir: t.TempDir(), MaxBytes: 100, SegmentSize: 50})
	var err error
	for range 20 {
		if _, err = refusing.Append([]byte("0123456789")); err != nil {
			break
		}
	}
	if fault.KindOf(err) != fault.Limited {
		t.Errorf("a full spool: %v", err)
	}
	if st := refusing.Stats(); st.Bytes > 100 || st.Pending == 0 {
		t.Errorf("stats %+v", st)
	}

	// A bound can be changed: a larger one accepts again, a smaller one once all is done,
	// though the file that is written to is larger by then.
	refusing.SetMaxBytes(200)
	appendAll(t, refusing, "more")
	refusing.SetMaxBytes(40)
	if _, err := refusing.Append([]byte("0123456789")); fault.KindOf(err) != fault.Limited {
		t.Errorf("a smaller bound, and all waits: %v", err)
	}
	last := uint64(refusing.Stats().Appended - 1)
	reader := refusing.Read()
	defer func() { _ = reader.Close() }()
	for seq := uint64(0); seq < last; {
		var err error
		if seq, _, err = reader.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := refusing.Ack(last); err != nil {
		t.Fatal(err)
	}
	refusing.SetMaxBytes(60)
	appendAll(t, refusing, "0123456789")
	expect(t, "after the smaller bound", drain(t, refusing), fmt.Sprintf("%d:0123456789", last+1))
	if seq, _, err := reader.Next(t.Context()); err != nil || seq != last+1 {
		t.Errorf("a reader that was at the end of the file that is gone: %d, %v", seq, err)
	}

	forgetting := open(t, SpoolConfig{Dir: t.TempDir(), MaxBytes: 100, SegmentSize: 50, DropOldest: true})
	for i := range 20 {
		appendAll(t, forgetting, fmt.Sprintf("record %02d", i))
	}
	got := drain(t, forgetting)
	st := forgetting.Stats()
	if !strings.HasSuffix(got, "19:record 19") || st.Dropped == 0 || st.Dropped+st.Pending != 20 || st.Bytes > 100 {
		t.Errorf("%q, stats %+v", got, st)
	}
	if _, err := forgetting.Append(make([]byte, 9<<20)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a huge record: %v", err)
	}
}

func TestSpoolIsForOneProcess(t *testing.T) {
	dir := t.TempDir()
	open(t, SpoolConfig{Dir: dir})
	if _, err := OpenSpool(SpoolConfig{Dir: dir}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("second opening: %v", err)
	}
}

func TestReaderWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, SpoolConfig{Dir: t.TempDir()})
		r := s.Read()
		got := make(chan string, 1)
		go func() {
			_, data, err := r.Next(t.Context())
			got <- fmt.Sprint(string(data), err)
		}()
		synctest.Wait()
		appendAll(t, s, "late")
		expect(t, "woken", <-got, "late<nil>")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting in vain: %v", err)
		}
		if err := errors.Join(r.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestSpoolSurvivesKill starts this test binary as a writer that prints each
// sequence number once it is durable, kills it, and demands those records.
func TestSpoolSurvivesKill(t *testing.T) {
	if dir := os.Getenv("SPOOL_WRITER"); dir != "" {
		s, err := OpenSpool(SpoolConfig{Dir: dir, SegmentSize: 4096, Sync: SyncNever})
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			seq, err := s.Append(fmt.Appendf(nil, "record %d", i))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println(seq)
		}
	}
	dir := filepath.Join(t.TempDir(), "spool")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSpoolSurvivesKill$")
	cmd.Env = append(os.Environ(), "SPOOL_WRITER="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := make([]byte, 64<<10)
	n := 0
	for n < 20000 { // a few thousand records
		m, err := out.Read(seen[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	lines := strings.Split(string(seen[:bytes.LastIndexByte(seen[:n], '\n')]), "\n")
	last := lines[len(lines)-1]
	s := open(t, SpoolConfig{Dir: dir, SegmentSize: 4096})
	got := drain(t, s)
	if want := fmt.Sprintf("%s:record %s", last, last); !strings.Contains(got+" ", want+" ") {
		t.Errorf("record %s was acknowledged and is gone", last)
	}
	for i, rec := range strings.SplitAfter(got, " ") {
		if i%2 == 0 && !strings.HasPrefix(rec, fmt.Sprintf("%d:", i/2)) {
			t.Fatalf("record %d is %q", i/2, rec)
		}
	}
}

// FuzzSegment: whatever a file holds, opening it neither panics nor stalls,
// what is read can be read again, and appending works.
func FuzzSegment(f *testing.F) {
	good := appendRecord(appendRecord([]byte(segmentMagic), 0, []byte("one")), 1, []byte("two"))
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte("VED"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 0), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		rep, looked := InspectSpool(dir, 1<<16)
		s, err := OpenSpool(SpoolConfig{Dir: dir, MaxRecord: 1 << 16, Sync: SyncNever})
		if err != nil {
			if looked != nil || rep.Segments[0].Err == nil {
				t.Fatalf("%+v, %v, and opening: %v", rep, looked, err)
			}
			return
		}
		first := drain(t, s)
		if n := len(strings.Fields(first)); looked != nil || rep.Segments[0].Err != nil || n < int(rep.Pending) { // records may hold spaces
			t.Fatalf("%d records, seen before: %+v, %v", n, rep, looked)
		}
		if _, err := s.Append([]byte("new")); err != nil {
			t.Fatal(err)
		}
		second := drain(t, s)
		if !strings.HasPrefix(second, first) || !strings.HasSuffix(second, ":new") {
			t.Fatalf("first %q, then %q", first, second)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkSpoolAppend(b *testing.B) {
	s := open(b, SpoolConfig{Dir: b.TempDir(), Sync: SyncNever, DropOldest: true, MaxBytes: 64 << 20})
	batch := make([][]byte, 256)
	for i := range batch {
		batch[i] = bytes.Repeat([]byte{'x'}, 400)
	}
	b.SetBytes(256 * 400)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Append(batch...); err != nil {
			b.Fatal(err)
		}
	}
}
