package bulk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// spool keeps what it is given, up to a number of bytes.
type spool struct {
	list []ingest.Payload
	room int
}

func (s *spool) Put(ctx context.Context, p ingest.Payload) error {
	if s.room -= len(p.Data); s.room < 0 {
		<-ctx.Done()
		return fault.New(fault.Limited, "the spool is full")
	}
	p.Data = bytes.Clone(p.Data)
	s.list = append(s.list, p)
	return nil
}

func (s *spool) text() string {
	var b strings.Builder
	for _, p := range s.list {
		b.Write(p.Data)
	}
	return b.String()
}

func running(t *testing.T, cfg Config, to ingest.Spooler) *Source {
	t.Helper()
	cfg.Name, cfg.Now = "api", time.Now
	s := New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, to) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for s.Status().State != ingest.Running {
		time.Sleep(time.Millisecond)
	}
	return s
}

func TestTake(t *testing.T) {
	to := &spool{room: 1 << 30}
	s := running(t, Config{Size: 64}, to)
	body := strings.Repeat(`{"a":1}`+"\n", 100) + "\n  \n" + `{"last":true}`
	got, err := s.Take(t.Context(), iotest.OneByteReader(strings.NewReader(body)), Sender{Peer: "ann", Format: "json"})
	if err != nil || got.Lines != 101 || got.Refused != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if want := strings.Replace(body, "\n\n  \n", "\n", 1); to.text() != want || got.Bytes != int64(len(want)) {
		t.Errorf("in the spool: %q", to.text())
	}
	for _, p := range to.list {
		if len(p.Data) > 64 || p.Key != "" || p.Peer != "ann" || p.Format != "json" || p.Source != "api" {
			t.Errorf("%+v", p)
		}
	}
	if st := s.Status(); st.Received != 101 || st.Last.IsZero() {
		t.Errorf("%+v", st)
	}
}

// The same body with the same key gives the same payloads, however its bytes
// arrive; another key or peer gives others.
func TestKeys(t *testing.T) {
	body := strings.Repeat("one two three\n", 50)
	cut := func(from Sender, in io.Reader) []ingest.Payload {
		to := &spool{room: 1 << 30}
		if _, err := running(t, Config{Size: 100}, to).Take(t.Context(), in, from); err != nil {
			t.Fatal(err)
		}
		for i := range to.list {
			to.list[i].Received = time.Time{}
		}
		return to.list
	}
	same := func(a, b ingest.Payload) bool { return a.Key == b.Key && bytes.Equal(a.Data, b.Data) }
	first := cut(Sender{Peer: "ann", Key: "k"}, strings.NewReader(body))
	if !slices.EqualFunc(first, cut(Sender{Peer: "ann", Key: "k"}, iotest.HalfReader(strings.NewReader(body))), same) {
		t.Error("the same body was cut in another way")
	}
	if first[0].Key == first[1].Key {
		t.Error("two payloads with one key")
	}
	for _, other := range []Sender{{Peer: "ann", Key: "l"}, {Peer: "bob", Key: "k"}} {
		if cut(other, strings.NewReader(body))[0].Key == first[0].Key {
			t.Errorf("%+v shares a key", other)
		}
	}
}

func TestFullSpool(t *testing.T) {
	to := &spool{room: 250}
	s := running(t, Config{Size: 100, Wait: 10 * time.Millisecond}, to)
	got, err := s.Take(t.Context(), strings.NewReader(strings.Repeat("123456789\n", 50)), Sender{Key: "k"})
	if fault.KindOf(err) != fault.Limited || got.Lines != 20 || len(to.list) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, hint := fault.Public(err); !strings.Contains(hint, "again") {
		t.Errorf("hint %q", hint)
	}
}

func TestBadBodies(t *testing.T) {
	to := &spool{room: 1 << 30}
	s := running(t, Config{}, to)
	long := strings.Repeat("x", ingest.MaxPayload+1)
	got, err := s.Take(t.Context(), strings.NewReader("a\n"+long+"\nb\n"+long), Sender{})
	if err != nil || got.Lines != 2 || got.Refused != 2 || to.text() != "a\nb\n" {
		t.Errorf("%+v, %v", got, err)
	}
	broken := errors.New("the line was cut")
	if _, err := s.Take(t.Context(), io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(broken)), Sender{}); !errors.Is(err, broken) {
		t.Errorf("a body that breaks off: %v", err)
	}
	if _, err := New(Config{Name: "api", Now: time.Now}).Take(t.Context(), strings.NewReader("a\n"), Sender{}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("before it runs: %v", err)
	}
}

// Whatever a body holds, its lines reach the spool once and whole, and how the
// bytes arrive changes nothing.
func FuzzTake(f *testing.F) {
	f.Add([]byte("a\nb\n\nc"), uint8(3))
	f.Add([]byte("{\"a\":1}\r\n\x00\n"), uint8(1))
	f.Fuzz(func(t *testing.T, body []byte, size uint8) {
		take := func(in io.Reader) *spool {
			to := &spool{room: 1 << 30}
			s := New(Config{Name: "api", Now: time.Now, Size: int(size) + 1})
			s.turn(to, ingest.Running)
			if _, err := s.Take(t.Context(), in, Sender{Key: "k"}); err != nil {
				t.Fatal(err)
			}
			return to
		}
		a, b := take(bytes.NewReader(body)), take(iotest.OneByteReader(bytes.NewReader(body)))
		if a.text() != b.text() || len(a.list) != len(b.list) {
			t.Fatalf("%q, %q", a.text(), b.text())
		}
		var want strings.Builder
		for line := range bytes.Lines(body) {
			if len(bytes.TrimSpace(line)) > 0 {
				want.Write(line)
			}
		}
		if a.text() != want.String() {
			t.Fatalf("%q became %q", body, a.text())
		}
	})
}

func BenchmarkTake(b *testing.B) {
	line := `{"ts":1700000000.1,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":1234,"id.resp_h":"10.0.0.2","id.resp_p":502,"proto":"tcp","service":"modbus","conn_state":"SF"}` + "\n"
	body := strings.Repeat(line, 10000)
	s := New(Config{Name: "api", Now: time.Now})
	s.turn(nowhere{}, ingest.Running)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := s.Take(b.Context(), strings.NewReader(body), Sender{Key: "k"}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10000*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

type nowhere struct{}

func (nowhere) Put(context.Context, ingest.Payload) error { return nil }
