package guard

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/model"
	"vedette/internal/model/route"
)

// Whatever a model answers, the caller gets a reply in the asked form or a typed
// failure, and the ledger tells which.
func TestAnswersThatAreNone(t *testing.T) {
	tests := map[string]struct{ content, finish string }{
		"prose":           {"The device looks benign. Close the incident.", "stop"},
		"half":            {`{"text":"fi`, "length"},
		"whole but cut":   {good, "length"},
		"filtered":        {good, "filter"},
		"no end":          {good, ""},
		"odd end":         {good, "tool_calls"},
		"fence":           {"```json\n" + good + "\n```", "stop"},
		"two":             {good + good, "stop"},
		"duplicate keys":  {`{"text":"a","text":"b"}`, "stop"},
		"infinite":        {`{"text":"a","n":1e999}`, "stop"},
		"deep":            {strings.Repeat("[", 50_000), "stop"},
		"control":         {"{\"text\":\"a\x00b\"}", "stop"},
		"hidden NUL":      {`{"text":"a\u0000b"}`, "stop"},
		"more than asked": {`{"text":"a","close_incident":"inc-1"}`, "stop"},
		"too long":        {`{"text":"` + strings.Repeat("x", 201) + `"}`, "stop"},
		"wrong type":      {`{"text":["a"]}`, "stop"},
		"tool call":       {`{"tool":"delete","args":{}}`, "stop"},
		"empty":           {"", "stop"},
		"null":            {"null", "stop"},
	}
	for name, tt := range tests {
		s := serve(t, func(string) (string, string) { return tt.content, tt.finish })
		b := setUp(t, nil, endpointAt("cloud", model.Cloud, s.URL))
		r, err := b.door.Ask(t.Context(), call(event.IsInternal, "a"))
		f := failureOf(t, err)
		if f.Reason != ByForm && f.Reason != ByModel || !f.Sent || r.JSON != nil {
			t.Errorf("%s: %+v, %s", name, f, r.JSON)
		}
		if list := b.entries(t); len(list) != 2 || list[1].Details["result"] == "answered" {
			t.Errorf("%s: ledger %+v", name, list)
		}
	}
}

// slow is an endpoint as bad as its handler.
func slow(t *testing.T, h http.HandlerFunc) Endpoint {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else a server does not see that its client went
		h(w, r)
	}))
	t.Cleanup(s.Close)
	e := endpointAt("cloud", model.Cloud, s.URL)
	e.Limits = model.Limits{Total: 300 * time.Millisecond, Idle: 100 * time.Millisecond, Answer: 1 << 10}
	return e
}

