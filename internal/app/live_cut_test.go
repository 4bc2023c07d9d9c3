package app

import (
	"encoding/binary"
	"testing"
	"time"

	"vedette/internal/ingest"
	"vedette/internal/normalize/wire/capfile"
)

// segmentOf is a TCP segment between a client's port and the server's 9600, from the
// server or to it.
func segmentOf(at time.Time, port uint16, fromServer bool, flags byte) []byte {
	addresses := []byte{192, 0, 2, 10, 192, 0, 2, 20}
	ports := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, port), 9600)
	if fromServer {
		addresses = []byte{192, 0, 2, 20, 192, 0, 2, 10}
		ports = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, 9600), port)
	}
	b := append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00\x45\x00\x00\x28\x00\x00\x00\x00\x40\x06\x00\x00"), addresses...)
	b = append(append(b, ports...), 0, 0, 0, 9, 0, 0, 0, 9, 0x50, flags, 1, 0, 0, 0, 0, 0)
	return capfile.AppendPart(nil, capfile.Packet{Time: at, Link: 1, Orig: len(b), Data: b})
}

// Connections that are open when the server stops are stored as far as they came. After
// the start their server, which closes them, is not one that calls many ports and fails;
// and what is open neither way is stored once.
func TestConnectionsOverARestart(t *testing.T) {
	const syn, rst, ack, many = 2, 4, 16, 50
	for what, p := range map[string]ingest.Payload{
		"an interface":             {Source: "wire", Peer: "eth1", Format: "packets"},
		"files that are one after": {Source: "ring", Peer: "a.pcap", Stream: "ring-1", Format: "packets"},
	} {
		a := openForLive(t)
		at := a.cfg.Now().Add(-time.Hour)
		hear := func(of func(port uint16) [][]byte) {
			t.Helper()
			l, err := a.OpenLive(0)
			if err != nil {
				t.Fatal(err)
			}
			p.Data = nil
			for n := range many {
				for _, part := range of(uint16(3000 + n)) {
					p.Data = append(p.Data, part...)
				}
			}
			p.Received = a.cfg.Now()
			if err := l.Put(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
			if p.At += int64(len(p.Data)); p.Stream == "" {
				p.At = 0
			}
		}
		hear(func(port uint16) [][]byte {
			return [][]byte{segmentOf(at, port, false, syn), segmentOf(at, port, true, syn|ack), segmentOf(at, port, false, ack)}
		})
		if n := countOf(t, a, `metadata.log_name=wire/conn connection_info.state=S1 src=192.0.2.10 traffic.packets=3`); n != many {
			t.Errorf("%s: %d of %d are stored when it stops", what, n, many)
		}
		hear(func(port uint16) [][]byte { return [][]byte{segmentOf(at.Add(time.Minute), port, true, rst|ack)} })
		for text, want := range map[string]int64{
			`metadata.log_name=wire/conn`:                                  2 * many,
			`metadata.log_name=wire/conn traffic.packets=1 src=192.0.2.10`: many,
		} {
			if n := countOf(t, a, text); n != want {
				t.Errorf("%s: %s: %d, not %d", what, text, n, want)
			}
		}
		table, err := a.Query(t.Context(), "metadata.log_name=wire/conn | by src, status count", a.cfg.Now())
		if err != nil || len(table.Rows) != 2 {
			t.Fatalf("%s: %v, %v", what, table, err)
		}
		for _, row := range table.Rows {
			if row[0] != "192.0.2.10" || row[1] == "Failure" {
				t.Errorf("%s: %v", what, row)
			}
		}
		table, err = a.Query(t.Context(), "metadata.log_name=wire/conn | distinct(connection_info.uid)", a.cfg.Now())
		if err != nil || table.Rows[0][0] != int64(many) {
			t.Errorf("%s: %v connections by uid, %v", what, table.Rows, err)
		}
		l, err := a.OpenLive(0) // and a start without any packet tells nothing again
		if err != nil {
			t.Fatal(err)
		}
		run(t, l, func() bool { return true })
		if n := countOf(t, a, `metadata.log_name=wire/conn`); n != 2*many {
			t.Errorf("%s: %d events in the end", what, n)
		}
	}
}
