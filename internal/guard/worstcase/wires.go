package worstcase

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The kinds of failure, in the words of model.Kind.
const (
	down      = "down"
	loading   = "loading"
	busy      = "busy"
	refused   = "refused"
	bad       = "bad request"
	long      = "too long"
	slow      = "slow"
	much      = "too much"
	malformed = "malformed"
	moved     = "moved"
)

// serving is how a row answers by hand.
type serving func(s *Server, w http.ResponseWriter, r *http.Request, a Asked)

func wireRow(name, about string, serve serving, fails ...string) Behaviour {
	return Behaviour{Name: name, About: about, Fails: fails, serve: serve}
}

// wires are rows that break the wire, or go on and on.
func wires() []Behaviour {
	return slices.Concat(loopers(), flooders(), stallers(), flaky())
}

// forever writes events until nobody reads.
func forever(text func(n int) string) serving {
	return func(s *Server, w http.ResponseWriter, r *http.Request, _ Asked) {
		begin(w)
		for n := 0; r.Context().Err() == nil; n++ {
			if !s.event(w, text(n)) {
				return
			}
		}
	}
}

// line writes a line that does not end.
func line(text string) serving {
	return func(s *Server, w http.ResponseWriter, r *http.Request, _ Asked) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"x":"`)
		for sent := int64(0); sent < s.options.Flood && r.Context().Err() == nil; sent += int64(len(text)) {
			if _, err := io.WriteString(w, text); err != nil {
				return
			}
		}
	}
}

func loopers() []Behaviour {
	return []Behaviour{
		wireRow("looper/tools", "calls a tool for ever", forever(func(n int) string {
			return fmt.Sprintf(`"choices":[{"index":0,"delta":{"tool_calls":[{"index":%d,"id":"c%d","function":{"name":"delete_all","arguments":"{}"}}]},"finish_reason":null}]`, n, n)
		}), malformed),
		wireRow("looper/text", "says the same for ever", forever(func(int) string { return delta("and again ") }), much, slow),
		wireRow("looper/list", "a list of JSON without an end", forever(func(n int) string {
			if n == 0 {
				return delta(`{"claims":[`)
			}
			return delta(`{"text":"x"},`)
		}), much, slow),
		wireRow("looper/thinking", "thinks for ever and never answers", forever(func(int) string {
			return `"choices":[{"index":0,"delta":{"reasoning_content":"hmm "},"finish_reason":null}]`
		}), much, slow),
	}
}

func flooders() []Behaviour {
	return []Behaviour{
		wireRow("flooder/no-newline", "100 MB without the end of a line", line(strings.Repeat("flood", 2000)), much),
		wireRow("flooder/bytes", "events of one byte of text", forever(func(int) string { return delta("x") }), much, slow),
		wireRow("flooder/comments", "comments without an event", func(_ *Server, w http.ResponseWriter, r *http.Request, _ Asked) {
			begin(w)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, ": keep waiting\n\n"); err != nil {
					return
				}
			}
		}, much, slow),
		wireRow("flooder/one-event", "one event of a text that passes every bound", func(s *Server, w http.ResponseWriter, _ *http.Request, _ Asked) {
			begin(w)
			_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"`+strings.Repeat("long ", 1<<20)+`"}}]}`+"\n\n")
			s.end(w, "stop", "{}")
		}, much),
		wireRow("flooder/header", "a header of a megabyte", func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Asked) {
			w.Header().Set("X-Flood", strings.Repeat("x", 1<<20))
			begin(w)
		}, malformed, down, much),
	}
}

func stallers() []Behaviour {
	return []Behaviour{
		wireRow("staller/no-answer", "takes the request and never answers", func(_ *Server, _ http.ResponseWriter, r *http.Request, _ Asked) { <-r.Context().Done() }, slow),
		wireRow("staller/after-headers", "begins an answer and never goes on", func(_ *Server, w http.ResponseWriter, r *http.Request, _ Asked) {
			begin(w)
			<-r.Context().Done()
		}, slow),
		wireRow("staller/in-the-middle", "stops in the middle of an answer and keeps the line", func(s *Server, w http.ResponseWriter, r *http.Request, _ Asked) {
			begin(w)
			s.event(w, delta(`{"text":"it is `))
			<-r.Context().Done()
		}, slow),
		wireRow("staller/drip", "one byte in ten seconds", func(s *Server, w http.ResponseWriter, r *http.Request, _ Asked) {
			begin(w)
			for _, c := range []byte(`data: {"choices":[{"delta":{"content":"` + strings.Repeat("slow ", 1000)) {
				if _, err := w.Write([]byte{c}); err != nil || http.NewResponseController(w).Flush() != nil || !pause(r, s.options.Pace) {
					return
				}
			}
		}, slow),
		wireRow("staller/pings", "says that it is still there, and no more", func(s *Server, w http.ResponseWriter, r *http.Request, _ Asked) {
			begin(w)
			for pause(r, min(s.options.Pace, time.Second)) {
				if _, err := io.WriteString(w, ": ping\n\n"); err != nil || http.NewResponseController(w).Flush() != nil {
					return
				}
			}
		}, slow),
	}
}

