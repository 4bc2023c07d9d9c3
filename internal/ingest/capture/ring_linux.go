package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"vedette/internal/fault"
)

// blockSize holds the longest packet that a card puts together, and is about what
// goes to the spool at once.
const blockSize = 256 << 10

// ring is memory that the kernel writes packets into, block after block, and that
// is read without a call a packet.
type ring struct {
	fd   int
	mem  []byte
	next int // block that is read next
}

// openRing gives a socket that is not bound yet a ring. Where there is no memory for
// one of that size, it takes a smaller one.
func openRing(fd, size int) (*ring, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "this kernel has no such ring")
	}
	for ; ; size /= 2 {
		n := max(size/blockSize, 2)
		req := unix.TpacketReq3{Block_size: blockSize, Block_nr: uint32(n), Frame_size: 2048, Frame_nr: uint32(n * (blockSize / 2048)), Retire_blk_tov: uint32(batchAge / time.Millisecond)} //nolint:gosec // G115: at most MaxRing
		err := unix.SetsockoptTpacketReq3(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req)
		if err == nil {
			mem, err := unix.Mmap(fd, 0, n*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			if err != nil {
				return nil, fault.Wrap(fault.Unavailable, err, "mapping the ring")
			}
			return &ring{fd: fd, mem: mem}, nil
		}
		if !errors.Is(err, unix.ENOMEM) || size/2 < MinRing {
			return nil, fault.Wrap(fault.Unavailable, err, "making the ring")
		}
	}
}

func (r *ring) close() { _ = unix.Munmap(r.mem) }

// size is how many packets' bytes it holds, heads included.
func (r *ring) size() int { return len(r.mem) }

// block is the next block if the kernel has handed it over.
func (r *ring) block() ([]byte, bool) {
	b := r.mem[r.next*blockSize : (r.next+1)*blockSize]
	return b, atomic.LoadUint32(r.status())&unix.TP_STATUS_USER != 0
}

// give hands the block that was read back.
func (r *ring) give() {
	atomic.StoreUint32(r.status(), unix.TP_STATUS_KERNEL)
	r.next = (r.next + 1) % (len(r.mem) / blockSize)
}

// status is shared with the kernel, which the order of reads and writes depends on.
func (r *ring) status() *uint32 {
	return (*uint32)(unsafe.Pointer(&r.mem[r.next*blockSize+blockStatus])) //nolint:gosec // G103: blocks are pages, so it is aligned
}

// wait waits until there is a block, for at most batchAge.
func (r *ring) wait() error {
	fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}} //nolint:gosec // G115: a file number
	n, err := unix.Poll(fds, int(batchAge/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return err //nolint:wrapcheck // told by the caller
	}
	if n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
		code, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil || code != 0 {
			return errors.Join(err, unix.Errno(code)) //nolint:wrapcheck // told by the caller
		}
		time.Sleep(batchAge) // what is not told is not asked for without end
	}
	return nil
}

// readRing hands on the packets of block after block until ctx ends, and then those
// of the block that is being filled, which the kernel hands over within batchAge.
func (s *Source) readRing(ctx context.Context, r *ring, m *meter, full chan<- []byte) error {
	var ended time.Time
	for {
		batch := s.gather(r)
		if len(batch) > 0 {
			m.send(full, batch)
		}
		if ctx.Err() != nil {
			if ended.IsZero() {
				ended = time.Now()
			} else if len(batch) == 0 || time.Since(ended) > 2*batchAge {
				return nil
			}
		}
		if len(batch) == 0 {
			if err := r.wait(); err != nil {
				return err
			}
		}
	}
}

// roomFor is what is set aside for a batch that begins with a block: of a trickle no
// more than the block has.
func roomFor(block []byte) int {
	if n := int(min(binary.NativeEndian.Uint32(block[blockLength:]), blockSize)); n < blockSize/2 {
		return n
	}
	return batchSize + blockSize
}

// gather takes blocks until there are none or the batch is large enough.
func (s *Source) gather(r *ring) (batch []byte) {
	for len(batch) < batchSize {
		block, ok := r.block()
		if !ok {
			break
		}
		if batch == nil {
			batch = make([]byte, 0, roomFor(block))
		}
		var err error
		if batch, _, err = appendBlock(batch, block, s.cfg.Snap); err != nil {
			s.gauge.Refuse()
		}
		r.give()
	}
	return batch
}
