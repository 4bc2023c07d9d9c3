package gemini

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/model"
	"vedette/internal/model/modeltest"
	"vedette/internal/model/wire"
)

func wireOf() modeltest.Wire {
	return modeltest.Wire{
		Open: func(e model.Endpoint) (model.Provider, error) {
			return New(e, wire.Options{Sleep: modeltest.NoWait})
		},
		Read: func(r *http.Request, raw []byte) (modeltest.Seen, error) {
			var b body
			if err := json.Unmarshal(raw, &b); err != nil {
				return modeltest.Seen{}, err
			}
			if r.URL.Path != "/v1beta/models/m1:streamGenerateContent" || r.URL.RawQuery != "alt=sse" {
				return modeltest.Seen{}, fmt.Errorf("it went to %s", r.URL)
			}
			s := modeltest.Seen{Model: "m1", System: b.System.Parts[0].Text, MaxTokens: b.Generation.MaxTokens, Key: r.Header.Get("X-Goog-Api-Key"), Schema: b.Generation.MIME}
			for _, c := range b.Contents {
				role := model.User
				if c.Role == "model" {
					role = model.Assistant
				}
				s.Messages = append(s.Messages, model.Message{Role: role, Text: c.Parts[0].Text})
			}
			return s, nil
		},
		Events: events,
		Error:  "data: {\"error\":{\"code\":429,\"message\":\"quota\",\"status\":\"RESOURCE_EXHAUSTED\"}}\n\n",
		Tool:   `data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"rm","args":{}}}]}}]}` + "\n\n",
		Listed: `{"models":[{"name":"models/one","inputTokenLimit":1048576,"supportedGenerationMethods":["generateContent"]},{"name":"models/embed","supportedGenerationMethods":["embedContent"]},{"name":"models/two"}]}`,
	}
}

type dict = map[string]any

func events(a modeltest.Answer) []string {
	event := func(v dict) string {
		v["modelVersion"] = a.Model
		raw, _ := json.Marshal(v)
		return "data: " + string(raw) + "\r\n\r\n"
	}
	parts := func(p ...any) dict { return dict{"role": "model", "parts": p} }
	out := []string{event(dict{"candidates": []any{dict{"index": 0, "content": parts(dict{"text": "let me see", "thought": true})}}})}
	for _, p := range a.Pieces {
		out = append(out, event(dict{"candidates": []any{dict{"content": parts(dict{"text": p})}}, "usageMetadata": dict{"promptTokenCount": a.Usage.In}}))
	}
	word := map[model.Finish]string{model.Stop: "STOP", model.Length: "MAX_TOKENS", model.Filter: "SAFETY"}[a.Finish]
	return append(out, event(dict{"candidates": []any{dict{"finishReason": word}}, "usageMetadata": dict{"promptTokenCount": a.Usage.In, "candidatesTokenCount": a.Usage.Out}}))
}

func TestConformance(t *testing.T) { modeltest.Run(t, wireOf()) }

func TestSchema(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{
			"object", `{"$schema":"x","type":"object","properties":{"a":{"type":["string","null"],"maxLength":9}},"required":["a"],"additionalProperties":false}`,
			`{"properties":{"a":{"maxLength":9,"nullable":true,"type":"string"}},"propertyOrdering":["a"],"required":["a"],"type":"object"}`,
		},
		{
			"one-of", `{"oneOf":[{"type":"object","properties":{"tool":{"const":"count"}}},{"type":"object","properties":{"n":{"const":3}}}]}`,
			`{"anyOf":[{"properties":{"tool":{"enum":["count"],"type":"string"}},"propertyOrdering":["tool"],"type":"object"},{"properties":{"n":{"maximum":3,"minimum":3,"type":"number"}},"propertyOrdering":["n"],"type":"object"}]}`,
		},
		{"array", `{"type":"array","items":{"type":"string","enum":["a","b"]},"maxItems":4}`, `{"items":{"enum":["a","b"],"type":"string"},"maxItems":4,"type":"array"}`},
		{
			"order", `{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},"required":["c","a"]}`,
			`{"properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},"propertyOrdering":["c","a","b"],"required":["c","a"],"type":"object"}`,
		},
		{"ref", `{"$ref":"http://x"}`, ""},
		{"two-types", `{"type":["string","integer"]}`, ""},
		{"no-object", `{"properties":{"a":true}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, ok := Schema(json.RawMessage(tt.in))
			got, _ := json.Marshal(v)
			if !ok {
				got = nil
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzPieces(f *testing.F) {
	for _, e := range events(modeltest.Answer{Model: "m", Pieces: []string{"a", "ö"}, Finish: model.Stop}) {
		f.Add([]byte(e))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { modeltest.Pieces(t, raw, func() wire.Decoder { return &decoder{} }) })
}

// FuzzSchema: a schema is said in the words that the protocol has, or refused;
// what is said once says the same said again.
func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"type":"object","properties":{"a":{"oneOf":[{"const":"x"},{"const":3}]},"b":{"type":["integer","null"],"minimum":1}},"required":["b"],"additionalProperties":false}`))
	f.Add([]byte(`{"type":"array","items":{"enum":["a"]}}`))
	known := map[string]bool{"type": true, "enum": true, "anyOf": true, "items": true, "properties": true, "propertyOrdering": true}
	for _, word := range kept {
		known[word] = true
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		said, ok := Schema(raw)
		if !ok {
			return
		}
		one, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		for word := range said.(map[string]any) {
			if !known[word] {
				t.Fatalf("%q is not a word of the protocol: %s", word, one)
			}
		}
		again, ok := Schema(one)
		two, _ := json.Marshal(again)
		if !ok || string(one) != string(two) {
			t.Fatalf("said: %s\nagain: %s", one, two)
		}
	})
}
