package normalize_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/normalize"
	"vedette/internal/normalize/record"
	"vedette/internal/normalize/wire/capfile"
)

// What a live capture hands on gives the events of the same packets in a file,
// but for their ids, and what is said of connections that are open at the end.
func TestPacketsAsFile(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join("testdata", "capture", "*.pcap"))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var live []byte
		next := normalize.Capture().Cut(bufio.NewReader(bytes.NewReader(data)))
		for raw, _, err := next(); err == nil; raw, _, err = next() {
			live = append(binary.BigEndian.AppendUint32(live, uint32(len(raw))), raw...)
		}
		read := func(d normalize.Dialect, data []byte) (out []string) {
			emit := func(e *event.Event) {
				if e.MetadataLogName() == "wire/conn" { // of a live capture it is told which were open
					for _, s := range []event.Slot{event.SlotActivityName, event.SlotStatus, event.SlotStatusDetail} {
						e.Unset(s)
					}
				}
				out = append(out, strings.ReplaceAll(string(e.AppendJSON(nil)), e.MetadataUID(), "UID"))
			}
			p := d.New(normalize.Source{ID: "x", Name: "x"})
			next := d.Cut(bufio.NewReader(bytes.NewReader(data)))
			for raw, at, err := next(); err == nil; raw, at, err = next() {
				_ = p.Parse(normalize.Record{Raw: raw, Offset: at}, emit)
			}
			p.(normalize.Ender).End(emit)
			return out
		}
		if diff := cmp.Diff(read(normalize.Capture(), data), read(normalize.Packets(), live)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

// A live capture that is stopped tells of a connection that is open as far as it came,
// and the next one, which is told of it, goes on with it: the server, which speaks first
// then, is no client, and a reset without a beginning is no failure.
func TestConnectionOverARestart(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	packet := func(fromServer bool, flags byte) []byte {
		ends, ports := []byte{192, 0, 2, 10, 192, 0, 2, 20}, []byte{0x08, 0xae, 0x0d, 0x05}
		if fromServer {
			ends, ports = []byte{192, 0, 2, 20, 192, 0, 2, 10}, []byte{0x0d, 0x05, 0x08, 0xae}
		}
		b := append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00\x45\x00\x00\x28\x00\x00\x00\x00\x40\x06\x00\x00"), ends...)
		b = append(append(b, ports...), 0, 0, 0, 9, 0, 0, 0, 9, 0x50, flags, 1, 0, 0, 0, 0, 0)
		at = at.Add(time.Second)
		return capfile.Append(nil, capfile.Packet{Time: at, Link: 1, Orig: len(b), Data: b})
	}
	heard := func(told [][]byte, packets ...[]byte) (events []*event.Event, known [][]byte) {
		emit := func(e *event.Event) { events = append(events, e.Clone()) }
		p := normalize.Packets().New(normalize.Source{ID: "x", Name: "x"})
		for _, part := range told {
			next := normalize.Packets().Cut(bufio.NewReader(bytes.NewReader(part)))
			for raw, at, err := next(); err == nil; raw, at, err = next() {
				if err := p.Parse(normalize.Record{Raw: raw, Offset: at}, emit); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, raw := range packets {
			if err := p.Parse(normalize.Record{Raw: raw}, emit); err != nil {
				t.Fatal(err)
			}
		}
		p.(normalize.Ender).End(emit)
		known, _ = p.(record.Learner).Learnt()
		return events, known
	}
	const syn, ack, rst = 2, 16, 4
	first, known := heard(nil, packet(false, syn), packet(true, syn|ack), packet(false, ack))
	if len(first) != 1 || len(known) != 1 || first[0].ActivityName() != "Traffic" || first[0].ConnectionInfoState() != "S1" || first[0].Status() != "Success" || !strings.Contains(first[0].StatusDetail(), "stopped while it was open") {
		t.Fatalf("%s, %d known", first[0].AppendJSON(nil), len(known))
	}
	for _, c := range []struct {
		told [][]byte
		src  string
	}{{known, "192.0.2.10"}, {nil, "192.0.2.20"}} {
		then, _ := heard(c.told, packet(true, rst|ack))
		e := then[0]
		if e.SrcEndpointIP() != c.src || e.Status() != "" || e.ActivityName() != "Traffic" || !strings.Contains(e.StatusDetail(), "began before the capture did") || (e.ConnectionInfoUID() == first[0].ConnectionInfoUID()) != (c.told != nil) {
			t.Errorf("%s", e.AppendJSON(nil))
		}
	}
	if alone, _ := heard(nil, packet(false, syn)); alone[0].Status() != "" {
		t.Errorf("who was just called is said to fail: %s", alone[0].AppendJSON(nil))
	}
}