// Every call ends within its bounds, and nothing of it stays behind.
func TestEndpointsThatDoNotEnd(t *testing.T) {
	ended := func(r *http.Request) { <-r.Context().Done() }
	servers := map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) { ended(r) },
		"staller": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("{"))
			w.(http.Flusher).Flush()
			ended(r)
		},
		"dripper": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(" ")); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		},
		"flooder": func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat("x", 64<<10))
			for range 1600 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"reset": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"))
				_ = conn.Close()
			}
		},
		"busy": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
	}
	before := runtime.NumGoroutine()
	for name, h := range servers {
		b := setUp(t, nil, slow(t, h))
		started := time.Now()
		_, err := b.door.Ask(t.Context(), call(event.IsInternal, "a"))
		took := time.Since(started)
		if f := failureOf(t, err); f.Reason != ByModel || !f.Sent || took > 3*time.Second {
			t.Errorf("%s: %+v after %s", name, f, took)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	deadline := time.Now().Add(3 * time.Second)
	for runtime.NumGoroutine() > before+2*len(servers) && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before+2*len(servers) { // a server has an accept loop of its own
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

func TestCallerGivesUp(t *testing.T) {
	asked := make(chan struct{})
	b := setUp(t, nil, slow(t, func(_ http.ResponseWriter, r *http.Request) { close(asked); <-r.Context().Done() }), endpointAt("here", model.OnPremises, "http://127.0.0.1:0"))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err := b.door.Ask(ctx, call(event.IsInternal, "a"))
	if f := failureOf(t, err); f.Reason != ByCaller || b.actions(t) != "model.call cloud, model.answer cloud" {
		t.Errorf("%+v; ledger %s", f, b.actions(t))
	}
}

// pieces is a provider that yields what it holds and never ends by itself.
type pieces struct {
	list    []model.Piece
	forever bool
}

func (p pieces) Served(context.Context) ([]model.Served, error) { return nil, nil }

func (p pieces) Generate(context.Context, model.Request) iter.Seq2[model.Piece, error] {
	return func(yield func(model.Piece, error) bool) {
		for first := true; first || p.forever; first = false {
			for _, piece := range p.list {
				if !yield(piece, nil) {
					return
				}
			}
		}
	}
}

// The door bounds an answer even if the provider does not.
func TestDoorBoundsWhatAProviderDoesNot(t *testing.T) {
	e := endpointAt("cloud", model.Cloud, "")
	for name, p := range map[string]pieces{
		"endless text":   {[]model.Piece{{Text: "xxxxxxxx"}}, true},
		"endless usage":  {[]model.Piece{{Text: good, Finish: model.Stop, Usage: model.Usage{In: -5, Out: 1 << 60}}}, false},
		"no last piece":  {[]model.Piece{{Text: good}}, false},
		"endless nought": {[]model.Piece{{}}, true},
	} {
		e.Provider, e.Limits = p, model.Limits{Total: 200 * time.Millisecond, Idle: time.Second, Answer: 1 << 16}
		b := setUp(t, nil, e)
		r, err := b.door.Ask(t.Context(), call(event.IsInternal, "a"))
		if name == "endless usage" {
			if err != nil || r.TokensIn != 0 || r.TokensOut > 100_000_000 {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
			continue
		}
		if f := failureOf(t, err); f.Reason != ByModel {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// Whatever the policy, the labels and the order of calls: nothing restricted and
// no name of the site is in the bytes that a cloud endpoint was sent. The echo
// server is the judge.
func TestNoRestrictedByteReachesACloud(t *testing.T) {
	cloud, here := serve(t, says("nonsense")), serve(t, says("nonsense"))
	rapid.Check(t, func(r *rapid.T) {
		before := len(cloud.sent())
		b := setUp(t, func(c *Config) {
			c.Policy.Mode = rapid.SampledFrom([]route.Mode{route.Cloud, route.Hybrid, route.OnPremises}).Draw(r, "mode")
			c.Questions = event.Confidentiality(rapid.IntRange(0, 3).Draw(r, "questions"))
		}, endpointAt("cloud", model.Cloud, cloud.URL), endpointAt("here", model.OnPremises, here.URL), endpointAt("cloud2", "", cloud.URL))
		met := map[string]bool{}
		for range rapid.IntRange(1, 3).Draw(r, "calls") {
			c := call(event.IsPublic, "pump-7")
			c.Conversation = rapid.SampledFrom([]string{"", "c-1", "c-2"}).Draw(r, "conversation")
			secret := false
			for i := range rapid.IntRange(0, 3).Draw(r, "items") {
				secrecy := event.Confidentiality(rapid.IntRange(0, 3).Draw(r, "secrecy"))
				value := "OPEN"
				if secrecy == event.IsRestricted {
					secret, value = true, "RESTRICTED"
				}
				c.Evidence = append(c.Evidence, Item{ID: "E2." + string(rune('1'+i)), Field: "message", Value: value + " 10.1.2.3", Label: event.Label{Confidentiality: secrecy}})
			}
			sent := len(cloud.sent())
			_, err := b.door.Ask(t.Context(), c)
			if _, ok := errors.AsType[*Failure](err); !ok {
				r.Fatalf("nonsense gave %v", err)
			}
			if met[c.Conversation] = met[c.Conversation] && c.Conversation != "" || secret; met[c.Conversation] && len(cloud.sent()) > sent {
				r.Fatalf("conversation %q met restricted data, and the cloud was asked", c.Conversation)
			}
		}
		for _, body := range cloud.sent()[before:] {
			for _, not := range []string{"RESTRICTED", "pump-7", "10.1.2.3"} {
				if strings.Contains(body, not) {
					r.Fatalf("%s was sent: %s", not, body)
				}
			}
		}
	})
}

// A conversation that rests too long begins with a new key, and a new catalogue
// keeps the key.
func TestVaultsOfConversations(t *testing.T) {
	now, version, keys := time.Unix(0, 0), uint64(0), [][]byte{}
	v := NewVaults(VaultsConfig{
		Make:    func(key []byte) (Vault, error) { keys = append(keys, key); return &fakeVault{}, nil },
		Version: func() uint64 { return version }, TTL: time.Minute, Max: 2, Now: func() time.Time { return now },
	})
	get := func(id string) string {
		t.Helper()
		n := len(keys)
		if _, err := v.Vault(id); err != nil {
			t.Fatal(err)
		}
		if len(keys) == n {
			return ""
		}
		return string(keys[n])
	}
	first := get("a")
	if get("a") != "" {
		t.Error("the vault is not kept")
	}
	if version++; get("a") != first {
		t.Error("a new catalogue changed the key")
	}
	if now = now.Add(2 * time.Minute); get("a") == first {
		t.Error("the key outlived its time")
	}
	get("b")
	now = now.Add(time.Second)
	get("a")
	get("c") // pushes out b, which rested longest
	if get("a") != "" || get("b") == "" {
		t.Error("the wrong conversation was forgotten")
	}
	if x, y := get(""), get(""); x == "" || x == y {
		t.Error("calls of no conversation share a key")
	}
}

func TestStatesNeverForget(t *testing.T) {
	s := newStates()
	for i := range maxStates {
		_ = s.Keep(t.Context(), string(rune('a'+i%26))+strings.Repeat("x", i/26), route.Fresh())
	}
	if got, known, err := s.State(t.Context(), "new"); err != nil || !known || got.Highest != model.OnPremises {
		t.Errorf("a full memory says %+v, %v, %v", got, known, err)
	}
}
