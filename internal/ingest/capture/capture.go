// Package capture is a source of packets: what a network interface of this
// machine sees.
//
// It owns the socket and the ring of memory that it shares with the kernel. It
// must not parse packets: each is handed on as it was on the wire, with the time
// at which the kernel saw it.
package capture

import (
	"encoding/binary"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/pcapfilter"
)

// Format is the name of the format of what this source hands on.
const Format = "packets"

// Config says what to listen to. Zero values of limits take the defaults.
type Config struct {
	Name        string
	Interface   string
	Promiscuous bool   // also what is for others
	Snap        int    // bytes of a packet that are taken, 65535
	Ring        int    // bytes of the ring shared with the kernel, 64 MiB; negative: none
	Filter      string // which packets, as package pcapfilter reads it; empty: all
	Readers     int    // sockets that share the packets by their flows, each with its part of the ring; 1
	Now         func() time.Time
	Quiet       time.Duration
}

// The bounds of a capture. MinRing and MaxRing are those of [Config].Ring, and
// MaxSnap is the most bytes of a packet that are taken.
const (
	MaxReaders = 16

	MinRing = 1 << 20
	MaxRing = 1 << 30
	MaxSnap = 65535

	usualRing = 64 << 20
	batchSize = 256 << 10
	batchAge  = 100 * time.Millisecond
	batches   = 32 // that wait for the spool; beyond them the ring holds what comes, and then the kernel drops it
	lossEvery = 10 * time.Second
	openAgain = 2 * time.Second // after an interface went away
)

// Source is a [ingest.Source].
type Source struct {
	cfg   Config
	gauge *ingest.Gauge
	stand standing

	filter *pcapfilter.Filter // nil: all
}

// New makes a source. It listens when it runs.
func New(cfg Config) (*Source, error) {
	if cfg.Interface == "" {
		return nil, fault.New(fault.Invalid, "the capture source %s names no interface", cfg.Name).WithHint("ip link shows them")
	}
	if cfg.Snap <= 0 || cfg.Snap > MaxSnap {
		cfg.Snap = MaxSnap
	}
	if cfg.Ring == 0 {
		cfg.Ring = usualRing
	}
	if cfg.Ring > 0 {
		cfg.Ring = min(max(cfg.Ring, MinRing), MaxRing)
	}
	cfg.Readers = min(max(cfg.Readers, 1), MaxReaders)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Source{cfg: cfg, gauge: ingest.NewGauge(cfg.Name, "capture", cfg.Interface, cfg.Quiet, cfg.Now)}
	s.stand.gauge = s.gauge
	if cfg.Filter != "" {
		f, err := pcapfilter.Parse(cfg.Filter)
		if err != nil {
			return nil, err //nolint:wrapcheck // says it all
		}
		s.filter = f
	}
	return s, nil
}

// Status implements [ingest.Source].
func (s *Source) Status() ingest.Status { return s.gauge.Status() }

// seen is a packet as the kernel tells of it.
type seen struct {
	at   int64 // nanoseconds since 1970
	link uint16
	orig int    // bytes on the wire
	data []byte // without the VLAN tag that the kernel took off
	tag  [4]byte
	vlan bool // tag was taken off
}

// appendPacket writes a packet as the parser reads it: the length of what
// follows, time, link type, length on the wire, and its bytes, with the VLAN tag
// back in its place.
func appendPacket(b []byte, p seen) []byte {
	tagged := p.vlan && len(p.data) >= 12
	size := len(p.data)
	if tagged {
		size += len(p.tag)
		p.orig += len(p.tag)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(16+size)) //nolint:gosec // G115: at most MaxSnap and a tag
	b = binary.BigEndian.AppendUint64(b, uint64(p.at))    //nolint:gosec // G115: only the bits matter
	b = binary.BigEndian.AppendUint16(b, p.link)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(p.orig)) //nolint:gosec // G115: a length
	if tagged {
		b = append(b, p.data[:12]...)
		b = append(b, p.tag[:]...)
		return append(b, p.data[12:]...)
	}
	return append(b, p.data...)
}

// Kinds of hardware and of packets, linux/if_arp.h and linux/if_packet.h.
const (
	hardwareEther    = 1
	hardwareLoopback = 772
	hardwareWiFi     = 801
	hardwareRadiotap = 803
	packetOutgoing   = 4
)

// linkOf is the link type of what came; what the loopback sends comes back and
// is taken once.
func linkOf(hardware uint16, kind uint8) (uint16, bool) {
	switch hardware {
	case hardwareLoopback:
		return 1, kind != packetOutgoing
	case hardwareEther:
		return 1, true
	case hardwareWiFi:
		return 105, true
	case hardwareRadiotap:
		return 127, true
	}
	return 101, true // a tunnel without a link header
}

// tagOf is a VLAN tag as it was on the wire.
func tagOf(tpid, tci uint16) (tag [4]byte) {
	binary.BigEndian.PutUint16(tag[:], tpid)
	binary.BigEndian.PutUint16(tag[2:], tci)
	return tag
}
