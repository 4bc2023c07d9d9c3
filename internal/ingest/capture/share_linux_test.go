package capture

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

const ends = "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"

// datagram is a frame of UDP over IPv4 between two ports of 192.0.2.1 and .2; back
// turns it round.
func datagram(from, to uint16, back bool, text string) string {
	src, dst := "\xc0\x00\x02\x01", "\xc0\x00\x02\x02"
	if back {
		from, to, src, dst = to, from, dst, src
	}
	o := binary.BigEndian
	ip := o.AppendUint16([]byte{0x45, 0}, uint16(28+len(text)))
	ip = append(ip, 0, 0, 0, 0, 64, 17, 0, 0)
	udp := o.AppendUint16(o.AppendUint16(nil, from), to)
	udp = append(o.AppendUint16(udp, uint16(8+len(text))), 0, 0)
	return ends + "\x08\x00" + string(ip) + src + dst + string(udp) + text
}

// inVLAN puts a tag into a frame.
func inVLAN(frame string, id byte) string {
	return frame[:12] + "\x81\x00\x00" + string(id) + frame[12:]
}

// The kernel takes what the filter says, tags that it keeps beside a packet
// included, and not more of each than snap.
func TestFilter(t *testing.T) {
	frames := map[string]string{
		"a": datagram(40000, 502, false, "vdt-a"), "b": datagram(40000, 503, false, "vdt-b"), "c": inVLAN(datagram(40000, 502, false, "vdt-c"), 5),
		"d": inVLAN(inVLAN(datagram(40000, 502, false, "vdt-d"), 6), 5), "e": ends + "\x88\x92" + strings.Repeat("vdt-e", 10),
	}
	for filter, want := range map[string]string{
		"udp dst port 502": "acd", "vlan 5": "cd", "vlan 6": "d", "not vlan and net 192.0.2.0/24": "ab", "udp port 503 or vlan 6": "bd",
		"ether proto 0x8892": "e", "vlan and host 192.0.2.1 and not vlan 6": "c", "ip and host 203.0.113.1": "",
	} {
		for way, ring := range map[string]int{"ring": MinRing, "calls": -1} {
			if ring < 0 && !strings.Contains(filter, "vlan 6") { // some are enough
				continue
			}
			src, _, end := listening(t, Config{Name: "c", Interface: "lo", Ring: ring, Filter: filter, Snap: 64})
			if st := src.Status(); st.State != ingest.Running || st.Text != "" {
				t.Errorf("%s: %+v", filter, st)
			}
			for k := range strings.SplitSeq("abcde", "") {
				sendFrames(t, "lo", frames[k])
			}
			time.Sleep(3 * batchAge)
			got := ""
			for _, p := range end() {
				if _, after, ok := strings.Cut(string(p.Data), "vdt-"); ok {
					got += after[:1]
				} else {
					t.Errorf("%s: % x came", filter, p.Data)
				}
				if len(p.Data) > 68 {
					t.Errorf("%s: %d bytes of a packet", filter, len(p.Data))
				}
			}
			if got != want {
				t.Errorf("%s, %s: took %q, not %q", filter, way, got, want)
			}
		}
	}
}

func TestFilterRefused(t *testing.T) {
	if _, err := New(Config{Name: "c", Interface: "lo", Filter: "port modbus"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}

// Several readers take each packet once, both ways of a flow and the fragments of a
// packet by one of them, and more than one of them has something to do.
func TestReadersShare(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to open a packet socket")
	}
	src, err := New(Config{Name: "c", Interface: "lo", Readers: 3, Filter: "net 192.0.2.0/24"})
	if err != nil {
		t.Fatal(err)
	}
	socks, err := src.openAll()
	if err != nil {
		t.Skip("no packet socket here: " + err.Error())
	}
	defer closeAll(socks)
	if len(socks) != 3 || socks[0].note != "" {
		t.Skipf("%d sockets: %s", len(socks), socks[0].note)
	}
	const flows = 40
	want := map[string]int{}
	for i := range uint16(flows) {
		name := fmt.Sprintf("vdt-%02d", i)
		sendFrames(t, "lo", datagram(30000+i, 502, false, name), datagram(30000+i, 502, true, name), datagram(30000+i, 502, false, name))
		want[name] = 3
	}
	for i := range byte(flows) {
		first, second := []byte(datagram(30000, 502, false, fmt.Sprintf("vdt-f%02d", i))), []byte(datagram(30000, 502, false, fmt.Sprintf("vdt-f%02d", i)))
		for _, f := range [][]byte{first, second} {
			f[19], f[29] = i, i // the number of the packet, and who sent it
		}
		first[20], second[21] = 0x20, 2 // more come; begins at 16
		sendFrames(t, "lo", string(first), string(second))
		want[fmt.Sprintf("vdt-f%02d", i)] = 2
	}
	time.Sleep(3 * batchAge)
	got, by, busy := map[string]int{}, map[string]int{}, 0
	for i, sock := range socks {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		full, to := make(chan []byte, batches), &spool{}
		if err := src.readRing(ctx, sock.ring, &meter{source: src, socks: socks}, full); err != nil {
			t.Fatal(err)
		}
		close(full)
		for b := range full {
			to.data = append(to.data, b...)
		}
		list := packetsOf(t, to.data)
		if len(list) > 0 {
			busy++
		}
		for _, p := range list {
			_, name, _ := strings.Cut(string(p.Data), "vdt-")
			name = "vdt-" + name
			if who, ok := by[name]; ok && who != i {
				t.Errorf("%s is with readers %d and %d", name, who, i)
			}
			got[name], by[name] = got[name]+1, i
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if busy < 2 {
		t.Errorf("%d readers had something to do", busy)
	}
}

// With several readers it runs as with one, and when one of them fails the capture
// is told to fail and begins again with all.
func TestReaderFails(t *testing.T) {
	src, _, end := listening(t, Config{Name: "c", Interface: "lo", Readers: 2, Filter: "net 192.0.2.0/24"})
	if st := src.Status(); st.State != ingest.Running || st.Text != "" {
		t.Fatalf("%+v", st)
	}
	for i := range uint16(100) {
		sendFrames(t, "lo", datagram(30000+i, 502, false, "vdt"))
	}
	time.Sleep(3 * batchAge)
	if n := len(end()); n != 100 {
		t.Errorf("%d of 100 packets", n)
	}
	socks, err := src.openAll()
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(socks)
	bad := socks[1].ring.fd
	defer func() { socks[1].ring.fd = bad }()
	none, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(none)
	socks[1].ring.fd = none
	if err := src.readAll(t.Context(), socks, &meter{source: src, socks: socks}, make(chan []byte, batches)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a reader failed, and it says %v", err)
	}
}
