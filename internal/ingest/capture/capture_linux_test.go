package capture

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"vedette/internal/ingest"
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
