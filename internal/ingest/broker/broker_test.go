package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
)

func running(t testing.TB, cfg Config, to ingest.Spooler) (*Source, string) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	_ = ln.Close()
	cfg.Name, cfg.Listen = "b", "127.0.0.1:"+port
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, to) }()
	for s.Status().State == ingest.Starting {
		time.Sleep(5 * time.Millisecond)
	}
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the broker does not stop")
		}
	})
	return s, port
}

// The hashes are of mosquitto_passwd -b FILE NAME secret-NAME.
func users(t *testing.T) []User {
	t.Helper()
	list, err := ReadUsers(strings.NewReader(`
users:
  - name: pump-3
    password: ` + hashed("secret-pump-3") + `
    publish: ["plants/+/{user}/#"]
    subscribe: ["cmd/{user}/+"]
  - name: pump-4
    password: ` + hashed("secret-pump-4") + `
    publish: ["plants/+/{user}/#"]
`))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// conn is a client that says what a test wants.
type conn struct {
	net.Conn
	t *testing.T
}

func dial(t *testing.T, port string) conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return conn{c, t}
}

func text(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s }

func packet(first byte, body string) string {
	size := ""
	for n := len(body); ; n >>= 7 {
		if n < 128 {
			size += string([]byte{byte(n)})
			break
		}
		size += string([]byte{byte(n&127 | 128)})
	}
	return string([]byte{first}) + size + body
}

// hello is a CONNECT of MQTT 3.1.1.
func hello(id, user, password string) string {
	flags, tail := byte(2), text(id)
	if user != "" {
		flags |= 0xc0
		tail += text(user) + text(password)
	}
	return packet(0x10, text("MQTT")+string([]byte{4, flags, 0, 30})+tail)
}

func (c conn) say(s string) conn {
	c.t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		c.t.Logf("writing: %v", err)
	}
	return c
}

// hears expects bytes, or the end of the connection if there are none.
func (c conn) hears(what, want string) conn {
	c.t.Helper()
	buf := make([]byte, max(1, len(want)))
	n := 0
	for n < len(buf) {
		m, err := c.Read(buf[n:])
		n += m
		if err != nil {
			break
		}
	}
	if string(buf[:n]) != want {
		c.t.Errorf("%s: heard %q, want %q", what, buf[:n], want)
	}
	return c
}

const (
	welcome = "\x20\x02\x00\x00"
	refused = "\x20\x02\x00\x05"
	goodbye = "\xe0\x00"
)

func publish(id byte, topic, payload string) string {
	return packet(0x32, text(topic)+string([]byte{0, id})+payload)
}

func acked(id byte) string { return string([]byte{0x40, 2, 0, id}) }

// Who may connect, and who may publish and subscribe to what.
func TestWhoMay(t *testing.T) {
	b := &ingesttest.Box{}
	s, port := running(t, Config{Users: users(t), Devices: []string{"plants/{zone}/{device}/{metric}"}}, b)
	three := dial(t, port).say(hello("a", "pump-3", "secret-pump-3")).hears("the right password", welcome)
	dial(t, port).say(hello("b", "pump-3", "secret-pump-4")).hears("a wrong password", refused)
	dial(t, port).say(hello("b", "nobody", "x")).hears("an unknown user", refused)
	dial(t, port).say(hello("b", "", "")).hears("no user", refused)
	dial(t, port).say(hello("a", "pump-4", "secret-pump-4")).hears("the id of another's session", refused)
	three.say(publish(1, "plants/hall-2/pump-3/level", "7")).hears("its own topic", acked(1))
	three.say(packet(0x82, "\x00\x02"+text("cmd/pump-3/+")+"\x01")).hears("its own commands", "\x90\x03\x00\x02\x01")
	three.say(packet(0x82, "\x00\x03"+text("#")+"\x01")).hears("everything", "\x90\x03\x00\x03\x80")
	three.say(packet(0x82, "\x00\x04"+text("$share/g/plants/#")+"\x01")).hears("everything, shared", "\x90\x03\x00\x04\x80")
	three.say(publish(2, "plants/hall-2/pump-4/level", "8")).hears("another's topic", goodbye)
	four := dial(t, port).say(hello("d", "pump-4", "secret-pump-4")).hears("the other", welcome)
	four.say(publish(1, "$SYS/x", "9")).say(packet(0xc0, "")).hears("a topic of the broker", "\xd0\x00") // passed over in silence
	ingesttest.Eventually(t, "one is stored", func() bool { return len(b.Texts()) == 1 })
	p := b.All()[0]
	if p.Meta[ingest.MetaDevice] != "pump-3" || p.Meta[ingest.MetaClient] != "a" || p.Meta["mqtt.user"] != "pump-3" || p.Meta["topic.zone"] != "hall-2" {
		t.Errorf("%+v", p)
	}
	if st := s.Status(); st.Received != 1 || st.Refused < 7 || st.Kind != "broker" {
		t.Errorf("%+v", st)
	}
}

