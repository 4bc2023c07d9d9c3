package netflow

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
)

// message5 is a NetFlow v5 message of n empty records.
func message5(n int) []byte {
	b := make([]byte, 24+48*n)
	binary.BigEndian.PutUint16(b, 5)
	binary.BigEndian.PutUint16(b[2:], uint16(n))
	return b
}

func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

func running(t *testing.T, cfg Config, to ingest.Spooler) (*Source, func() error) {
	t.Helper()
	cfg.Name, cfg.Listen = "flows", freePort(t)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, to) }()
	ingesttest.Eventually(t, "it runs", func() bool { return s.Status().State == ingest.Running })
	return s, func() error { cancel(); return <-done }
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Only whole messages are handed on, each as a payload of its exporter.
func TestWholeMessages(t *testing.T) {
	b := &ingesttest.Box{}
	s, stop := running(t, Config{}, b)
	one, two := dial(t, s.cfg.Listen), dial(t, s.cfg.Listen)
	good := message5(2)
	bad := [][]byte{good[:len(good)-1], append(message5(1), 0), []byte("GET / HTTP/1.1\r\n\r\n"), {5}, {0, 9, 0, 1}, {0, 10, 0, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}
	for _, raw := range append(bad, good) {
		_, _ = one.Write(raw)
	}
	_, _ = two.Write(message5(1)) // from another port of the same exporter
	ingesttest.Eventually(t, "all came", func() bool { st := s.Status(); return st.Received == 2 && st.Refused == 6 })
	for _, p := range b.All() {
		if p.Peer != "127.0.0.1" || p.Source != "flows" || p.Key != "" || p.Format != Format || p.Received.IsZero() {
			t.Errorf("%+v", p)
		}
	}
	if err := stop(); err != nil || s.Status().State != ingest.Stopped {
		t.Errorf("%v, %+v", err, s.Status())
	}
}

// Only who is named may send, and never more than there is room for.
func TestWhoMaySend(t *testing.T) {
	now := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	cfg := Config{Name: "f", Listen: "127.0.0.1:1", MaxExporters: 10, Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Now: func() time.Time { return now }}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := &ingesttest.Box{}
	s.take(t.Context(), netip.MustParseAddr("198.51.100.1"), message5(1), b)
	if st := s.Status(); st.Refused != 1 || st.Peers != 0 {
		t.Errorf("a stranger: %+v", st)
	}
	for i := range 200 {
		s.take(t.Context(), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), message5(1), b)
	}
	if st := s.Status(); st.Received != 10 || st.Refused != 191 || st.Peers != 10 || st.State != ingest.Failing || !strings.Contains(st.Text, "exporters") {
		t.Errorf("too many: %+v", st)
	}
	s.take(t.Context(), netip.MustParseAddr("192.0.2.3"), message5(1), b) // who was there before is heard
	now = now.Add(59 * time.Minute)
	s.take(t.Context(), netip.MustParseAddr("192.0.2.3"), message5(1), b)
	now = now.Add(2 * time.Minute)
	s.take(t.Context(), netip.MustParseAddr("192.0.2.77"), message5(1), b) // and silence makes room
	if st := s.Status(); st.Received != 13 || st.Peers != 2 || st.State != ingest.Running {
		t.Errorf("after an hour: %+v", st)
	}
}

// What the spool does not take is lost and counted, and the source goes on.
func TestSpoolTrouble(t *testing.T) {
	b := &ingesttest.Box{}
	s, stop := running(t, Config{}, b)
	conn := dial(t, s.cfg.Listen)
	b.Fail(fault.New(fault.Limited, "full"))
	_, _ = conn.Write(message5(1))
	ingesttest.Eventually(t, "it is lost", func() bool { return s.Status().Lost == 1 })
	b.Fail(fault.New(fault.Unavailable, "the disk is away"))
	_, _ = conn.Write(message5(1))
	ingesttest.Eventually(t, "it says so", func() bool { st := s.Status(); return st.State == ingest.Failing && st.Text == "the disk is away" })
	b.Fail(nil)
	_, _ = conn.Write(message5(1))
	ingesttest.Eventually(t, "it goes on", func() bool { return s.Status().Received == 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestTakenPort(t *testing.T) {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, err := New(Config{Name: "f", Listen: conn.LocalAddr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), &ingesttest.Box{}); fault.KindOf(err) != fault.Unavailable || s.Status().State != ingest.Stopped || s.Status().Text == "" {
		t.Errorf("%v, %+v", err, s.Status())
	}
	if _, err := New(Config{Name: "f", Listen: "nowhere"}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

// A real exporter: softflowd, all three versions. Its control socket is off: with it version 1.1.0 may wait for ever at the end of a
// capture.
func TestSoftflowd(t *testing.T) {
	path, err := exec.LookPath("softflowd")
	if err != nil {
		t.Skip("softflowd is not installed: apt install softflowd")
	}
	pcaps, _ := filepath.Glob("../../normalize/testdata/capture/*.pcap")
	if len(pcaps) == 0 {
		t.Fatal("there is no capture in the testdata of normalize")
	}
	for _, version := range []uint16{5, 9, 10} {
		b := &ingesttest.Box{}
		s, stop := running(t, Config{}, b)
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		out, err := exec.CommandContext(ctx, path, "-D", "-r", pcaps[0], "-n", s.cfg.Listen, "-v", fmt.Sprint(version),
			"-p", filepath.Join(dir, "pid"), "-c", "none").CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		ingesttest.Eventually(t, "a message came", func() bool { return s.Status().Received > 0 })
		for _, p := range b.All() {
			if binary.BigEndian.Uint16(p.Data) != version {
				t.Errorf("version %d: %x", version, p.Data)
			}
		}
		if st := s.Status(); st.Refused != 0 || st.Lost != 0 {
			t.Errorf("version %d: %+v", version, st)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// FuzzDatagram: whatever comes, each datagram is handed on as it is or counted as
// refused, and never both.
func FuzzDatagram(f *testing.F) {
	f.Add(message5(3))
	f.Add([]byte{0, 10, 0, 16, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 9})
	files, _ := filepath.Glob("../../normalize/testdata/netflow/*")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b[:min(len(b), 1400)])
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := New(Config{Name: "f", Listen: "127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		b := &ingesttest.Box{}
		s.take(t.Context(), netip.MustParseAddr("192.0.2.1"), raw, b)
		st := s.Status()
		if st.Received+st.Refused != 1 || int(st.Received) != len(b.All()) {
			t.Fatalf("%+v of one datagram", st)
		}
		if len(b.All()) == 1 && !bytes.Equal(b.All()[0].Data, raw) {
			t.Fatal("it was changed")
		}
	})
}

// A datagram that we fail on is refused and told, and the next is taken.
func TestADatagramThatPanics(t *testing.T) {
	b := &ingesttest.Frail{}
	s, _ := running(t, Config{}, b)
	c := dial(t, s.cfg.Listen)
	bad := message5(1)
	copy(bad[30:], "boom")
	for _, raw := range [][]byte{bad, message5(1), bad, message5(2)} {
		_, _ = c.Write(raw)
	}
	ingesttest.Eventually(t, "all came", func() bool { st := s.Status(); return st.Received == 2 && st.Refused == 2 })
	if told := b.Told(); len(told) != 2 || told[0].Part != "source netflow" || !bytes.Equal(told[0].Data, bad) || told[0].Peer != "127.0.0.1" || len(b.All()) != 2 {
		t.Errorf("%+v", told)
	}
}
