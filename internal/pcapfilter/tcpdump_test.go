package pcapfilter

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The filters that are held against tcpdump. None has vlan: see TestVLANLikeTcpdump.
func filters() []string {
	return strings.Split(strings.TrimSpace(`
tcp
udp
not udp
icmp
icmp6
igmp
sctp
arp
rarp
ip
ip6
not ip
not (ip or arp)
host 10.0.0.1
host 192.168.1.1 or 192.168.1.2 or 192.168.88.61
not host 192.168.88.61
src host 192.168.1.1
src or dst host 192.168.1.1
src and dst net 192.168.0.0/16
dst net 192.168.0.0/16 and not src net 192.168.0.0/16
net 10
net 192.168
net 192.168.88
net 10.0.0.0 mask 255.0.0.0
net 0.0.0.0/0
net 224.0.0.0/4
ip host 192.168.88.61
arp host 192.168.88.61
arp net 192.168.0.0/16
ip net 172.16.0.0/12
ip6 net fe80::/10
net ff00::/8
net 2001:db8::/32
host ff02::1
ip6 host fe80::1
src net fe80::/64
port 502
port 53
not port 53
tcp port 102
tcp port 80 or 443
tcp src port 502
tcp dst port 502
udp port 53 or 5353
udp dst port (53 or 67 or 68)
src and dst port 53
src port 20000 or dst port 20000
portrange 1-1023
tcp portrange 20000-20100
udp src portrange 1024-65535
udp portrange 2000-1000
not portrange 1024-65535
ip proto 6
ip proto 1
ip6 proto 17
ip6 proto 58
proto 17
ether proto 0x8892
ether proto 0x88b8
ether proto 0x0800
not ether proto 0x88cc
ether multicast
ether broadcast
broadcast
not multicast
ether host ff:ff:ff:ff:ff:ff
ether src 00:0c:29:00:00:01 or ether dst ff:ff:ff:ff:ff:ff
not ether dst ff:ff:ff:ff:ff:ff and arp
tcp and not port 502 and not port 102
tcp or udp and port 53
not tcp and not udp
! tcp || udp && port 53
(tcp or udp) and not net 10.0.0.0/8
not (tcp and port 80) and not (udp and port 53)
host 192.168.88.61 and (tcp port 502 or 102 or arp)
src 192.168.88.61
host 192.168.88.61 and not port 502 or 102
not (not (not tcp))
ip and not (net 10.0.0.0/8 or 172.16.0.0/12 or 192.168.0.0/16)
tcp port 502 or tcp port 102 or udp port 47808 or tcp port 44818 or udp port 2222 or tcp port 20000 or ether proto 0x8892
`), "\n")
}

// packet is one of a corpus.
type packet struct {
	link uint16
	data []byte
}

// corpus is a number of packets of each capture of the shared public data, and of
// some of them copies with tags, cut off, and with a bit changed.
func corpus(t testing.TB) []packet {
	t.Helper()
	var out []packet
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"ics-pcaps.zip", "suricata-verify.zip"} {
		z, err := zip.OpenReader(shared(t, name))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for _, f := range z.File {
			if ext := filepath.Ext(f.Name); ext != ".pcap" && ext != ".pcapng" && ext != ".cap" {
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range firstOf(t, r) {
				out = append(out, variants(rnd, p)...)
			}
		}
	}
	return out
}

// firstOf has tcpdump read the first packets of a capture; none of one that it cannot
// read.
func firstOf(t testing.TB, file io.Reader) (out []packet) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tcpdump", "-r", "-", "-c", "200", "-w", "-")
	cmd.Stdin = file
	raw, err := cmd.Output()
	if err != nil || len(raw) < 24 {
		return nil
	}
	o := binary.LittleEndian
	link := uint16(o.Uint32(raw[20:]))
	for raw = raw[24:]; len(raw) >= 16; {
		end := 16 + int(o.Uint32(raw[8:]))
		out = append(out, packet{link, raw[16:end]})
		raw = raw[end:]
	}
	return out
}

