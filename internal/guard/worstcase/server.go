package worstcase

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The bounds of a server's memory.
const (
	maxBody = 16 << 20
	maxKept = 2000 // requests that are kept, the first ones
)

// Server is one row of the table behind a socket. It is safe for concurrent
// use.
type Server struct {
	behaviour Behaviour
	options   Options
	address   string
	http      *http.Server
	done      chan error

	mu    sync.Mutex
	asked []Asked
	count int
	conns map[net.Conn]bool
}

// Start serves a row on a free port of loopback until Close.
func Start(b Behaviour, o Options) (*Server, error) {
	o.defaults()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the worst case %s: %w", b.Name, err)
	}
	s := &Server{behaviour: b, options: o, address: "http://" + l.Addr().String(), done: make(chan error, 1), conns: map[net.Conn]bool{}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.handle), ReadHeaderTimeout: 10 * time.Second, ConnState: s.state}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// URL is the base URL of the server, as an endpoint is configured.
func (s *Server) URL() string { return s.address + "/v1" }

// Asked lists the requests for an answer that came, as they came: what is not
// in their bytes did not leave.
func (s *Server) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Asked(nil), s.asked...)
}

// Take is Asked, and forgets them: a long run keeps no more than it looks at.
func (s *Server) Take() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.asked
	s.asked = nil
	return out
}

// Open counts the connections that are open.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close ends the server and what it still does.
func (s *Server) Close() error {
	err := s.http.Close()
	if ended := <-s.done; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func (s *Server) state(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(s.conns, c)
		return
	}
	s.conns[c] = true
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/models"):
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": []any{map[string]any{"id": s.options.Model, "object": "model"}}})
		return
	case !strings.HasSuffix(r.URL.Path, "/chat/completions"):
		http.NotFound(w, r)
		return
	}
	a := read(r.URL.Path, body)
	s.mu.Lock()
	s.count++
	if len(s.asked) < maxKept {
		s.asked = append(s.asked, a)
	}
	s.mu.Unlock()
	if s.behaviour.serve != nil {
		s.behaviour.serve(s, w, r, a)
		return
	}
	s.answer(w, a, s.behaviour.say(a, &s.options), "stop")
}

// number counts the requests that came.
func (s *Server) number() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// answer writes a text as a faithful server does.
func (s *Server) answer(w http.ResponseWriter, a Asked, text, finish string) {
	usage := fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d}`, len(a.System+a.Text)/4+1, len(text)/4+1)
	if !a.Stream {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"object":"chat.completion","model":%s,"choices":[{"index":0,"message":{"role":"assistant","content":%s},"finish_reason":%s}],"usage":%s}`,
			quote(s.options.Model), quote(text), quote(finish), usage)
		return
	}
	begin(w)
	for part := range parts(text, max(48, len(text)/64)) {
		if !s.event(w, delta(part)) {
			return
		}
	}
	s.end(w, finish, usage)
}

// begin starts a stream.
func begin(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
}

// delta is a choice that adds a text.
func delta(text string) string {
	return `"choices":[{"index":0,"delta":{"content":` + quote(text) + `},"finish_reason":null}]`
}

// event writes one event; false when nobody reads.
func (s *Server) event(w http.ResponseWriter, fields string) bool {
	_, err := io.WriteString(w, `data: {"object":"chat.completion.chunk","model":`+quote(s.options.Model)+`,`+fields+"}\n\n")
	return err == nil && http.NewResponseController(w).Flush() == nil
}

// end writes the end of a stream.
func (s *Server) end(w http.ResponseWriter, finish, usage string) {
	s.event(w, `"choices":[{"index":0,"delta":{},"finish_reason":`+quote(finish)+`}]`)
	s.event(w, `"choices":[],"usage":`+usage)
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// quote writes a text as JSON. Bytes that are no UTF-8 stay as they are, which
// an encoder would not do.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(text[i])
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	b.WriteByte('"')
	return b.String()
}

// parts cuts a text into parts of about n bytes, not inside of a rune.
func parts(text string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for len(text) > 0 {
			cut := min(n, len(text))
			for cut < len(text) && cut < n+4 && !utf8.RuneStart(text[cut]) {
				cut++
			}
			if !yield(text[:cut]) {
				return
			}
			text = text[cut:]
		}
	}
}

// pause waits, or ends with the request.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-t.C:
		return true
	}
}
