package wire

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/normalize/wire/capfile"
)

// heard is a packet with its time, and which of two readers heard it.
type heard struct {
	at     time.Duration
	reader int
	data   []byte
}

// someFlows are packets of flows, each heard by one reader, some with silences about as
// long as a flow may have.
func someFlows(t *rapid.T) (out []heard) {
	ms := func(from, to int, what string) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, what)) * time.Millisecond
	}
	for n := range rapid.IntRange(2, 6).Draw(t, "flows") {
		reader, port := n%2, uint16(40000+n)
		at := ms(0, 3000, "start")
		say := func(client bool, body func(from, to string, sport, dport uint16) []byte) {
			if client {
				out = append(out, heard{at, reader, body(clientIP, serverIP, port, 7)})
			} else {
				out = append(out, heard{at, reader, body(serverIP, clientIP, 7, port)})
			}
		}
		pause := func() {
			switch rapid.IntRange(0, 5).Draw(t, "kind of pause") {
			case 0:
				at += ms(59_800, 60_200, "about the silence of datagrams")
			case 1:
				at += ms(4_800, 5_200, "about the silence of what has ended")
			default:
				at += ms(0, 400, "pause")
			}
		}
		if rapid.Bool().Draw(t, "tcp") {
			segment := func(client bool, seq, ack uint32, flags uint8, text string) {
				say(client, func(from, to string, sport, dport uint16) []byte {
					return ether(etherIPv4, ip4(protoTCP, from, to, 0, tcp(sport, dport, seq, ack, flags, text)))
				})
			}
			segment(true, 100, 0, flagSYN, "")
			at += ms(0, 5, "answer")
			segment(false, 900, 101, flagSYN|flagACK, "")
			segment(true, 101, 901, flagACK, "")
			for i := range rapid.IntRange(0, 3).Draw(t, "lines") {
				pause()
				segment(true, 101+5*uint32(i), 901, flagACK, fmt.Sprintf("say%d\n", i))
			}
			if rapid.Bool().Draw(t, "ends") {
				segment(true, 200, 901, flagFIN|flagACK, "")
				segment(false, 901, 201, flagFIN|flagACK, "")
				pause()
				segment(true, 201, 902, flagACK, "")
			}
			continue
		}
		for i := range rapid.IntRange(1, 5).Draw(t, "datagrams") {
			say(i%2 == 0, func(from, to string, sport, dport uint16) []byte {
				return ether(etherIPv4, ip4(protoUDP, from, to, 0, udp(sport, dport, fmt.Sprintf("line%d\n", i))))
			})
			pause()
		}
	}
	for _, p := range slices.Clone(out) { // both hear something all about it
		for i := range 20 {
			data := ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0, udp(uint16(50000+i%2), 7, "tick\n")))
			out = append(out, heard{max(p.at+time.Duration(i-10)*50*time.Millisecond, 0), i % 2, data})
		}
	}
	slices.SortStableFunc(out, func(a, b heard) int { return cmp.Compare(a.at, b.at) })
	return out
}

// events are what packets give, without the uids of flows, which count them, in no order.
func events(live bool, packets []heard) (out []string) {
	e := newEngine()
	e.Live = live
	emit := func(h Happening) {
		ev := h.Event.Clone()
		ev.SetConnectionInfoUID("")
		out = append(out, fmt.Sprintf("%s %q %s", h.Time.Format(time.RFC3339Nano), h.Raw, ev.AppendJSON(nil)))
	}
	for _, p := range packets {
		_ = e.Packet(capfile.Packet{Time: epoch.Add(p.at), Link: 1, Orig: len(p.data), Data: p.data}, emit)
	}
	e.End(emit)
	slices.Sort(out)
	return out
}

// Packets of two readers of an interface come each in their order, and those of one up to
// a second behind those of the other. The events are those of the packets in their order:
// no flow is split, joined with another one or lost, and no message.
func TestReadersInterleaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		packets := someFlows(t)
		want := events(false, packets)
		mixed := slices.Clone(packets)
		behind := map[[2]int]time.Duration{}
		arrives := func(p heard) time.Duration { // what a reader gathers within 100 ms comes together
			block := [2]int{p.reader, int(p.at / (100 * time.Millisecond))}
			if _, ok := behind[block]; !ok {
				behind[block] = time.Duration(rapid.IntRange(0, 800).Draw(t, "behind")) * time.Millisecond
			}
			return p.at/(100*time.Millisecond)*(100*time.Millisecond) + 100*time.Millisecond + behind[block]
		}
		last := [2]time.Duration{}
		when := make(map[*byte]time.Duration)
		for _, p := range packets { // a reader keeps its order
			last[p.reader] = max(last[p.reader], arrives(p))
			when[&p.data[0]] = last[p.reader]
		}
		slices.SortStableFunc(mixed, func(a, b heard) int { return cmp.Compare(when[&a.data[0]], when[&b.data[0]]) })
		if diff := gocmp.Diff(want, events(true, mixed)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// In a capture whose packets are in order, to wait for late ones changes nothing.
func TestLateChangesNothingInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		packets := someFlows(t)
		if diff := gocmp.Diff(events(false, packets), events(true, packets)); diff != "" {
			t.Fatal(diff)
		}
	})
}
