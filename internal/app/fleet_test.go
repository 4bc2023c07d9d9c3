package app_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vedette/internal/app"
	"vedette/internal/config"
)

// What the fleet is told by its environment.
const (
	fleetSize   = "VEDETTE_FLEET"         // clients
	fleetRate   = "VEDETTE_FLEET_RATE"    // messages a second of all of them
	fleetTime   = "VEDETTE_FLEET_SECONDS" // how long
	childListen = "VEDETTE_TEST_CHILD_LISTEN"
)

func number(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return usual
}

func brokerConfig(dir, listen string) app.Config {
	return app.Config{Dir: dir, Now: time.Now, Sources: []config.Source{{
		Name: "devices", Kind: "broker", Listen: listen, Devices: []string{"plants/{zone}/{device}/{metric}"},
	}}}
}

// serveBroker is the product with its embedded broker until its input ends.
func serveBroker(dir, listen string) error {
	a, err := app.Open(context.Background(), brokerConfig(dir, listen))
	if err != nil {
		return err
	}
	l, err := a.StartLive()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go func() {
		for range time.Tick(250 * time.Millisecond) {
			if list, err := a.Sources(ctx); err == nil && len(list) > 0 {
				fmt.Println("now", list[0].Peers, list[0].Received, list[0].Events, list[0].Rejected+list[0].Refused+list[0].Lost)
			}
		}
	}()
	return l.Run(ctx)
}

// fleet is many clients of MQTT 3.1.1 that publish at quality of service 1.
type fleet struct {
	t           *testing.T
	address     string
	sent, acked atomic.Int64
	mu          sync.Mutex
	waits       []time.Duration // of acknowledgements, one in a hundred
}

func (f *fleet) connect(id int) net.Conn {
	conn, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(f.t.Context(), "tcp", f.address)
	if err != nil {
		f.t.Error(err)
		return nil
	}
	name := fmt.Sprintf("device-%d", id)
	body := "\x00\x04MQTT\x04\x02\x02\x58\x00" + string([]byte{byte(len(name))}) + name
	_, _ = conn.Write(append([]byte{0x10, byte(len(body))}, body...))
	ack := make([]byte, 4)
	if _, err := io.ReadFull(conn, ack); err != nil || ack[3] != 0 {
		f.t.Errorf("client %d: %v, %x", id, err, ack)
		_ = conn.Close()
		return nil
	}
	return conn
}

// live publishes every so often until the end, and waits for what is not
// acknowledged.
func (f *fleet) live(id int, conn net.Conn, every time.Duration, end time.Time) {
	defer conn.Close()
	topic := fmt.Sprintf("plants/hall-%d/device-%d/temperature", id%20, id)
	in := bufio.NewReaderSize(conn, 64)
	ack := make([]byte, 4)
	time.Sleep(time.Duration(id) * every / 10_000 % every)
	for n := uint16(1); time.Now().Before(end); n++ {
		next := time.Now().Add(every)
		payload := fmt.Sprintf("%d.%d", 20+n%10, id%10)
		pk := binary.BigEndian.AppendUint16([]byte{0x32, byte(len(topic) + len(payload) + 4)}, uint16(len(topic)))
		pk = append(binary.BigEndian.AppendUint16(append(pk, topic...), n), payload...)
		began := time.Now()
		if _, err := conn.Write(pk); err != nil {
			f.t.Errorf("client %d: %v", id, err)
			return
		}
		f.sent.Add(1)
		if _, err := io.ReadFull(in, ack); err != nil {
			f.t.Errorf("client %d: %v", id, err)
			return
		}
		if f.acked.Add(1)%100 == 0 {
			f.mu.Lock()
			f.waits = append(f.waits, time.Since(began))
			f.mu.Unlock()
		}
		time.Sleep(time.Until(next))
	}
}

// TestFleet is the embedded broker with a fleet that publishes, the product in a
// process of its own, from the socket to the store. "make bench-fleet" makes the
// fleet large, and measures.
func TestFleet(t *testing.T) {
	size, rate, seconds := number(fleetSize, 20), number(fleetRate, 200), number(fleetTime, 1)
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, address: ln.Addr().String()}
	_ = ln.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+t.TempDir(), childListen+"="+f.address)
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said atomic.Value
	said.Store([]string{"now", "0", "0", "0", "0"})
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if word := strings.Fields(lines.Text()); len(word) == 5 && word[0] == "now" {
				said.Store(word)
			}
		}
	}()
	now := func(i int) int { n, _ := strconv.Atoi(said.Load().([]string)[i]); return n }
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", f.address); err == nil {
			_ = conn.Close()
			break
		}
	}
	conns := f.all(size)
	t.Logf("%d clients connected", now(1))
	every := time.Duration(size) * time.Second / time.Duration(rate)
	began := time.Now()
	var running sync.WaitGroup
	for id, conn := range conns {
		if conn != nil {
			running.Go(func() { f.live(id, conn, every, began.Add(time.Duration(seconds)*time.Second)) })
		}
	}
	running.Wait()
	took := time.Since(began)
	stored := now(3)
	for end := time.Now().Add(patience(size)); now(3) < int(f.acked.Load()) && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	drained := time.Since(began)
	_ = stdin.Close()
	_ = cmd.Wait()
	use, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := time.Duration(use.Utime.Nano() + use.Stime.Nano())
	slices.Sort(f.waits)
	if len(f.waits) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	at := func(share float64) time.Duration {
		return f.waits[min(len(f.waits)-1, int(share*float64(len(f.waits))))]
	}
	t.Logf("%d sent, %d acknowledged in %v: %.0f a second; acknowledged after p50 %v, p99 %v", f.sent.Load(), f.acked.Load(), took.Round(time.Millisecond), float64(f.acked.Load())/took.Seconds(), at(0.5), at(0.99))
	t.Logf("%d stored by then, all %d after %v: %.0f a second; %d lost or refused", stored, now(3), drained.Round(time.Millisecond), float64(now(3))/drained.Seconds(), now(4))
	t.Logf("the product took %v of CPU, %.0f µs a message, and %d MiB at most", cpu.Round(time.Millisecond), float64(cpu.Microseconds())/float64(f.acked.Load()), use.Maxrss>>10)
	if f.sent.Load() != f.acked.Load() || now(3) != int(f.acked.Load()) {
		t.Error("something is missing")
	}
}

// all connects the clients, a hundred at a time.
func (f *fleet) all(size int) []net.Conn {
	conns := make([]net.Conn, size)
	began := time.Now()
	ids := make(chan int)
	var connecting sync.WaitGroup
	for range 100 {
		connecting.Go(func() {
			for id := range ids {
				conns[id] = f.connect(id)
			}
		})
	}
	for id := range size {
		ids <- id
	}
	close(ids)
	connecting.Wait()
	time.Sleep(600 * time.Millisecond) // until the product has told of them
	f.t.Logf("%d connections in %v", size, time.Since(began).Round(time.Millisecond))
	return conns
}

// patience is how long a fleet's messages may take to be stored.
func patience(size int) time.Duration {
	if size > 1000 {
		return 10 * time.Minute
	}
	return time.Minute
}
