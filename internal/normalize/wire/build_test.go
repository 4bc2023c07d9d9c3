package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/capfile"
	"vedette/internal/normalize/wire/proto"
)

// The builders below write packets after the RFCs, without checksums, which
// the engine does not look at.

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func ether(kind uint16, body []byte) []byte {
	b := []byte{2, 0, 0, 0, 0, 0x20, 2, 0, 0, 0, 0, 0x10}
	return append(binary.BigEndian.AppendUint16(b, kind), body...)
}

func ip4(p uint8, src, dst string, frag uint16, body []byte) []byte {
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(body)))
	b = append(b, 0, 77)
	b = binary.BigEndian.AppendUint16(b, frag)
	b = append(b, 64, p, 0, 0)
	b = append(b, netip.MustParseAddr(src).AsSlice()...)
	b = append(b, netip.MustParseAddr(dst).AsSlice()...)
	return append(b, body...)
}

func ip6(next uint8, body []byte) []byte {
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, next, 64)
	b = append(b, netip.MustParseAddr("2001:db8::1").AsSlice()...)
	b = append(b, netip.MustParseAddr("2001:db8::2").AsSlice()...)
	return append(b, body...)
}

func udp(sport, dport uint16, body string) []byte {
	b := binary.BigEndian.AppendUint16(nil, sport)
	b = binary.BigEndian.AppendUint16(b, dport)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(body)))
	return append(append(b, 0, 0), body...)
}

func tcp(sport, dport uint16, seq, ack uint32, flags uint8, body string) []byte {
	b := binary.BigEndian.AppendUint16(nil, sport)
	b = binary.BigEndian.AppendUint16(b, dport)
	b = binary.BigEndian.AppendUint32(b, seq)
	b = binary.BigEndian.AppendUint32(b, ack)
	return append(append(b, 0x50, flags, 1, 0, 0, 0, 0, 0), body...)
}

const clientIP, serverIP = "192.0.2.10", "192.0.2.20"

// talk writes the packets of one TCP connection between port 40000 and 7.
type talk struct {
	packets [][]byte
}

func (t *talk) client(seq, ack uint32, flags uint8, body string) {
	t.packets = append(t.packets, ether(etherIPv4, ip4(protoTCP, clientIP, serverIP, 0, tcp(40000, 7, seq, ack, flags, body))))
}

func (t *talk) server(seq, ack uint32, flags uint8, body string) {
	t.packets = append(t.packets, ether(etherIPv4, ip4(protoTCP, serverIP, clientIP, 0, tcp(7, 40000, seq, ack, flags, body))))
}

// greet is the handshake: the client begins at 100, the server at 900.
func greet() *talk {
	t := &talk{}
	t.client(100, 0, flagSYN, "")
	t.server(900, 101, flagSYN|flagACK, "")
	t.client(101, 901, flagACK, "")
	return t
}

// echo is a protocol that takes lines, and tells of each what it was shown.
func echo(ports ...uint16) proto.Protocol {
	return proto.Protocol{
		Name: "echo", TCP: ports, UDP: ports, EtherTypes: []uint16{0x88b8},
		Probe: func(data []byte, _ proto.Side, onPort bool) int {
			if onPort || strings.HasPrefix(string(data), "ECHO") {
				return 50
			}
			return 0
		},
		New: func(*proto.Flow) proto.Decoder { return echoDecoder{} },
	}
}

type echoDecoder struct{}

func (echoDecoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	if strings.HasPrefix(string(p.Data), "BAD") {
		return 0, fmt.Errorf("bad words")
	}
	taken := 0
	lost := p.Lost
	for {
		n := strings.IndexByte(string(p.Data[taken:]), '\n')
		if n < 0 && p.End {
			n = len(p.Data) - taken - 1
		}
		if n < 0 {
			if p.End {
				e := out.New(event.BaseEvent)
				e.SetMessage(fmt.Sprintf("%d end", p.Side))
				out.Emit(e, nil)
			}
			return taken, nil
		}
		line := p.Data[taken : taken+n+1]
		e := out.New(event.BaseEvent)
		text := fmt.Sprintf("%d %s", p.Side, strings.TrimSpace(string(line)))
		if lost > 0 {
			text += fmt.Sprintf(" (lost %d)", lost)
			lost = 0
		}
		e.SetMessage(text)
		out.Emit(e, line)
		taken += n + 1
	}
}

// taken is what an engine made of packets.
type taken struct {
	said  []string       // messages of the echo protocol
	conns []*event.Event // ends of flows
	other []*event.Event
	errs  []string
}

func play(e *Engine, link uint16, packets ...[]byte) taken {
	var out taken
	emit := func(h Happening) {
		switch {
		case h.Event.MetadataLogName() == "wire/echo":
			out.said = append(out.said, h.Event.Message())
		case h.Event.MetadataLogName() == "wire/conn":
			out.conns = append(out.conns, h.Event.Clone())
		default:
			out.other = append(out.other, h.Event.Clone())
		}
	}
	for i, b := range packets {
		at := epoch.Add(time.Duration(i) * time.Millisecond)
		if err := e.Packet(capfile.Packet{Time: at, Link: link, Orig: len(b), Data: b}, emit); err != nil {
			out.errs = append(out.errs, plain(err))
		}
	}
	e.End(emit)
	return out
}

func newEngine() *Engine { return New(DefaultLimits(), []proto.Protocol{echo(7)}) }
