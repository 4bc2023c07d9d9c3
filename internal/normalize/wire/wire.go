// Package wire turns the packets of a capture into events: it follows flows,
// puts the bytes of TCP in order, and shows them to the decoders of single
// protocols behind the seam of package proto.
//
// It must not do I/O and must not know what a protocol means: decoders are in
// packages it and ot, and [Protocols] lists them.
//
// What it remembers is bounded whatever the capture says: at most
// [Limits].Flows flows (65536, about 700 bytes each) and, for all of them
// together, [Limits].Held bytes that wait for a decoder or for a missing
// segment (64 MiB). When either is full the flow that was idle for longest is
// ended. Besides that there are 64 unfinished IP datagrams of at most 64 KiB,
// and the digests of 16384 identity claims. A scan of a million ports costs
// no more than that.
package wire

import (
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/wire/capfile"
	"vedette/internal/normalize/wire/proto"
)

// Limits bound what an [Engine] remembers.
type Limits struct {
	Flows int // flows followed at a time
	Held  int // bytes held for all flows together
}

// DefaultLimits are right for a server and for an agent.
func DefaultLimits() Limits { return Limits{Flows: 1 << 16, Held: 64 << 20} }

// Happening is an event and what it was made from.
type Happening struct {
	Event *event.Event // has all but what the origin tells: uid, source, labels, raw
	Raw   []byte       // the message as it was on the wire; nil for the end of a flow
	Time  time.Time

	// Of the end of a flow: Before says that it began before the engine heard of it, Open
	// that it had not ended when the engine was cut.
	Before, Open bool
}

// Engine follows the flows of one capture. It is not safe for concurrent use.
type Engine struct {
	limits Limits
	apps   catalogue
	table  table
	frags  fragments
	names  names
	out    out
	pk     packet // of the packet at hand
	failed string // the decoder that panicked on it

	// Live says that packets come as they are heard: those of several readers of an
	// interface a little late, and of connections that began before.
	Live bool

	known   map[key]known // flows of an earlier run
	knownTo int64         // when the last of them has ended by its silence
	cut     []known       // flows that were open when this one was cut

	// Broke, if set, hears of a decoder that panicked: its name, the bytes that it
	// was shown, and what recover gave. It is called by the deferred function.
	Broke func(part string, data []byte, what any)
}

// New makes an engine that knows the given protocols.
func New(limits Limits, protocols []proto.Protocol) *Engine {
	e := &Engine{limits: limits, apps: newCatalogue(protocols)}
	e.table.init(limits.Flows)
	e.out.engine = e
	e.apps.broke = e.broken
	return e
}

// Packet takes the next packet. What it emits is valid until emit returns. An
// error says why the packet was not understood; the next one goes on.
func (e *Engine) Packet(p capfile.Packet, emit func(Happening)) error {
	e.out.emit = emit
	e.pk = packet{time: p.Time}
	if !p.Time.IsZero() {
		e.pk.at = p.Time.UnixNano()
	}
	e.failed, e.out.giving = "", false
	e.expire(e.pk.at)
	err := e.link(p.Link, p.Data)
	if e.failed != "" {
		return fault.New(fault.Internal, "the decoder %s failed on it, which is a fault of this program; its flow is only counted from here on", e.failed)
	}
	return err
}

// End ends all flows that are still open, in the order they began to be idle.
func (e *Engine) End(emit func(Happening)) {
	e.out.emit = emit
	for i := range e.table.lists {
		for f := e.table.lists[i].head; f != nil; f = e.table.lists[i].head {
			e.finish(f)
		}
	}
}
