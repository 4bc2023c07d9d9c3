package modeltest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"vedette/internal/model"
)

// brokenRow is one way to break an answer, and the kinds of error that fit it.
type brokenRow struct {
	name  string
	serve http.HandlerFunc
	want  []model.Kind
}

// broken answers end in a typed error within their bounds.
func broken(t *testing.T, w Wire) {
	for _, tt := range brokenRows(w) {
		t.Run(tt.name, func(t *testing.T) {
			s := Serve(t, tt.serve)
			p := open(t, w, s.URL, func(e *model.Endpoint) { e.Limits.Answer = 32 << 10 })
			check := Goroutines(t)
			got := Collect(t.Context(), t, p, Ask())
			ok := false
			for _, k := range tt.want {
				ok = ok || got.Err != nil && got.Err.Kind == k
			}
			if !ok {
				t.Errorf("got %v (last %+v), want %v", got.Err, got.Last, tt.want)
			}
			if len(got.Text) > 32<<10 {
				t.Errorf("%d bytes came through", len(got.Text))
			}
			s.Gone(t)
			check()
		})
	}
}

// brokenRows are the ways to break an answer.
func brokenRows(w Wire) []brokenRow {
	events := w.Events(good())
	raw := func(contentType string, parts ...string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", contentType)
			for _, p := range parts {
				_, _ = io.WriteString(rw, p)
				_ = http.NewResponseController(rw).Flush()
			}
		}
	}
	endless := func(text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				if _, err := io.WriteString(rw, text); err != nil {
					return
				}
			}
		}
	}
	const sse = "text/event-stream"
	flood := w.Events(Answer{Model: "m", Pieces: []string{strings.Repeat("flood ", 4000)}, Finish: model.Stop})
	return []brokenRow{
		{"type", raw("text/html", "<html>sign in</html>"), []model.Kind{model.Malformed}},
		{"prose", raw(sse, "data: I am sorry\n\n"), []model.Kind{model.Malformed}},
		{"half", raw(sse, events[0], "data: {\"cho"), []model.Kind{model.Malformed, model.Down}},
		{"no-end", raw(sse, events[:len(events)/2]...), []model.Kind{model.Down}},
		{"empty", raw(sse, ""), []model.Kind{model.Down}},
		{"number", raw(sse, `data: {"usage":{"prompt_tokens":1e999,"input_tokens":1e999},"usageMetadata":{"promptTokenCount":1e999}}`+"\n\n"), []model.Kind{model.Malformed}},
		{"nested", raw(sse, "data: "+strings.Repeat(`[`, 30000)+"\n\n"), []model.Kind{model.Malformed}},
		{"bytes", raw(sse, "data: {\xff\xfe\x00\n\n"), []model.Kind{model.Malformed}},
		{"error", raw(sse, events[0], w.Error), []model.Kind{model.Busy, model.Down}},
		{"tool", raw(sse, events[0], w.Tool), []model.Kind{model.Malformed}},
		{"no-newline", endless("data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), []model.Kind{model.TooMuch}},
		{"comments", endless(strings.Repeat(": still here\n\n", 100)), []model.Kind{model.TooMuch, model.Slow}},
		{"flood", endless(flood[1]), []model.Kind{model.TooMuch}},
		{"reset", func(rw http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n"+events[0])
				_ = conn.Close()
			}
		}, []model.Kind{model.Down}},
		{"no-http", func(rw http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "\x00\x01 220 mail ready\r\n")
				_ = conn.Close()
			}
		}, []model.Kind{model.Malformed, model.Down}},
		{"headers", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		}, []model.Kind{model.Malformed, model.Down, model.TooMuch}},
	}
}

// silence is bounded: before the first piece, between two, and in all.
func silence(t *testing.T, w Wire) {
	const short = 60 * time.Millisecond
	events := w.Events(good())
	hang := func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	stop := func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		stream(rw, events[:len(events)-1])
		<-r.Context().Done()
	}
	drip := func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for r.Context().Err() == nil {
			stream(rw, events[1:2])
			<-time.After(short / 6)
		}
	}
	trickle := func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		stream(rw, events[:1])
		for r.Context().Err() == nil {
			stream(rw, []string{"x"})
			<-time.After(short / 6)
		}
	}
	tests := []struct {
		name   string
		serve  http.HandlerFunc
		limits model.Limits
	}{
		{"first", hang, model.Limits{First: short, Idle: time.Minute, Total: time.Minute}},
		{"idle", stop, model.Limits{First: 30 * time.Second, Idle: short, Total: time.Minute}},
		{"trickle", trickle, model.Limits{First: 30 * time.Second, Idle: short, Total: time.Minute}},
		{"total", drip, model.Limits{First: 30 * time.Second, Idle: 20 * time.Second, Total: 4 * short}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Serve(t, tt.serve)
			p := open(t, w, s.URL, func(e *model.Endpoint) { e.Limits = tt.limits })
			check := Goroutines(t)
			got := Collect(t.Context(), t, p, Ask())
			if got.Err == nil || got.Err.Kind != model.Slow {
				t.Errorf("got %v", got.Err)
			}
			s.Gone(t)
			check()
		})
	}
	t.Run("caller", func(t *testing.T) {
		s := Serve(t, hang)
		ctx, cancel := context.WithTimeout(t.Context(), short)
		defer cancel()
		if got := Collect(ctx, t, open(t, w, s.URL, nil), Ask()); got.Err == nil || got.Err.Kind != model.Slow {
			t.Errorf("got %v", got.Err)
		}
		s.Gone(t)
	})
}
