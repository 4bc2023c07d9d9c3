package wire

import (
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/capfile"
)

// cutShort gives packets to an engine, a millisecond apart, and ends it as a live capture is
// ended.
func cutShort(e *Engine, from time.Time, packets ...[]byte) (ends []Happening) {
	emit := func(h Happening) {
		if h.Raw == nil {
			h.Event = h.Event.Clone()
			ends = append(ends, h)
		}
	}
	for i, b := range packets {
		_ = e.Packet(capfile.Packet{Time: from.Add(time.Duration(i) * time.Millisecond), Link: 1, Orig: len(b), Data: b}, emit)
	}
	e.Cut(emit)
	return ends
}

func live() *Engine {
	e := newEngine()
	e.Live = true
	return e
}

// next is an engine that knows the flows of one that was cut.
func next(t *testing.T, before *Engine) *Engine {
	t.Helper()
	e := live()
	before.Known(func(at time.Time, data []byte) {
		if err := e.Learn(at, data); err != nil {
			t.Fatal(err)
		}
	})
	return e
}

// between is a packet from one port to another, of the client or the server.
func between(client bool, sport, dport uint16, make func(sport, dport uint16) []byte, proto uint8) []byte {
	if client {
		return ether(etherIPv4, ip4(proto, clientIP, serverIP, 0, make(sport, dport)))
	}
	return ether(etherIPv4, ip4(proto, serverIP, clientIP, 0, make(dport, sport)))
}

func push(seq, ack uint32, flags uint8) func(a, b uint16) []byte {
	return func(a, b uint16) []byte { return tcp(a, b, seq, ack, flags, "x\n") }
}

// A connection that is open when a live capture ends is told with what came of it; the
// next one knows which end began it, whoever speaks first then, and calls it the same.
func TestCutAndKnown(t *testing.T) {
	const sport, dport = 2222, 3333 // ports that tell nothing
	first := live()
	ends := cutShort(first, epoch,
		between(true, sport, dport, push(100, 0, flagSYN), protoTCP), between(false, sport, dport, push(900, 101, flagSYN|flagACK), protoTCP), between(true, sport, dport, push(101, 901, flagACK), protoTCP),
		between(true, 5000, 6000, func(a, b uint16) []byte { return udp(a, b, "q") }, protoUDP))
	if len(ends) != 2 || !ends[0].Open || !ends[1].Open || ends[0].Before || ends[0].Event.ConnectionInfoState() != "S1" || ends[0].Event.TrafficPackets() != 3 {
		t.Fatalf("%+v", ends)
	}
	server := between(false, sport, dport, push(901, 103, flagACK), protoTCP)
	answer := between(false, 5000, 6000, func(a, b uint16) []byte { return udp(a, b, "a") }, protoUDP)
	goesOn := func(e *Engine, after time.Duration, packet []byte) Happening {
		t.Helper()
		list := cutShort(e, epoch.Add(after), packet)
		if len(list) != 1 {
			t.Fatalf("%+v", list)
		}
		return list[0]
	}
	uidOf := map[string]string{}
	for _, h := range ends {
		uidOf[h.Event.ConnectionInfoProtocolName()] = h.Event.ConnectionInfoUID()
	}
	for _, packet := range [][]byte{server, answer} {
		h := goesOn(next(t, first), 10*time.Second, packet)
		if h.Event.SrcEndpointIP() != clientIP || !h.Before || h.Event.TrafficPacketsIn() != 1 || h.Event.ConnectionInfoUID() != uidOf[h.Event.ConnectionInfoProtocolName()] {
			t.Errorf("%+v %s", h, h.Event.AppendJSON(nil))
		}
		if h := goesOn(live(), 10*time.Second, packet); h.Event.SrcEndpointIP() != serverIP {
			t.Errorf("without being told the one that speaks first is the client: %s", h.Event.AppendJSON(nil))
		}
	}
	for what, c := range map[string]struct {
		after  time.Duration
		packet []byte
	}{
		"too late":         {6 * time.Minute, server},
		"a new connection": {time.Second, between(true, sport, dport, push(7000, 0, flagSYN), protoTCP)},
		"too late for it":  {90 * time.Second, answer},
	} {
		h := goesOn(next(t, first), c.after, c.packet)
		if uid := h.Event.ConnectionInfoUID(); uid == uidOf["tcp"] || uid == uidOf["udp"] {
			t.Errorf("%s: it goes on: %s", what, h.Event.AppendJSON(nil))
		}
	}
}

// What has ended by itself is not open, and is not known; neither is a file's.
func TestCutAfterTheEnd(t *testing.T) {
	e := live()
	ends := cutShort(e, epoch,
		between(true, 2222, 7, push(100, 0, flagSYN), protoTCP), between(false, 2222, 7, push(900, 101, flagSYN|flagACK), protoTCP),
		between(true, 2222, 7, push(101, 901, flagFIN|flagACK), protoTCP), between(false, 2222, 7, push(901, 105, flagFIN|flagACK), protoTCP))
	if len(ends) != 1 || ends[0].Open || ends[0].Before {
		t.Errorf("%+v", ends)
	}
	e.Known(func(time.Time, []byte) { t.Error("a flow that has ended is known") })
}

// In the middle of a connection that nobody knows a server's packet comes first: of a
// live capture ports tell more about which end it is.
func TestMiddleOfConnection(t *testing.T) {
	packet := between(false, 50123, 9600, push(901, 103, flagACK), protoTCP)
	for _, c := range []struct {
		is   bool
		want string
	}{{true, clientIP}, {false, serverIP}} {
		e := live()
		e.Live = c.is
		h := cutShort(e, epoch, packet)[0]
		if h.Event.SrcEndpointIP() != c.want || h.Before != c.is {
			t.Errorf("live %v: %v from %s", c.is, h.Before, h.Event.SrcEndpointIP())
		}
	}
}

// FuzzLearn: whatever an engine is told of flows it goes on, and a flow that it gives as
// known is told again as it was.
func FuzzLearn(f *testing.F) {
	e := live()
	cutShort(e, epoch, between(true, 2222, 7, push(100, 0, flagSYN), protoTCP))
	e.Known(func(_ time.Time, data []byte) { f.Add(data, int64(5)) })
	f.Add([]byte("x"), int64(0))
	packet := between(false, 2222, 7, push(900, 101, flagACK), protoTCP)
	f.Fuzz(func(t *testing.T, data []byte, at int64) {
		e := live()
		err := e.Learn(unixNano(at), data)
		if err == nil && len(data) > knownSize+event.UIDSize {
			t.Error("a record that is too long is taken")
		}
		if len(cutShort(e, epoch, packet)) != 1 {
			t.Error("the packet is lost")
		}
		again := live()
		e.Known(func(last time.Time, data []byte) {
			if err := again.Learn(last, data); err != nil {
				t.Error(err)
			}
		})
	})
}
