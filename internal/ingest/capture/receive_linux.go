package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receive gathers packets until ctx ends, with a call for each: the way without a
// ring.
func (s *Source) receive(ctx context.Context, fd int, m *meter, full chan<- []byte) error {
	buf, oob := make([]byte, s.cfg.Snap), make([]byte, 256)
	var batch []byte
	begun := time.Now()
	for ctx.Err() == nil {
		n, on, _, from, err := unix.Recvmsg(fd, buf, oob, unix.MSG_TRUNC)
		switch {
		case err == nil:
			if ll, ok := from.(*unix.SockaddrLinklayer); ok {
				if link, ok := linkOf(ll.Hatype, ll.Pkttype); ok {
					p := seen{link: link, orig: n, data: buf[:min(n, len(buf))]}
					p.aside(oob[:on])
					batch = appendPacket(batch, p)
				}
			}
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR):
			return err //nolint:wrapcheck // told by the caller
		}
		now := time.Now()
		if len(batch) >= batchSize || now.Sub(begun) >= batchAge {
			if begun = now; len(batch) > 0 {
				m.send(full, batch)
				batch = make([]byte, 0, batchSize+2*MaxSnap)
			}
		}
	}
	if len(batch) > 0 {
		full <- batch
	}
	return nil
}

// aside reads what the kernel tells beside a packet: its time, its whole length and
// the VLAN tag that was taken off.
func (p *seen) aside(oob []byte) {
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		list = nil
	}
	for _, m := range list {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})):
			ts := (*unix.Timespec)(unsafe.Pointer(&m.Data[0])) //nolint:gosec // G103: as the kernel wrote it
			p.at = ts.Nano()
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= 20:
			order := binary.NativeEndian
			p.orig = max(p.orig, int(order.Uint32(m.Data[4:]))) // a filter that cuts hides it from the call
			if status := order.Uint32(m.Data); status&statusVLAN != 0 && p.link == 1 {
				tpid := uint16(etherVLAN)
				if status&statusTPID != 0 {
					tpid = order.Uint16(m.Data[18:])
				}
				p.vlan, p.tag = true, tagOf(tpid, order.Uint16(m.Data[16:]))
			}
		}
	}
	if p.at == 0 {
		p.at = time.Now().UnixNano()
	}
}
