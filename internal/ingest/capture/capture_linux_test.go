package capture

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
	"vedette/internal/normalize/wire/capfile"
)

type spool struct {
	mu   sync.Mutex
	data []byte
}

func (s *spool) Put(_ context.Context, p ingest.Payload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = append(s.data, p.Data...)
	return nil
}

// What passes over the loopback is taken once.
func TestLoopback(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to open a packet socket")
	}
	src, err := New(Config{Name: "c", Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	to, done := &spool{}, make(chan error, 1)
	go func() { done <- src.Run(ctx, to) }()
	time.Sleep(200 * time.Millisecond)
	if st := src.Status(); st.State == ingest.Stopped {
		cancel()
		t.Skip("no packet socket here: " + (<-done).Error())
	}
	heard, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	conn, err := net.Dial("udp", heard.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	const n = 20
	for range n {
		_, _ = conn.Write([]byte("vedette-capture-mark"))
		time.Sleep(time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// 14 bytes of Ethernet, 20 of IP, 8 of UDP and the mark
	own := []byte{0, 0, 0, 16 + 62}
	got := 0
	for b := to.data; len(b) >= 4; {
		size := 4 + int(b[2])<<8 + int(b[3])
		if bytes.HasPrefix(b, own) && bytes.HasSuffix(b[:size], []byte("vedette-capture-mark")) {
			got++
		}
		b = b[size:]
	}
	if got != n {
		t.Errorf("%d of %d datagrams", got, n)
	}
}

// listening runs a source until the test ends it, and gives what it took.
func listening(t *testing.T, cfg Config) (src *Source, to *spool, end func() []capfile.Packet) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to open a packet socket")
	}
	src, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	to = &spool{}
	done := make(chan error, 1)
	go func() { done <- src.Run(ctx, to) }()
	deadline := time.Now().Add(5 * time.Second)
	for src.Status().State == ingest.Starting && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if st := src.Status(); st.State == ingest.Stopped {
		cancel()
		t.Skip("no packet socket here: " + (<-done).Error())
	}
	var once sync.Once
	var list []capfile.Packet
	end = func() []capfile.Packet {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			list = packetsOf(t, to.data)
		})
		return list
	}
	t.Cleanup(func() { end() })
	return src, to, end
}

// sendFrames puts frames on an interface.
func sendFrames(t *testing.T, name string, frames ...string) {
	t.Helper()
	ifc, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, f := range frames {
		if err := unix.Sendto(fd, []byte(f), 0, &unix.SockaddrLinklayer{Ifindex: ifc.Index}); err != nil {
			t.Fatal(err)
		}
	}
}

// What comes is the same with a ring and without one: VLAN tags that the kernel
// takes off are back, and a packet that is cut off says how long it was.
func TestFrames(t *testing.T) {
	const ends = "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
	long := ends + "\x88\xb5mark" + strings.Repeat("x", 400)
	for name, ring := range map[string]int{"ring": MinRing, "calls": -1} {
		src, _, end := listening(t, Config{Name: "c", Interface: "lo", Ring: ring, Snap: 100})
		if st := src.Status(); st.State != ingest.Running || st.Text != "" {
			t.Errorf("%s: %+v", name, st)
		}
		begun := time.Now().Add(-time.Second)
		sendFrames(t, "lo", ends+"\x81\x00\x20\x05\x88\xb5mark in a vlan", ends+"\x88\xa8\x00\x07\x81\x00\x00\x08\x88\xb5mark in two", long)
		time.Sleep(3 * batchAge)
		var got []string
		for _, p := range end() {
			if !strings.HasPrefix(string(p.Data), ends) || p.Link != 1 { // others use the interface too
				continue
			}
			if p.Time.Before(begun) || p.Time.After(time.Now()) {
				t.Errorf("%s: the time %v", name, p.Time)
			}
			got = append(got, fmt.Sprint(p.Orig, " ", string(p.Data)))
		}
		want := []string{"32 " + ends + "\x81\x00\x20\x05\x88\xb5mark in a vlan", "33 " + ends + "\x88\xa8\x00\x07\x81\x00\x00\x08\x88\xb5mark in two", "418 " + long[:100]}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A ring that goes round several times keeps the order, and what is not there is
// counted.
func TestRingGoesRound(t *testing.T) {
	src, _, end := listening(t, Config{Name: "c", Interface: "lo", Ring: MinRing})
	const n = 10_000 // of 1 KiB, ten rings
	var frames []string
	for i := range n {
		frames = append(frames, fmt.Sprintf("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\xb5round%05d%1000d", i, 0))
		if len(frames) == 100 {
			sendFrames(t, "lo", frames...)
			frames = frames[:0]
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(3 * batchAge)
	got, last := int64(0), ""
	for _, p := range end() {
		if len(p.Data) < 24 || string(p.Data[14:19]) != "round" {
			continue
		}
		if now := string(p.Data[19:24]); now <= last {
			t.Fatalf("%s comes after %s", now, last)
		}
		got, last = got+1, string(p.Data[19:24])
	}
	if st := src.Status(); got > n || got+st.Lost < n || got < n/2 || st.Refused != 0 { // a busy machine may lose some, and counts them
		t.Errorf("%d of %d, %+v", got, n, st)
	}
}

// An interface that goes down or away is told, and heard again when it is back.
func TestInterfaceComesBack(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to make an interface")
	}
	const a, b = "vdttest0", "vdttest1"
	ip := func(args ...string) bool {
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			t.Logf("ip %v: %v %s", args, err, out)
		}
		return err == nil
	}
	add := func() bool {
		return ip("link", "add", a, "type", "veth", "peer", "name", b) && ip("link", "set", b, "up") && ip("link", "set", a, "up")
	}
	if !add() {
		t.Skip("no interface can be made here")
	}
	t.Cleanup(func() { ip("link", "del", a) })
	src, _, end := listening(t, Config{Name: "c", Interface: b})
	stands := func(state ingest.State, text string) {
		t.Helper()
		ingesttest.Eventually(t, string(state)+" "+text, func() bool {
			st := src.Status()
			return st.State == state && strings.Contains(st.Text, text)
		})
	}
	stands(ingest.Running, "")
	ip("link", "set", b, "down")
	stands(ingest.Failing, "is down")
	ip("link", "set", b, "up")
	stands(ingest.Running, "")
	ip("link", "del", a)
	stands(ingest.Failing, b)
	if !add() {
		t.Fatal("it cannot be made again")
	}
	stands(ingest.Running, "")
	sendFrames(t, a, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\xb5after it came back")
	time.Sleep(3 * batchAge)
	heard := false
	for _, p := range end() {
		heard = heard || strings.HasSuffix(string(p.Data), "after it came back")
	}
	if !heard {
		t.Error("nothing is heard of the interface that came back")
	}
}
