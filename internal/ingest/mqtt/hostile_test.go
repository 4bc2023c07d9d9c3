package mqtt

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
)

// script is a broker that says what a test wants. It answers the connection and
// the subscription, then sends what it is given and reads what comes.
func script(t *testing.T, connack []byte, send ...[]byte) (port string, heard chan []byte) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	heard = make(chan []byte, 1000)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go converse(conn, connack, send, heard)
		}
	}()
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return port, heard
}

func converse(conn net.Conn, connack []byte, send [][]byte, heard chan []byte) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		first, err := in.ReadByte()
		if err != nil {
			return
		}
		size, err := binary.ReadUvarint(in)
		if err != nil {
			return
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		switch first >> 4 {
		case 1:
			_, _ = conn.Write(connack)
		case 8:
			_, _ = conn.Write([]byte{0x90, 4, body[0], body[1], 0, 1})
			for _, b := range send {
				_, _ = conn.Write(b)
			}
		default:
			select {
			case heard <- append([]byte{first}, body...):
			default:
			}
		}
	}
}

// published is a PUBLISH packet of quality of service 1 in MQTT 5.
func published(id uint16, topic, payload string) []byte {
	body := binary.BigEndian.AppendUint16(nil, uint16(len(topic)))
	body = append(body, topic...)
	body = binary.BigEndian.AppendUint16(body, id)
	body = append(append(body, 0), payload...)
	return append(binary.AppendUvarint([]byte{0x32}, uint64(len(body))), body...)
}

var welcome = []byte{0x20, 3, 0, 0, 0}