// variants are a packet and, now and then, others made of it.
func variants(rnd *rand.Rand, p packet) []packet {
	out := []packet{p}
	n := len(p.data)
	if n < 20 {
		return out
	}
	if p.link == LinkEthernet && rnd.IntN(4) == 0 {
		one := tagged(p.data, [][2]byte{{0x81, 0}, {0x88, 0xa8}, {0x91, 0}}[rnd.IntN(3)], uint16(rnd.IntN(8)))
		out = append(out, packet{1, one}, packet{1, tagged(one, [2]byte{0x88, 0xa8}, 5)})
	}
	if n > 90 && rnd.IntN(4) == 0 { // not within its headers: what is read of these first is up to the compiler
		out = append(out, packet{p.link, p.data[:90+rnd.IntN(n-90)]})
	}
	for range 2 {
		b := bytes.Clone(p.data)
		if at := rnd.IntN(min(n, 60)); at != 14 { // the length of the header of IP, which may then end outside
			b[at] ^= 1 << rnd.IntN(8)
		}
		out = append(out, packet{p.link, b})
	}
	return out
}

func tagged(frame []byte, kind [2]byte, id uint16) []byte {
	if len(frame) < 12 {
		return frame
	}
	b := append(bytes.Clone(frame[:12]), kind[0], kind[1], 0x60|byte(id>>8), byte(id))
	return append(b, frame[12:]...)
}

func shared(t testing.TB, name string) string {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		p := filepath.Join(dir, "..", "shared", "data", "net", name)
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Skipf("no %s: the public test data belongs into ../shared/data beside the repository", name)
	return ""
}

// written writes packets to a capture whose times are their places in the list.
func written(t testing.TB, link uint16, list []packet) string {
	t.Helper()
	o := binary.LittleEndian
	var b []byte
	for _, n := range []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, 262144, uint32(link)} {
		b = o.AppendUint32(b, n)
	}
	for i, p := range list {
		for _, n := range []int{i, 0, len(p.data), len(p.data)} {
			b = o.AppendUint32(b, uint32(n))
		}
		b = append(b, p.data...)
	}
	name := filepath.Join(t.TempDir(), "all.pcap")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// kept adds the places of the packets that tcpdump keeps. It tells false for a filter
// that tcpdump does not have for this link.
func kept(t testing.TB, file, filter string, into map[int]bool) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tcpdump", "-r", file, "-w", "-", filter)
	var errs strings.Builder
	cmd.Stderr = &errs
	raw, err := cmd.Output()
	if err != nil {
		if strings.Contains(errs.String(), "rejects all packets") {
			return true
		}
		for _, s := range []string{"not supported", "supported only", "not a broadcast link"} {
			if strings.Contains(errs.String(), s) {
				return false
			}
		}
		t.Fatalf("tcpdump %q: %v %s", filter, err, errs.String())
	}
	for raw = raw[min(24, len(raw)):]; len(raw) >= 16; {
		into[int(binary.LittleEndian.Uint32(raw))] = true
		raw = raw[16+int(binary.LittleEndian.Uint32(raw[8:])):]
	}
	return true
}

func mine(t testing.TB, filter string, link uint16, list []packet) map[int]bool {
	t.Helper()
	f, err := Parse(filter)
	if err != nil {
		t.Fatalf("%q: %v", filter, err)
	}
	fits, err := f.Matcher(link)
	if err != nil {
		t.Fatalf("%q: %v", filter, err)
	}
	out := map[int]bool{}
	for i, p := range list {
		if fits(p.data) {
			out[i] = true
		}
	}
	return out
}

func tcpdump(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("no tcpdump here to hold filters against: apt-get install tcpdump")
	}
}

