package wire

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"

	"vedette/internal/normalize/wire/capfile"
)

// bulk is a mixed capture of about 12 MB in memory: per round 8 TCP segments
// of 1400 bytes of no known protocol on each of 50 connections, with their
// acknowledgements, and 20 small datagrams.
func bulk() (records [][]byte, size int64) {
	text := strings.Repeat("\x81zq", 467)[:1400]
	add := func(b []byte) {
		at := epoch
		records = append(records, capfile.Append(nil, capfile.Packet{Time: at, Link: linkEthernet, Orig: len(b), Data: b}))
		size += int64(len(b))
	}
	for round := range 20 {
		for c := range 50 {
			port := uint16(20000 + c)
			for n := range 8 {
				seq := uint32(1 + 1400*(8*round+n))
				add(ether(etherIPv4, ip4(protoTCP, clientIP, serverIP, 0, tcp(port, 9999, seq, 1, flagACK|flagPSH, text))))
				if n%2 == 1 {
					add(ether(etherIPv4, ip4(protoTCP, serverIP, clientIP, 0, tcp(9999, port, 1, seq+1400, flagACK, ""))))
				}
			}
		}
		for n := range 20 {
			add(ether(etherIPv4, ip4(protoUDP, clientIP, serverIP, 0, udp(uint16(30000+n), 9999, "\x80\x81small"))))
		}
	}
	return records, size
}

// BenchmarkDecode measures the engine with all protocols, on one core, over
// packets in memory: from the link header to events, without reading the file
// and without making uids, hex or JSON of the events.
func BenchmarkDecode(b *testing.B) {
	b.Run("bulk", func(b *testing.B) {
		records, size := bulk()
		run(b, records, size)
	})
	b.Run("captures", func(b *testing.B) {
		var records [][]byte
		size := int64(0)
		for _, archive := range []string{"ics-pcaps.zip", "suricata-verify.zip"} {
			zipped(b, archive, func(_ string, data []byte) {
				for _, r := range recordsOf(data) {
					records = append(records, r)
					size += int64(len(r))
				}
			}, captureNames...)
		}
		run(b, records, size)
	})
}

func run(b *testing.B, records [][]byte, size int64) {
	b.SetBytes(size)
	b.ReportAllocs()
	begin := cpuTime(b)
	for b.Loop() {
		e := New(DefaultLimits(), Protocols())
		events := 0
		emit := func(Happening) { events++ }
		for _, r := range records {
			p, err := capfile.Parse(r)
			if err != nil {
				b.Fatal(err)
			}
			_ = e.Packet(p, emit)
		}
		e.End(emit)
		b.ReportMetric(float64(events), "events")
		b.ReportMetric(float64(len(records)), "packets")
	}
	b.ReportMetric(float64(size)*float64(b.N)/float64(cpuTime(b)-begin)*1e3, "MB/cpu-s")
}

// cpuTime is what the process took of the processors, collecting garbage
// included: on a machine that others use too it tells more than the clock.
func cpuTime(b *testing.B) int64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}

// TestNoAllocation holds that packets of flows that go on cost no memory.
func TestNoAllocation(t *testing.T) {
	e := New(DefaultLimits(), Protocols())
	emit := func(Happening) {}
	b := ether(etherIPv4, ip4(protoTCP, clientIP, serverIP, 0, tcp(20000, 9999, 1, 1, flagACK, strings.Repeat("\x81zq", 400))))
	seq := uint32(1)
	send := func() {
		binary.BigEndian.PutUint32(b[14+20+4:], seq)
		seq += 1200
		_ = e.Packet(capfile.Packet{Time: epoch, Link: linkEthernet, Data: b}, emit)
	}
	for range 20 {
		send()
	}
	if n := testing.AllocsPerRun(1000, send); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
