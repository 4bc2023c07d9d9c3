package tail

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/ingest"
)

// packs writes what a file holds into another, as gzip does, and forgets the first.
func (w *world) packs(from, to string) {
	w.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dir, from))
	w.do(err)
	w.pack(to, raw)
	w.do(os.Remove(filepath.Join(w.dir, from)))
}

func (w *world) pack(name string, raw []byte) {
	w.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(raw)
	w.do(err)
	w.do(z.Close())
	path := filepath.Join(w.dir, name)
	w.do(os.WriteFile(path, b.Bytes(), 0o600))
	w.do(os.Chtimes(path, w.now, w.now))
}

// rest lets packed files rest long enough.
func (w *world) rest() {
	w.look()
	w.now = w.now.Add(packedRests)
	w.look()
}

// starts over with patterns that match packed files too.
func (w *world) startAll() {
	w.Helper()
	s, err := New(Config{Name: "logs", Paths: []string{filepath.Join(w.dir, "*.log*")}, State: filepath.Join(w.dir, "state.json"), Now: func() time.Time { return w.now }})
	w.do(err)
	w.do(s.restore())
	w.s = s
}

// A rotated file that is packed is read once: what it got after it was read as a
// plain file is taken, and nothing twice.
func TestPackedAfterRotation(t *testing.T) {
	for _, c := range []struct {
		name    string
		lines   int
		between func(w *world) // after the first look, before it is packed
	}{
		{"read whole", 5, func(*world) {}},
		{"lines after the last look", 5, func(w *world) { w.write("a.log.1", 4) }},
		{"many lines", 4000, func(w *world) { w.write("a.log.1", 4000) }},
		{"packed when it was let go", 300, func(w *world) { w.look(); w.now = w.now.Add(time.Hour); w.look(); w.look() }},
		{"a restart between", 300, func(w *world) { w.s.close(); w.startAll() }},
		{"let go, and a restart", 300, func(w *world) {
			w.do(os.Rename(filepath.Join(w.dir, "a.log.1"), filepath.Join(w.dir, "hidden")))
			w.now = w.now.Add(time.Hour)
			w.look()
			w.now = w.now.Add(time.Hour)
			w.look()
			w.s.close()
			w.startAll()
			w.do(os.Rename(filepath.Join(w.dir, "hidden"), filepath.Join(w.dir, "a.log.1")))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.startAll()
			w.write("a.log", c.lines)
			w.look()
			w.do(os.Rename(filepath.Join(w.dir, "a.log"), filepath.Join(w.dir, "a.log.1")))
			w.write("a.log", 2)
			c.between(w)
			w.packs("a.log.1", "a.log.1.gz")
			w.rest()
			w.check("packed")
			puts := w.spool.puts
			w.rest()
			w.s.close()
			w.startAll()
			w.rest()
			w.check("after a restart")
			if len(w.spool.at) != 2 {
				t.Errorf("%d streams, so a file counts as two", len(w.spool.at))
			}
			if w.spool.puts > puts+4 {
				t.Errorf("a packed file is read again and again: %d more parts", w.spool.puts-puts)
			}
		})
	}
}

// A packed file that nobody followed is read from its beginning, one that begins
// like another but went on otherwise too, and lines without an end at its end.
func TestPackedAlone(t *testing.T) {
	w := newWorld(t)
	w.startAll()
	same := strings.Repeat("the same beginning of both files\n", 100)
	w.do(os.WriteFile(filepath.Join(w.dir, "one.log"), []byte(same+"one ends so\n"), 0o600))
	w.look()
	w.pack("other.log.gz", []byte(same+"other ends otherwise\nand without an end"))
	w.rest()
	got := w.spool.lines()
	if !slices.Contains(got, "other ends otherwise") || !slices.Contains(got, "and without an end") || len(got) != 203 {
		t.Errorf("%d lines: %.200v", len(got), got[len(got)-4:])
	}
}

// What is damaged is refused, told and left alone; the others are read.
func TestPackedDamaged(t *testing.T) {
	w := newWorld(t)
	w.startAll()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for range 100_000 {
		_, _ = z.Write([]byte("some line\n"))
	}
	_ = z.Close()
	half := b.Bytes()[:b.Len()/2]
	for name, raw := range map[string][]byte{"half.log.gz": half, "none.log.gz": []byte("this is no gzip"), "empty.log.gz": nil} {
		w.do(os.WriteFile(filepath.Join(w.dir, name), raw, 0o600))
		w.do(os.Chtimes(filepath.Join(w.dir, name), w.now, w.now))
	}
	w.write("a.log", 3)
	w.look()
	w.now = w.now.Add(packedRests)
	w.look()
	if st := w.s.Status(); st.State != ingest.Failing || st.Refused != 3 {
		t.Errorf("%+v", st)
	}
	w.look()
	if st := w.s.Status(); st.State != ingest.Running || st.Refused != 3 {
		t.Errorf("it is tried again: %+v", st)
	}
	if got := w.spool.lines(); !slices.Contains(got, "line 000003") {
		t.Errorf("the file beside was not read: %d", len(got))
	}
}

// Directories, and files anywhere below them.
func TestDirectories(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.log", "b.txt", ".hidden", "x/c.log", "x/y/d.log", "x/.git/e.log", "1/2/3/4/5/6/7/8/9/10/deep.log"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string][]string{
		"":           {"a.log", "b.txt"},
		"*.log":      {"a.log"},
		"**":         {"a.log", "b.txt", "x/c.log", "x/y/d.log"},
		"**/*.log":   {"a.log", "x/c.log", "x/y/d.log"},
		"x/**/d.log": {"x/y/d.log"},
		"none/**":    nil,
	} {
		got, err := expand(filepath.Join(dir, pattern))
		for i := range got {
			got[i], _ = filepath.Rel(dir, got[i])
		}
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", pattern, got, err)
		}
	}
}

// FuzzPacked: whatever a packed file holds, and however far its plain form was
// read, each line is there once, or the file is refused.
func FuzzPacked(f *testing.F) {
	f.Add([]byte("one\ntwo\nthree\n"), uint16(4), false)
	f.Add([]byte("\ne\n"), uint16(4), true)
	f.Add(bytes.Repeat([]byte("a longer line of many\n"), 200), uint16(1500), true)
	f.Fuzz(func(t *testing.T, text []byte, cut uint16, damaged bool) {
		if len(text) > 1<<16 {
			return
		}
		w := newWorld(t)
		w.startAll()
		at := min(int(cut), len(text))
		path := filepath.Join(w.dir, "a.log")
		w.do(os.WriteFile(path, text[:at], 0o600))
		w.look()
		w.do(os.WriteFile(path, text, 0o600))
		w.packs("a.log", "a.log.1.gz")
		if damaged {
			packed := filepath.Join(w.dir, "a.log.1.gz")
			raw, err := os.ReadFile(packed)
			w.do(err)
			w.do(os.WriteFile(packed, raw[:len(raw)/2], 0o600))
			w.do(os.Chtimes(packed, w.now, w.now))
		}
		w.rest()
		want := 0
		for range bytes.Lines(text) {
			want++
		}
		got := 0
		for _, places := range w.spool.at {
			got += len(places)
		}
		if refused := w.s.Status().Refused; got > want || got < want && refused == 0 {
			t.Fatalf("%d lines of %d, %d refused", got, want, refused)
		}
	})
}
