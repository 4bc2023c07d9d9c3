// Package modeltest is what every provider must do, as a suite: answers in
// pieces, typed errors, bounds of time and bytes, cancellation that leaves
// nothing behind.
//
// It owns the suite and a server to run it against; a wire only says how a
// server of its protocol writes. It must not know a provider.
package modeltest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/model"
)

// Answer is what a faithful server is to say.
type Answer struct {
	Model  string
	Pieces []string // of the text, or of the JSON when Schema is not empty
	Finish model.Finish
	Usage  model.Usage
	Schema string // name of the schema that was asked for
}

// Seen is what a server understood of a request.
type Seen struct {
	Model, System string
	Messages      []model.Message
	Schema        string // name, or the form itself in a protocol that has no names
	MaxTokens     int
	Key           string
}

// Wire says how a server of one protocol reads and writes.
type Wire struct {
	Open   func(e model.Endpoint) (model.Provider, error)
	Read   func(r *http.Request, body []byte) (Seen, error)
	Events func(a Answer) []string // the events of a whole answer, each with its empty line
	Error  string                  // an event that tells an error in the middle
	Tool   string                  // an event that calls a tool which was not offered
	Listed string                  // an answer that lists the models "one" and "two"
	Strict string                  // JSON Schema, if empty a plain one
}

// Server is an HTTP server that counts what it sees.
type Server struct {
	*httptest.Server
	mu       sync.Mutex
	conns    map[net.Conn]http.ConnState
	requests int
}

// Serve starts a server; it is closed with the test.
func Serve(t testing.TB, h http.HandlerFunc) *Server {
	t.Helper()
	s := &Server{conns: map[net.Conn]http.ConnState{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests++
		s.mu.Unlock()
		h(w, r)
	}))
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if state == http.StateClosed || state == http.StateHijacked {
			delete(s.conns, c)
			return
		}
		s.conns[c] = state
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// Open counts the connections that are open.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Requests counts the requests that came.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Gone fails the test when connections are still open after two seconds.
func (s *Server) Gone(t testing.TB) {
	t.Helper()
	if !Soon(func() bool { return s.Open() == 0 }) {
		t.Errorf("%d connections are left open", s.Open())
	}
}

// Soon waits at most two seconds for something to become true.
func Soon(ok func() bool) bool {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		if ok() {
			return true
		}
		runtime.Gosched()
		<-time.After(2 * time.Millisecond)
	}
	return ok()
}

// Goroutines returns a check that no more goroutines run than now.
func Goroutines(t testing.TB) (check func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	return func() {
		t.Helper()
		if !Soon(func() bool { return runtime.NumGoroutine() <= before }) {
			buf := make([]byte, 1<<16)
			t.Errorf("%d goroutines were there, %d are:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}

// Endpoint is an endpoint at url with short limits and the key "s3cret-key".
func Endpoint(t testing.TB, url string) model.Endpoint {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(TheKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return model.Endpoint{
		Name: "under-test", URL: url, KeyFile: path, Location: model.OnPremises,
		Limits: model.Limits{Total: 5 * time.Second, First: 2 * time.Second, Idle: 2 * time.Second, Answer: 64 << 10},
	}
}

// TheKey is the key of [Endpoint].
const TheKey = "s3cret-key-0123456789"

// Got is what came of a request.
type Got struct {
	Text   string
	Pieces int
	Last   model.Piece
	Err    *model.Error
}

// Collect ranges over an answer. It fails the test when the sequence breaks
// the promises of [model.Provider].
func Collect(ctx context.Context, t testing.TB, p model.Provider, req model.Request) Got {
	t.Helper()
	var got Got
	ended := false
	for piece, err := range p.Generate(ctx, req) {
		if ended {
			t.Fatal("something came after the end")
		}
		if err != nil {
			e, ok := errors.AsType[*model.Error](err)
			if !ok || e.Kind == 0 || e.Endpoint != "under-test" {
				t.Fatalf("the error %v (%T) is not typed or does not name the endpoint", err, err)
			}
			if len(e.Detail) > 500 {
				t.Fatalf("the detail has %d bytes", len(e.Detail))
			}
			if all := err.Error() + e.Detail; strings.Contains(all, TheKey) {
				t.Fatalf("the key is in %q", all)
			}
			got.Err, ended = e, true
			continue
		}
		got.Pieces++
		got.Text += piece.Text
		if piece.Finish != "" {
			got.Last, ended = piece, true
		}
	}
	if !ended {
		t.Fatal("the sequence ended without a last piece and without an error")
	}
	return got
}

// Ask is a plain request.
func Ask() model.Request {
	return model.Request{Model: "m1", System: "be brief", Messages: []model.Message{{Role: model.User, Text: "hello"}}, MaxTokens: 77}
}

// stream writes events as a faithful server does.
func stream(w http.ResponseWriter, events []string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		_, _ = io.WriteString(w, e)
		_ = http.NewResponseController(w).Flush()
	}
}

// NoWait is a sleep that does not, for the options of the wire of a provider under test.
func NoWait(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }
