package wire

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/capfile"
	"vedette/internal/normalize/wire/proto"
)

// TestStream plays connections, and compares what the decoder was shown, and
// how the connection is told.
func TestStream(t *testing.T) {
	const push = flagACK | flagPSH
	for name, c := range map[string]struct {
		play func(*talk)
		from *talk
		said string // messages, joined
		conn string // state, history, bytes out and in, packets out and in
	}{
		"in order": {func(k *talk) {
			k.client(101, 901, push, "one\ntwo\n")
			k.server(901, 109, push, "yes\n")
			k.client(109, 905, flagFIN|flagACK, "")
			k.server(905, 110, flagFIN|flagACK, "")
			k.client(110, 906, flagACK, "")
		}, greet(), "0 one|0 two|1 yes|0 end|1 end", "SF ShADdFf 8/4 5/3"},
		"a line in pieces": {func(k *talk) {
			k.client(101, 901, push, "on")
			k.client(103, 901, push, "e\ntw")
			k.client(107, 901, push, "o\n")
		}, greet(), "0 one|0 two|0 end|1 end", "S1 ShAD 8/0 5/1"},
		"out of order": {func(k *talk) {
			k.client(105, 901, push, "two\n")
			k.client(109, 901, push, "three\n")
			k.client(101, 901, push, "one\n")
		}, greet(), "0 one|0 two|0 three|0 end|1 end", "S1 ShADT 14/0 5/1"},
		"sent twice": {func(k *talk) {
			k.client(101, 901, push, "one\n")
			k.client(101, 901, push, "one\n")
			k.client(101, 901, push, "ONE\ntwo\n")
		}, greet(), "0 one|0 two|0 end|1 end", "S1 ShADT 8/0 5/1"},
		"overlap ahead of a gap: the first copy counts": {func(k *talk) {
			k.client(105, 901, push, "two\n")
			k.client(103, 901, push, "XXYYYYthree\n")
			k.client(101, 901, push, "on")
		}, greet(), "0 onXXtwo|0 three|0 end|1 end", ""},
		"lost, and known by the acknowledgement": {func(k *talk) {
			k.client(101, 901, push, "one\nhalf")
			k.client(113, 901, push, "rest\nthree\n")
			k.server(901, 124, flagACK, "")
			k.client(124, 901, push, "four\n")
		}, greet(), "0 one|0 rest (lost 8)|0 three|0 four|0 end|1 end", "S1 ShADaG 28/0 5/2"},
		"lost at the end": {func(k *talk) {
			k.client(101, 901, push, "one\n")
			k.client(110, 901, push, "two\n")
		}, greet(), "0 one|0 two (lost 5)|0 end|1 end", "S1 ShADG 13/0 4/1"},
		"refused": {func(k *talk) {
			k.client(100, 0, flagSYN, "")
			k.server(0, 101, flagRST|flagACK, "")
		}, &talk{}, "", "REJ Sr 0/0 1/1"},
		"not answered": {func(k *talk) { k.client(100, 0, flagSYN, "") }, &talk{}, "", "S0 S 0/0 1/0"},
		"reset by the server": {func(k *talk) {
			k.client(101, 901, push, "one\nhal")
			k.server(901, 108, flagRST, "")
		}, greet(), "0 one|0 hal|0 end|1 end", "RSTR ShADr 7/0 3/2"},
		"reset by the client": {func(k *talk) {
			k.client(101, 901, flagRST, "")
		}, greet(), "", "RSTO ShAR 0/0 3/1"},
		"begun before the capture": {func(k *talk) {
			k.server(901, 109, push, "yes\n12345678\n")
			k.client(109, 914, push, "one\n12345678\n")
		}, &talk{}, "1 yes (lost 1)|1 12345678|0 one (lost 1)|0 12345678|0 end|1 end", "OTH ^dD 13/13 1/1"},
		"closed by one side": {
			func(k *talk) { k.client(101, 901, flagFIN|flagACK, "one\n45678") },
			greet(), "0 one|0 45678|0 end|1 end", "S2 ShADF 9/0 3/1",
		},
		"the decoder gives up": {func(k *talk) {
			k.client(101, 901, push, "BAD words\n")
			k.client(111, 901, push, "more\n")
		}, greet(), "", "S1 ShAD 15/0 4/1 not decoded further as echo: bad words"},
	} {
		t.Run(name, func(t *testing.T) {
			c.play(c.from)
			got := play(newEngine(), linkEthernet, c.from.packets...)
			said := strings.Join(got.said, "|")
			// The ends of sides that said nothing are not shown to a decoder that was never made.
			if diff := cmp.Diff(c.said, said); diff != "" {
				t.Error(diff)
			}
			if len(got.conns) != 1 || len(got.errs) > 0 {
				t.Fatalf("%d connections, errors %q", len(got.conns), got.errs)
			}
			if conn := connText(got.conns[0]); c.conn != "" && conn != c.conn {
				t.Errorf("connection %q, want %q", conn, c.conn)
			}
		})
	}
}

func connText(e *event.Event) string {
	s := fmt.Sprintf("%s %s %d/%d %d/%d", e.ConnectionInfoState(), e.ConnectionInfoHistory(), e.TrafficBytesOut(), e.TrafficBytesIn(), e.TrafficPacketsOut(), e.TrafficPacketsIn())
	if r := e.StatusDetail(); r != "" {
		s += " " + r
	}
	return s
}

func TestPortIsUsedAgain(t *testing.T) {
	k := greet()
	k.client(101, 901, flagFIN|flagACK, "first, a\n")
	k.server(901, 111, flagFIN|flagACK, "")
	k.client(5000, 0, flagSYN, "")
	k.server(7000, 5001, flagSYN|flagACK, "")
	k.client(5001, 7001, flagACK, "second, b\n")
	got := play(newEngine(), linkEthernet, k.packets...)
	if len(got.conns) != 2 || got.conns[0].ConnectionInfoUID() == got.conns[1].ConnectionInfoUID() {
		t.Fatalf("%d connections", len(got.conns))
	}
	if diff := cmp.Diff("0 first, a|0 end|1 end|0 second, b|0 end|1 end", strings.Join(got.said, "|")); diff != "" {
		t.Error(diff)
	}
}

// TestSequenceWraps holds that numbers are compared modulo 2^32.
func TestSequenceWraps(t *testing.T) {
	k := &talk{}
	k.client(0xfffffffa, 0, flagSYN, "")
	k.server(1, 0xfffffffb, flagSYN|flagACK, "")
	k.client(0xffffffff, 2, flagACK, "two\n")
	k.client(0xfffffffb, 2, flagACK, "one\n")
	k.client(3, 2, flagACK, "three\n")
	got := play(newEngine(), linkEthernet, k.packets...)
	if diff := cmp.Diff("0 one|0 two|0 three|0 end|1 end", strings.Join(got.said, "|")); diff != "" {
		t.Error(diff)
	}
}

