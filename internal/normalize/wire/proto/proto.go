// Package proto is the seam between the core of package wire, which turns
// packets into flows and ordered bytes, and the decoders of single protocols.
//
// A decoder must not do I/O, must bound what it remembers, and must take every
// byte for hostile: it is fuzzed, and it never panics.
package proto

import (
	"net/netip"
	"time"

	"vedette/internal/event"
)

// Side says which end of a flow sent something.
type Side uint8

// The sides. The client is the end that began: the sender of the SYN, or of
// the first packet if none was seen and no port settles it.
const (
	Client Side = iota
	Server
)

// Other returns the other side.
func (s Side) Other() Side { return 1 - s }

// Flow is what a decoder is told about the flow that its bytes belong to.
type Flow struct {
	UID       string         // the same for all events of the flow
	Transport string         // "tcp", "udp", or "ethernet" for protocols without IP
	Client    netip.AddrPort // invalid for "ethernet"
	Server    netip.AddrPort
	ClientMAC string // lower case with colons; "" if unknown
	ServerMAC string
	VLAN      int // 0: none
}

// Payload is a piece of what one side said.
type Payload struct {
	Side Side
	Time time.Time // of the packet that completed it

	// Data is one datagram or frame; or, over TCP, all bytes of this side that
	// the decoder has not taken yet, in order. It is valid until Decode returns.
	Data []byte

	// Lost is how many bytes before Data are missing from the capture: what was
	// begun there is incomplete, and the decoder looks for the next beginning.
	// When the number is not known it is 1.
	Lost int

	// End says that this side will say no more. It may come alone, without Data;
	// of a flow of datagrams it always does, and an error is then not told.
	End bool
}

// MaxHeld is how many bytes of one side the core keeps for a decoder that has
// not taken them. When there are more the oldest are dropped and reported as
// Lost.
const MaxHeld = 64 << 10

// Decoder understands one protocol in one flow.
type Decoder interface {
	// Decode reads what it can from p.Data and returns how many bytes it has
	// taken. Over TCP the rest is shown again together with what follows, so
	// that a message cut by a segment needs no care: return what is complete,
	// take the rest later. Of a datagram the rest is dropped.
	//
	// An error says that this is not the protocol, or broken beyond finding
	// the next message: the flow is not decoded further, and the reason is
	// told in its event. A single odd message is no error: emit it with status
	// Failure, or pass over it.
	Decode(p Payload, out Out) (taken int, err error)
}

// Out takes the events of a decoder.
type Out interface {
	// New returns an event of the class with what the core knows already set:
	// time, endpoints (src is the client, dst the server, whoever spoke),
	// transport, connection uid, app_name and log name of the protocol. It
	// belongs to the core and is valid until Emit or the next New.
	New(class event.Class) *event.Event

	// Emit gives the event on. raw is the message as it was on the wire; its
	// beginning is kept with the event.
	Emit(e *event.Event, raw []byte)
}

// Protocol is one protocol that can be recognised and decoded.
type Protocol struct {
	Name string // as in app_name: "modbus", "dnp3", "tls", ...

	// The well-known ports and EtherTypes.
	TCP, UDP, EtherTypes []uint16

	// Probe looks at the first bytes that a side sent (one datagram, or at
	// least 8 bytes of a stream unless it ended) and says how sure it is, 0 to
	// 100, that they are this protocol's. onPort tells that a well-known port is
	// involved. It must be strict without one: 0 unless the bytes themselves are
	// proof.
	Probe func(data []byte, side Side, onPort bool) int

	// New makes a decoder for one flow.
	New func(f *Flow) Decoder
}
