package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

const receiveBuffer = 64 << 20 // of a socket without a ring

// Run implements [ingest.Source]. An interface that goes down or away is waited for.
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	for first := true; ; first = false {
		sock, err := s.open()
		if err == nil {
			err = s.listen(ctx, to, sock)
		} else if first && fault.KindOf(err) != fault.Unavailable {
			return s.gauge.Stop(err)
		}
		if err == nil || ctx.Err() != nil {
			s.gauge.Set(ingest.Stopped, "it was stopped")
			return nil
		}
		text, _ := fault.Public(err)
		s.stand.show(func(st *standing) { st.link = text })
		select {
		case <-ctx.Done():
		case <-time.After(openAgain):
		}
	}
}

// listen takes what a socket hears until ctx ends or it hears no more.
func (s *Source) listen(ctx context.Context, to ingest.Spooler, sock *socket) error {
	s.stand.show(func(st *standing) { st.link, st.note = "", sock.note })
	full := make(chan []byte, batches)
	done := make(chan error, 1)
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(full)
		defer sock.close()
		m := &meter{source: s, sock: sock, since: time.Now()}
		if sock.ring != nil {
			m.toll.ring = sock.ring.size()
			done <- s.readRing(reading, sock.ring, m, full)
		} else {
			done <- s.receive(reading, sock.fd, m, full)
		}
		m.ask(time.Now())
	}()
	for b := range full {
		s.put(ctx, to, b)
	}
	if err := <-done; err != nil {
		return down(err, s.cfg.Interface)
	}
	return nil
}

// down says why an interface is not heard any more.
func down(err error, name string) error {
	if errors.Is(err, unix.ENETDOWN) {
		return fault.Wrap(fault.Unavailable, err, "the interface %s is down", name).WithHint("ip link set %s up; the capture goes on by itself", name)
	}
	return fault.Wrap(fault.Unavailable, err, "capturing on %s", name)
}

// put hands a batch on, and tries again until ctx ends.
func (s *Source) put(ctx context.Context, to ingest.Spooler, b []byte) {
	for failed := false; ; failed = true {
		err := to.Put(ctx, ingest.Payload{Source: s.cfg.Name, Peer: s.cfg.Interface, Format: Format, Received: s.cfg.Now(), Data: b})
		if err == nil {
			s.gauge.Take(len(b))
			if failed {
				s.stand.show(func(st *standing) { st.put = "" })
			}
			return
		}
		if ctx.Err() != nil {
			s.gauge.Lose()
			return
		}
		text, _ := fault.Public(err)
		s.stand.show(func(st *standing) { st.put = text })
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// socket hears an interface.
type socket struct {
	fd   int
	ring *ring
	note string // why there is no ring
}

func (s *socket) close() {
	if s.ring != nil {
		s.ring.close()
	}
	_ = unix.Close(s.fd)
}

// open makes the socket and binds it to the interface.
func (s *Source) open() (*socket, error) {
	ifc, err := net.InterfaceByName(s.cfg.Interface)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "the interface %s", s.cfg.Interface).WithHint("ip link shows those that are there")
	}
	if ifc.Flags&net.FlagUp == 0 {
		return nil, down(unix.ENETDOWN, s.cfg.Interface)
	}
	sock, err := s.socket()
	if err != nil {
		return nil, err
	}
	if err := s.setUp(sock, ifc); err != nil {
		sock.close()
		return nil, down(err, s.cfg.Interface)
	}
	return sock, nil
}

// socket makes one with a ring, or without where there can be none.
func (s *Source) socket() (*socket, error) {
	note := ""
	for size := s.cfg.Ring; ; size = 0 {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			return nil, fault.Wrap(fault.Denied, err, "capturing on %s is not allowed", s.cfg.Interface).WithHint("sudo setcap cap_net_raw+ep on the program, or AmbientCapabilities=CAP_NET_RAW in its systemd unit")
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "opening a packet socket")
		}
		if size <= 0 {
			return &socket{fd: fd, note: note}, nil
		}
		r, err := openRing(fd, size)
		if err == nil {
			if r.size() < size/blockSize*blockSize {
				note = "there was memory for a ring of " + sizeText(r.size()) + " only, not " + sizeText(size)
			}
			return &socket{fd: fd, ring: r, note: note}, nil
		}
		_ = unix.Close(fd)
		text, _ := fault.Public(err)
		note = "without a ring shared with the kernel, so bursts may be lost: " + text + ": " + errors.Unwrap(err).Error()
	}
}

func (s *Source) setUp(sock *socket, ifc *net.Interface) error {
	fd := sock.fd
	var errs []error
	if sock.ring == nil {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // what the system allows
		}
		tv := unix.NsecToTimeval(int64(batchAge))
		errs = append(errs, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv), unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1), unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1))
	}
	if ifc.Flags&net.FlagLoopback != 0 {
		_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1) // else it is passed over here
	}
	if s.cfg.Snap < MaxSnap { // a filter that takes everything, and so many bytes of it
		ret := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: uint32(s.cfg.Snap)} //nolint:gosec // G115: at most MaxSnap
		errs = append(errs, unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &ret}))
	}
	if s.cfg.Promiscuous {
		errs = append(errs, unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(ifc.Index), Type: unix.PACKET_MR_PROMISC})) //nolint:gosec // G115: an index
	}
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	return errors.Join(append(errs, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifc.Index}))...)
}

// meter tells what was lost. It belongs to the goroutine that reads.
type meter struct {
	source  *Source
	sock    *socket
	toll    toll
	since   time.Time // of the last look
	stalled time.Duration
}

// send hands a batch to the one that puts, and notes how long that took.
func (m *meter) send(full chan<- []byte, batch []byte) {
	select {
	case full <- batch:
	default:
		begun := time.Now()
		full <- batch
		m.stalled += time.Since(begun)
	}
}

// look asks the kernel now and then what it dropped.
func (m *meter) look() {
	if now := time.Now(); now.Sub(m.since) >= lossEvery {
		m.ask(now)
	}
}

// ask asks it now.
func (m *meter) ask(now time.Time) {
	l := look{span: now.Sub(m.since), stalled: m.stalled}
	m.since, m.stalled = now, 0
	if m.sock.ring != nil {
		st, err := unix.GetsockoptTpacketStatsV3(m.sock.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil {
			return
		}
		l.packets, l.drops = int64(st.Packets), int64(st.Drops)
	} else {
		st, err := unix.GetsockoptTpacketStats(m.sock.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil {
			return
		}
		l.packets, l.drops = int64(st.Packets), int64(st.Drops)
	}
	m.source.gauge.LoseMany(l.drops)
	text := m.toll.told(l, now)
	m.source.stand.show(func(st *standing) { st.loss = text })
}