// A will may not say what its owner may not, and is stored when the owner is gone.
func TestWill(t *testing.T) {
	b := &ingesttest.Box{}
	_, port := running(t, Config{Users: users(t)}, b)
	will := func(topic string) string {
		return packet(0x10, text("MQTT")+"\x04\xe6\x00\x1e"+text("w")+text(topic)+text("gone")+text("pump-3")+text("secret-pump-3")) // retained
	}
	dial(t, port).say(will("plants/a/pump-4/state")).hears("the will of another", refused)
	c := dial(t, port).say(will("plants/a/pump-3/state")).hears("its own will", welcome)
	_ = c.Close()
	ingesttest.Eventually(t, "the will is stored", func() bool { return strings.Join(b.Texts(), "") == "gone" })
}

// Passwords cannot be tried for long.
func TestGuessing(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	_, port := running(t, Config{Users: users(t), Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }}, &ingesttest.Box{})
	for i := range maxFailures {
		dial(t, port).say(hello(fmt.Sprint(i), "pump-3", fmt.Sprint(i))).hears("a guess", refused)
	}
	dial(t, port).say(hello("x", "pump-3", "secret-pump-3")).hears("after many guesses", "")
	mu.Lock()
	now = now.Add(banFor + time.Second)
	mu.Unlock()
	dial(t, port).say(hello("x", "pump-3", "secret-pump-3")).hears("after a while", welcome)
}

// What the spool does not take is not acknowledged, and comes again.
func TestNotAcknowledgedBeforeTheSpool(t *testing.T) {
	b := &ingesttest.Box{}
	b.Fail(fault.New(fault.Unavailable, "the disk is away"))
	s, port := running(t, Config{}, b)
	dial(t, port).say(hello("a", "", "")).hears("hello", welcome).say(publish(1, "t", "x")).hears("what is not stored", "")
	ingesttest.Eventually(t, "it says so", func() bool {
		st := s.Status()
		return st.State == ingest.Failing && st.Text == "the disk is away" && st.Lost == 1
	})
	b.Fail(nil)
	dial(t, port).say(hello("a", "", "")).hears("hello", welcome).say(publish(1, "t", "x")).hears("what is stored", acked(1))
	if got := b.Texts(); len(got) != 1 || s.Status().State != ingest.Running {
		t.Errorf("%q, %+v", got, s.Status())
	}
}

// Clients that break the rules, say nothing or too much end alone.
func TestHostileClients(t *testing.T) {
	b := &ingesttest.Box{}
	s, port := running(t, Config{MaxPacket: 1000, MaxClients: 30, Greeting: 300 * time.Millisecond}, b)
	good := dial(t, port).say(hello("good", "", "")).hears("hello", welcome)
	for name, say := range map[string]string{
		"another protocol":       "GET / HTTP/1.1\r\n\r\n",
		"a length without end":   "\x10\xff\xff\xff\xff\xff\xff",
		"a huge packet":          "\x10\xff\xff\xff\x7f",
		"no greeting":            publish(1, "t", "x"),
		"half a greeting":        hello("x", "", "")[:9],
		"a greeting that lies":   packet(0x10, "\xff\xffMQTT\x04\x02\x00\x1e"),
		"an odd version":         packet(0x10, text("MQTT")+"\x63\x02\x00\x1e"+text("x")),
		"nothing":                "",
		"properties that lie":    packet(0x10, text("MQTT")+"\x05\x02\x00\x1e\xff\xff\xff\x7f"+text("x")),
		"a will that is missing": packet(0x10, text("MQTT")+"\x04\x04\x00\x1e"+text("x")),
	} {
		c := dial(t, port).say(say)
		buf := make([]byte, 64)
		for end := time.Now().Add(5 * time.Second); ; {
			if _, err := c.Read(buf); err != nil {
				break
			}
			if time.Now().After(end) {
				t.Errorf("%s: the connection stays", name)
				break
			}
		}
	}
	for name, say := range map[string]string{
		"a packet that is too long": publish(1, "t", strings.Repeat("x", 2000)),
		"a topic with a wildcard":   publish(1, "a/#", "x"),
		"a topic that is no text":   publish(1, "a\xff", "x"),
		"a topic alias":             packet(0x32, text("")+"\x00\x01\x03\x23\x00\x01x"),
		"no topic":                  publish(1, "", "x"),
		"quality of service 3":      packet(0x36, text("a")+"\x00\x01x"),
		"a second greeting":         hello("x", "", ""),
		"a packet of the broker":    packet(0x20, "\x00\x00"),
		"filters that lie":          packet(0x82, "\x00\x01\xff\xff#"),
	} {
		c := dial(t, port).say(hello("h", "", "")).hears(name, welcome).say(say)
		buf := make([]byte, 64)
		if _, err := c.Read(buf); err == nil {
			t.Errorf("%s: %q", name, buf)
		}
	}
	ingesttest.Eventually(t, "they are gone", func() bool { return s.Status().Peers == 1 })
	for i := range 60 { // more than allowed
		dial(t, port).say(hello(fmt.Sprint(i), "", ""))
	}
	ingesttest.Eventually(t, "some are refused", func() bool { return s.Status().Refused >= 25 && s.Status().Peers <= 30 })
	good.say(publish(9, "t", "still here")).hears("who behaves", acked(9))
	if got := b.Texts(); len(got) != 1 {
		t.Errorf("stored: %.200q", got)
	}
}

