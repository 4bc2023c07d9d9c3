package tail

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// spool is what was handed on, as the store would keep it: a part of a stream that
// comes again is there once.
type spool struct {
	mu   sync.Mutex
	at   map[string]map[int64]string // stream, place: line
	puts int
	full bool
}

func (s *spool) Put(_ context.Context, p ingest.Payload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return fault.New(fault.Unavailable, "the disk is full")
	}
	s.puts++
	if s.at == nil {
		s.at = map[string]map[int64]string{}
	}
	if s.at[p.Stream] == nil {
		s.at[p.Stream] = map[int64]string{}
	}
	place := p.At
	for line := range bytes.Lines(p.Data) {
		s.at[p.Stream][place] = string(line)
		place += int64(len(line))
	}
	return nil
}

// lines are all lines, sorted.
func (s *spool) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, list := range s.at {
		for _, line := range list {
			out = append(out, strings.TrimSuffix(line, "\n"))
		}
	}
	slices.Sort(out)
	return out
}

// world is a folder with files, a clock, and a source that is started anew as
// often as one likes.
type world struct {
	*testing.T
	dir   string
	now   time.Time
	spool *spool
	s     *Source
	want  []string
	n     int
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, dir: t.TempDir(), now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), spool: &spool{}}
	w.start()
	return w
}

func (w *world) start() {
	w.Helper()
	s, err := New(Config{Name: "logs", Paths: []string{filepath.Join(w.dir, "*.log")}, State: filepath.Join(w.dir, "state.json"), Now: func() time.Time { return w.now }})
	if err != nil {
		w.Fatal(err)
	}
	if err := s.restore(); err != nil {
		w.Fatal(err)
	}
	w.s = s
}

// kill ends the source without a chance to write anything down.
func (w *world) kill() {
	for _, f := range w.s.files {
		f.close()
	}
	w.start()
}

func (w *world) look() {
	w.now = w.now.Add(time.Second)
	w.s.look(w.Context(), w.spool)
}

// write appends numbered lines to a file.
func (w *world) write(name string, n int) {
	w.Helper()
	f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	for range n {
		w.n++
		line := fmt.Sprintf("line %06d", w.n)
		w.want = append(w.want, line)
		fmt.Fprintln(f, line)
	}
}

func (w *world) check(when string) {
	w.Helper()
	got := w.spool.lines()
	if !slices.Equal(got, w.want) {
		w.Fatalf("%s: %d lines, want %d: %.300v", when, len(got), len(w.want), got)
	}
}

