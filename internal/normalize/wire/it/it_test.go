package it

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// The messages below were written by hand after the specifications.
var (
	dnsQuery   = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01"
	dnsAnswerA = "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07"
	dhcpAck    = "\x02\x01\x06\x00\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x00\x02\x32" + strings.Repeat("\x00", 8) +
		"\x02\x00\x00\x00\x00\x10" + strings.Repeat("\x00", 202) + dhcpMagic + "\x35\x01\x05\x36\x04\xc0\x00\x02\x01\x33\x04\x00\x00\x0e\x10\xff"
	dhcpAsk = "\x01\x01\x06\x00\x00\x00\x00\x09" + strings.Repeat("\x00", 20) + "\x02\x00\x00\x00\x00\x10" + strings.Repeat("\x00", 202) +
		dhcpMagic + "\x35\x01\x03\x32\x04\xc0\x00\x02\x32\x0c\x04pump\x3c\x05ACME1\xff"
	httpGet  = "GET /a?x=1&password=hunter2 HTTP/1.1\r\nHost: plc\r\nAuthorization: Basic YWRtaW46aHVudGVyMg==\r\nUser-Agent: ua\r\n\r\n"
	httpOK   = "HTTP/1.1 200 OK\r\nServer: Boa/0.94\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
	tlsHello = "\x16\x03\x01\x00\x3b\x01\x00\x00\x37\x03\x03" + strings.Repeat("r", 32) + "\x00\x00\x02\x13\x01\x01\x00" +
		"\x00\x0c\x00\x00\x00\x08\x00\x06\x00\x00\x03plc"
	mqttConnect = "\x10\x17\x00\x04MQTT\x04\xc2\x00\x3c\x00\x02id\x00\x01u\x00\x04pass"
	snmpAnswer  = "\x30\x2c\x02\x01\x01\x04\x06public\xa2\x1f\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x14\x30\x12\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x04\x06PLC X1"
)

// brief is what a test looks at of an event.
func brief(e *event.Event) string {
	parts := []string{event.Class(e.ClassUID()).String()}
	for _, s := range e.Slots() {
		if s == event.SlotClassUID {
			continue
		}
		v := e.Str(s)
		switch event.KindOf(s) {
		case event.Int:
			v = "#"
		case event.List:
			v = strings.Join(e.List(s), ",")
		default:
		}
		if v != "" && v != "#" {
			parts = append(parts, v)
		}
	}
	for _, x := range e.Extras() {
		parts = append(parts, x.Name+"="+x.Value)
	}
	return strings.Join(parts, " ")
}