// A client that floods waits; others do not.
func TestFlood(t *testing.T) {
	b := &ingesttest.Box{}
	_, port := running(t, Config{Rate: 100}, b)
	flood := dial(t, port).say(hello("flood", "", "")).hears("hello", welcome)
	go func() {
		for i := range 5000 {
			if _, err := flood.Write([]byte(packet(0x30, text("flood")+fmt.Sprint(i)))); err != nil {
				return
			}
		}
	}()
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	dial(t, port).say(hello("good", "", "")).hears("hello", welcome).say(publish(1, "t", "x")).hears("another client", acked(1))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("another client waits for %v", took)
	}
	time.Sleep(500 * time.Millisecond)
	if n := len(b.Texts()); n < 50 || n > 400 {
		t.Errorf("%d messages came within a second, 100 a second and 100 at once are allowed", n)
	}
}

// A broker that others reach needs TLS and users; a password needs a hash.
func TestSettings(t *testing.T) {
	some := []User{{Name: "a", Password: hashed("x")}}
	for name, cfg := range map[string]Config{
		"all, in the clear":   {Listen: "0.0.0.0:1883"},
		"without users":       {Listen: "192.0.2.1:8883", TLS: &tls.Config{MinVersion: tls.VersionTLS12}},
		"without TLS":         {Listen: "192.0.2.1:8883", Users: some},
		"no address":          {Listen: "nowhere"},
		"an odd template":     {Listen: "127.0.0.1:1", Devices: []string{"x"}},
		"a password in clear": {Listen: "127.0.0.1:1", Users: []User{{Name: "a", Password: "x"}}},
		"a name with marks":   {Listen: "127.0.0.1:1", Users: []User{{Name: "a/#", Password: some[0].Password}}},
		"a filter that lies":  {Listen: "127.0.0.1:1", Users: []User{{Name: "a", Password: some[0].Password, Publish: []string{"a/#/b"}}}},
	} {
		cfg.Name = "b"
		if _, err := New(cfg); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Config{Listen: "0.0.0.0:8883", TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Users: some}); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "users: []", "users: [{name: a, pass: x}]", "- a"} {
		if _, err := ReadUsers(strings.NewReader(bad)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		allowed, asked string
		ok             bool
	}{
		{"a/#", "a/b", true},
		{"a/#", "a", true},
		{"a/#", "a/+/#", true},
		{"a/#", "#", false},
		{"a/#", "+/b", false},
		{"a/+", "a/#", false},
		{"a/+", "a/+", true},
		{"a/+", "a/b/c", false},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"a/b", "a", false},
		{"#", "anything/at/all", true},
	} {
		if got := covers(c.allowed, c.asked); got != c.ok {
			t.Errorf("%s covers %s: %v", c.allowed, c.asked, got)
		}
	}
}

