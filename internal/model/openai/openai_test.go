package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"vedette/internal/model"
	"vedette/internal/model/modeltest"
	"vedette/internal/model/wire"
)

func wireOf() modeltest.Wire {
	return modeltest.Wire{
		Open: func(e model.Endpoint) (model.Provider, error) { return New(e, wire.Options{Sleep: modeltest.NoWait}) },
		Read: func(r *http.Request, raw []byte) (modeltest.Seen, error) {
			var b body
			if err := json.Unmarshal(raw, &b); err != nil {
				return modeltest.Seen{}, err
			}
			if r.URL.Path != "/v1/chat/completions" || !b.Stream || !b.StreamOptions["include_usage"] {
				return modeltest.Seen{}, fmt.Errorf("path %s, stream %v", r.URL.Path, b.Stream)
			}
			s := modeltest.Seen{Model: b.Model, System: b.Messages[0].Content, MaxTokens: b.MaxTokens, Key: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}
			for _, m := range b.Messages[1:] {
				s.Messages = append(s.Messages, model.Message{Role: model.Role(m.Role), Text: m.Content})
			}
			if b.Format != nil {
				s.Schema = b.Format.Schema.Name
			}
			return s, nil
		},
		Events: events,
		Error:  "data: {\"error\":{\"message\":\"rate\",\"type\":\"rate_limit_exceeded\"}}\n\n",
		Tool:   `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"rm","arguments":"{}"}}]}}]}` + "\n\n",
		Listed: `{"object":"list","data":[{"id":"one","meta":{"n_ctx_train":4096,"size":5}},{"id":"two","max_model_len":8192}]}`,
	}
}

func events(a modeltest.Answer) []string {
	event := func(v any) string {
		raw, _ := json.Marshal(v)
		return "data: " + string(raw) + "\n\n"
	}
	type dict = map[string]any
	out := []string{event(dict{"model": a.Model, "choices": []any{dict{"index": 0, "delta": dict{"role": "assistant", "content": nil}, "finish_reason": nil}}})}
	for _, p := range a.Pieces {
		out = append(out, event(dict{"model": a.Model, "choices": []any{dict{"index": 0, "delta": dict{"content": p}, "finish_reason": nil}}}))
	}
	word := map[model.Finish]string{model.Stop: "stop", model.Length: "length", model.Filter: "content_filter"}[a.Finish]
	return append(out,
		event(dict{"model": a.Model, "choices": []any{dict{"index": 0, "delta": dict{}, "finish_reason": word}}}),
		event(dict{"model": a.Model, "choices": []any{}, "usage": dict{"prompt_tokens": a.Usage.In, "completion_tokens": a.Usage.Out}}),
		"data: [DONE]\n\n")
}

func TestConformance(t *testing.T) { modeltest.Run(t, wireOf()) }

func TestAddresses(t *testing.T) {
	tests := []struct{ url, path, header string }{
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/chat/completions", "Authorization"},
		{"http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1/chat/completions", "Authorization"},
		{"http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions", "Authorization"},
		{"http://127.0.0.1:11434/v1/chat/completions", "http://127.0.0.1:11434/v1/chat/completions", "Authorization"},
		{"https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21", "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21", "api-key"},
	}
	for _, tt := range tests {
		location := model.OnPremises
		if strings.HasPrefix(tt.url, "https") {
			location = model.Cloud
		}
		p, err := New(model.Endpoint{Name: "x", URL: tt.url, Location: location}, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.client.Address(p.path("chat/completions")); got != tt.path {
			t.Errorf("%s: got %s, want %s", tt.url, got, tt.path)
		}
	}
}

// A hosted endpoint takes other words than a local server.
func TestBodies(t *testing.T) {
	open := `{"type":"object","properties":{"a":{"type":"string"}}}`
	req := model.Request{Model: "gpt-5-mini", MaxTokens: 5, Schema: &model.Schema{Name: "s", JSON: json.RawMessage(open)}}
	local, _ := (&Provider{}).body(req)
	hosted, wrapped := (&Provider{hosted: true}).body(req)
	if wrapped {
		t.Error("an object was wrapped")
	}
	if local.MaxTokens != 5 || local.MaxCompletion != 0 || !local.Format.Schema.Strict {
		t.Errorf("local: %+v", local)
	}
	if hosted.MaxTokens != 0 || hosted.MaxCompletion != 5 || hosted.Format.Schema.Strict || hosted.Temperature != nil {
		t.Errorf("hosted: %+v", hosted)
	}
}

// Alternatives at the top are the property of an object for OpenAI, and as they
// are for a local server.
func TestAlternatives(t *testing.T) {
	const step = `{"oneOf":[{"type":"object","properties":{"final":{"enum":["yes"]}},"required":["final"],"additionalProperties":false}]}`
	req := model.Request{Model: "gpt-4o", Schema: &model.Schema{Name: "s", JSON: json.RawMessage(step)}}
	if local, wrapped := (&Provider{}).body(req); wrapped || string(local.Format.Schema.Schema) != step {
		t.Errorf("local: %s", local.Format.Schema.Schema)
	}
	hosted, wrapped := (&Provider{hosted: true}).body(req)
	if !wrapped || !hosted.Format.Schema.Strict || strings.Contains(string(hosted.Format.Schema.Schema), "oneOf") {
		t.Errorf("hosted: %+v", hosted.Format.Schema)
	}
}

// FuzzPieces: whatever comes, it is pieces or a typed error, the text is
// bounded by what came, and it does not matter where the bytes are cut.
func FuzzPieces(f *testing.F) {
	for _, e := range events(modeltest.Answer{Model: "m", Pieces: []string{"a", "ö"}, Finish: model.Stop}) {
		f.Add([]byte(e))
	}
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\r\rdata: [DONE]"))
	f.Fuzz(func(t *testing.T, raw []byte) { modeltest.Pieces(t, raw, func() wire.Decoder { return &decoder{} }) })
}
