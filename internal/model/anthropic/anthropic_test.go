package anthropic

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

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
			if r.URL.Path != "/v1/messages" || !b.Stream || r.Header.Get("Anthropic-Version") == "" {
				return modeltest.Seen{}, fmt.Errorf("path %s, stream %v", r.URL.Path, b.Stream)
			}
			s := modeltest.Seen{Model: b.Model, System: b.System, MaxTokens: b.MaxTokens, Key: r.Header.Get("X-Api-Key"), Schema: b.Choice["name"]}
			for _, m := range b.Messages {
				s.Messages = append(s.Messages, model.Message{Role: model.Role(m.Role), Text: m.Content})
			}
			return s, nil
		},
		Events: events,
		Error:  sse("error", dict{"error": dict{"type": "overloaded_error", "message": "Overloaded"}}),
		Tool:   sse("content_block_start", dict{"index": 1, "content_block": dict{"type": "tool_use", "id": "t", "name": "rm", "input": dict{}}}),
		Listed: `{"data":[{"type":"model","id":"one"},{"type":"model","id":"two"}],"has_more":false}`,
	}
}

type dict = map[string]any

func sse(name string, v dict) string {
	v["type"] = name
	raw, _ := json.Marshal(v)
	return "event: " + name + "\ndata: " + string(raw) + "\n\n"
}

func events(a modeltest.Answer) []string {
	start, delta, field, end := dict{"type": "text", "text": ""}, "text_delta", "text", "end_turn"
	if a.Schema != "" {
		start, delta, field, end = dict{"type": "tool_use", "id": "t1", "name": a.Schema, "input": dict{}}, "input_json_delta", "partial_json", "tool_use"
	}
	switch a.Finish {
	case model.Length:
		end = "max_tokens"
	case model.Filter:
		end = "refusal"
	}
	out := []string{sse("message_start", dict{"message": dict{"model": a.Model, "usage": dict{"input_tokens": a.Usage.In, "output_tokens": 1}}})}
	block := sse("content_block_start", dict{"index": 0, "content_block": start}) + sse("ping", dict{})
	for i, p := range a.Pieces {
		text := sse("content_block_delta", dict{"index": 0, "delta": dict{"type": delta, field: p}})
		if i == 0 {
			text = block + text
		}
		out = append(out, text)
	}
	out = append(out, sse("content_block_stop", dict{"index": 0}))
	out = append(out, sse("message_delta", dict{"delta": dict{"stop_reason": end}, "usage": dict{"output_tokens": a.Usage.Out}}))
	return append(out, sse("message_stop", dict{}))
}

// A schema that is no object is asked for as the property of one.
func TestWrapped(t *testing.T) {
	var raw []byte
	s := modeltest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events(modeltest.Answer{Model: "m", Pieces: []string{`{"ans`, `wer":["a"]}`}, Finish: model.Stop, Schema: "list"}) {
			fmt.Fprint(w, e)
		}
	})
	p, err := wireOf().Open(modeltest.Endpoint(t, s.URL))
	if err != nil {
		t.Fatal(err)
	}
	req := modeltest.Ask()
	req.Schema = &model.Schema{Name: "list", JSON: json.RawMessage(`{"type":"array"}`)}
	if got := modeltest.Collect(t.Context(), t, p, req); got.Err != nil || got.Text != `["a"]` || !strings.Contains(string(raw), `{"answer":{"type":"array"}}`) {
		t.Errorf("%s became %+v", raw, got)
	}
}

func TestConformance(t *testing.T) { modeltest.Run(t, wireOf()) }

func FuzzPieces(f *testing.F) {
	for _, schema := range []string{"", "s"} {
		for _, e := range events(modeltest.Answer{Model: "m", Pieces: []string{`{"answer":`, `"ö"}`}, Finish: model.Stop, Schema: schema}) {
			f.Add([]byte(e), schema)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, tool string) {
		modeltest.Pieces(t, raw, func() wire.Decoder { return &decoder{tool: tool} })
	})
}
