package app

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/ingest"
	"vedette/internal/ingest/netflow"
)

func flowSource(t *testing.T, a *App) (*netflow.Source, string) {
	t.Helper()
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := conn.LocalAddr().String()
	_ = conn.Close()
	src, err := netflow.New(netflow.Config{Name: "flows", Listen: address, Now: a.cfg.Now})
	if err != nil {
		t.Fatal(err)
	}
	return src, address
}

// A real exporter's flows are rows, from each version of the protocol.
func TestSoftflowdToStore(t *testing.T) {
	path, err := exec.LookPath("softflowd")
	if err != nil {
		t.Skip("softflowd is not installed: apt install softflowd")
	}
	for _, version := range []string{"5", "9", "10"} {
		a := openForLive(t)
		src, address := flowSource(t, a)
		l, err := a.OpenLive(0, src)
		if err != nil {
			t.Fatal(err)
		}
		sent := false
		run(t, l, func() bool {
			if !sent && src.Status().State == ingest.Running {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				out, err := exec.CommandContext(ctx, path, "-D", "-r", "../normalize/testdata/capture/ssh.pcap", "-n", address, "-v", version,
					"-p", filepath.Join(t.TempDir(), "pid"), "-c", "none").CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				sent = true
			}
			list, err := a.Sources(t.Context())
			return err == nil && len(list) > 0 && list[0].Events > 0
		})
		if n := countOf(t, a, "dst_endpoint.port=22 connection_info.protocol_name=tcp"); n != 1 {
			t.Errorf("version %s: %d flows to port 22", version, n)
		}
	}
}

// Templates of one datagram count for those that follow, also past any number of
// exporters that somebody makes up, and garbage costs only itself.
func TestTemplatesPersist(t *testing.T) {
	a := openForLive(t)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../normalize/testdata/netflow/v9.nf")
	if err != nil {
		t.Fatal(err)
	}
	templates, flows := splitV9(t, raw)
	put := func(peer string, b []byte) {
		if err := l.Put(t.Context(), ingest.Payload{Source: "flows", Peer: peer, Format: netflow.Format, Received: a.cfg.Now(), Data: b}); err != nil {
			t.Fatal(err)
		}
	}
	put("192.0.2.1", templates)
	put("192.0.2.1", flows)
	hostile := append([]byte(nil), templates...)
	binary.BigEndian.PutUint16(hostile[26:], 60000) // fields that it does not have
	put("192.0.2.1", hostile)
	put("192.0.2.1", flows[:len(flows)-3])
	for i := range 50 {
		put(fmt.Sprintf("198.51.100.%d", i), flows) // nobody told their templates
	}
	put("192.0.2.1", flows)
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
	n := countOf(t, a, "metadata.log_name=netflow/flow")
	if n == 0 || n%2 != 0 {
		t.Errorf("%d flows of two equal datagrams", n)
	}
	if c := l.counts["flows"]; c == nil || c.rejected < 51 {
		t.Errorf("%+v", c)
	}
}

// splitV9 makes of a recorded message one with its template sets and one with
// its data sets.
func splitV9(t *testing.T, raw []byte) (templates, flows []byte) {
	t.Helper()
	head := raw[:20]
	templates, flows = append(templates, head...), append(flows, head...)
	for at := 20; at+4 <= len(raw); {
		id, n := binary.BigEndian.Uint16(raw[at:]), int(binary.BigEndian.Uint16(raw[at+2:]))
		if id == 9 || n < 4 || at+n > len(raw) {
			break
		}
		if id < 256 {
			templates = append(templates, raw[at:at+n]...)
		} else {
			flows = append(flows, raw[at:at+n]...)
		}
		at += n
	}
	if len(templates) == 20 || len(flows) == 20 {
		t.Fatal("the recording has no template or no flow")
	}
	return templates, flows
}

// An exporter and a topic that are heard for days are read by one parser, whose
// clock goes on.
func TestClockGoesOn(t *testing.T) {
	a := openForLive(t)
	live := a.reader.Live("x")
	at := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	for day := range 5 {
		at = at.AddDate(0, 0, day)
		v5 := make([]byte, 24+48)
		binary.BigEndian.PutUint16(v5, 5)
		binary.BigEndian.PutUint16(v5[2:], 1)
		binary.BigEndian.PutUint32(v5[8:], uint32(at.Unix()))
		for _, p := range []ingest.Payload{
			{Source: "flows", Peer: "192.0.2.1", Format: netflow.Format, Received: at, Data: v5},
			{Source: "plant", Peer: "a/b", Else: "mqtt-value", Received: at, Data: []byte("21.5")},
			{Source: "plant", Peer: "a/c", Else: "mqtt-value", Received: at, Data: fmt.Appendf(nil, `{"device":"c","ts":%q,"temp":1}`, at.Format(time.RFC3339))},
			{Source: "plant", Peer: "a/d", Else: "mqtt-value", Received: at, Data: []byte(`[{"n":"urn:dev:x/t","u":"Cel","v":1}]`)},
		} {
			n := 0
			_, err := live.Payload(t.Context(), p, uint64(day+1), func(e *event.Event) error {
				n++
				if e.MetadataClockSuspect() || !e.TimeField().Equal(at) {
					t.Errorf("day %d: %s is of %v, suspect: %v", day, p.Data, e.TimeField(), e.MetadataClockSuspect())
				}
				return nil
			})
			if err != nil || n != 1 {
				t.Errorf("day %d: %d events of %q, %v", day, n, p.Data, err)
			}
		}
	}
}

// Templates outlive the process: flows that come after a restart, before their
// exporter repeats the templates, are rows. A damaged file costs no more than that.
func TestTemplatesOutliveTheProcess(t *testing.T) {
	a := openForLive(t)
	for _, name := range []string{"v9.nf", "probe.ipfix"} {
		raw, err := os.ReadFile("../normalize/testdata/netflow/" + name)
		if err != nil {
			t.Fatal(err)
		}
		before := countOf(t, a, "metadata.log_name=netflow/flow")
		var flows []byte
		if name == "v9.nf" {
			_, flows = splitV9(t, raw)
		} else {
			flows = dataIPFIX(t, raw)
		}
		for i, data := range [][]byte{raw, flows} {
			l, err := a.OpenLive(0)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Put(t.Context(), ingest.Payload{Source: "flows", Peer: "192.0.2.1", Format: netflow.Format, Received: a.cfg.Now(), Data: data}); err != nil {
				t.Fatal(err)
			}
			run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
			n := countOf(t, a, "metadata.log_name=netflow/flow")
			if n <= before {
				t.Errorf("%s, start %d: %d flows, %d before", name, i, n, before)
			}
			before = n
		}
	}
	if err := os.WriteFile(filepath.Join(a.cfg.Dir, spoolName, toldName), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, func() bool { return true })
}

// dataIPFIX is a recorded message without its templates.
func dataIPFIX(t *testing.T, raw []byte) []byte {
	t.Helper()
	out := append([]byte(nil), raw[:16]...)
	for at := 0; at+16 <= len(raw); {
		end := at + int(binary.BigEndian.Uint16(raw[at+2:]))
		for at += 16; at+4 <= end; {
			n := int(binary.BigEndian.Uint16(raw[at+2:]))
			if binary.BigEndian.Uint16(raw[at:]) >= 256 {
				out = append(out, raw[at:at+n]...)
			}
			at += n
		}
	}
	binary.BigEndian.PutUint16(out[2:], uint16(len(out)))
	if len(out) == 16 {
		t.Fatal("the recording has no flow")
	}
	return out
}
