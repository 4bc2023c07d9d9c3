// Package capture is a source of packets: what a network interface of this
// machine sees.
//
// It owns the socket. It must not parse packets: each is handed on as it was,
// with the time at which the kernel saw it.
package capture

import (
	"encoding/binary"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Format is the name of the format of what this source hands on.
const Format = "packets"

// Config says what to listen to. Zero values of limits take the defaults.
type Config struct {
	Name        string
	Interface   string
	Promiscuous bool // also what is for others
	Snap        int  // bytes of a packet that are taken, 65535
	Now         func() time.Time
	Quiet       time.Duration
}

const (
	maxSnap   = 65535
	batchSize = 256 << 10
	batchAge  = 100 * time.Millisecond
	batches   = 32 // that wait for the spool; beyond them the kernel holds what comes, and drops it
	lossEvery = 10 * time.Second
)

// Source is a [ingest.Source].
type Source struct {
	cfg   Config
	gauge *ingest.Gauge
}

// New makes a source. It listens when it runs.
func New(cfg Config) (*Source, error) {
	if cfg.Interface == "" {
		return nil, fault.New(fault.Invalid, "the capture source %s names no interface", cfg.Name).WithHint("ip link shows them")
	}
	if cfg.Snap <= 0 || cfg.Snap > maxSnap {
		cfg.Snap = maxSnap
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Source{cfg: cfg, gauge: ingest.NewGauge(cfg.Name, "capture", cfg.Interface, cfg.Quiet, cfg.Now)}, nil
}

// Status implements [ingest.Source].
func (s *Source) Status() ingest.Status { return s.gauge.Status() }

// appendPacket writes a packet as the parser reads it: the length of what
// follows, time, link type, length on the wire, and its bytes.
func appendPacket(b []byte, at time.Time, link uint16, orig int, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(16+len(data))) //nolint:gosec // G115: at most maxSnap
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixNano()))
	b = binary.BigEndian.AppendUint16(b, link)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(orig)) //nolint:gosec // G115: a length
	return append(b, data...)
}