// status answers with a status and a body.
func status(code int, retryAfter, body string) serving {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Asked) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// typed answers 200 with a body of a type.
func typed(contentType, body string) serving {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Asked) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// hijacked writes bytes on the bare connection and closes it.
func hijacked(bytes string) serving {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Asked) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, bytes)
		_ = conn.Close()
	}
}

// ended answers a form and says that it ended for a reason.
func ended(reason, usage, name string, half bool) serving {
	return func(s *Server, w http.ResponseWriter, _ *http.Request, a Asked) {
		text := (&mind{words: func(path string) []string { return orElse(path, a.ids(), "it is fine") }}).fill(a.Schema)
		if half {
			text = text[:len(text)/2]
		}
		if name != "" {
			s = &Server{behaviour: s.behaviour, options: s.options}
			s.options.Model = name
		}
		begin(w)
		s.event(w, delta(text))
		s.end(w, reason, usage)
	}
}

func flaky() []Behaviour {
	const first = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"{\"}}]}\n\n"
	rows := []Behaviour{
		wireRow("flaky/busy", "429, come again in an hour", status(429, "3600", `{"error":{"message":"slow down","type":"rate_limit_exceeded"}}`), busy),
		wireRow("flaky/busy-silent", "429 without a word", status(429, "", ""), busy),
		wireRow("flaky/busy-lie", "429, come again in minus five seconds", status(429, "-5", "{"), busy),
		wireRow("flaky/failed", "500", status(500, "", `{"error":{"message":"output that does not match the expected format"}}`), down),
		wireRow("flaky/loading", "503 while it loads", status(503, "", `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`), loading),
		wireRow("flaky/gateway", "502 with a page", status(502, "", "<html><h1>Bad Gateway</h1><script>alert(1)</script></html>"), down),
		wireRow("flaky/key", "401", status(401, "", `{"error":{"message":"wrong key"}}`), refused),
		wireRow("flaky/gone", "404", status(404, "", `{"error":"model not found"}`), bad),
		wireRow("flaky/context", "400, the prompt is too long", status(400, "", `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`), long),
		wireRow("flaky/redirect", "redirects to another host", func(_ *Server, w http.ResponseWriter, r *http.Request, _ Asked) {
			http.Redirect(w, r, "http://collect.attacker.example/v1/chat/completions", http.StatusTemporaryRedirect)
		}, moved),
		wireRow("flaky/recovers", "503 twice and then well", func(s *Server, w http.ResponseWriter, r *http.Request, a Asked) {
			if s.number()%3 != 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			ended("stop", `{"prompt_tokens":1,"completion_tokens":1}`, "", false)(s, w, r, a)
		}),
		wireRow("flaky/reset", "the connection ends in the middle", hijacked(first), down),
		wireRow("flaky/hangs-up", "the connection ends before an answer", hijacked(""), down),
		wireRow("flaky/no-http", "it is no HTTP", hijacked("220 mail.example ESMTP\r\n"), malformed, down),
		wireRow("flaky/other-type", "a page instead of a stream", typed("text/html", "<html>sign in</html>"), malformed),
		wireRow("flaky/no-stream", "JSON that is no stream", typed("application/json", `{"choices":[{"message":{"content":"{}"},"finish_reason":"stop"}]}`), malformed),
		wireRow("flaky/nothing", "an empty stream", typed("text/event-stream", ""), down),
		wireRow("flaky/no-end", "a stream that ends before the answer does", typed("text/event-stream", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"{}\"}}]}\n\n"), down),
		wireRow("flaky/garbage", "events that are no JSON", typed("text/event-stream", "data: ok\n\ndata: [DONE]\n\n"), malformed),
		wireRow("flaky/error-inside", "an error in the middle of a stream", typed("text/event-stream", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"{\"}}]}\n\ndata: {\"error\":{\"message\":\"out of memory\"}}\n\n"), down),
		wireRow("flaky/zipped", "a body that it says is compressed", func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Asked) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "\x1f\x8b\x08\x00")
		}, malformed),
		wireRow("flaky/length", "half an answer, ended by its length", ended("length", `{"prompt_tokens":5,"completion_tokens":5}`, "", true)),
		wireRow("flaky/filter", "ended by a filter", ended("content_filter", `{}`, "", true)),
		wireRow("flaky/odd-end", "ended for a reason that nobody knows", ended("because", `{}`, "", false)),
		wireRow("flaky/usage-lies", "counts that are negative and huge", ended("stop", `{"prompt_tokens":-5,"completion_tokens":4611686018427387904}`, "", false)),
		wireRow("flaky/other-model", "another model than was asked answers", ended("stop", `{"prompt_tokens":1,"completion_tokens":1}`, "cheaper-model\u202e", false)),
	}
	for i, b := range rows {
		rows[i].Form = b.Name == "flaky/recovers" || b.Name == "flaky/odd-end" || b.Name == "flaky/usage-lies" || b.Name == "flaky/other-model"
	}
	return rows
}
