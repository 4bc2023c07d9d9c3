package syslog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// box keeps what it is given; full refuses everything.
type box struct {
	mu     sync.Mutex
	got    []ingest.Payload
	full   bool
	broken bool
}

func (b *box) Put(_ context.Context, p ingest.Payload) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return fault.New(fault.Limited, "full")
	}
	if b.broken {
		return fault.New(fault.Unavailable, "the disk is away")
	}
	p.Data = bytes.Clone(p.Data)
	b.got = append(b.got, p)
	return nil
}

func (b *box) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out strings.Builder
	for _, p := range b.got {
		out.Write(p.Data)
	}
	return out.String()
}

// freePort is an address that nothing listens on at the moment, udp and tcp.
func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// running starts a source and waits until it listens.
func running(t *testing.T, cfg Config, to ingest.Spooler) (*Source, func() error) {
	t.Helper()
	cfg.Name, cfg.Listen = "s", freePort(t)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, to) }()
	eventually(t, "it runs", func() bool { return s.Status().State == ingest.Running })
	return s, func() error { cancel(); return <-done }
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("it never came that %s", what)
}

func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestBothTransports(t *testing.T) {
	b := &box{}
	s, stop := running(t, Config{UDP: true, TCP: true, MaxMessage: 100}, b)
	udp, tcp := dial(t, "udp", s.cfg.Listen), dial(t, "tcp", s.cfg.Listen)
	fmt.Fprint(udp, "<34>Oct 11 22:14:15 plc1 su: over udp")
	fmt.Fprint(udp, strings.Repeat("x", 101)) // refused
	fmt.Fprint(tcp, "2026-11-28 no priority\n<34>one\n27 <34>two is counted\nand longx<34>three\r\n"+strings.Repeat("y", 300)+"\n<34>four")
	_ = tcp.Close()
	eventually(t, "all came", func() bool { return strings.Count(b.text(), "\n") == 6 })
	got := b.text()
	for _, want := range []string{"over udp\n", "2026-11-28 no priority\n", "<34>one\n", "<34>two is counted#012and long", "<34>three\n", "<34>four\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if st := s.Status(); st.Received != 6 || st.Refused != 2 || st.Lost != 0 {
		t.Errorf("%+v", st)
	}
	for _, p := range b.got {
		if p.Peer != "127.0.0.1" || p.Source != "s" || p.Key != "" {
			t.Errorf("%+v", p)
		}
	}
	if err := stop(); err != nil || s.Status().State != ingest.Stopped {
		t.Errorf("%v, %+v", err, s.Status())
	}
}

