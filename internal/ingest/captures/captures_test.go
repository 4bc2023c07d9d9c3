package captures

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
	"vedette/internal/normalize/wire/capfile"
)

// rotate writes a capture of packets from..to-1, one a second.
func rotate(t *testing.T, path string, from, to int, at time.Time) []byte {
	t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0)
	for i := from; i < to; i++ {
		data := bytes.Repeat([]byte{byte(i)}, 60)
		for _, v := range []uint32{uint32(1_700_000_000 + i), uint32(i), uint32(len(data)), uint32(len(data))} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		b = append(b, data...)
	}
	write(t, path, b, at)
	return b
}

func write(t *testing.T, path string, b []byte, at time.Time) {
	t.Helper()
	if strings.HasSuffix(path, ".gz") {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write(b)
		_ = w.Close()
		b = z.Bytes()
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// ring is a directory and a source that is driven by hand.
type ring struct {
	t   *testing.T
	dir string
	cfg Config
	src *Source
	box ingesttest.Box
	now time.Time
}

func newRing(t *testing.T) *ring {
	t.Helper()
	r := &ring{t: t, dir: t.TempDir(), now: time.Unix(1_800_000_000, 0)}
	r.cfg = Config{Name: "ring", Paths: []string{filepath.Join(r.dir, "x*")}, State: filepath.Join(t.TempDir(), "s.json"), Cut: capfile.Cut, Now: func() time.Time { return r.now }}
	r.start()
	return r
}

// start begins anew, as after a kill.
func (r *ring) start() {
	r.t.Helper()
	src, err := New(r.cfg)
	if err == nil {
		err = src.restore()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.src = src
}

func (r *ring) round() {
	r.t.Helper()
	if err := r.src.round(r.t.Context(), &r.box); err != nil {
		r.t.Fatal(err)
	}
}

// got lists the packets by number, in the order of their places, each place once.
func (r *ring) got() string {
	r.t.Helper()
	places := map[int64]byte{}
	var out []byte
	for _, p := range r.box.All() {
		if p.Format != Format || p.Stream == "" {
			r.t.Fatalf("%+v", p)
		}
		for at := 0; at < len(p.Data); {
			size := int(binary.BigEndian.Uint32(p.Data[at:]))
			n, place := p.Data[at+4+16], p.At+int64(at)
			if was, ok := places[place]; ok && was != n {
				r.t.Fatalf("packets %d and %d have one place", was, n)
			} else if !ok {
				out = append(out, 'a'+n)
			}
			places[place] = n
			at += 4 + size
		}
	}
	return string(out)
}

func (r *ring) want(text string) {
	r.t.Helper()
	if got := r.got(); got != text {
		r.t.Errorf("packets %q, want %q", got, text)
	}
}

func (r *ring) path(name string) string { return filepath.Join(r.dir, name) }

// Files are read once complete, in the order of their packets, each packet once,
// whatever happens to their names, and over restarts.
func TestRing(t *testing.T) {
	r := newRing(t)
	rotate(t, r.path("x10"), 3, 6, r.now.Add(-2*time.Second))
	rotate(t, r.path("x2.gz"), 0, 3, r.now.Add(-3*time.Second))
	last := rotate(t, r.path("x11"), 6, 8, r.now)
	r.round()
	r.want("abcdef") // the last one may be written to
	r.start()
	r.round()
	r.want("abcdef")
	write(t, r.path("x10.gz"), rotate(t, r.path("x10"), 3, 6, r.now.Add(-2*time.Second)), r.now.Add(-time.Second)) // packed
	if err := os.Remove(r.path("x10")); err != nil {
		t.Fatal(err)
	}
	r.round()
	r.want("abcdef")
	r.now = r.now.Add(2 * time.Minute) // nothing was written for a while
	r.round()
	r.want("abcdefgh")
	rotate(t, r.path("x11"), 6, 11, r.now) // it grows after all
	r.round()
	r.want("abcdefgh")
	r.now = r.now.Add(2 * time.Minute)
	r.round()
	r.want("abcdefghijk")
	rotate(t, r.path("x2.gz"), 11, 13, r.now.Add(-time.Hour)) // a ring begins again with the first name
	write(t, r.path("x12"), last[:24], r.now)                 // no packet yet
	r.round()
	r.want("abcdefghijklm")
	if st := r.src.Status(); st.State != ingest.Running || st.Refused+st.Lost != 0 || st.Last.IsZero() {
		t.Errorf("%+v", st)
	}
}

// After a kill between the spool and the note packets come again, with the places
// that they had.
func TestKilledBeforeTheNote(t *testing.T) {
	r := newRing(t)
	rotate(t, r.path("x1"), 0, 4, r.now.Add(-3*time.Second))
	rotate(t, r.path("x2"), 4, 8, r.now.Add(-2*time.Second))
	r.round()
	before, err := os.ReadFile(r.cfg.State)
	if err != nil {
		t.Fatal(err)
	}
	rotate(t, r.path("x3"), 8, 12, r.now)
	r.round()
	r.round()
	if err := os.WriteFile(r.cfg.State, before, 0o600); err != nil { // what was noted last is lost
		t.Fatal(err)
	}
	r.start()
	r.now = r.now.Add(time.Hour)
	r.round()
	r.want("abcdefghijkl")
	if err := os.Remove(r.cfg.State); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.round()
	r.want("abcdefghijkl")
}

// What is damaged, cut off or gone is told, and holds nothing up.
func TestBadFiles(t *testing.T) {
	r := newRing(t)
	whole := rotate(t, r.path("x1"), 0, 3, r.now.Add(-9*time.Second))
	write(t, r.path("x1"), whole[:len(whole)-7], r.now.Add(-9*time.Second))
	write(t, r.path("x2"), []byte(strings.Repeat("this is no capture ", 9)), r.now.Add(-8*time.Second))
	write(t, r.path("x3.gz"), nil, r.now.Add(-7*time.Second))
	if err := os.WriteFile(r.path("x4.gz"), []byte{0x1f, 0x8b, 1, 2, 3}, 0o600); err != nil {
		t.Fatal(err)
	}
	rotate(t, r.path("x5"), 5, 7, r.now.Add(-time.Second))
	rotate(t, r.path("x6"), 7, 9, r.now) // still written to
	r.round()
	r.want("abfg")
	st := r.src.Status()
	if st.Refused != 2 {
		t.Errorf("%+v", st)
	}
	refused := st.Refused
	r.round()
	if st := r.src.Status(); st.Refused != refused || st.State != ingest.Failing || !strings.Contains(st.Text, "x4.gz cannot be opened") {
		t.Errorf("%+v", st)
	}
	if raw, err := os.ReadFile(r.cfg.State); err != nil || !strings.Contains(string(raw), "what is whole was taken") {
		t.Errorf("%s, %v", raw, err)
	}
	if err := os.Remove(r.path("x6")); err != nil {
		t.Fatal(err)
	}
	r.round()
	if st := r.src.Status(); st.Lost != 1 {
		t.Errorf("a file that is deleted before it is read: %+v", st)
	}
}

// It runs until it is ended, and takes what appears.
func TestRun(t *testing.T) {
	r := newRing(t)
	r.cfg.Poll, r.cfg.Now = 5*time.Millisecond, time.Now
	src, err := New(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- src.Run(ctx, &r.box) }()
	rotate(t, r.path("x1"), 0, 3, time.Now().Add(-time.Hour))
	ingesttest.Eventually(t, "a file is read", func() bool { return r.got() == "abc" })
	cancel()
	if err := <-done; err != nil || src.Status().State != ingest.Stopped {
		t.Errorf("%v, %+v", err, src.Status())
	}
}

// FuzzState: whatever is kept, it is read or refused, never a panic.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"at":{"x":1},"read":{"k":{"packets":1,"done":true}}}`))
	f.Add([]byte(`{"at":null,"read":{"k":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{Name: "s", Paths: []string{"/nothing/here*"}, State: path, Cut: capfile.Cut})
		if err != nil {
			t.Fatal(err)
		}
		if s.restore() == nil {
			if err := s.round(t.Context(), &ingesttest.Box{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