// TestLinks plays the same datagram over every kind of link.
func TestLinks(t *testing.T) {
	ip := ip4(protoUDP, clientIP, serverIP, 0, udp(4000, 7, "hello\n"))
	tag := func(id byte, kind uint16, body []byte) []byte {
		return append([]byte{0, id, byte(kind >> 8), byte(kind)}, body...)
	}
	llc := append([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, ip...)
	v6 := udp(4000, 7, "hello\n")
	for name, c := range map[string]struct {
		link   uint16
		packet []byte
		vlan   int64
	}{
		"ethernet":        {linkEthernet, ether(etherIPv4, ip), 0},
		"padded":          {linkEthernet, append(ether(etherIPv4, ip), make([]byte, 20)...), 0},
		"vlan":            {linkEthernet, ether(etherVLAN, tag(5, etherIPv4, ip)), 5},
		"qinq":            {linkEthernet, ether(etherQinQ, tag(9, etherVLAN, tag(6, etherIPv4, ip))), 6},
		"snap":            {linkEthernet, ether(uint16(len(llc)), llc), 0},
		"mpls":            {linkEthernet, ether(etherMPLS, append([]byte{0, 1, 0, 64, 0, 2, 1, 64}, ip...)), 0},
		"pppoe":           {linkEthernet, ether(etherPPPoE, append([]byte{0x11, 0, 0, 1, 0, 40, 0, 0x21}, ip...)), 0},
		"raw":             {linkRaw, ip, 0},
		"null":            {linkNull, append([]byte{2, 0, 0, 0}, ip...), 0},
		"sll":             {linkSLL, append([]byte{0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 0x10, 0, 0, 8, 0}, ip...), 0},
		"sll2":            {linkSLL2, append([]byte{8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 0x10, 0, 0}, ip...), 0},
		"ipv6":            {linkEthernet, ether(etherIPv6, ip6(protoUDP, v6)), 0},
		"ipv6 extensions": {linkEthernet, ether(etherIPv6, ip6(extHop, append([]byte{extFragment, 0, 0, 0, 0, 0, 0, 0, protoUDP, 0, 0, 0, 0, 0, 0, 1}, v6...))), 0},
		"ethertype":       {linkEthernet, ether(0x88b8, []byte("hello\n")), 0},
		"ethertype, vlan": {linkEthernet, ether(etherVLAN, tag(7, 0x88b8, []byte("hello\n"))), 7},
	} {
		got := play(newEngine(), c.link, c.packet)
		if len(got.conns) != 1 || strings.Join(got.said, "|") != "0 hello|0 end|1 end" || len(got.errs) != 0 {
			t.Errorf("%s: said %q, %d flows, errors %q", name, got.said, len(got.conns), got.errs)
			continue
		}
		if v := got.conns[0].ConnectionInfoVLAN(); v != c.vlan {
			t.Errorf("%s: vlan %d", name, v)
		}
		if c.link == linkEthernet && got.conns[0].SrcEndpointMAC() != "02:00:00:00:00:10" {
			t.Errorf("%s: mac %q", name, got.conns[0].SrcEndpointMAC())
		}
	}
	for link, want := range map[uint16]string{195: "Zigbee", 249: "USB", 12345: "link type 12345"} {
		if got := play(newEngine(), link, ip); len(got.errs) != 1 || !strings.Contains(got.errs[0], want) {
			t.Errorf("link %d: %q", link, got.errs)
		}
	}
}

func TestFragments(t *testing.T) {
	whole := udp(4000, 7, "a datagram\nof several\nfragments\n")
	a := ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0x2000, whole[:16]))
	b := ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0x2000|2, whole[16:32]))
	c := ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 4, whole[32:]))
	forged := ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0x2000|2, []byte("XXXXXXXXXXXXXXXX")))
	six := func(at uint16, body []byte) []byte {
		return ether(etherIPv6, ip6(extFragment, append([]byte{protoUDP, 0, byte(at >> 8), byte(at), 0, 0, 0, 9}, body...)))
	}
	want := "0 a datagram|0 of several|0 fragments|0 end|1 end"
	for name, packets := range map[string][][]byte{
		"in order": {a, b, c}, "backwards": {c, b, a}, "twice": {a, a, b, b, c}, "a forged copy comes second": {b, forged, a, c},
		"ipv6": {six(1, whole[:16]), six(16|1, whole[16:32]), six(32, whole[32:])},
	} {
		got := play(newEngine(), linkEthernet, packets...)
		if diff := cmp.Diff(want, strings.Join(got.said, "|")); diff != "" {
			t.Errorf("%s: %s %q", name, diff, got.errs)
		}
	}
	if got := play(newEngine(), linkEthernet, a, c); len(got.said)+len(got.conns) != 0 {
		t.Errorf("an unfinished datagram said %q", got.said)
	}
	if got := play(newEngine(), linkEthernet, ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0x1fff, whole))); len(got.errs) != 1 {
		t.Error("a fragment beyond the end of its datagram was taken")
	}
}

func TestARP(t *testing.T) {
	message := func(op byte, from, to string) []byte {
		b := []byte{0, 1, 8, 0, 6, 4, 0, op, 2, 0, 0, 0, 0, 0x10}
		b = append(b, netip.MustParseAddr(from).AsSlice()...)
		b = append(b, 2, 0, 0, 0, 0, 0x20)
		return ether(etherARP, append(b, netip.MustParseAddr(to).AsSlice()...))
	}
	got := play(newEngine(), linkEthernet, message(1, clientIP, serverIP), message(2, clientIP, serverIP), message(1, clientIP, clientIP), message(1, "0.0.0.0", serverIP))
	var text []string
	for _, e := range got.other {
		text = append(text, strings.Join([]string{e.ActivityName(), e.SrcEndpointIP(), e.SrcEndpointMAC(), e.DstEndpointIP(), e.DstEndpointMAC()}, " "))
	}
	if diff := cmp.Diff([]string{
		"request 192.0.2.10 02:00:00:00:00:10 192.0.2.20 ", "reply 192.0.2.10 02:00:00:00:00:10 192.0.2.20 02:00:00:00:00:20",
		"gratuitous 192.0.2.10 02:00:00:00:00:10 192.0.2.10 ", "probe  02:00:00:00:00:10 192.0.2.20 ",
	}, text); diff != "" {
		t.Error(diff)
	}
}