func (w *world) do(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func TestGrowth(t *testing.T) {
	w := newWorld(t)
	w.look()
	w.write("a.log", 3)
	w.look()
	w.check("a file")
	w.write("a.log", 5)
	w.write("b.log", 2)
	w.look()
	w.check("more, and another file")
	half := filepath.Join(w.dir, "c.log")
	w.do(os.WriteFile(half, []byte("no end"), 0o600))
	w.look()
	w.check("a line that is not whole")
	w.do(os.WriteFile(half, []byte("no end yet\n"), 0o600))
	w.want = append(w.want, "no end yet")
	w.look()
	w.check("its end")
	if st := w.s.Status(); st.State != ingest.Running || st.Peers != 3 || st.Received == 0 {
		t.Errorf("%+v", st)
	}
}

func TestRotation(t *testing.T) {
	w := newWorld(t)
	w.write("a.log", 3)
	w.look()
	w.write("a.log", 2)
	w.do(os.Rename(filepath.Join(w.dir, "a.log"), filepath.Join(w.dir, "a.log.1")))
	w.write("a.log", 4)
	w.look()
	w.check("renamed, with lines that came before and after")
	w.write("a.log.1", 1) // its writer has not noticed yet
	w.look()
	w.check("a line in the old file")
	w.now = w.now.Add(time.Hour)
	w.look()
	w.look()
	if len(w.s.files) != 1 {
		t.Errorf("%d files are still open", len(w.s.files))
	}
	w.write("a.log", 2)
	w.look()
	w.do(os.Truncate(filepath.Join(w.dir, "a.log"), 0)) // logrotate's copytruncate
	w.look()
	w.write("a.log", 1)
	w.look()
	w.check("cut")
}

// A restart or a kill at any moment loses nothing and stores nothing twice, also
// when files were rotated or cut meanwhile.
func TestRestarts(t *testing.T) {
	w := newWorld(t)
	w.write("a.log", 10)
	w.look()
	w.kill()
	w.look()
	w.check("killed")
	w.write("a.log", 3)
	w.s.close()
	w.do(os.Rename(filepath.Join(w.dir, "a.log"), filepath.Join(w.dir, "a.log.1")))
	w.write("a.log", 2)
	w.start()
	w.look()
	w.check("rotated while nothing ran")
	for i := range 50 {
		w.write("a.log", i%3)
		if i%5 == 0 {
			w.now = w.now.Add(-time.Second) // nothing is written down within a second
		}
		w.look()
		if i%7 == 0 {
			w.do(os.Rename(filepath.Join(w.dir, "a.log"), filepath.Join(w.dir, fmt.Sprintf("a.log.%d", i))))
			w.write("a.log", 1)
		}
		w.kill()
	}
	w.look()
	w.check("killed again and again")
}

// A file that was replaced by another under the same number, or cut and filled
// again beyond where it was, is read from its beginning.
func TestAnotherFileOfTheSameNumber(t *testing.T) {
	for _, running := range []bool{true, false} {
		w := newWorld(t)
		w.write("a.log", 5)
		w.look()
		if !running {
			w.s.close()
			w.start()
		}
		w.do(os.Truncate(filepath.Join(w.dir, "a.log"), 0))
		w.write("a.log", 9)
		w.look()
		w.check(fmt.Sprintf("another file, while it runs: %v", running))
	}
}

func TestTroubles(t *testing.T) {
	w := newWorld(t)
	w.write("a.log", 3)
	w.spool.full = true
	w.look()
	if st := w.s.Status(); st.State != ingest.Failing || !strings.Contains(st.Text, "full") {
		t.Errorf("%+v", st)
	}
	w.spool.full = false
	w.look()
	w.check("after a full disk")
	if st := w.s.Status(); st.State != ingest.Running {
		t.Errorf("%+v", st)
	}
	long := filepath.Join(w.dir, "long.log")
	w.do(os.WriteFile(long, []byte("first\n"+strings.Repeat("x", 3*ingest.MaxPayload)+"\nlast\n"+strings.Repeat("y", ingest.MaxPayload*3/4)+"\n"), 0o600))
	w.want = append(w.want, "first", "last", strings.Repeat("y", ingest.MaxPayload*3/4))
	slices.Sort(w.want)
	w.look()
	w.check("a line that is too long, and one that is nearly")
	if st := w.s.Status(); st.Refused != 1 {
		t.Errorf("refused %d", st.Refused)
	}
	w.do(os.Mkdir(filepath.Join(w.dir, "dir.log"), 0o700))
	w.look()
	w.check("a folder that is called like a log")
	w.s.close()
	w.do(os.WriteFile(filepath.Join(w.dir, "state.json"), []byte("{torn"), 0o600))
	s, err := New(w.s.cfg)
	w.do(err)
	if err := s.Run(t.Context(), w.spool); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("what was written down is damaged: %v", err)
	}
	for _, bad := range [][]string{nil, {"relative/*.log"}, {"/a/[b"}} {
		if _, err := New(Config{Name: "x", Paths: bad, State: "s"}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestBounds(t *testing.T) {
	w := newWorld(t)
	w.s.cfg.Files = 2
	for i := range 4 {
		w.write(fmt.Sprintf("%d.log", i), 1)
	}
	w.look()
	if st := w.s.Status(); st.Peers != 2 || st.State != ingest.Failing {
		t.Errorf("%+v", st)
	}
}

func TestRun(t *testing.T) {
	w := newWorld(t)
	w.write("a.log", 5)
	s, err := New(Config{Name: "logs", Paths: []string{filepath.Join(w.dir, "*.log")}, State: filepath.Join(w.dir, "run.json"), Every: time.Millisecond})
	w.do(err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, w.spool) }()
	for range 2000 {
		if len(w.spool.lines()) == len(w.want) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	w.do(<-done)
	w.check("run")
	if st := s.Status(); st.State != ingest.Stopped {
		t.Errorf("%+v", st)
	}
}
