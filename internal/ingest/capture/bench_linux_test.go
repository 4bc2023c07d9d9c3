package capture

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"vedette/internal/ingest"
)

// bin counts what it is given.
type bin struct{ packets int64 }

func (s *bin) Put(_ context.Context, p ingest.Payload) error {
	for b := p.Data; len(b) >= 4; s.packets++ {
		b = b[4+int(b[1])<<16+int(b[2])<<8+int(b[3]):]
	}
	return nil
}

// BenchmarkLoopback sends datagrams of 512 bytes as fast as one sender can, and
// tells the share that was not taken.
func BenchmarkLoopback(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("needs root to open a packet socket")
	}
	heard, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer heard.Close()
	conn, err := net.Dial("udp", heard.LocalAddr().String())
	if err != nil {
		b.Fatal(err)
	}
	src, err := New(Config{Name: "c", Interface: "lo"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	to, done := &bin{}, make(chan error, 1)
	go func() { done <- src.Run(ctx, to) }()
	time.Sleep(200 * time.Millisecond)
	data := make([]byte, 512)
	b.SetBytes(512)
	b.ResetTimer()
	for range b.N {
		_, _ = conn.Write(data)
	}
	b.StopTimer()
	time.Sleep(500 * time.Millisecond)
	cancel()
	if err := <-done; err != nil {
		b.Skip(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
	b.ReportMetric(max(0, 100*(1-float64(to.packets)/float64(b.N))), "%lost")
}