func TestIdle(t *testing.T) {
	e := newEngine()
	b := ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0, udp(4000, 7, "x\n")))
	ended := 0
	for i := range 3 {
		at := epoch.Add(time.Duration(i) * 61 * time.Second)
		_ = e.Packet(capfile.Packet{Time: at, Link: linkEthernet, Data: b}, func(h Happening) {
			if h.Event.MetadataLogName() == "wire/conn" {
				ended++
			}
		})
	}
	if ended != 2 {
		t.Errorf("%d flows ended by silence, want 2", ended)
	}
}

// TestScan holds that a scan of many ports, and connections that make the
// engine wait, cost no more than the limits say.
func TestScan(t *testing.T) {
	e := New(Limits{Flows: 100, Held: 64 << 10}, []proto.Protocol{echo(7)})
	conns := 0
	emit := func(h Happening) {
		if h.Event.MetadataLogName() == "wire/conn" {
			conns++
		}
	}
	send := func(b []byte) {
		if err := e.Packet(capfile.Packet{Time: epoch, Link: linkEthernet, Data: b}, emit); err != nil {
			t.Fatal(err)
		}
		if len(e.table.flows) > 100 || e.table.held > 64<<10 {
			t.Fatalf("%d flows, %d bytes held", len(e.table.flows), e.table.held)
		}
	}
	for port := range 20000 {
		send(ether(etherIPv4, ip4(protoTCP, clientIP, serverIP, 0, tcp(uint16(port%60000), uint16(port), 1, 0, flagSYN, ""))))
	}
	ahead := strings.Repeat("x", 1400)
	for port := range 1000 {
		for n := range 20 {
			send(ether(etherIPv4, ip4(protoTCP, clientIP, serverIP, 0, tcp(uint16(port), 7, 1, 0, flagSYN, ""))))
			send(ether(etherIPv4, ip4(protoTCP, clientIP, serverIP, 0, tcp(uint16(port), 7, uint32(1000+1400*n), 0, flagACK, ahead))))
		}
	}
	e.End(emit)
	if conns != 21000 || e.table.held != 0 {
		t.Errorf("%d flows told, want 21000; %d bytes held after the end", conns, e.table.held)
	}
}

// TestCommunityID uses the vectors of the specification's reference
// implementation (baseline "default").
func TestCommunityID(t *testing.T) {
	for _, c := range []struct {
		src, dst     string
		sport, dport uint16
		proto        uint8
		want         string
	}{
		{"128.232.110.120", "66.35.250.204", 34855, 80, protoTCP, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"66.35.250.204", "128.232.110.120", 80, 34855, protoTCP, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"192.168.1.52", "8.8.8.8", 54585, 53, protoUDP, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	} {
		p := &packet{family: familyIPv4, proto: c.proto, port: [2]uint16{c.sport, c.dport}}
		copy(p.addr[0][:], netip.MustParseAddr(c.src).AsSlice())
		copy(p.addr[1][:], netip.MustParseAddr(c.dst).AsSlice())
		k, sender := keyOf(p)
		if got := k.community(sender); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.src, c.dst, got, c.want)
		}
	}
}

// TestClaimsOnce holds that what a device says of itself is told once.
func TestClaimsOnce(t *testing.T) {
	e := newEngine()
	told := 0
	e.out.emit = func(Happening) { told++ }
	e.out.flow = &flow{}
	for _, name := range []string{"a", "b", "a", "a"} {
		ev := e.out.blank(event.DeviceInventoryInfo, "wire/echo")
		ev.SetDeviceIP(clientIP)
		ev.SetIdentityName(name)
		e.out.Emit(ev, nil)
	}
	if told != 2 {
		t.Errorf("%d claims told, want 2", told)
	}
}
