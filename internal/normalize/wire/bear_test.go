package wire

import (
	"errors"
	"strings"
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/capfile"
	"vedette/internal/normalize/wire/proto"
)

// breaking is a protocol on port 9998 whose parts panic on the word "boom"
// followed by their own name.
func breaking() proto.Protocol {
	fail := func(data []byte, part string) {
		if strings.Contains(string(data), "boom "+part) {
			var none []byte
			_ = none[len(data)] // as a real fault would
		}
	}
	return proto.Protocol{
		Name: "breaking", TCP: []uint16{9998}, UDP: []uint16{9998},
		Probe: func(data []byte, _ proto.Side, onPort bool) int {
			fail(data, "probe")
			if onPort {
				return 90
			}
			return 0
		},
		New: func(f *proto.Flow) proto.Decoder {
			if f.Client.Port() == 666 {
				panic("boom new")
			}
			return decoderFunc(func(p proto.Payload, out proto.Out) (int, error) {
				fail(p.Data, "decode")
				if len(p.Data) > 0 {
					out.Emit(out.New(event.NetworkActivity), p.Data)
				}
				return len(p.Data), nil
			})
		},
	}
}

type decoderFunc func(proto.Payload, proto.Out) (int, error)

func (f decoderFunc) Decode(p proto.Payload, out proto.Out) (int, error) { return f(p, out) }

// TestADecoderThatPanics ends nothing but the decoding of its own flow; what it
// was shown is kept, and told.
func TestADecoderThatPanics(t *testing.T) {
	var told []string
	e := New(DefaultLimits(), append([]proto.Protocol{breaking()}, Protocols()...))
	e.Broke = func(part string, data []byte, what any) {
		if _, ok := what.(error); !ok && what != "boom new" {
			t.Errorf("what %v", what)
		}
		told = append(told, part+":"+string(data))
	}
	type given struct{ log, raw, detail string }
	var got []given
	emit := func(h Happening) {
		got = append(got, given{h.Event.MetadataLogName(), string(h.Raw), h.Event.StatusDetail()})
	}
	send := func(from uint16, text string) error {
		b := ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0, udp(from, 9998, text)))
		return e.Packet(capfile.Packet{Time: epoch, Link: linkEthernet, Data: b}, emit)
	}
	for _, c := range []struct {
		from uint16
		text string
		bad  bool
	}{{7001, "good one", false}, {7001, "boom decode", true}, {7001, "good two", false}, {7002, "good three", false}, {7003, "boom probe", true}, {666, "good four", true}, {7004, "good five", false}} {
		if err := send(c.from, c.text); (err != nil) != c.bad {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	e.End(emit)
	var texts []string
	conns, gaveUp := 0, 0
	for _, g := range got {
		switch {
		case g.log == "wire/conn":
			conns++
			if strings.Contains(g.detail, "fault of this program") {
				gaveUp++
			}
		case strings.HasPrefix(g.detail, "not read"):
			texts = append(texts, "unread "+g.raw)
		default:
			texts = append(texts, g.raw)
		}
	}
	if got, want := strings.Join(texts, "|"), "good one|unread boom decode|good three|good five"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	if conns != 5 || gaveUp != 2 {
		t.Errorf("%d flows were told, %d of them given up", conns, gaveUp)
	}
	if got, want := strings.Join(told, "|"), "decoder breaking:boom decode|decoder breaking:boom probe|decoder breaking:boom probe|decoder breaking:"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestAStreamThatPanics: over TCP the other flows and the table stay whole.
func TestAStreamThatPanics(t *testing.T) {
	e := New(DefaultLimits(), []proto.Protocol{breaking()})
	broke := 0
	e.Broke = func(string, []byte, any) { broke++ }
	events := map[string]int{}
	emit := func(h Happening) { events[h.Event.MetadataLogName()]++ }
	for port := uint16(7100); port < 7200; port++ {
		seq := uint32(1)
		for n, text := range []string{"good one ", "good two ", "boom decode", "good three"} {
			if n == 2 && port%2 == 0 {
				text = "peace again"
			}
			b := ether(etherIPv4, ip4(protoTCP, clientIP, serverIP, 0, tcp(port, 9998, seq, 1, flagACK|flagPSH, text)))
			seq += uint32(len(text))
			_ = e.Packet(capfile.Packet{Time: epoch, Link: linkEthernet, Data: b}, emit)
		}
	}
	e.End(emit)
	if broke != 50 || events["wire/conn"] != 100 || events["wire/breaking"] != 50*4+50*3 || e.table.held != 0 {
		t.Errorf("%d broke, events %v, %d bytes held", broke, events, e.table.held)
	}
}

// TestASinkThatPanics is none of the decoder's: it goes on to who runs it all.
func TestASinkThatPanics(t *testing.T) {
	e := New(DefaultLimits(), []proto.Protocol{breaking()})
	e.Broke = func(part string, _ []byte, _ any) { t.Error("blamed:", part) }
	mine := errors.New("the store")
	defer func() {
		if got := recover(); got != mine { //nolint:errorlint // the very value
			t.Errorf("recovered %v", got)
		}
	}()
	b := ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0, udp(1, 9998, "good")))
	_ = e.Packet(capfile.Packet{Time: epoch, Link: linkEthernet, Data: b}, func(Happening) { panic(mine) })
	t.Error("it went on")
}
