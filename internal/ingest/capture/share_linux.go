package capture

import (
	"fmt"

	"golang.org/x/sys/unix"

	"vedette/internal/fault"
	"vedette/internal/pcapfilter"
)

// takeWhole is more bytes than a packet has.
const takeWhole = 1 << 18

// ringOf is the part of the ring that one reader has.
func (c Config) ringOf() int {
	if c.Ring < 0 {
		return c.Ring
	}
	return max(c.Ring/c.Readers, MinRing)
}

// program is what the kernel asks of each packet of the interface; nil where it
// takes all, whole.
func (s *Source) program(fd int) ([]pcapfilter.Instruction, error) {
	take := uint32(takeWhole)
	if s.cfg.Snap < MaxSnap {
		take = uint32(s.cfg.Snap) //nolint:gosec // G115: at most MaxSnap
	}
	if s.filter == nil {
		if take == takeWhole && s.cfg.Readers == 1 {
			return nil, nil
		}
		return []pcapfilter.Instruction{{Op: unix.BPF_RET | unix.BPF_K, K: take}}, nil
	}
	hardware, err := hardwareOf(fd, s.cfg.Interface)
	if err != nil {
		return nil, down(err, s.cfg.Interface)
	}
	link, _ := linkOf(hardware, 0)
	code, err := s.filter.Program(link, true, take)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the interface %s is neither Ethernet nor IP alone, and a filter reads no other", s.cfg.Interface).WithHint("leave the filter of this source out")
	}
	return code, nil
}

// hardwareOf is the kind of an interface, as linux/if_arp.h numbers them.
func hardwareOf(fd int, name string) (uint16, error) {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err //nolint:wrapcheck // told by the caller
	}
	err = unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, req)
	return req.Uint16(), err //nolint:wrapcheck // told by the caller
}

// attach has the kernel run a program on each packet before anything is copied.
func attach(fd int, program []pcapfilter.Instruction) error {
	code := make([]unix.SockFilter, len(program))
	for i, x := range program {
		code[i] = unix.SockFilter{Code: x.Op, Jt: x.Jt, Jf: x.Jf, K: x.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}) //nolint:gosec,wrapcheck // G115: at most 4096; told by the caller
}

// openAll opens the sockets of all readers, and has them share what comes: the
// kernel gives the packets of both ways of a flow, and all fragments of a packet, to
// one of them. Where the kernel does not share there is one reader, and a note.
func (s *Source) openAll() ([]*socket, error) {
	first, err := s.open()
	if err != nil || s.cfg.Readers == 1 {
		return []*socket{first}, err
	}
	socks := []*socket{first}
	group, refused := first.found()
	for refused == nil && len(socks) < s.cfg.Readers {
		next, err := s.open()
		if err != nil {
			closeAll(socks)
			return nil, err
		}
		if refused = next.join(group); refused == nil {
			socks = append(socks, next)
		} else {
			next.close()
		}
	}
	if refused != nil {
		first.note = fmt.Sprintf("%d of %d readers, since the kernel does not share the packets among more: %v", len(socks), s.cfg.Readers, refused)
	}
	for _, sock := range socks {
		if err := attach(sock.fd, sock.program); err != nil {
			closeAll(socks)
			return nil, down(err, s.cfg.Interface)
		}
	}
	return socks, nil
}

func closeAll(socks []*socket) {
	for _, sock := range socks {
		sock.close()
	}
}

// found makes a group of the socket alone, under a number that nobody else has.
func (s *socket) found() (group int, err error) {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, (s.shares()|unix.PACKET_FANOUT_FLAG_UNIQUEID)<<16); err != nil {
		return 0, err //nolint:wrapcheck // told by the caller
	}
	n, err := unix.GetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	return n & 0xffff, err //nolint:wrapcheck // told by the caller
}

// join makes the socket one of a group.
func (s *socket) join(group int) error {
	return unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, group|s.shares()<<16) //nolint:wrapcheck // told by the caller
}

// shares is how a group shares: by flow, and without what the loopback sends, which
// comes back.
func (s *socket) shares() int {
	if s.loopback {
		return unix.PACKET_FANOUT_HASH | unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING
	}
	return unix.PACKET_FANOUT_HASH
}