// Messages that are malformed, too long or under impossible topics are refused
// and acknowledged, so that they do not come for ever, and the others are taken.
func TestHostileMessages(t *testing.T) {
	b := &ingesttest.Box{}
	short := []byte{0x32, 3, 0, 9, 'x'}                               // a topic that breaks off
	props := []byte{0x32, 8, 0, 1, 'a', 0, 7, 0xff, 0xff, 0x7f}       // properties that it does not have
	again := append([]byte{0x3a}, published(9, "a", "good 2")[1:]...) // sent once more
	port, heard := script(t, welcome, published(1, "a", "good 1"), published(2, "a/#", "x"), published(3, "a\xff", "x"), published(4, "a\x00b", "x"), published(5, "", "x"),
		published(6, strings.Repeat("t", 2000), "x"), published(8, "big", strings.Repeat("x", 5000)), published(10, "huge", strings.Repeat("x", 200_000)), props, short,
		published(9, "a", "good 2"), again)
	s, stop := running(t, Config{Broker: "mqtt://127.0.0.1:" + port, MaxMessage: 1000}, b)
	ingesttest.Eventually(t, "the good ones came", func() bool { return len(b.Texts()) == 2 })
	ingesttest.Eventually(t, "the others are refused", func() bool { return s.Status().Refused == 9 })
	acked := map[byte]int{}
	for range 11 {
		select {
		case p := <-heard:
			if p[0] == 0x40 {
				acked[p[2]]++
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("acknowledged: %v", acked)
		}
	}
	if len(acked) != 10 || acked[9] != 2 { // all with a number that can be read
		t.Errorf("acknowledged: %v", acked)
	}
	if err := stop(); err != nil || len(b.Texts()) != 2 {
		t.Errorf("%v, %q", err, b.Texts())
	}
}

// What is no broker, or one that breaks the rules, is told and tried again, and
// never a hang.
func TestHostileBrokers(t *testing.T) {
	for name, c := range map[string]struct {
		connack []byte
		send    []byte
		want    string
	}{
		"not MQTT":                {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), nil, "does not answer"},
		"a busy one":              {[]byte{0x20, 3, 0, 0x89, 0}, nil, "it is busy"},
		"one that bans":           {[]byte{0x20, 3, 0, 0x8a, 0}, nil, "banned"},
		"an endless length":       {welcome, []byte{0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "is away"},
		"a packet that is huge":   {welcome, []byte{0xd0, 0xff, 0xff, 0xff, 0x7f}, "no message"},
		"quality of service 2":    {welcome, []byte{0x34, 5, 0, 1, 'a', 0, 1}, "quality of service 2"},
		"one that ends it":        {welcome, []byte{0xe0, 1, 0x8e}, "ended the connection (code 142)"},
		"a subscription refused":  {welcome, []byte{0x90, 4, 0, 1, 0, 0x87}, "refuses the subscription"},
		"a subscription answered": {welcome, []byte{0x90, 1, 0}, "with something else"},
	} {
		port, _ := script(t, c.connack, c.send)
		s, stop := running(t, Config{Broker: "mqtt://127.0.0.1:" + port, Version: 5}, &ingesttest.Box{})
		ingesttest.Eventually(t, name+" is told", func() bool { st := s.Status(); return st.State == ingest.Failing && strings.Contains(st.Text, c.want) })
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// A broker that says nothing any more is left.
func TestSilentBroker(t *testing.T) {
	port, _ := script(t, welcome)
	s, stop := running(t, Config{Broker: "mqtt://127.0.0.1:" + port, Alive: 100 * time.Millisecond}, &ingesttest.Box{})
	ingesttest.Eventually(t, "it is away", func() bool { return s.Status().State == ingest.Failing && strings.Contains(s.Status().Text, "timeout") })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A certificate that nobody vouches for is refused, one of the configured
// authority is not.
func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go converse(conn, welcome, [][]byte{published(1, "a", "over TLS")}, make(chan []byte, 1))
		}
	}()
	address := "mqtts://" + ln.Addr().String()
	s, stop := running(t, Config{Broker: address}, &ingesttest.Box{})
	ingesttest.Eventually(t, "it is refused", func() bool {
		return s.Status().State == ingest.Failing && strings.Contains(s.Status().Text, "certificate")
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	b := &ingesttest.Box{}
	_, stop = running(t, Config{Broker: address, TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}, b)
	ingesttest.Eventually(t, "the message came", func() bool { return len(b.Texts()) == 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	good := Config{Name: "m", Broker: "mqtt://127.0.0.1", Topics: []string{"a/+/#"}, Devices: []string{"a/{device}/#"}}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"another scheme":     func(c *Config) { c.Broker = "http://x" },
		"a password in it":   func(c *Config) { c.Broker = "mqtt://u:p@x" },
		"no topic":           func(c *Config) { c.Topics = nil },
		"# within":           func(c *Config) { c.Topics = []string{"a/#/b"} },
		"+ within a level":   func(c *Config) { c.Topics = []string{"a+"} },
		"an empty filter":    func(c *Config) { c.Topics = []string{""} },
		"an odd name":        func(c *Config) { c.Devices = []string{"{Device}"} },
		"a name twice":       func(c *Config) { c.Devices = []string{"{device}/{device}"} },
		"nothing told":       func(c *Config) { c.Devices = []string{"a/+"} },
		"half a name":        func(c *Config) { c.Devices = []string{"a{device}"} },
		"version 3":          func(c *Config) { c.Version = 3 },
		"control characters": func(c *Config) { c.Devices = []string{"a\x00/{device}"} },
	} {
		c := good
		change(&c)
		if _, err := New(c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		template, topic, device string
		ok                      bool
	}{
		{"plants/{zone}/{device}/{metric}", "plants/a/b/c", "b", true},
		{"plants/{zone}/{device}/{metric}", "plants/a/b", "", false},
		{"plants/{zone}/{device}/{metric}", "plants/a/b/c/d", "", false},
		{"plants/{zone}/{device}/{metric}", "plant/a/b/c", "", false},
		{"{device}/#", "b/c/d", "b", true},
		{"{device}/#", "b", "b", true},
		{"+/{device}", "x/b", "b", true},
		{"+/{device}", "x/", "", true},
		{"+/{device}", "x/" + strings.Repeat("d", 300), "", true},
	} {
		p, err := compile(c.template)
		if err != nil {
			t.Fatal(err)
		}
		meta := map[string]string{}
		if ok := p.match(c.topic, meta); ok != c.ok || meta[ingest.MetaDevice] != c.device {
			t.Errorf("%s with %.40s: %v, %v", c.template, c.topic, ok, meta)
		}
	}
}

// FuzzMessage: whatever a broker sends as a message, it is given with a topic that
// a topic may be and with bytes that were sent, or refused; what we write is read
// back.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("\x00\x01a\x00\x01\x00payload"), byte(1), byte(5), "plants/a", "21.5")
	f.Add([]byte{0, 1, 'a'}, byte(0), byte(4), "", "")
	f.Add([]byte{0xff, 0xff}, byte(1), byte(5), "a\x00", "x")
	f.Fuzz(func(t *testing.T, body []byte, qos, version byte, topic, payload string) {
		qos, version = qos%2, 4+version%2
		m, err := parse(body, qos, version)
		if err == nil && (CheckFilter(m.topic) != nil || strings.ContainsAny(m.topic, "+#") || !bytes.HasSuffix(body, m.payload)) {
			t.Fatalf("%q of %q", m.topic, body)
		}
		s, err := New(Config{Name: "m", Broker: "mqtt://x", Topics: []string{"#"}, Devices: []string{"+/{device}/#"}})
		if err != nil {
			t.Fatal(err)
		}
		if p := s.naming.Payload("m", m.topic, m.payload, time.Now()); len(p.Data) > len(body) || len(p.Meta) > 2 {
			t.Fatalf("%+v", p)
		}
		if len(topic) > 1000 || len(payload) > 10_000 {
			return
		}
		raw := published(7, topic, payload)
		_, n := binary.Uvarint(raw[1:])
		m, err = parse(raw[1+n:], 1, 5)
		if m.id != 7 || m.topic != topic || string(m.payload) != payload {
			t.Fatalf("%q %q is read as %+v", topic, payload, m)
		}
		if ok := CheckFilter(topic) == nil && !strings.ContainsAny(topic, "+#"); ok != (err == nil) {
			t.Fatalf("%q: %v", topic, err)
		}
	})
}

// A spool that is full lets the broker wait: nothing is read, and the connection
// stays.
func TestBackPressure(t *testing.T) {
	var send [][]byte
	for i := range 5 {
		send = append(send, published(uint16(i+1), "a", "x"))
	}
	port, _ := script(t, welcome, send...)
	gate := &gate{open: make(chan struct{})}
	s, stop := running(t, Config{Broker: "mqtt://127.0.0.1:" + port, Alive: time.Second}, gate)
	ingesttest.Eventually(t, "it runs", func() bool { return s.Status().Peers == 1 })
	time.Sleep(100 * time.Millisecond)
	if n := s.Status().Received; n != 0 {
		t.Errorf("%d received through a closed gate", n)
	}
	close(gate.open)
	ingesttest.Eventually(t, "all came", func() bool { return s.Status().Received == 5 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// gate is a spool with no room until it is opened.
type gate struct{ open chan struct{} }

func (g *gate) Put(ctx context.Context, _ ingest.Payload) error {
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return fault.New(fault.Limited, "full")
	}
}

// A message that we fail on is refused, told and acknowledged: it would come for
// ever. The connection goes on.
func TestAMessageThatPanics(t *testing.T) {
	b := &ingesttest.Frail{}
	port, heard := script(t, welcome, published(1, "a", "good 1"), published(2, "a", "boom"), published(3, "a", "good 2"))
	s, _ := running(t, Config{Broker: "mqtt://127.0.0.1:" + port}, b)
	ingesttest.Eventually(t, "the good ones came", func() bool { return len(b.Texts()) == 2 })
	for want := byte(1); want <= 3; want++ {
		select {
		case p := <-heard:
			if p[0] != 0x40 || p[2] != want {
				t.Errorf("heard %x", p)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%d is not acknowledged", want)
		}
	}
	if told := b.Told(); len(told) != 1 || told[0].Part != "source mqtt" || s.Status().Refused != 1 {
		t.Errorf("%+v", told)
	}
}
