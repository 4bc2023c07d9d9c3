package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

const receiveBuffer = 64 << 20

// Run implements [ingest.Source].
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	fd, err := s.open()
	if err != nil {
		return s.gauge.Stop(err)
	}
	s.gauge.Set(ingest.Running, "")
	full := make(chan []byte, batches)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(full)
		defer unix.Close(fd) //nolint:errcheck // only read
		done <- s.receive(ctx, fd, full)
	}()
	for b := range full {
		s.put(ctx, to, b)
	}
	if err := <-done; err != nil {
		return s.gauge.Stop(err)
	}
	s.gauge.Set(ingest.Stopped, "it was stopped")
	return nil
}

// put hands a batch on, and tries again until ctx ends.
func (s *Source) put(ctx context.Context, to ingest.Spooler, b []byte) {
	for {
		err := to.Put(ctx, ingest.Payload{Source: s.cfg.Name, Peer: s.cfg.Interface, Format: Format, Received: s.cfg.Now(), Data: b})
		if err == nil {
			s.gauge.Take(len(b))
			return
		}
		if ctx.Err() != nil {
			s.gauge.Lose()
			return
		}
		text, _ := fault.Public(err)
		s.gauge.Set(ingest.Failing, text)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// open makes the socket and binds it to the interface.
func (s *Source) open() (int, error) {
	ifc, err := net.InterfaceByName(s.cfg.Interface)
	if err != nil {
		return -1, fault.Wrap(fault.NotFound, err, "the interface %s", s.cfg.Interface).WithHint("ip link shows those that are there")
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		f := fault.Wrap(fault.Unavailable, err, "opening a packet socket")
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			f = fault.Wrap(fault.Denied, err, "capturing on %s is not allowed", s.cfg.Interface).WithHint("sudo setcap cap_net_raw+ep on the program, or AmbientCapabilities=CAP_NET_RAW in its systemd unit")
		}
		return -1, f
	}
	if err := s.setUp(fd, ifc.Index); err != nil {
		_ = unix.Close(fd)
		return -1, fault.Wrap(fault.Unavailable, err, "capturing on %s", s.cfg.Interface)
	}
	return fd, nil
}

func (s *Source) setUp(fd, index int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // what the system allows
	}
	tv := unix.NsecToTimeval(int64(batchAge))
	err := errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv), unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	if s.cfg.Promiscuous {
		err = errors.Join(err, unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC})) //nolint:gosec // G115: an index
	}
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	return errors.Join(err, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}))
}

// receive gathers packets until ctx ends.
func (s *Source) receive(ctx context.Context, fd int, full chan<- []byte) error {
	buf, oob := make([]byte, s.cfg.Snap), make([]byte, 256)
	var batch []byte
	begun, looked := time.Now(), time.Now()
	for ctx.Err() == nil {
		n, on, _, from, err := unix.Recvmsg(fd, buf, oob, unix.MSG_TRUNC)
		switch {
		case err == nil:
			if link, ok := linkOf(from); ok {
				batch = appendPacket(batch, kernelTime(oob[:on]), link, n, buf[:min(n, len(buf))])
			}
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR):
			return fault.Wrap(fault.Unavailable, err, "capturing on %s", s.cfg.Interface)
		}
		now := time.Now()
		if len(batch) >= batchSize || now.Sub(begun) >= batchAge {
			if begun = now; len(batch) > 0 {
				full <- batch
				batch = make([]byte, 0, batchSize+2*maxSnap)
			}
		}
		if now.Sub(looked) >= lossEvery {
			looked = now
			s.losses(fd)
		}
	}
	if len(batch) > 0 {
		full <- batch
	}
	s.losses(fd)
	return nil
}

// losses asks the kernel what it dropped since it was asked last.
func (s *Source) losses(fd int) {
	st, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return
	}
	s.gauge.LoseMany(int64(st.Drops))
	if st.Drops > 0 && st.Packets > 0 {
		s.gauge.Set(ingest.Failing, fmt.Sprintf("the capture lost %.1f %% of %d packets", 100*float64(st.Drops)/float64(st.Packets), st.Packets))
		return
	}
	s.gauge.Set(ingest.Running, "")
}

// linkOf is the link type of what came; what the loopback sends comes back and
// is taken once.
func linkOf(from unix.Sockaddr) (uint16, bool) {
	ll, ok := from.(*unix.SockaddrLinklayer)
	if !ok {
		return 0, false
	}
	switch ll.Hatype {
	case unix.ARPHRD_LOOPBACK:
		return 1, ll.Pkttype != unix.PACKET_OUTGOING
	case unix.ARPHRD_ETHER:
		return 1, true
	}
	return 101, true // a tunnel without a link header
}

// kernelTime is when the kernel saw a packet.
func kernelTime(oob []byte) time.Time {
	list, err := unix.ParseSocketControlMessage(oob)
	if err == nil {
		for _, m := range list {
			if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
				ts := (*unix.Timespec)(unsafe.Pointer(&m.Data[0])) //nolint:gosec // G103: as the kernel wrote it
				return time.Unix(ts.Unix())
			}
		}
	}
	return time.Now()
}
