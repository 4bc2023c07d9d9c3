package pcapfilter

import (
	"encoding/hex"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"vedette/internal/fault"
)

const (
	tcp4   = "020000000001020000000002 0800 45000028000000004006000 00a0000010a000002 c00001f6 0000000000000000 50020000 00000000"
	later  = "020000000001020000000002 0800 45000028000000084006000 00a0000010a000002 c00001f6 0000000000000000 50020000 00000000"
	udp6   = "333300000001020000000002 86dd 60000000 0008 11 40 fe800000000000000000000000000001 ff020000000000000000000000000001 14e9 14e9 0008 0000"
	arp4   = "ffffffffffff020000000002 0806 0001080006040001 020000000002 0a000002 000000000000 0a000001"
	profi  = "010ecf000000020000000002 8892 8000000000000000"
	inVLAN = "020000000001020000000002 8100 6005 0800 45000028000000004006000 00a0000010a000002 c00001f6 0000000000000000 50020000 00000000"
	inTwo  = "020000000001020000000002 88a8 0007 8100 0008 0806 0001080006040001 020000000002 0a000002 000000000000 0a000001"
)

func frame(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Which frames a filter takes: t TCP, l a later fragment of it, u UDP over IPv6, a
// ARP, p PROFINET, v TCP in a VLAN, w ARP in two.
func TestTakes(t *testing.T) {
	frames := map[string]string{"t": tcp4, "l": later, "u": udp6, "a": arp4, "p": profi, "v": inVLAN, "w": inTwo}
	for filter, want := range map[string]string{
		"host 10.0.0.1":                     "tlavw",
		"src host 10.0.0.1":                 "tlv",
		"src and dst net 10":                "tlavw",
		"not host 10.0.0.1":                 "up",
		"tcp":                               "tlv",
		"port 502":                          "tv",
		"tcp dst port 102 or 502":           "tv",
		"tcp src port (102 or 502)":         "",
		"portrange 500-510":                 "tv",
		"udp port 5353":                     "u",
		"ip6 host fe80::1":                  "u",
		"net ff00::/8":                      "u",
		"arp":                               "aw",
		"vlan":                              "vw",
		"vlan 5":                            "v",
		"vlan 8":                            "w",
		"vlan 7 and vlan 8":                 "w",
		"host 10.0.0.1 and vlan 5":          "v",
		"not vlan and ip":                   "tl",
		"ether proto 0x8892":                "p",
		"ether host 02:00:00:00:00:02":      "tluapvw",
		"ether src 02:00:00:00:00:02":       "tluapvw",
		"ether broadcast":                   "a",
		"multicast":                         "uap",
		"not (tcp || udp) && ! arp":         "p",
		"arp or ether proto 0x8892 and udp": "",
		"net 10.0.0.0 mask 255.255.255.254": "tlavw",
	} {
		f, err := Parse(filter)
		if err != nil {
			t.Errorf("%q: %v", filter, err)
			continue
		}
		fits, err := f.Matcher(LinkEthernet)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for k := range strings.SplitSeq("tluapvw", "") {
			if fits(frame(t, frames[k])) {
				got += k
			}
		}
		if got != want {
			t.Errorf("%q takes %q, not %q", filter, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for filter, want := range map[string]string{
		"":                              "an empty filter",
		"  ":                            "an empty filter",
		"host plc1":                     `"plc1" is not expected`,
		"port http":                     `"http" is no number of a port`,
		"port 70000":                    `"70000" is no number of a port`,
		"10.0.0.1":                      `"10.0.0.1" is not expected`,
		"host 10.0.0.0/8":               `"10.0.0.0/8" is not expected`,
		"net 10.0.0.1/8":                "has bits beyond its length",
		"net 10.0.0.0/33":               "is no network",
		"net 10.0.0.0 mask 255.0.255.0": "is no network with a length",
		"tcp[13] & 2 != 0":              "does not calculate",
		"less 100":                      `"less" is not expected`,
		"gateway 10.0.0.1":              `"gateway" is not expected`,
		"tcp udp":                       `"udp" is not expected after "tcp"`,
		"(tcp":                          "a parenthesis is not closed",
		"tcp)":                          `")" is not expected`,
		"tcp and":                       "the filter ends",
		"tcp host 10.0.0.1":             "host is nothing that tcp has",
		"tcp src 10.0.0.1":              "tcp with src or dst needs port",
		"ip6 host 10.0.0.1":             "is no address of ip6",
		"ip host fe80::1":               "is no address of ip",
		"vlan 4096":                     "is no number of a VLAN",
		"ether proto 5":                 "is a length",
		"ether 02:00:00:00:00:01":       "behind ether: host",
		"ether host 10.0.0.1":           "is no Ethernet address",
		"host 02:00:00:00:00:01":        `"02:00:00:00:00:01" is not expected`,
		"host fe80::1%eth0":             "'%' is not understood",
		"portrange 5":                   "is no range of ports",
		"src proto 6":                   "a protocol has no src",
		"host":                          "a value is missing",
		strings.Repeat("(", 40):         "more than 32 levels",
		strings.Repeat("x", 5000):       "5000 bytes",
		strings.Repeat("host fe80::1 or ", 250) + "tcp": "instructions",
	} {
		_, err := Parse(filter)
		var f *fault.Error
		if !errors.As(err, &f) || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, not %s", filter, err, want)
		}
	}
}

// What jumps further than one jump reaches is right, too.
func TestLongFilter(t *testing.T) {
	var list []string
	for i := range 40 {
		list = append(list, "host 10.0.1."+string(rune('0'+i%10)))
	}
	filter := "not (" + strings.Join(list, " or ") + ") and host 10.0.0.1"
	f, err := Parse(filter)
	if err != nil {
		t.Fatal(err)
	}
	fits, err := f.Matcher(LinkEthernet)
	if err != nil {
		t.Fatal(err)
	}
	if !fits(frame(t, tcp4)) || !fits(frame(t, inTwo)) || fits(frame(t, udp6)) {
		t.Error("a long filter takes others")
	}
}

// FuzzParse: what is refused is refused as invalid; what is read becomes a program
// that the kernel would take, and that tcpdump reads, too, if it is there.
func FuzzParse(f *testing.F) {
	for _, s := range filters() {
		f.Add(s, []byte{})
	}
	f.Add("vlan 5 and (host 10.0.0.1 or 10.0.0.2)", frame(f, inVLAN))
	f.Add("not tcp dst port (1 or 2 or not 3)", frame(f, udp6))
	_, missing := exec.LookPath("tcpdump")
	n := 0
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		x, err := Parse(text)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, link := range []uint16{LinkEthernet, LinkRaw, linkCooked, linkCooked2} {
			fits, err := x.Matcher(link)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			fits(data)
		}
		if n++; missing == nil && n%16 == 0 && !strings.ContainsAny(text, "\\_") {
			if out, err := exec.CommandContext(t.Context(), "tcpdump", "-d", "-y", "EN10MB", text).CombinedOutput(); err != nil && strings.Contains(string(out), "syntax error") {
				t.Fatalf("%q: tcpdump: %s", text, out)
			}
		}
	})
}
