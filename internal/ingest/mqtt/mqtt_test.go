package mqtt

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
)

func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// broker is a real mosquitto that can be killed and started again.
type broker struct {
	t         *testing.T
	dir, port string
	cmd       *exec.Cmd
}

func mosquitto(t *testing.T, more string) *broker {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("mosquitto is not installed: apt install mosquitto mosquitto-clients")
	}
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		t.Skip("mosquitto_pub is not installed: apt install mosquitto-clients")
	}
	b := &broker{t: t, dir: t.TempDir(), port: freePort(t)}
	if more == "" {
		more = "allow_anonymous true\n"
	}
	conf := fmt.Sprintf("listener %s 127.0.0.1\npersistence true\npersistence_location %s/\nautosave_interval 1\nautosave_on_changes true\nmax_queued_messages 100000\nuser root\n%s", b.port, b.dir, more)
	if err := os.WriteFile(filepath.Join(b.dir, "conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start() {
	b.t.Helper()
	b.cmd = exec.CommandContext(context.WithoutCancel(b.t.Context()), "mosquitto", "-c", filepath.Join(b.dir, "conf"))
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ingesttest.Eventually(b.t, "mosquitto listens", func() bool {
		var d net.Dialer
		conn, err := d.DialContext(b.t.Context(), "tcp", "127.0.0.1:"+b.port)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// stop ends it as a service would be.
func (b *broker) stop() {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Signal(os.Interrupt)
	_ = b.cmd.Wait()
	b.cmd = nil
}

// pub publishes lines, one message each.
func (b *broker) pub(topic string, lines []string, args ...string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mosquitto_pub", append([]string{"-h", "127.0.0.1", "-p", b.port, "-q", "1", "-t", topic, "-l"}, args...)...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
}

func running(t *testing.T, cfg Config, to ingest.Spooler) (*Source, func() error) {
	t.Helper()
	cfg.Name, cfg.Retry = "plant", 100*time.Millisecond
	if cfg.Topics == nil {
		cfg.Topics = []string{"#"}
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, to) }()
	return s, func() error { cancel(); return <-done }
}

func numbered(from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

// Both versions of the protocol, against a real broker: messages come with their
// topic and what it tells.
func TestMosquitto(t *testing.T) {
	m := mosquitto(t, "")
	for _, version := range []byte{5, 4} {
		b := &ingesttest.Box{}
		s, stop := running(t, Config{
			Broker: "mqtt://127.0.0.1:" + m.port, ClientID: fmt.Sprint("v", version), Version: version,
			Devices: []string{"plants/{zone}/{device}/{metric}"},
		}, b)
		ingesttest.Eventually(t, "it runs", func() bool { return s.Status().State == ingest.Running })
		m.pub("plants/hall-2/pump-3/pressure", []string{"2.5"})
		m.pub("spBv1.0/g/NDATA/n", []string{"x"})
		ingesttest.Eventually(t, "both came", func() bool { return s.Status().Received == 2 })
		one, two := b.All()[0], b.All()[1]
		if one.Meta[ingest.MetaDevice] != "pump-3" || one.Meta["topic.zone"] != "hall-2" || one.Meta[ingest.MetaMetric] != "pressure" || one.Meta[ingest.MetaTopic] != "plants/hall-2/pump-3/pressure" || one.Else != Value || string(one.Data) != "2.5" {
			t.Errorf("%+v", one)
		}
		if two.Format != "sparkplug" || two.Peer != "spBv1.0/g/n" || two.Meta[ingest.MetaDevice] != "" {
			t.Errorf("%+v", two)
		}
		if err := stop(); err != nil || s.Status().State != ingest.Stopped {
			t.Errorf("%v, %+v", err, s.Status())
		}
	}
}

// What was published while we were away, and while the broker was restarted,
// comes; nothing comes twice.
func TestBrokerRestarts(t *testing.T) {
	m := mosquitto(t, "")
	b := &ingesttest.Box{}
	cfg := Config{Broker: "mqtt://127.0.0.1:" + m.port}
	s, stop := running(t, cfg, b)
	ingesttest.Eventually(t, "it runs", func() bool { return s.Status().State == ingest.Running })
	m.pub("a", numbered(0, 100))
	ingesttest.Eventually(t, "a hundred came", func() bool { return len(b.Texts()) == 100 })
	m.stop()
	ingesttest.Eventually(t, "it says that the broker is away", func() bool { return s.Status().State == ingest.Failing && s.Status().Peers == 0 })
	m.start()
	ingesttest.Eventually(t, "it is back", func() bool { return s.Status().State == ingest.Running })
	m.pub("a", numbered(100, 200))
	ingesttest.Eventually(t, "the next hundred came", func() bool { return len(b.Texts()) >= 200 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	m.pub("a", numbered(200, 300)) // nobody is there
	_, stop = running(t, cfg, b)
	ingesttest.Eventually(t, "what was kept came", func() bool { return len(b.Texts()) >= 300 })
	if got := strings.Join(b.Texts(), " "); got != strings.Join(numbered(0, 300), " ") {
		t.Errorf("not each once and in order: %s", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Nothing is acknowledged that the spool does not have: what it refuses stays at
// the broker, also when we are killed.
func TestNotAcknowledgedBeforeTheSpool(t *testing.T) {
	m := mosquitto(t, "")
	b := &ingesttest.Box{}
	cfg := Config{Broker: "mqtt://127.0.0.1:" + m.port}
	s, stop := running(t, cfg, b)
	ingesttest.Eventually(t, "it runs", func() bool { return s.Status().State == ingest.Running })
	b.Fail(fault.New(fault.Unavailable, "the disk is away"))
	m.pub("a", numbered(0, 50))
	ingesttest.Eventually(t, "it says so", func() bool { st := s.Status(); return st.State == ingest.Failing && st.Text == "the disk is away" })
	if err := stop(); err != nil { // as a kill: nothing more is said to the broker
		t.Fatal(err)
	}
	b.Fail(nil)
	_, stop = running(t, cfg, b)
	ingesttest.Eventually(t, "all fifty came", func() bool { return len(b.Texts()) >= 50 })
	if got := strings.Join(b.Texts(), " "); got != strings.Join(numbered(0, 50), " ") {
		t.Errorf("not each once and in order: %s", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Two that share a subscription have each message once between them.
func TestShared(t *testing.T) {
	m := mosquitto(t, "")
	boxes := [2]ingesttest.Box{}
	for i := range boxes {
		s, stop := running(t, Config{Broker: "mqtt://127.0.0.1:" + m.port, ClientID: fmt.Sprint("c", i), Share: "vedette"}, &boxes[i])
		ingesttest.Eventually(t, "it runs", func() bool { return s.Status().State == ingest.Running })
		defer stop()
	}
	m.pub("a", numbered(0, 200))
	ingesttest.Eventually(t, "all came", func() bool { return len(boxes[0].Texts())+len(boxes[1].Texts()) >= 200 })
	if n := len(boxes[0].Texts()); n == 0 || n == 200 {
		t.Errorf("one of them had %d of 200", n)
	}
}

// A wrong password is told, and the right one is read anew with each try.
func TestPassword(t *testing.T) {
	if _, err := exec.LookPath("mosquitto_passwd"); err != nil {
		t.Skip("mosquitto_passwd is not installed: apt install mosquitto")
	}
	file := filepath.Join(t.TempDir(), "passwd")
	if out, err := exec.CommandContext(t.Context(), "mosquitto_passwd", "-b", "-c", file, "vedette", "right").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := mosquitto(t, "allow_anonymous false\npassword_file "+file+"\n")
	var mu sync.Mutex
	secret := "wrong"
	s, stop := running(t, Config{Broker: "mqtt://127.0.0.1:" + m.port, User: "vedette", Password: func() (string, error) {
		mu.Lock()
		defer mu.Unlock()
		return secret, nil
	}}, &ingesttest.Box{})
	ingesttest.Eventually(t, "it is refused", func() bool {
		st := s.Status()
		return st.State == ingest.Failing && strings.Contains(st.Text, "connect") && !strings.Contains(st.Text, "wrong,")
	})
	mu.Lock()
	secret = "right"
	mu.Unlock()
	ingesttest.Eventually(t, "it runs", func() bool { return s.Status().State == ingest.Running })
	if err := stop(); err != nil {
		t.Error(err)
	}
}
