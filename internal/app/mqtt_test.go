package app_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/app"
	"vedette/internal/config"
	"vedette/internal/ingest"
)

// childBroker tells a child process which broker to subscribe at.
const childBroker = "VEDETTE_TEST_CHILD_BROKER"

// realBroker starts mosquitto and returns its address.
func realBroker(t *testing.T) (host, port string) {
	t.Helper()
	for _, name := range []string{"mosquitto", "mosquitto_pub"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed: apt install mosquitto mosquitto-clients")
		}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ = net.SplitHostPort(ln.Addr().String())
	_ = ln.Close()
	conf := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(conf, []byte("listener "+port+" 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "mosquitto", "-c", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var d net.Dialer
		if conn, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port)); err == nil {
			_ = conn.Close()
			return host, port
		}
	}
	t.Fatal("mosquitto does not listen")
	return "", ""
}

func publish(t *testing.T, port, topic, lines string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mosquitto_pub", "-p", port, "-q", "1", "-t", topic, "-l")
	cmd.Stdin = strings.NewReader(lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func plantConfig(dir, address string) app.Config {
	return app.Config{Dir: dir, Now: time.Now, Sources: []config.Source{{
		Name: "plant", Kind: "mqtt", Broker: "mqtt://" + address, Topics: []string{"#"}, Devices: []string{"plants/{zone}/{device}/{metric}"},
	}}}
}

// subscriber is the product at work until it is killed.
func subscriber(dir, address string) error {
	a, err := app.Open(context.Background(), plantConfig(dir, address))
	if err != nil {
		return err
	}
	l, err := a.StartLive()
	if err != nil {
		return err
	}
	return l.Run(context.Background())
}

// until runs the live way until check is content.
func until(t *testing.T, a *app.App, check func() bool) {
	t.Helper()
	l, err := a.StartLive()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	for end := time.Now().Add(60 * time.Second); !check(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			list, _ := a.Sources(t.Context())
			t.Errorf("it never came to that: %+v", list)
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func rows(t *testing.T, a *app.App, text string) []any {
	t.Helper()
	table, err := a.Query(t.Context(), text, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) == 0 {
		return nil
	}
	return table.Rows[0]
}

// From a message at the site's broker to rows: the device that the topic names,
// what was measured, and hostile topics and payloads.
func TestMQTTToStore(t *testing.T) {
	host, port := realBroker(t)
	a, err := app.Open(t.Context(), plantConfig(t.TempDir(), net.JoinHostPort(host, port)))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	sent := false
	until(t, a, func() bool {
		list, err := a.Sources(t.Context())
		if err != nil || len(list) < 1 || list[0].State != ingest.Running && list[0].State != ingest.Failing {
			return false
		}
		if !sent && list[0].State == ingest.Running {
			sent = true
			publish(t, port, "plants/hall-2/pump-3/pressure", "2.5\n2.75\n")
			publish(t, port, "plants/hall-2/pump-3/state", "RUNNING\n")
			publish(t, port, "plants/hall-2/pump-4/all", `{"pressure": 3.5, "device": "pump-3"}`+"\n")
			publish(t, port, "lab/x", `[{"bn":"urn:dev:mac:0024befffe804ff1/","n":"voltage","u":"V","v":120.1}]`+"\n")
			publish(t, port, "plants/\u202e<b>/"+strings.Repeat("d", 500)+"/<script>", "1\n")
			publish(t, port, "spBv1.0/g/NDATA/n", "\x08\xff\xff\xff garbage\n")
			publish(t, port, "plants/a/b/c", strings.Repeat("z", 3000)+"\n")
		}
		return list[0].Events+list[0].Rejected >= 8
	})
	for _, q := range []struct {
		text string
		want string
	}{
		{"device.hostname=pump-3 metric.name=pressure mqtt.topic=plants/hall-2/pump-3/pressure topic.zone=hall-2 | count, max(metric.value)", "[2 2.75]"},
		{"device.hostname=pump-3 metric.name=state | count", "[1]"},
		{"device.hostname=pump-4 metric.name=pressure said.device.hostname=pump-3 | count", "[1]"},
		{"mqtt.topic=lab/x metric.unit=V | count, max(metric.value)", "[1 120.1]"},
		{"metadata.clock_suspect=true | count", "[0]"},
	} {
		if got := fmt.Sprint(rows(t, a, q.text)); got != q.want {
			t.Errorf("%s: %s, want %s", q.text, got, q.want)
		}
	}
}

// What was acknowledged to the broker, and what was not, is there after any
// number of kills: nothing is lost.
func TestMQTTKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it kills a process for some seconds")
	}
	host, port := realBroker(t)
	address, dir := net.JoinHostPort(host, port), t.TempDir()
	const messages = 10_000
	start := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childDir+"="+dir, childBroker+"="+address)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	cmd := start()
	time.Sleep(2 * time.Second) // until it has subscribed; the session is the broker's from then on
	published := make(chan struct{})
	go func() {
		defer close(published)
		var lines strings.Builder
		for i := range messages {
			fmt.Fprintln(&lines, i)
		}
		publish(t, port, "plants/a/counter/n", lines.String())
	}()
	kills := 0
	for wait := 50 * time.Millisecond; kills < 4; wait += 130 * time.Millisecond {
		time.Sleep(wait)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		kills++
		cmd = start()
		time.Sleep(700 * time.Millisecond)
	}
	<-published
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	a, err := app.Open(t.Context(), plantConfig(dir, address))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var last []any
	until(t, a, func() bool {
		last = rows(t, a, "mqtt.topic=plants/a/counter/n | count, distinct(metric.value), distinct(metadata.uid)")
		return last != nil && last[1].(int64) == messages
	})
	t.Logf("%d messages, %d kills: %v rows, %v different values", messages, kills+1, last[0], last[1])
	if extra := last[0].(int64) - messages; extra < 0 || extra > int64(kills+1)*200 || last[0] != last[2] {
		t.Errorf("%v rows of %d messages", last, messages)
	}
}
