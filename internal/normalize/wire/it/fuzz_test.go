package it

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// feed shows a decoder bytes of both sides: the input is cut into pieces, each
// led by a byte for its side and length. Over a stream every piece is cut in
// two at the given share, if that is above 0.
func feed(t *testing.T, p proto.Protocol, transport string, data []byte, cut int) []string {
	t.Helper()
	port := uint16(9)
	switch {
	case transport == "tcp" && len(p.TCP) > 0:
		port = p.TCP[0]
	case len(p.UDP) > 0:
		port = p.UDP[0]
	}
	d := p.New(prototest.Flow(transport, port))
	out := &prototest.Out{}
	var held [2][]byte
	show := func(s proto.Side, b []byte, end bool) bool {
		if transport == "tcp" {
			b = append(held[s], b...)
		}
		taken, err := d.Decode(proto.Payload{Side: s, Time: time.Unix(1, 0), Data: b, End: end}, out)
		if taken < 0 || taken > len(b) {
			t.Fatalf("%s took %d of %d bytes", p.Name, taken, len(b))
		}
		if transport == "tcp" {
			held[s] = append([]byte(nil), b[taken:]...)
		}
		return err == nil
	}
	ok := true
	for rest := data; ok && len(rest) > 1; {
		s, n := proto.Side(rest[0]&1), min(int(rest[0]>>1)*8+int(rest[1]&7), len(rest)-1)
		piece := rest[1 : 1+n]
		rest = rest[1+n:]
		if transport != "tcp" && len(piece) == 0 {
			continue
		}
		if half := len(piece) * cut / 100; cut > 0 && transport == "tcp" {
			if ok = show(s, piece[:half], false); !ok {
				break
			}
			piece = piece[half:]
		}
		ok = show(s, piece, false)
	}
	if ok {
		_ = show(proto.Client, nil, true) && show(proto.Server, nil, true)
	}
	var texts []string
	for i, e := range out.Events {
		if !e.Has(event.SlotClassUID) {
			t.Fatalf("%s: an event without a class", p.Name)
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, fmt.Sprintf("%s %x", e.AppendJSON(b[:0]), out.Raw[i]))
	}
	return texts
}

// fuzz holds that a decoder never panics, takes no more than it was shown,
// gives each event a class, and over TCP gives the same events when the bytes
// come in smaller pieces.
func fuzz(f *testing.F, name string, seeds ...[]byte) {
	var p proto.Protocol
	for _, one := range Protocols() {
		if one.Name == name {
			p = one
		}
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, onPort := range []bool{true, false} {
			for _, s := range []proto.Side{proto.Client, proto.Server} {
				if n := p.Probe(data, s, onPort); n < 0 || n > 100 {
					t.Fatalf("probe says %d", n)
				}
			}
		}
		if len(p.UDP) > 0 {
			feed(t, p, "udp", data, 0)
		}
		if len(p.TCP) == 0 {
			return
		}
		whole := feed(t, p, "tcp", data, 0)
		for _, cut := range []int{30, 77} {
			parts := feed(t, p, "tcp", data, cut)
			if fmt.Sprint(whole) != fmt.Sprint(parts) {
				t.Fatalf("at once\n%v\nin pieces\n%v", whole, parts)
			}
		}
	})
}

// said is the input of feed for what sides say in turn, the client first.
func said(all ...string) []byte {
	var b []byte
	for i, s := range all {
		for len(s) > 0 {
			n := min(len(s), 1000)
			for n%8 != int(s[0]&7) && n > 0 { // feed takes the low bits from the first byte
				n--
			}
			if n == 0 {
				n = len(s)
			}
			b = append(append(b, byte(i&1)|byte(n/8)<<1), s[:n]...)
			s = s[n:]
		}
	}
	return b
}

func FuzzDNS(f *testing.F)  { fuzz(f, "dns", said(dnsQuery), said(dnsQuery, dnsAnswerA)) }
func FuzzMDNS(f *testing.F) { fuzz(f, "mdns", said(dnsAnswerA)) }
func FuzzDHCP(f *testing.F) { fuzz(f, "dhcp", said(dhcpAck)) }
func FuzzHTTP(f *testing.F) { fuzz(f, "http", said(httpGet, httpOK)) }
func FuzzTLS(f *testing.F)  { fuzz(f, "tls", said(tlsHello)) }
func FuzzSSH(f *testing.F)  { fuzz(f, "ssh", said("SSH-2.0-a\r\n", "SSH-2.0-b\r\n")) }
func FuzzMQTT(f *testing.F) { fuzz(f, "mqtt", said(mqttConnect, "\x20\x02\x00\x05")) }
func FuzzNetFlow(f *testing.F) {
	fuzz(f, "netflow", said("\x00\x05\x00\x01\x00\x00\x00\x01\x68\x2c\x52\x20"+strings.Repeat("\x01", 60)))
}
func FuzzSNMP(f *testing.F)   { fuzz(f, "snmp", said(snmpAnswer)) }
func FuzzSSDP(f *testing.F)   { fuzz(f, "ssdp", said("NOTIFY * HTTP/1.1\r\nSERVER: a\r\n\r\n")) }
func FuzzSIP(f *testing.F)    { fuzz(f, "sip", said("REGISTER sip:a SIP/2.0\r\nUser-Agent: x\r\n\r\n")) }
func FuzzNTP(f *testing.F)    { fuzz(f, "ntp", said("\x23\x00\x00\x00\x00\x00\x00\x00")) }
func FuzzSyslog(f *testing.F) { fuzz(f, "syslog", said("<13>hello")) }
func FuzzFTP(f *testing.F)    { fuzz(f, "ftp", said("USER a\r\n", "331 ok\r\n")) }
func FuzzSMTP(f *testing.F)   { fuzz(f, "smtp", said("EHLO a\r\nMAIL FROM:<a>\r\n", "250 ok\r\n")) }
func FuzzTelnet(f *testing.F) { fuzz(f, "telnet", said("", "\xff\xfd\x18box\r\nlogin: ")) }
func FuzzSMB(f *testing.F)    { fuzz(f, "smb", said("\x00\x00\x00\x40\xfeSMB")) }
