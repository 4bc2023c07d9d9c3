package captures

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vedette/internal/ingest/ingesttest"
	"vedette/internal/normalize/wire/capfile"
)

// What real programs write as their files rotate, while they write, comes whole and
// in order: a buffer at a time and within packets, as they do.
func TestRealTools(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to capture")
	}
	for name, args := range map[string][]string{
		"tcpdump":      {"-i", "lo", "-Z", "root", "-w", "x-%s.pcap", "-G", "1", "-n", "udp port PORT"},
		"tcpdump-size": {"-i", "lo", "-Z", "root", "-w", "x", "-C", "1", "-W", "40", "-n", "udp port PORT"},
		"dumpcap":      {"-q", "-i", "lo", "-w", "x.pcapng", "-b", "filesize:200", "-f", "udp port PORT"},
		"dumpcap-pcap": {"-q", "-i", "lo", "-P", "-w", "x.pcap", "-b", "interval:1", "-f", "udp port PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			tool, _, _ := strings.Cut(name, "-")
			if _, err := exec.LookPath(tool); err != nil {
				t.Skip(tool + " is not installed: apt install tcpdump wireshark-common")
			}
			t.Parallel()
			realTool(t, tool, args)
		})
	}
}

func realTool(t *testing.T, tool string, args []string) {
	t.Helper()
	heard, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	port := strconv.Itoa(heard.LocalAddr().(*net.UDPAddr).Port)
	dir := t.TempDir()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "PORT", port)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), tool, args...)
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var box ingesttest.Box
	src, err := New(Config{Name: "ring", Paths: []string{filepath.Join(dir, "*")}, State: filepath.Join(t.TempDir(), "s"), Cut: capfile.Cut, Poll: 20 * time.Millisecond, Settle: 1500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- src.Run(ctx, &box) }()
	conn, err := net.Dial("udp", heard.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	first, last := sent(conn, ended)
	_ = cmd.Process.Signal(syscall.SIGINT)
	<-ended
	if first < 0 {
		t.Skip(tool + " does not capture here: " + said.String())
	}
	ingesttest.Eventually(t, "all came", func() bool { list := numbers(&box); return len(list) > 0 && list[len(list)-1] == last })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	list := numbers(&box)
	if want := written(t, dir); !slices.Equal(list, want) {
		t.Fatalf("%d packets came, %d are in the files: %v instead of %v", len(list), len(want), list, want)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	st := src.Status()
	if st.Refused+st.Lost != 0 || len(files) < 2 || len(list) < last/2 {
		t.Errorf("%d packets of %d in %d files, %+v; %s", len(list), last+1, len(files), st, said.String())
	}
	t.Logf("%d packets of %d in %d files", len(list), last+1, len(files))
}

// sent sends numbered datagrams for some seconds, faster and slower, and tells the
// first and the last number; -1 when the tool ended by itself.
func sent(conn net.Conn, ended chan error) (first, last int) {
	data := make([]byte, 300)
	copy(data, "mark")
	n := 0
	for end := time.Now().Add(4500 * time.Millisecond); time.Now().Before(end); {
		select {
		case err := <-ended:
			ended <- err
			return -1, -1
		case <-time.After(5 * time.Millisecond):
		}
		for range 10 {
			binary.BigEndian.PutUint32(data[4:], uint32(n))
			_, _ = conn.Write(data)
			n++
		}
	}
	time.Sleep(1500 * time.Millisecond) // tcpdump takes from the kernel once a second, and not at its end
	return 0, n - 1
}

// written are the numbers of the datagrams in the files, in order. The kernel may not
// have given the tool all that were sent.
func written(t *testing.T, dir string) (out []int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := bytes.Index(data, []byte("mark")); at >= 0 && at+8 <= len(data); at = bytes.Index(data, []byte("mark")) {
			out = append(out, int(binary.BigEndian.Uint32(data[at+4:])))
			data = data[at+8:]
		}
	}
	slices.Sort(out)
	return out
}

// numbers are those of the datagrams that were handed on.
func numbers(box *ingesttest.Box) (out []int) {
	for _, p := range box.All() {
		for b := p.Data; len(b) >= 4; {
			size := 4 + int(binary.BigEndian.Uint32(b))
			if data := b[4+16 : size]; len(data) == 14+28+300 && string(data[42:46]) == "mark" {
				out = append(out, int(binary.BigEndian.Uint32(data[46:])))
			}
			b = b[size:]
		}
	}
	return out
}
