package capture

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

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

// many sends frames with one call each 64 of them.
type many struct {
	fd   int
	msgs [64]struct {
		head unix.Msghdr
		n    uint32
		_    uint32
	}
	iov [64]unix.Iovec
}

func newMany(fd int, frame func(i int) []byte) *many {
	m := &many{fd: fd}
	for i := range m.msgs {
		f := frame(i)
		m.iov[i].Base = &f[0]
		m.iov[i].SetLen(len(f))
		m.msgs[i].head.Iov = &m.iov[i]
		m.msgs[i].head.SetIovlen(1)
	}
	return m
}

// send sends n frames; what has no room is tried again.
func (m *many) send(n int) error {
	for n > 0 {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(m.fd), uintptr(unsafe.Pointer(&m.msgs[0])), uintptr(min(n, len(m.msgs))), 0, 0, 0)
		switch errno {
		case 0:
			n -= int(sent)
		case unix.EAGAIN, unix.ENOBUFS, unix.EINTR:
			runtime.Gosched()
		default:
			return errno
		}
	}
	return nil
}

// sender sends frames of 554 bytes: datagrams of 512 over the loopback, all of one
// flow, or of 64 flows out of the interface that VEDETTE_SEND names (the peer of VEDETTE_CAPTURE).
func sender(b *testing.B) (m *many, listen string) {
	b.Helper()
	if os.Getuid() != 0 {
		b.Skip("needs root to open a packet socket")
	}
	if name := os.Getenv("VEDETTE_SEND"); name != "" {
		ifc, err := net.InterfaceByName(name)
		if err != nil {
			b.Fatal(err)
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifc.Index})
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = unix.Close(fd) })
		frame := func(i int) []byte { return []byte(datagram(uint16(30000+i), 502, false, string(make([]byte, 512)))) }
		return newMany(fd, frame), os.Getenv("VEDETTE_CAPTURE")
	}
	heard, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = heard.Close() })
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: heard.LocalAddr().(*net.UDPAddr).Port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	return newMany(fd, func(int) []byte { return make([]byte, 512) }), "lo"
}

// BenchmarkCapture sends at several rates and tells the share that was not taken,
// with a ring and without, with two readers, and with a filter that takes none of
// them, in turns.
func BenchmarkCapture(b *testing.B) {
	for _, rate := range []int{78_000, 200_000, 400_000, 0} {
		for _, c := range []struct {
			name    string
			ring    int
			readers int
			filter  string
		}{{"calls", -1, 1, ""}, {"ring", 0, 1, ""}, {"two", 0, 2, ""}, {"none", 0, 1, "tcp port 502 and not net 10.0.0.0/8"}} {
			name := fmt.Sprintf("%d-%s", rate, c.name)
			if rate == 0 {
				name = "most-" + c.name
			}
			b.Run(name, func(b *testing.B) {
				m, listen := sender(b)
				src, err := New(Config{Name: "c", Interface: listen, Ring: c.ring, Readers: c.readers, Filter: c.filter})
				if err != nil {
					b.Fatal(err)
				}
				measure(b, m, src, rate)
			})
		}
	}
}

func measure(b *testing.B, m *many, src ingest.Source, rate int) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	to, done := &bin{}, make(chan error, 1)
	go func() { done <- src.Run(ctx, to) }()
	time.Sleep(200 * time.Millisecond)
	b.SetBytes(554)
	before := taken(b)
	b.ResetTimer()
	if err := pace(m, b.N, rate); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	time.Sleep(500 * time.Millisecond)
	cancel()
	if err := <-done; err != nil {
		b.Skip(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
	b.ReportMetric(max(0, 100*(1-float64(to.packets)/float64(b.N))), "%lost")
	b.ReportMetric(float64(taken(b)-before)/float64(b.N), "cpu-ns/packet") // of sender and capture
}

// pace sends n frames, so many a second, a thousandth of them at a time.
func pace(m *many, n, rate int) error {
	begun := time.Now()
	for sent := 0; sent < n; {
		now := n - sent
		if rate > 0 {
			if now = min(now, int(time.Since(begun).Seconds()*float64(rate))-sent); now < 1 {
				time.Sleep(time.Millisecond)
				continue
			}
		}
		if err := m.send(now); err != nil {
			return err
		}
		sent += now
	}
	return nil
}

// taken is what the process took of the processors.
func taken(b *testing.B) int64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}
