package capture

import (
	"encoding/binary"

	"vedette/internal/fault"
)

// A block of a ring of version 3, as linux/if_packet.h has it: a head, and then
// packets, each with a head and a socket address before its bytes. Numbers are in
// the order of the machine.
const (
	blockHead   = 48
	blockStatus = 8
	blockCount  = 12
	blockFirst  = 16
	blockLength = 20

	packetHead     = 48 + 20
	packetSeconds  = 4
	packetNanos    = 8
	packetCaptured = 12
	packetLength   = 16
	packetStatus   = 20
	packetMAC      = 24
	packetTCI      = 32
	packetTPID     = 36
	packetHardware = 48 + 8
	packetKind     = 48 + 10

	statusVLAN = 1 << 4
	statusTPID = 1 << 6
	etherVLAN  = 0x8100
)

var errBlock = fault.New(fault.Internal, "a block of the ring is not as the kernel writes it; what was whole before was taken")

// appendBlock appends the packets of a block as the parser reads them, at most
// snap bytes of each, and tells how many there were. Nothing outside of the block
// is read whatever its numbers say, and no packet makes the output longer than the
// block, since the kernel's head is longer than ours.
func appendBlock(b, block []byte, snap int) (out []byte, packets int, err error) {
	if len(block) < blockHead {
		return b, 0, errBlock
	}
	order := binary.NativeEndian
	left, at := order.Uint32(block[blockCount:]), uint64(order.Uint32(block[blockFirst:]))
	if n := order.Uint32(block[blockLength:]); uint64(n) < uint64(len(block)) {
		block = block[:n]
	}
	for ; left > 0; left-- {
		if at < blockHead || at+packetHead > uint64(len(block)) {
			return b, packets, errBlock
		}
		head := block[at:]
		mac, size := int(order.Uint16(head[packetMAC:])), uint64(order.Uint32(head[packetCaptured:]))
		if mac < packetHead || uint64(mac)+size > uint64(len(head)) {
			return b, packets, errBlock
		}
		if p, ok := packetOf(head, head[mac:mac+int(min(size, uint64(snap)))]); ok { //nolint:gosec // G115: at most the block
			b = appendPacket(b, p)
			packets++
		}
		step := uint64(order.Uint32(head))
		if step < packetHead { // the last has none
			if left > 1 {
				return b, packets, errBlock
			}
			break
		}
		at += step
	}
	return b, packets, nil
}

// packetOf is what the head of a packet tells; false for one that comes twice.
func packetOf(head, data []byte) (seen, bool) {
	order := binary.NativeEndian
	link, ok := linkOf(order.Uint16(head[packetHardware:]), head[packetKind])
	if !ok {
		return seen{}, false
	}
	p := seen{
		at:   int64(order.Uint32(head[packetSeconds:]))*1e9 + int64(order.Uint32(head[packetNanos:])),
		link: link, orig: int(order.Uint32(head[packetLength:])), data: data,
	}
	if status := order.Uint32(head[packetStatus:]); status&statusVLAN != 0 && link == 1 {
		tpid := uint16(etherVLAN)
		if status&statusTPID != 0 {
			tpid = order.Uint16(head[packetTPID:])
		}
		p.vlan, p.tag = true, tagOf(tpid, uint16(order.Uint32(head[packetTCI:]))) //nolint:gosec // G115: the kernel widens 16 bits
	}
	return p, true
}
