package wire

import (
	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// segment takes a segment of TCP: it is counted, moves the state of the
// connection, and its bytes are put in order as long as somebody wants them.
func (e *Engine) segment(f *flow, s proto.Side, p *packet) {
	d := &f.sides[s]
	d.packets++
	if !d.advance(p) && p.size > 0 {
		f.history.add(s, 't')
	}
	f.shake(s, p)
	if f.app.mode != appOff {
		e.arrange(f, s, p)
	} else if p.flags&flagSYN != 0 {
		d.in.isn = p.seq + 1
	}
	e.table.move(f, f.lane())
}

// farJump is how far a sequence number may jump; one that jumps farther is of
// another connection, or made up.
const farJump = 16 << 20

// advance counts the bytes of a segment, each of them once: what is sent again
// is not counted, and what the capture lacks is. It reports whether there was
// something new.
func (d *side) advance(p *packet) bool {
	end := p.seq + uint32(p.size) //nolint:gosec // G115: modulo 2^32
	marks := 0                    // SYN and FIN count as a byte each, but are none
	for _, flag := range []uint8{flagSYN, flagFIN} {
		if p.flags&flag != 0 {
			marks++
		}
	}
	end += uint32(marks)
	if !d.begun {
		d.begun, d.high = true, end
		d.bytes += int64(p.size)
		return true
	}
	n := after(end, d.high)
	if n <= 0 && n > -farJump {
		return false
	}
	if n -= marks; n > farJump || n < 0 {
		n = p.size
	}
	d.high = end
	d.bytes += int64(n)
	return true
}

// shake moves the states of both sides and writes the history.
func (f *flow) shake(s proto.Side, p *packet) {
	d, o := &f.sides[s], &f.sides[s.Other()]
	switch {
	case p.flags&flagSYN != 0 && p.flags&flagACK != 0:
		f.history.add(s, 'h')
		if d.state <= tcpSynSent {
			d.state = tcpSynAckSent
		}
	case p.flags&flagSYN != 0:
		f.history.add(s, 's')
		if d.state == tcpInactive {
			d.state = tcpSynSent
		}
	case d.state == tcpInactive:
		d.state = tcpPartial
	case d.state == tcpSynSent && (o.state == tcpSynAckSent || o.state == tcpPartial || o.state == tcpEstablished):
		d.state = tcpEstablished
		if o.state == tcpSynAckSent {
			o.state = tcpEstablished
		}
	}
	if p.size > 0 {
		f.history.add(s, 'd')
	} else if p.flags&(flagSYN|flagFIN|flagRST) == 0 && p.flags&flagACK != 0 {
		f.history.add(s, 'a')
	}
	if p.flags&flagFIN != 0 {
		f.history.add(s, 'f')
		if d.state != tcpReset {
			d.state = tcpClosed
		}
	}
	if p.flags&flagRST != 0 {
		f.history.add(s, 'r')
		if d.state != tcpClosed || o.state != tcpClosed {
			d.state = tcpReset
		}
	}
}

// lane is the list that a TCP flow belongs to.
func (f *flow) lane() lane {
	c, s := f.sides[proto.Client].state, f.sides[proto.Server].state
	switch {
	case c == tcpReset || s == tcpReset || c == tcpClosed && s == tcpClosed:
		return laneClosed
	case c == tcpSynSent && s == tcpInactive:
		return laneTry
	}
	return laneOpen
}

// state is Zeek's conn_state, as its documentation of conn.log defines it.
func (f *flow) state() string {
	c, s := &f.sides[proto.Client], &f.sides[proto.Server]
	switch f.key.proto {
	case protoTCP:
		return tcpWord(c.state, s.state, f.sides[proto.Client].bytes == 0)
	case protoUDP:
		switch {
		case s.packets == 0:
			return "S0"
		case c.packets == 0:
			return "SHR"
		}
		return "SF"
	}
	return "OTH"
}

func tcpWord(c, s tcpState, silent bool) string {
	switch {
	case s == tcpReset && (c == tcpSynSent || c == tcpReset && silent):
		return "REJ"
	case s == tcpReset && c == tcpInactive:
		return "RSTRH"
	case s == tcpReset:
		return "RSTR"
	case c == tcpReset && s == tcpInactive:
		return "RSTOS0"
	case c == tcpReset:
		return "RSTO"
	case c == tcpClosed && s == tcpClosed:
		return "SF"
	case c == tcpClosed && s == tcpInactive:
		return "SH"
	case c == tcpClosed:
		return "S2"
	case s == tcpClosed && c == tcpInactive:
		return "SHR"
	case s == tcpClosed:
		return "S3"
	case c == tcpSynSent && s == tcpInactive:
		return "S0"
	case c == tcpEstablished && s == tcpEstablished, c == tcpSynSent && s == tcpSynAckSent:
		return "S1"
	}
	return "OTH"
}

// emitFlow emits the event of a flow that ended.
func (e *Engine) emitFlow(f *flow) {
	o := &e.out
	o.flow = f
	o.time = unixNano(f.first)
	ev := o.blank(event.NetworkActivity, "wire/conn")
	c, s := &f.sides[proto.Client], &f.sides[proto.Server]
	if a := &f.app; a.proto != nil && (a.emitted || a.mode == appDecode) {
		ev.SetAppName(a.proto.Name)
	} else if f.key.family == familyEther {
		ev.SetAppName(etherName(f.key.port[0]))
	}
	if f.app.reason != "" {
		name := "decoder"
		if f.app.proto != nil {
			name = f.app.proto.Name
		}
		ev.SetStatusDetail("not decoded further as " + name + ": " + f.app.reason)
	}
	ev.SetDuration(float64(max(f.last-f.first, 0)) / 1e9)
	ev.SetTrafficBytesOut(c.bytes)
	ev.SetTrafficBytesIn(s.bytes)
	ev.SetTrafficBytes(c.bytes + s.bytes)
	ev.SetTrafficPacketsOut(c.packets)
	ev.SetTrafficPacketsIn(s.packets)
	ev.SetTrafficPackets(c.packets + s.packets)
	if f.key.family != familyEther {
		ev.SetConnectionInfoState(f.state())
		ev.SetConnectionInfoHistory(f.history.String())
		ev.SetConnectionInfoCommunityUID(f.key.community(f.client))
	}
	o.give(nil)
}
