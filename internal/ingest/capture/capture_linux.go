package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/pcapfilter"
)

const receiveBuffer = 64 << 20 // of a socket without a ring

// Run implements [ingest.Source]. An interface that goes down or away is waited for.
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	for first := true; ; first = false {
		socks, err := s.openAll()
		if err == nil {
			err = s.listen(ctx, to, socks)
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

// listen takes what sockets hear until ctx ends or one of them hears no more.
func (s *Source) listen(ctx context.Context, to ingest.Spooler, socks []*socket) error {
	m := &meter{source: s, socks: socks, since: time.Now()}
	defer m.end()
	notes := make([]string, len(socks))
	for i, sock := range socks {
		notes[i] = sock.note
		if sock.ring != nil {
			m.toll.ring += sock.ring.size()
		}
	}
	s.stand.show(func(st *standing) { st.link, st.note = "", strings.Join(slices.Compact(notes), "") })
	full := make(chan []byte, batches)
	done := make(chan error, 1)
	go func() {
		defer close(full)
		done <- s.readAll(ctx, socks, m, full)
	}()
	tick := time.NewTicker(lossEvery)
	defer tick.Stop()
	for {
		select {
		case b, ok := <-full:
			if !ok {
				return <-done
			}
			s.put(ctx, to, b)
		case now := <-tick.C:
			m.ask(now)
		}
	}
}

// readAll reads each socket in a goroutine of its own until ctx ends or one fails,
// which ends the others, and waits for all.
func (s *Source) readAll(ctx context.Context, socks []*socket, m *meter, full chan<- []byte) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(socks))
	var all sync.WaitGroup
	for i, sock := range socks {
		all.Go(func() {
			var err error
			if sock.ring != nil {
				err = s.readRing(reading, sock.ring, m, full)
			} else {
				err = s.receive(reading, sock.fd, m, full)
			}
			if err != nil {
				errs[i] = down(err, s.cfg.Interface)
				cancel()
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
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

	program  []pcapfilter.Instruction // what the kernel asks of each packet; nil: nothing
	loopback bool
}

func (s *socket) close() {
	if s.ring != nil {
		s.ring.close()
	}
	_ = unix.Close(s.fd)
}

// open makes a socket and binds it to the interface.
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
	sock.loopback = ifc.Flags&net.FlagLoopback != 0
	if sock.program, err = s.program(sock.fd); err != nil {
		sock.close()
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
	for size := s.cfg.ringOf(); ; size = 0 {
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
	if sock.loopback {
		_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1) // else it is passed over here
	}
	switch {
	case s.cfg.Readers > 1: // nothing before all share, else packets would be taken twice
		errs = append(errs, attach(fd, []pcapfilter.Instruction{{Op: unix.BPF_RET | unix.BPF_K}}))
	case sock.program != nil:
		errs = append(errs, attach(fd, sock.program))
	}
	if s.cfg.Promiscuous {
		errs = append(errs, unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(ifc.Index), Type: unix.PACKET_MR_PROMISC})) //nolint:gosec // G115: an index
	}
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	return errors.Join(append(errs, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifc.Index}))...)
}
