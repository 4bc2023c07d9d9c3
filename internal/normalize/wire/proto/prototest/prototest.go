// Package prototest runs a decoder on bytes without the core of package wire.
package prototest

import (
	"net/netip"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// Out collects what a decoder emits. The zero value is ready.
type Out struct {
	Events []*event.Event
	Raw    []string
	now    *event.Event
}

// New implements [proto.Out].
func (o *Out) New(class event.Class) *event.Event {
	o.now = new(event.Event)
	o.now.SetClassUID(int64(class))
	return o.now
}

// Emit implements [proto.Out].
func (o *Out) Emit(e *event.Event, raw []byte) {
	o.Events = append(o.Events, e.Clone())
	o.Raw = append(o.Raw, string(raw))
}

// Flow is a flow between two made-up hosts on the given server port.
func Flow(transport string, port uint16) *proto.Flow {
	return &proto.Flow{
		UID: "C1", Transport: transport,
		Client: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), 50000), Server: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.20"), port),
		ClientMAC: "02:00:00:00:00:10", ServerMAC: "02:00:00:00:00:20",
	}
}

// Say is one thing that a side says.
type Say struct {
	Side proto.Side
	Data []byte
}

// Run shows a decoder what was said, in order, as the core does: over TCP the
// bytes that it did not take are shown again with the next of the same side.
func Run(d proto.Decoder, stream bool, said ...Say) (*Out, error) {
	out := &Out{}
	var held [2][]byte
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, s := range said {
		data := s.Data
		if stream {
			data = append(held[s.Side], s.Data...)
		}
		taken, err := d.Decode(proto.Payload{Side: s.Side, Time: at.Add(time.Duration(i) * time.Millisecond), Data: data}, out)
		if err != nil {
			return out, err
		}
		if stream {
			held[s.Side] = append([]byte(nil), data[max(0, min(taken, len(data))):]...)
		}
	}
	return out, nil
}