// Real clients: mosquitto_pub and mosquitto_sub, and the hash of mosquitto_passwd.
func TestMosquittoClients(t *testing.T) {
	for _, name := range []string{"mosquitto_pub", "mosquitto_sub"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed: apt install mosquitto-clients")
		}
	}
	b := &ingesttest.Box{}
	_, port := running(t, Config{Users: users(t)}, b)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, version := range []string{"311", "5"} {
		sub := exec.CommandContext(ctx, "mosquitto_sub", "-p", port, "-V", version, "-u", "pump-3", "-P", "secret-pump-3", "-t", "cmd/pump-3/+", "-C", "1", "-W", "1")
		if err := sub.Run(); err == nil { // nobody commands: it times out, and not before
			t.Errorf("version %s: somebody commanded", version)
		}
		out, err := exec.CommandContext(ctx, "mosquitto_pub", "-p", port, "-V", version, "-q", "1", "-u", "pump-3", "-P", "secret-pump-3", "-t", "plants/a/pump-3/x", "-m", version, "-r").CombinedOutput()
		if err != nil {
			t.Errorf("version %s: %v: %s", version, err, out)
		}
	}
	ingesttest.Eventually(t, "both are stored", func() bool { return strings.Join(b.Texts(), " ") == "311 5" })
}

// A message that we fail on is refused and acknowledged: the client would send it
// for ever.
func TestAMessageThatPanics(t *testing.T) {
	b := &ingesttest.Frail{}
	s, port := running(t, Config{}, b)
	c := dial(t, port).say(hello("a", "", "")).hears("the welcome", welcome)
	for id, text := range []string{"good", "boom", "good"} {
		c.say(publish(byte(id+1), "x", text)).hears(text, acked(byte(id+1)))
	}
	if told := b.Told(); len(told) != 1 || told[0].Part != "source broker" || s.Status().Refused != 1 || len(b.Texts()) != 2 {
		t.Errorf("%+v %v", told, b.Texts())
	}
}

// Users are set while the broker runs: who is gone, has another password or other
// bounds is let go with the session, without their will; the others stay.
func TestSetUsers(t *testing.T) {
	b := &ingesttest.Box{}
	list := users(t)
	s, port := running(t, Config{Users: list}, b)
	will := packet(0x10, text("MQTT")+"\x04\xe6\x00\x1e"+text("three")+text("plants/a/pump-3/state")+text("gone")+text("pump-3")+text("secret-pump-3"))
	three := dial(t, port).say(will).hears("one", welcome)
	four := dial(t, port).say(hello("four", "pump-4", "secret-pump-4")).hears("another", welcome)
	away := dial(t, port).say(packet(0x10, text("MQTT")+"\x04\xc0\x00\x1e"+text("away")+text("pump-3")+text("secret-pump-3"))).hears("one that keeps its session", welcome)
	_ = away.say(goodbye).Close()
	made, err := HashPassword("a new password")
	if err != nil {
		t.Fatal(err)
	}
	five := User{Name: "pump-5", Password: made, Publish: []string{"plants/+/{user}/#"}}
	if err := s.SetUsers([]User{list[1], five}); err != nil {
		t.Fatal(err)
	}
	three.hears("who is gone", "")
	dial(t, port).say(hello("three", "pump-3", "secret-pump-3")).hears("who is gone, again", refused)
	four.say(publish(1, "plants/a/pump-4/x", "7")).hears("who stays", acked(1))
	new5 := dial(t, port).say(hello("away", "pump-5", "a new password")).hears("who is new, with the id of a session that is gone", welcome)
	new5.say(publish(1, "plants/a/pump-5/x", "8")).hears("its topic", acked(1))
	narrow := list[1]
	narrow.Publish = []string{"plants/b/{user}/#"}
	if err := s.SetUsers([]User{narrow, five}); err != nil {
		t.Fatal(err)
	}
	four.hears("who has other bounds", "")
	dial(t, port).say(hello("four", "pump-4", "secret-pump-4")).hears("the same, again", welcome).say(publish(1, "plants/a/pump-4/x", "9")).hears("what was taken from it", goodbye)
	if err := s.SetUsers([]User{{Name: "x", Password: "clear"}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a password in clear: %v", err)
	}
	new5.say(publish(2, "plants/a/pump-5/x", "8")).hears("what is refused changes nothing", acked(2))
	if got := strings.Join(b.Texts(), " "); got != "7 8 8" {
		t.Errorf("stored %q", got)
	}
	open, port := running(t, Config{}, b)
	anybody := dial(t, port).say(hello("a", "", "")).hears("anybody", welcome)
	if err := open.SetUsers([]User{five}); err != nil {
		t.Fatal(err)
	}
	anybody.hears("anybody, once there are users", "")
	dial(t, port).say(hello("a", "", "")).hears("nobody, again", refused)
	outside, err := New(Config{Name: "b", Listen: "0.0.0.0:8883", TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Users: list})
	if err != nil {
		t.Fatal(err)
	}
	if err := outside.SetUsers(nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a broker that others reach, without users: %v", err)
	}
}
