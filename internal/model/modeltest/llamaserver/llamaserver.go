// Package llamaserver starts a real model server for tests: llama.cpp's
// llama-server with a tiny model of random weights, on a free port of loopback.
//
// It owns how the server is found, started and ended. The server's program is
// named by VEDETTE_LLAMA_SERVER (scripts/test-llm.sh gets one); without it
// tests are skipped and say so. It must not be used outside of tests.
package llamaserver

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"vedette/internal/model/modeltest/tinygguf"
)

// Program is the variable that names the server's program, and Model one that
// names a GGUF file to be used instead of the tiny model.
const (
	Program = "VEDETTE_LLAMA_SERVER"
	Model   = "VEDETTE_GGUF"
)

// Slots is how many requests the server answers at a time.
const Slots = 2

// Start starts the server, waits until it is ready and ends it with the test.
// more are arguments for it, such as --api-key. It returns the base URL without
// a path.
func Start(t testing.TB, more ...string) (url string) {
	t.Helper()
	program := os.Getenv(Program)
	if program == "" {
		t.Skipf("SKIPPED: no real model server: %s names none (make test-llm gets one)", Program)
	}
	dir := t.TempDir()
	file, template := os.Getenv(Model), filepath.Join(dir, "chat.jinja")
	if file == "" {
		file = filepath.Join(dir, "tiny.gguf")
		if err := os.WriteFile(file, tinygguf.Model(1), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(template, []byte(tinygguf.Template), 0o600); err != nil {
			t.Fatal(err)
		}
		more = append(more, "--chat-template-file", template)
	}
	port := freePort(t)
	args := append([]string{
		"-m", file, "--host", "127.0.0.1", "--port", port, "-c", strconv.Itoa(Slots * tinygguf.Context), "-np", strconv.Itoa(Slots),
		"-t", "1", "--jinja", "--no-ui", "--no-cache-prompt",
	}, more...)
	var log lockedBuffer
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &log, &log, 5*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed, which is an error
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("the server said:\n%s", log.tail(4000))
		}
	})
	url = "http://" + net.JoinHostPort("127.0.0.1", port)
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); <-time.After(50 * time.Millisecond) {
		if healthy(t, url) {
			return url
		}
		select {
		case <-ended:
			t.Fatalf("the server ended:\n%s", log.tail(4000))
		default:
		}
	}
	t.Fatalf("the server was not ready in 20 s:\n%s", log.tail(4000))
	return ""
}

func healthy(t testing.TB, url string) bool {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/health", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close() //nolint:errcheck // only its status counts
	return resp.StatusCode == http.StatusOK
}

func freePort(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it only holds the port
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// lockedBuffer keeps the newest output of the server.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 1<<20 {
		l.b.Next(l.b.Len() / 2)
	}
	return l.b.Write(p)
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.b.Bytes()
	return string(all[max(0, len(all)-n):])
}
