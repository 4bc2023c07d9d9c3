package modeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/model"
)

const plainSchema = `{"type":"object","properties":{"a":{"type":"string","maxLength":20}},"required":["a"],"additionalProperties":false}`

// Run runs the suite on a wire.
func Run(t *testing.T, w Wire) {
	t.Run("answers", func(t *testing.T) { answers(t, w) })
	t.Run("request", func(t *testing.T) { request(t, w) })
	t.Run("statuses", func(t *testing.T) { statuses(t, w) })
	t.Run("repeats", func(t *testing.T) { repeats(t, w) })
	t.Run("broken", func(t *testing.T) { broken(t, w) })
	t.Run("silence", func(t *testing.T) { silence(t, w) })
	t.Run("leaves-nothing", func(t *testing.T) { leavesNothing(t, w) })
	t.Run("served", func(t *testing.T) { served(t, w) })
}

// open makes a provider of a server; change may be nil.
func open(t testing.TB, w Wire, url string, change func(e *model.Endpoint)) model.Provider {
	t.Helper()
	e := Endpoint(t, url)
	if change != nil {
		change(&e)
	}
	p, err := w.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func good() Answer {
	return Answer{Model: "m1-v2", Pieces: []string{"Hel", "lo, w", "örld \"quoted\"\n", "✓"}, Finish: model.Stop, Usage: model.Usage{In: 11, Out: 7}}
}

// answers come whole, however the bytes arrive.
func answers(t *testing.T, w Wire) {
	a := good()
	for _, finish := range []model.Finish{model.Stop, model.Length, model.Filter} {
		for _, size := range []int{0, 1, 7} {
			t.Run(fmt.Sprintf("%s-%d", finish, size), func(t *testing.T) {
				a := a
				a.Finish = finish
				s := Serve(t, func(rw http.ResponseWriter, _ *http.Request) { stream(rw, cut(w.Events(a), size)) })
				got := Collect(t.Context(), t, open(t, w, s.URL, nil), Ask())
				if got.Err != nil {
					t.Fatal(got.Err, got.Err.Detail)
				}
				if want := strings.Join(a.Pieces, ""); got.Text != want {
					t.Errorf("got %q, want %q", got.Text, want)
				}
				if got.Last.Finish != finish || got.Last.Usage != a.Usage || got.Last.Model != a.Model {
					t.Errorf("the last piece is %+v", got.Last)
				}
				s.Gone(t)
			})
		}
	}
	t.Run("schema", func(t *testing.T) {
		a := Answer{Model: "m", Pieces: []string{`{"a":`, `"x`, `"}`}, Finish: model.Stop, Schema: "shape"}
		s := Serve(t, func(rw http.ResponseWriter, _ *http.Request) { stream(rw, w.Events(a)) })
		req := Ask()
		req.Schema = &model.Schema{Name: "shape", JSON: json.RawMessage(plainSchema)}
		got := Collect(t.Context(), t, open(t, w, s.URL, nil), req)
		if got.Err != nil || got.Text != `{"a":"x"}` || got.Last.Finish != model.Stop {
			t.Errorf("got %+v", got)
		}
	})
}

// cut joins events and cuts them anew; size 0 leaves them.
func cut(events []string, size int) []string {
	if size == 0 {
		return events
	}
	all := strings.Join(events, "")
	var out []string
	for len(all) > size {
		out, all = append(out, all[:size]), all[size:]
	}
	return append(out, all)
}

// request: what was asked arrives, with the key, and only when it is ranged over.
func request(t *testing.T, w Wire) {
	var mu sync.Mutex
	var seen Seen
	s := Serve(t, func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, err := w.Read(r, body)
		if err != nil {
			t.Errorf("the request %s: %v", body, err)
		}
		mu.Lock()
		seen = got
		mu.Unlock()
		stream(rw, w.Events(Answer{Model: "m", Pieces: []string{"{}"}, Finish: model.Stop, Schema: "shape"}))
	})
	p := open(t, w, s.URL, nil)
	req := Ask()
	req.Messages = []model.Message{{Role: model.User, Text: "<one> & two"}, {Role: model.Assistant, Text: "2"}, {Role: model.User, Text: "3"}}
	req.Schema = &model.Schema{Name: "shape", JSON: json.RawMessage(plainSchema)}
	answer := p.Generate(t.Context(), req)
	if s.Requests() != 0 {
		t.Error("something was sent before the answer was asked for")
	}
	for _, err := range answer {
		if err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if seen.Model != req.Model || seen.System != req.System || fmt.Sprint(seen.Messages) != fmt.Sprint(req.Messages) || seen.MaxTokens != 77 || seen.Key != TheKey || seen.Schema == "" {
		t.Errorf("the server saw %+v", seen)
	}
	req.Messages[0].Text = strings.Repeat("long ", 2<<20)
	if got := Collect(t.Context(), t, p, req); got.Err == nil || got.Err.Kind != model.TooLong || s.Requests() != 1 {
		t.Errorf("a request of 10 MiB: %v, %d requests", got.Err, s.Requests())
	}
}

// statuses and their kinds.
func statuses(t *testing.T, w Wire) {
	tests := []struct {
		name   string
		status int
		body   string
		want   model.Kind
	}{
		{"bad", 400, `{"error":{"message":"no such parameter","type":"invalid_request_error"}}`, model.BadRequest},
		{"long-openai", 400, `{"error":{"message":"This model's maximum context length is 8192 tokens","code":"context_length_exceeded"}}`, model.TooLong},
		{"long-llama", 400, `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}`, model.TooLong},
		{"long-anthropic", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}`, model.TooLong},
		{"long-gemini", 400, `[{"error":{"code":400,"message":"The input token count exceeds the maximum number of tokens allowed","status":"INVALID_ARGUMENT"}}]`, model.TooLong},
		{"key", 401, `{"error":{"message":"wrong key ` + TheKey + `"}}`, model.Refused},
		{"key-gemini", 400, `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}`, model.Refused},
		{"forbidden", 403, "", model.Refused},
		{"none", 404, `{"error":"model 'm1' not found"}`, model.BadRequest},
		{"entity", 413, "", model.TooLong},
		{"busy", 429, `{"error":{"message":"slow down"}}`, model.Busy},
		{"failed", 500, strings.Repeat("x", 1<<20), model.Down},
		{"loading", 503, `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`, model.Loading},
		{"overloaded", 529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, model.Busy},
		{"nothing", 204, "", model.Malformed},
		{"bytes", 500, "\xff\x00\x1b[31m", model.Down},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Serve(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Retry-After", "3600")
				rw.WriteHeader(tt.status)
				_, _ = io.WriteString(rw, tt.body)
			})
			got := Collect(t.Context(), t, open(t, w, s.URL, nil), Ask())
			if got.Err == nil || got.Err.Kind != tt.want || got.Err.Status != tt.status {
				t.Errorf("got %v, want %v", got.Err, tt.want)
			}
			if tt.want == model.Busy && got.Err.RetryAfter != time.Hour {
				t.Errorf("it said to come again after %v", got.Err.RetryAfter)
			}
			s.Gone(t)
		})
	}
	t.Run("redirect", func(t *testing.T) {
		other := Serve(t, func(rw http.ResponseWriter, _ *http.Request) { stream(rw, w.Events(good())) })
		s := Serve(t, func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		})
		got := Collect(t.Context(), t, open(t, w, s.URL, nil), Ask())
		if got.Err == nil || got.Err.Kind != model.Moved || other.Requests() != 0 {
			t.Errorf("got %v; the other host saw %d requests", got.Err, other.Requests())
		}
	})
}

// repeats: a request is sent again only before an answer begins.
func repeats(t *testing.T, w Wire) {
	t.Run("before", func(t *testing.T) {
		var n int
		s := Serve(t, func(rw http.ResponseWriter, _ *http.Request) {
			if n++; n < 3 {
				rw.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			stream(rw, w.Events(good()))
		})
		if got := Collect(t.Context(), t, open(t, w, s.URL, nil), Ask()); got.Err != nil || s.Requests() != 3 {
			t.Errorf("got %v after %d requests", got.Err, s.Requests())
		}
	})
	t.Run("not-for-ever", func(t *testing.T) {
		s := Serve(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTooManyRequests) })
		if got := Collect(t.Context(), t, open(t, w, s.URL, nil), Ask()); got.Err == nil || got.Err.Kind != model.Busy || s.Requests() != 3 {
			t.Errorf("got %v after %d requests", got.Err, s.Requests())
		}
	})
	t.Run("not-after", func(t *testing.T) {
		s := Serve(t, func(rw http.ResponseWriter, _ *http.Request) {
			events := w.Events(good())
			stream(rw, events[:len(events)/2])
			panic(http.ErrAbortHandler)
		})
		if got := Collect(t.Context(), t, open(t, w, s.URL, nil), Ask()); got.Err == nil || got.Err.Kind != model.Down || s.Requests() != 1 {
			t.Errorf("got %v after %d requests", got.Err, s.Requests())
		}
	})
	t.Run("nobody-there", func(t *testing.T) {
		s := Serve(t, func(http.ResponseWriter, *http.Request) {})
		url := s.URL
		s.Close()
		if got := Collect(t.Context(), t, open(t, w, url, nil), Ask()); got.Err == nil || got.Err.Kind != model.Down {
			t.Errorf("got %v", got.Err)
		}
	})
}

// served lists models and survives nonsense.
func served(t *testing.T, w Wire) {
	body := w.Listed
	s := Serve(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, body)
	})
	p := open(t, w, s.URL, nil)
	list, err := p.Served(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "one" || list[1].Name != "two" {
		t.Errorf("got %+v, %v", list, err)
	}
	for _, body = range []string{"", "[]", "null", `{"data":1e999,"models":7}`, strings.Repeat("[", 20000), "\xff\xfe"} {
		if _, err := p.Served(t.Context()); err != nil {
			typed(t, err)
		}
	}
	s.Gone(t)
}

func typed(t *testing.T, err error) {
	t.Helper()
	if e, ok := err.(*model.Error); !ok || e.Endpoint == "" || e.Kind == 0 { //nolint:errorlint // it must be it, not hold it
		t.Errorf("the error %v is not typed", err)
	}
}

// leavesNothing: whoever gives up leaves no connection and no goroutine.
func leavesNothing(t *testing.T, w Wire) {
	gone := make(chan struct{}, 8)
	events := w.Events(good())
	s := Serve(t, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		stream(rw, events[:len(events)-1])
		<-r.Context().Done()
		gone <- struct{}{}
	})
	p := open(t, w, s.URL, nil)
	check := Goroutines(t)
	t.Run("stop", func(t *testing.T) {
		for _, err := range p.Generate(t.Context(), Ask()) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		<-gone
		s.Gone(t)
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var last error
		for _, last = range p.Generate(ctx, Ask()) {
			cancel()
		}
		if e, ok := last.(*model.Error); !ok || e.Kind != model.Canceled { //nolint:errorlint // it must be it
			t.Errorf("got %v", last)
		}
		cancel()
		<-gone
		s.Gone(t)
	})
	t.Run("cancelled-before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := Collect(ctx, t, p, Ask()); got.Err == nil || got.Err.Kind != model.Canceled {
			t.Errorf("got %v", got.Err)
		}
	})
	check()
}