// The packets that are kept are those that tcpdump keeps: the ones without a tag by
// the filter, the others by the filter behind one vlan, or two.
func TestKeptLikeTcpdump(t *testing.T) {
	tcpdump(t)
	byLink := map[uint16][]packet{}
	for _, p := range corpus(t) {
		byLink[p.link] = append(byLink[p.link], p)
	}
	for link, list := range byLink {
		if _, ok := viewOf(link); !ok {
			t.Logf("link %d: %d packets are not looked at", link, len(list))
			continue
		}
		depth := make([][]packet, 3)
		for _, p := range list {
			n := tagsOf(p)
			depth[n] = append(depth[n], p)
		}
		for n, list := range depth {
			if len(list) == 0 {
				continue
			}
			file, before := written(t, link, list), strings.Repeat("vlan and ", n)
			some := 0
			for _, filter := range filters() {
				want := map[int]bool{}
				if !kept(t, file, before+"("+filter+")", want) {
					t.Logf("link %d: tcpdump has no %q", link, filter)
					continue
				}
				got := mine(t, filter, link, list)
				if len(want) > 0 {
					some++
				}
				differ(t, strconv.Itoa(int(link))+" with "+strconv.Itoa(n)+" tags: "+filter, want, got, list)
			}
			t.Logf("link %d, %d tags: %d packets, %d filters of which keep some", link, n, len(list), some)
		}
	}
}

// tagsOf is how many VLAN tags a frame begins with, up to two.
func tagsOf(p packet) int {
	n := 0
	for at := 12; p.link == LinkEthernet && n < 2 && len(p.data) >= at+2; at += 4 {
		if k := binary.BigEndian.Uint16(p.data[at:]); k != 0x8100 && k != 0x88a8 && k != 0x9100 {
			break
		}
		n++
	}
	return n
}

func differ(t testing.TB, what string, want, got map[int]bool, list []packet) {
	t.Helper()
	shown := 0
	for i := range list {
		if want[i] != got[i] {
			if shown++; shown <= 2 {
				t.Errorf("%s: packet %d: tcpdump %v, here %v: % x", what, i, want[i], got[i], list[i].data[:min(64, len(list[i].data))])
			}
		}
	}
}

// What begins with vlan is as in tcpdump, of packets with one tag.
func TestVLANLikeTcpdump(t *testing.T) {
	tcpdump(t)
	var list []packet
	for _, p := range corpus(t) {
		if p.link == LinkEthernet && tagsOf(p) < 2 {
			list = append(list, p)
		}
	}
	file := written(t, LinkEthernet, list)
	for _, filter := range []string{"vlan", "vlan 5", "vlan 3 and tcp", "vlan 2 and net 192.168.0.0/16", "vlan and not udp", "vlan and (arp or port 502)", "vlan 7 and not ip", "not vlan", "not vlan 4"} {
		want := map[int]bool{}
		if !kept(t, file, filter, want) || len(want) == 0 {
			t.Fatalf("tcpdump keeps nothing of %q", filter)
		}
		differ(t, filter, want, mine(t, filter, LinkEthernet, list), list)
	}
}

// Filters that are made by chance read alike.
func TestChanceLikeTcpdump(t *testing.T) {
	tcpdump(t)
	var list []packet
	for i, p := range corpus(t) {
		if p.link == LinkEthernet && tagsOf(p) == 0 && i%10 == 0 {
			list = append(list, p)
		}
	}
	file := written(t, LinkEthernet, list)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 80 {
		filter := chance(rnd, 3)
		want := map[int]bool{}
		if kept(t, file, filter, want) {
			differ(t, filter, want, mine(t, filter, LinkEthernet, list), list)
		}
	}
}

func chance(rnd *rand.Rand, deep int) string {
	if deep == 0 || rnd.IntN(4) == 0 {
		return filters()[rnd.IntN(len(filters()))]
	}
	switch rnd.IntN(4) {
	case 0:
		return "not (" + chance(rnd, deep-1) + ")"
	case 1:
		return chance(rnd, deep-1) + " or " + chance(rnd, deep-1)
	case 2:
		return "(" + chance(rnd, deep-1) + ") and (" + chance(rnd, deep-1) + ")"
	}
	return chance(rnd, deep-1) + " and not " + chance(rnd, deep-1)
}
