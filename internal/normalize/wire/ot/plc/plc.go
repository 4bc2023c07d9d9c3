// Package plc decodes, lightly, protocols that makers of controllers have of
// their own: Omron FINS, Mitsubishi SLMP (MC protocol) and Beckhoff ADS. It
// must not do I/O.
package plc

import (
	"strconv"

	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

// Protocols returns FINS, SLMP and ADS.
func Protocols() []proto.Protocol {
	return []proto.Protocol{
		{Name: "omron_fins", TCP: []uint16{9600}, UDP: []uint16{9600}, Probe: probeFINS, New: cut(sizeFINS, finsMessage)},
		{Name: "melsec", TCP: []uint16{5007, 5002, 5562}, UDP: []uint16{5006, 5000, 5560}, Probe: probeSLMP, New: newSLMP},
		{Name: "ads", TCP: []uint16{48898}, UDP: []uint16{48899}, Probe: probeADS, New: cut(sizeADS, adsMessage)},
	}
}

// decoder cuts a stream, or takes datagrams, and has no memory of its own.
type decoder struct {
	flow    *proto.Flow
	frame   [2]ics.Framer
	size    func([]byte) int
	message func(*proto.Flow, proto.Side, []byte, proto.Out)
}

func cut(size func([]byte) int, message func(*proto.Flow, proto.Side, []byte, proto.Out)) func(*proto.Flow) proto.Decoder {
	return func(f *proto.Flow) proto.Decoder { return &decoder{flow: f, size: size, message: message} }
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.flow.Transport == "udp" {
		d.message(d.flow, p.Side, p.Data, out)
		return len(p.Data), nil
	}
	return d.frame[p.Side].Cut(p, d.size, func(b []byte) { d.message(d.flow, p.Side, b, out) })
}

// command is what one command code means.
type command struct {
	name  string
	write bool
}

func named(all map[int]command, code int) (command, bool) {
	c, ok := all[code]
	if !ok {
		c.name = "unknown-" + ics.Code(code, 4)
	}
	return c, ok
}

func itoa(n int) string { return strconv.Itoa(n) }
