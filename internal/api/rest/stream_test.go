package rest

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/authz"
	"vedette/internal/copilot"
	"vedette/internal/fault"
	"vedette/internal/toolbox"
)

// talker answers in sentences and has events that come in.
type talker struct {
	plant
	mu   sync.Mutex
	rows [][]any
	fail error
}

func (p *talker) Ask(_ context.Context, q copilot.Request) (*copilot.Answer, error) {
	for _, text := range []string{"one\nline", "two"} {
		if q.Told != nil {
			q.Told(copilot.Sentence{Text: text, Status: "verified"})
		}
	}
	return &copilot.Answer{Question: q.Question}, p.fail
}

func (p *talker) Query(context.Context, string, time.Time) (*toolbox.Table, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &toolbox.Table{Columns: []string{"metadata.uid", "src"}, Rows: p.rows, Total: int64(len(p.rows))}, p.fail
}

// follow opens a stream and returns its lines.
func follow(t *testing.T, h http.Handler, base func(context.Context) context.Context, req func(url string) *http.Request) (<-chan string, *httptest.Server) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(authz.With(base(r.Context()), as(authz.Analyst))))
	}))
	t.Cleanup(srv.Close)
	resp, err := srv.Client().Do(req(srv.URL)) //nolint:bodyclose // closed by who reads it
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, got)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		defer resp.Body.Close()
		for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
			if sc.Text() != "" {
				lines <- sc.Text()
			}
		}
	}()
	return lines, srv
}

func next(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	select {
	case got, ok := <-lines:
		if !ok || !strings.Contains(got, want) {
			t.Fatalf("the stream tells %q, not %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("the stream does not tell %q", want)
	}
}

func plain(ctx context.Context) context.Context { return ctx }

func askFor(t *testing.T) func(url string) *http.Request {
	return func(url string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/ask", strings.NewReader(`{"question":"q"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/event-stream")
		return r
	}
}

func TestAskStream(t *testing.T) {
	lines, _ := follow(t, Handler(&talker{}, authority(t), here()), plain, askFor(t))
	for _, want := range []string{"event: sentence", `one\nline`, "event: sentence", `"two"`, "event: done", `"question":"q"`} {
		next(t, lines, want)
	}
	if line, more := <-lines; more {
		t.Errorf("after the end: %q", line)
	}
	lines, _ = follow(t, Handler(&talker{fail: fault.New(fault.Limited, "too dear").WithHint("ask less")}, authority(t), here()), plain, askFor(t))
	for _, want := range []string{"sentence", "", "sentence", "", "event: problem", `"detail":"too dear"`} {
		next(t, lines, want)
	}
}

func TestTail(t *testing.T) {
	p := &talker{rows: [][]any{{"u1", "10.0.0.1"}}}
	end := make(chan struct{})
	lines, srv := follow(t, Handler(p, authority(t), here()), func(ctx context.Context) context.Context { return WithEnd(ctx, end) }, func(url string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/v1/events/tail?q=src%3D10.0.0.1", nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
	next(t, lines, "event: rows")
	next(t, lines, `"u1"`)
	p.mu.Lock()
	p.rows = [][]any{{"u2", "10.0.0.1"}, {"u1", "10.0.0.1"}}
	p.mu.Unlock()
	next(t, lines, "event: rows")
	select {
	case got := <-lines:
		if !strings.Contains(got, `"u2"`) || strings.Contains(got, `"u1"`) {
			t.Errorf("an event is told again, or a new one is not: %s", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the new event is not told")
	}
	close(end) // the server ends
	for range lines {
	}
	for _, bad := range []string{"last 1h", "| count", "devices", "src=", "&select=src%7Ccount"} {
		resp, err := srv.Client().Get(srv.URL + "/api/v1/events/tail?q=" + strings.ReplaceAll(strings.ReplaceAll(bad, " ", "%20"), "|", "%7C"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("following %q: %d", bad, resp.StatusCode)
		}
	}
}

// Who is no longer let in is told nothing more.
func TestStreamOfOneWhoWentAway(t *testing.T) {
	s := &server{Service: &talker{}, may: authority(t), about: About{Still: func(*http.Request) error { return fault.New(fault.Denied, "the session has ended") }}}
	w := httptest.NewRecorder()
	told := 0
	s.send(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), func(_ context.Context, tell func(string, any) error) error {
		for range 3 {
			if err := tell("rows", told); err != nil {
				return err
			}
			told++
		}
		return nil
	})
	if told != 0 || s.streams.all != 0 || len(s.streams.by) != 0 || !strings.Contains(w.Body.String(), "the session has ended") || strings.Contains(w.Body.String(), "rows") {
		t.Errorf("told %d, open %d: %s", told, s.streams.all, w.Body)
	}
}

// One account cannot take all streams.
func TestStreamsAreBounded(t *testing.T) {
	var s streams
	for i := range maxOwn {
		if err := s.open("ann"); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := s.open("ann"); fault.KindOf(err) != fault.Limited {
		t.Errorf("one more of the same account: %v", err)
	}
	for i := maxOwn; i < maxStreams; i++ {
		if err := s.open(fmt.Sprint(i)); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := s.open("late"); fault.KindOf(err) != fault.Limited {
		t.Errorf("one more of all: %v", err)
	}
	s.close("ann")
	if err := s.open("ann"); err != nil {
		t.Errorf("after one was closed: %v", err)
	}
}

func TestSeen(t *testing.T) {
	s := newSeen()
	for n := range 5000 {
		row := func(i int) []any { return []any{string(rune('a'+i%26)) + strings.Repeat("x", i/26)} }
		t2 := &toolbox.Table{Rows: [][]any{row(n + 1), row(n)}}
		if got := len(s.fresh(t2)); n > 0 && got != 1 {
			t.Fatalf("step %d: %d fresh rows", n, got)
		}
		if len(s.now)+len(s.before) > 10*tailRows {
			t.Fatal("it remembers all")
		}
	}
}
