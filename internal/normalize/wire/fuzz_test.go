package wire

import (
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/capfile"
)

// FuzzEngine cuts its input into packets, each led by a byte of length, and
// holds that every event is whole, that no more than the limits is
// remembered, and that nothing is held after the end.
func FuzzEngine(f *testing.F) {
	seed := func(packets ...[]byte) {
		var b []byte
		for _, p := range packets {
			if len(p) < 256 {
				b = append(append(b, byte(len(p))), p...)
			}
		}
		f.Add(uint16(linkEthernet), b)
	}
	k := greet()
	k.client(105, 901, flagACK, "two\n")
	k.client(101, 901, flagACK|flagFIN, "one\n")
	k.server(901, 111, flagRST, "")
	seed(k.packets...)
	whole := udp(4000, 7, "a datagram\nof several\nfragments\n")
	seed(ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0x2000, whole[:16])), ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 2, whole[16:])))
	seed(ether(etherIPv6, ip6(protoICMPv6, []byte{128, 0, 0, 0, 0, 0, 0, 0, 1})), ether(etherVLAN, append([]byte{0, 1, 8, 0}, ip4(2, clientIP, serverIP, 0, make([]byte, 8))...)))
	limits := Limits{Flows: 3, Held: 4 << 10}
	f.Fuzz(func(t *testing.T, link uint16, data []byte) {
		for _, protocols := range [][]string{{"echo"}, {"all"}} {
			e := New(limits, Protocols())
			if protocols[0] == "echo" {
				e = New(limits, newEngine().apps.all)
			}
			emit := func(h Happening) {
				if h.Event.MetadataLogName() == "" || !h.Event.Has(event.SlotClassUID) || h.Event.MetadataProduct() == "" {
					t.Fatalf("an event without class, log or product: %v", h.Event)
				}
			}
			at, rest := epoch, data
			for len(rest) > 0 {
				n := min(int(rest[0]), len(rest)-1)
				_ = e.Packet(capfile.Packet{Time: at, Link: link, Data: rest[1 : 1+n]}, emit)
				at, rest = at.Add(time.Second), rest[1+n:]
				if len(e.table.flows) > limits.Flows || e.table.held > limits.Held+4<<10 {
					t.Fatalf("%d flows, %d bytes held", len(e.table.flows), e.table.held)
				}
			}
			e.End(emit)
			if e.table.held != 0 || len(e.table.flows) != 0 {
				t.Fatalf("after the end %d flows, %d bytes held", len(e.table.flows), e.table.held)
			}
		}
	})
}