func TestDecoders(t *testing.T) {
	c, s := proto.Client, proto.Server
	for name, tc := range map[string]struct {
		proto, transport string
		said             []prototest.Say
		want             []string
	}{
		"dns": {
			"dns", "udp",
			[]prototest.Say{{Side: c, Data: []byte(dnsQuery)}, {Side: s, Data: []byte(dnsAnswerA)}},
			[]string{"dns_activity query www.example.com A NOERROR Success 192.0.2.7 dns.id=4660"},
		},
		"dhcp": {"dhcp", "udp", []prototest.Say{{Side: c, Data: []byte(dhcpAsk)}, {Side: s, Data: []byte(dhcpAck)}}, []string{
			"dhcp_activity 02:00:00:00:00:10 request REQUEST 192.0.2.50 pump dhcp.id=9 dhcp.vendor_class=ACME1",
			"device_inventory_info Collect 02:00:00:00:00:10 02:00:00:00:00:10 dhcp_vendor_class pump ACME1",
			"dhcp_activity 02:00:00:00:00:10 192.0.2.50 192.0.2.1 ack ACK Success 192.0.2.50 dhcp.id=9",
		}},
		"http": {"http", "tcp", []prototest.Say{{Side: c, Data: []byte(httpGet)}, {Side: c, Data: []byte("HEAD / HTTP/1.0\r\n\r\n")}, {Side: s, Data: []byte(httpOK)}}, []string{
			"http_activity GET GET /a?x=1&password=*** plc 1.1 ua admin basic OK Success http.server=Boa/0.94",
			"device_inventory_info Collect 192.0.2.20 http_header.server Boa/0.94",
			"http_activity HEAD HEAD / 1.0 Not Found Failure",
		}},
		"mqtt": {"mqtt", "tcp", []prototest.Say{{Side: c, Data: []byte(mqttConnect)}, {Side: s, Data: []byte("\x20\x02\x00\x05")}}, []string{
			"network_activity connect id password u mqtt.qos=0 mqtt.retain=false mqtt.dup=false mqtt.protocol_string=MQTT mqtt.protocol_version=4 mqtt.keep_alive=60 mqtt.flags.username=true mqtt.flags.password=true mqtt.flags.will_retain=false mqtt.flags.will=false mqtt.flags.clean_session=true",
			"network_activity connack id Refused: not authorized Failure mqtt.qos=0 mqtt.retain=false mqtt.dup=false mqtt.session_present=false mqtt.return_code=5",
		}},
		"snmp": {"snmp", "udp", []prototest.Say{{Side: s, Data: []byte(snmpAnswer)}}, []string{
			"network_activity response noError Success snmp.version=2 snmp.community_kind=public snmp.oids=1.3.6.1.2.1.1.1.0",
			"device_inventory_info Collect 192.0.2.20 snmp.sys_description PLC X1",
		}},
		"ssh": {"ssh", "tcp", []prototest.Say{{Side: s, Data: []byte("SSH-2.0-dropbear_2019.78\r\n")}}, []string{"device_inventory_info Collect 192.0.2.20 ssh.banner dropbear_2019.78"}},
		"ftp": {"ftp", "tcp", []prototest.Say{{Side: s, Data: []byte("220 vsFTPd\r\n")}, {Side: c, Data: []byte("USER joe\r\n")}, {Side: s, Data: []byte("331 go on\r\n")}, {Side: c, Data: []byte("PASS hunter2\r\n")}, {Side: s, Data: []byte("530 no\r\n")}}, []string{
			"device_inventory_info Collect 192.0.2.20 ftp.banner vsFTPd", "ftp_activity USER joe go on Success 331 ftp.command_data=joe", "ftp_activity PASS joe no Failure 530",
		}},
		"telnet": {"telnet", "tcp", []prototest.Say{{Side: s, Data: []byte("\xff\xfd\x18box 1\r\nlogin: ")}, {Side: c, Data: []byte("root\r\nhunter2\r\n")}}, []string{
			"network_activity Open box 1\\x0d\nlogin: telnet.prompt=login", "device_inventory_info Collect 192.0.2.20 telnet.banner box 1\\x0d\nlogin:",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range Protocols() {
				if p.Name != tc.proto {
					continue
				}
				port := append(append([]uint16{}, p.TCP...), p.UDP...)[0]
				if n := p.Probe(tc.said[0].Data, tc.said[0].Side, true); n == 0 {
					t.Error("not recognised")
				}
				out, err := prototest.Run(p.New(prototest.Flow(tc.transport, port)), tc.transport == "tcp", tc.said...)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for i, e := range out.Events {
					got = append(got, brief(e))
					for _, secret := range []string{"hunter2", "YWRtaW4", "pass", "public"} {
						if strings.Contains(out.Raw[i], secret) && secret != "pass" || secret == "hunter2" && strings.Contains(brief(e), secret) || name == "mqtt" && strings.Contains(out.Raw[i], "pass") {
							t.Errorf("%q is kept: %q", secret, out.Raw[i])
						}
					}
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestJA4 uses the example of FoxIO's technical description of JA4.
func TestJA4(t *testing.T) {
	h := &clientHello{
		version: 0x303, hasSNI: true, firstALPN: []byte("h2"), versions: []int{0x0a0a, 0x304, 0x303},
		ciphers:    []int{0xdada, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35},
		extensions: []int{0x0a0a, 0x1b, 0, 0x33, 0x10, 0x4469, 0x17, 0x2d, 0x0d, 5, 0x23, 0x12, 0x2b, 0xff01, 0x0b, 0x0a, 0x15},
		signatures: []int{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
	}
	if got, want := h.ja4('t'), "t13d1516h2_8daaf6152771_e5627efa2ab1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestTLSHello reads a hello that comes in two records.
func TestTLSHello(t *testing.T) {
	body := tlsHello[5:]
	split := "\x16\x03\x01\x00\x0a" + body[:10] + "\x16\x03\x01\x00" + string(rune(len(body)-10)) + body[10:]
	for _, said := range []string{tlsHello, split} {
		d := newTLS(prototest.Flow("tcp", 443))
		out := &prototest.Out{}
		if _, err := d.Decode(proto.Payload{Data: []byte(said), End: true}, out); err != nil || len(out.Events) != 1 {
			t.Fatalf("%d events, %v: %s", len(out.Events), err, hex.EncodeToString([]byte(said)))
		}
		if e := out.Events[0]; e.TLSSNI() != "plc" || e.TLSJa4()[:10] != "t12d010100" {
			t.Errorf("%s %s", e.TLSSNI(), e.TLSJa4())
		}
	}
}
