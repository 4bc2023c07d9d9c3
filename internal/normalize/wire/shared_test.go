package wire

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/normalize/wire/capfile"
)

// shared is the path of an archive of the shared public data, which is not in
// the repository. The test is skipped where there is none.
func shared(t testing.TB, name string) string {
	t.Helper()
	var tried []string
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		tried = append(tried, filepath.Join(dir, "data"), dir)
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "..", "shared", "data"))
		}
	}
	for _, dir := range tried {
		if p := filepath.Join(dir, "net", name); fileExists(p) {
			return p
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", name)
	return ""
}

func fileExists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// zipped shows the files of an archive whose names end in one of the suffixes.
func zipped(t testing.TB, name string, show func(name string, data []byte), suffixes ...string) {
	t.Helper()
	z, err := zip.OpenReader(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		if !slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(f.Name, s) }) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		show(f.Name, data)
	}
}

// decode runs a capture through an engine with all protocols.
func decode(data []byte, emit func(Happening)) (packets int, refused map[string]int, err error) {
	refused = map[string]int{}
	e := New(DefaultLimits(), Protocols())
	next := capfile.Cut(bufio.NewReaderSize(bytes.NewReader(data), 64<<10))
	for {
		raw, _, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			e.End(emit)
			return packets, refused, err
		}
		p, err := capfile.Parse(raw)
		if err != nil {
			return packets, refused, err
		}
		packets++
		if err := e.Packet(p, emit); err != nil {
			refused[plain(err)]++
		}
	}
	e.End(emit)
	return packets, refused, nil
}

var captureNames = []string{".pcap", ".pcapng", ".cap"}

// TestSharedCaptures decodes every public capture, or gets a reason why not.
func TestSharedCaptures(t *testing.T) {
	outcome := map[string]int{}
	for _, archive := range []string{"ics-pcaps.zip", "suricata-verify.zip", "slips-traffic.zip", "zeek-icsnpp.zip"} {
		t.Run(archive, func(t *testing.T) {
			zipped(t, archive, func(name string, data []byte) {
				began := time.Now()
				events := 0
				packets, refused, err := decode(data, func(h Happening) {
					events++
					if h.Event.MetadataLogName() == "" {
						t.Errorf("%s: an event without a log", name)
					}
				})
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s took %v", name, took)
				}
				switch {
				case err != nil:
					outcome["breaks off: "+plain(err)]++
				case packets == 0:
					outcome["no packets"]++
				case events == 0 && len(refused) == 0:
					t.Errorf("%s: %d packets, and neither an event nor a reason", name, packets)
				case events == 0:
					for why := range refused {
						outcome["refused: "+why]++
					}
				case len(refused) > 0:
					outcome["decoded, some packets refused"]++
				default:
					outcome["decoded"]++
				}
			}, captureNames...)
		})
	}
	for what, n := range outcome {
		t.Logf("%4d %s", n, what)
	}
}

// connLine is what both our events and Zeek's conn log say of a connection.
type connLine struct{ src, sport, dst, dport, proto, out, in, state, pout, pin string }

// TestSharedZeekConn holds the ends of flows against Zeek's conn log of the
// same capture. Its times and uids are not in the logs.
func TestSharedZeekConn(t *testing.T) {
	captures, logs := map[string][]byte{}, map[string][]byte{}
	zipped(t, "zeek-icsnpp.zip", func(name string, data []byte) {
		if strings.HasSuffix(name, "conn.log") {
			logs[name] = data
		} else {
			captures[name] = data
		}
	}, append(captureNames, "conn.log")...)
	total, same, ends := 0, 0, 0
	for name, log := range logs {
		dir := name[:strings.Index(name, "/baseline")]
		var want []connLine
		for line := range strings.SplitSeq(string(log), "\n") {
			c := strings.Split(line, "\t")
			if strings.HasPrefix(line, "#") || len(c) < 20 {
				continue
			}
			want = append(want, connLine{c[2], c[3], c[4], c[5], c[6], c[9], c[10], c[11], c[16], c[18]})
		}
		best := map[connLine]int{}
		for capture, data := range captures { // the one that this log was made of is not named: it is the one that fits best
			if !strings.HasPrefix(capture, dir+"/") {
				continue
			}
			got := map[connLine]int{}
			_, _, _ = decode(data, func(h Happening) {
				if e := h.Event; e.MetadataLogName() == "wire/conn" && e.SrcEndpointIP() != "" {
					got[connLine{
						e.SrcEndpointIP(), fmt.Sprint(e.SrcEndpointPort()), e.DstEndpointIP(), fmt.Sprint(e.DstEndpointPort()), e.ConnectionInfoProtocolName(),
						fmt.Sprint(e.TrafficBytesOut()), fmt.Sprint(e.TrafficBytesIn()), e.ConnectionInfoState(), fmt.Sprint(e.TrafficPacketsOut()), fmt.Sprint(e.TrafficPacketsIn()),
					}]++
				}
			})
			if agree(want, got) > agree(want, best) {
				best = got
			}
		}
		for _, w := range want {
			total++
			if g, ok := likest(w, best); ok && w.says(g) {
				best[g]--
				same++
			} else if ok {
				ends++
				t.Logf("%s\n zeek %v\n we   %v", name, w, g)
			}
		}
	}
	t.Logf("%d connections of Zeek: %d equal in all, %d with the same ends only", total, same, ends)
	if same*100 < total*98 {
		t.Errorf("%d of %d connections are as Zeek has them", same, total)
	}
}

// says reports whether g is all that Zeek says. "-" is what it does not say:
// of a flow of one packet it tells no bytes.
func (c connLine) says(g connLine) bool {
	if c.out == "-" {
		c.out, c.in = g.out, g.in
	}
	return c == g
}

// likest is a connection between the same ends, an equal one if there is one.
func likest(w connLine, got map[connLine]int) (found connLine, ok bool) {
	for g, n := range got {
		if n <= 0 || g.src != w.src || g.dst != w.dst || g.sport != w.sport || g.dport != w.dport {
			continue
		}
		if found, ok = g, true; w.says(g) {
			return found, true
		}
	}
	return found, ok
}

func agree(want []connLine, got map[connLine]int) int {
	n := 0
	for _, w := range want {
		if g, ok := likest(w, got); ok && w.says(g) {
			n++
		}
	}
	return n
}

// recordsOf are the packets of a capture, as records of package capfile.
func recordsOf(data []byte) (out [][]byte) {
	next := capfile.Cut(bufio.NewReaderSize(bytes.NewReader(data), 64<<10))
	for {
		raw, _, err := next()
		if err != nil {
			return out
		}
		out = append(out, bytes.Clone(raw))
	}
}