// What a full spool does not take is counted as lost, and the source goes on.
func TestFullSpool(t *testing.T) {
	b := &box{full: true}
	s, stop := running(t, Config{UDP: true}, b)
	udp := dial(t, "udp", s.cfg.Listen)
	fmt.Fprint(udp, "<34>lost")
	eventually(t, "it is lost", func() bool { return s.Status().Lost == 1 })
	b.mu.Lock()
	b.full = false
	b.mu.Unlock()
	fmt.Fprint(udp, "<34>kept")
	eventually(t, "the next is kept", func() bool { return b.text() == "<34>kept\n" })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What fails otherwise waits until it goes again, in order.
func TestBrokenSpool(t *testing.T) {
	b := &box{broken: true}
	s, stop := running(t, Config{TCP: true}, b)
	tcp := dial(t, "tcp", s.cfg.Listen)
	fmt.Fprint(tcp, "<34>one\n")
	eventually(t, "it says so", func() bool {
		st := s.Status()
		return st.State == ingest.Failing && st.Text == "the disk is away"
	})
	fmt.Fprint(tcp, "<34>two\n")
	eventually(t, "two came", func() bool { return s.Status().Received == 2 })
	b.mu.Lock()
	b.broken = false
	b.mu.Unlock()
	eventually(t, "both are there, in order", func() bool { return b.text() == "<34>one\n<34>two\n" })
	if st := s.Status(); st.State != ingest.Running || st.Lost != 0 || s.held != 0 {
		t.Errorf("%+v, %d bytes held", st, s.held)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Senders that are made up fill neither memory nor the table of peers.
func TestSpoofedSenders(t *testing.T) {
	s, err := New(Config{Name: "s", Listen: "127.0.0.1:1", UDP: true})
	if err != nil {
		t.Fatal(err)
	}
	msg := bytes.Repeat([]byte("x"), 4000)
	for i := range maxWaiting + 100 {
		s.take(t.Context(), fmt.Sprint(i), msg, &box{}, false)
	}
	if st := s.Status(); len(s.waiting) > maxWaiting || s.held > maxHeld+len(msg)+1 || st.Lost == 0 || st.Received+st.Lost != maxWaiting+100 {
		t.Errorf("%d peers, %d bytes, %+v", len(s.waiting), s.held, st)
	}
}

// A peer that says nothing, or half a message, is let go; more than allowed are
// turned away.
func TestSlowAndManyPeers(t *testing.T) {
	s, stop := running(t, Config{TCP: true, MaxPeers: 8, Idle: 50 * time.Millisecond}, &box{})
	one, two := dial(t, "tcp", s.cfg.Listen), dial(t, "tcp", s.cfg.Listen)
	fmt.Fprint(one, "999 <34>half")
	eventually(t, "both are in", func() bool { return s.Status().Peers == 2 || s.Status().Refused > 0 })
	three := dial(t, "tcp", s.cfg.Listen)
	for _, c := range []net.Conn{one, two, three} {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !strings.Contains(fmt.Sprint(err), "reset") {
			t.Errorf("a connection is not closed: %v", err)
		}
	}
	eventually(t, "all have left", func() bool { return s.Status().Peers == 0 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestSilence(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s, err := New(Config{Name: "s", Listen: "127.0.0.1:1", UDP: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	s.state(ingest.Running, "")
	now = now.Add(20 * time.Minute)
	if st := s.Status(); st.State != ingest.Silent { // it never heard anything
		t.Errorf("%+v", st)
	}
	s.take(t.Context(), "a", []byte("x"), &box{}, true)
	now = now.Add(14 * time.Minute)
	if st := s.Status(); st.State != ingest.Running {
		t.Errorf("%+v", st)
	}
	now = now.Add(2 * time.Minute)
	if st := s.Status(); st.State != ingest.Silent || !strings.Contains(st.Text, "16m") {
		t.Errorf("%+v", st)
	}
}

func TestTakenPort(t *testing.T) {
	address := freePort(t)
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s, err := New(Config{Name: "s", Listen: address, TCP: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), &box{}); fault.KindOf(err) != fault.Unavailable || s.Status().State != ingest.Stopped || s.Status().Text == "" {
		t.Errorf("%v, %+v", err, s.Status())
	}
	for _, bad := range []Config{{Name: "s", Listen: "nowhere", UDP: true}, {Name: "s", Listen: "127.0.0.1:1"}} {
		if _, err := New(bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// A real sender: logger of util-linux, both framings and UDP.
func TestLogger(t *testing.T) {
	path, err := exec.LookPath("logger")
	if err != nil {
		t.Skip("logger of util-linux is not installed: apt install bsdutils")
	}
	b := &box{}
	s, stop := running(t, Config{UDP: true, TCP: true}, b)
	host, port, _ := net.SplitHostPort(s.cfg.Listen)
	for i, args := range [][]string{{"--udp", "--rfc3164"}, {"--udp", "--rfc5424"}, {"--tcp", "--rfc5424"}, {"--tcp", "--octet-count"}} {
		args = append(args, "--server", host, "--port", port, "-t", "vedette", fmt.Sprintf("message %d of a real sender", i))
		if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	eventually(t, "four messages came", func() bool { return strings.Count(b.text(), "of a real sender\n") == 4 })
	if st := s.Status(); st.Refused != 0 || st.Received != 4 {
		t.Errorf("%+v\n%s", st, b.text())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// FuzzFrames: whatever comes, no message is longer than allowed, the same bytes
// give the same messages however they arrive, and a well-framed stream gives its
// messages back.
func FuzzFrames(f *testing.F) {
	for _, s := range []string{"<34>a\n<34>b\n", "5 hello6 <1>abc", "12x", "2026-11-28 a date\n", "999999999999 a", "3 ab", "7 a\nb\r\n\x00c", "\n\n\x00", strings.Repeat("z", 200)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		const limit = 64
		all := func(in io.Reader) (out []string) {
			fr := newFrames(in, limit)
			for range len(raw) + 1 {
				msg, err := fr.next()
				if errors.Is(err, errTooLong) {
					out = append(out, "too long")
					continue
				}
				if err != nil {
					break
				}
				if len(msg) > limit+2 {
					t.Fatalf("a message of %d bytes", len(msg))
				}
				out = append(out, string(msg))
			}
			return out
		}
		whole, bit := all(bytes.NewReader(raw)), all(iotest.OneByteReader(bytes.NewReader(raw)))
		if fmt.Sprint(whole) != fmt.Sprint(bit) {
			t.Fatalf("%q gives %q at once and %q byte by byte", raw, whole, bit)
		}
		msg := bytes.TrimRight(append([]byte("<"), raw[:min(len(raw), limit-1)]...), "\r\n\x00")
		if got := all(strings.NewReader(fmt.Sprintf("%d %s", len(msg), msg))); len(got) != 1 || got[0] != string(msg) {
			t.Fatalf("counted %q gives %q", msg, got)
		}
	})
}
