// Package anthropic speaks the Messages protocol of Anthropic.
//
// It owns what is particular to that protocol. A schema is asked for by one
// forced tool whose arguments are the answer; the tool does nothing, and a call
// of any other is refused. It must not judge what an answer says.
package anthropic

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"strings"

	"vedette/internal/model"
	"vedette/internal/model/family"
	"vedette/internal/model/wire"
)

const (
	version    = "2023-06-01"
	tokensIfNo = 4096 // the protocol demands a number
)

// Provider is an endpoint that speaks the protocol.
type Provider struct {
	client *wire.Client
	prefix string
}

var _ model.Provider = (*Provider)(nil)

// New makes the provider of an endpoint, such as https://api.anthropic.com; /v1
// is added where the URL has no path.
func New(e model.Endpoint, o wire.Options) (*Provider, error) {
	p := &Provider{}
	if u, err := url.Parse(e.URL); err == nil && strings.Trim(u.Path, "/") == "" {
		p.prefix = "v1/"
	}
	var err error
	p.client, err = wire.New(e, wire.Auth{Header: "x-api-key", Fixed: map[string]string{"anthropic-version": version}}, o)
	return p, err
}

// Client is the client under the provider.
func (p *Provider) Client() *wire.Client { return p.client }

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"input_schema"`
}

type body struct {
	Model       string            `json:"model"`
	MaxTokens   int               `json:"max_tokens"`
	System      string            `json:"system,omitempty"`
	Messages    []message         `json:"messages"`
	Temperature *float64          `json:"temperature,omitempty"`
	Stream      bool              `json:"stream"`
	Tools       []tool            `json:"tools,omitempty"`
	Choice      map[string]string `json:"tool_choice,omitempty"`
}

// Generate sends one request; see [model.Provider]. The protocol has no seed.
func (p *Provider) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Piece, error] {
	b := body{Model: req.Model, MaxTokens: req.MaxTokens, System: req.System, Stream: true}
	if b.MaxTokens <= 0 {
		b.MaxTokens = tokensIfNo
	}
	for _, m := range req.Messages {
		b.Messages = append(b.Messages, message{string(m.Role), m.Text})
	}
	if !family.Match(req.Model).Fixed {
		b.Temperature = &req.Temperature
	}
	fresh := func() wire.Decoder { return &decoder{} }
	if s := req.Schema; s != nil {
		fresh = func() wire.Decoder { return &decoder{tool: s.Name} }
		input := s.JSON
		if !wire.IsObject(input) { // arguments of a tool are an object
			input, fresh = wire.Wrap(input), wire.Unwrap(fresh)
		}
		b.Tools = []tool{{s.Name, "Give the answer.", input}}
		b.Choice = map[string]string{"type": "tool", "name": s.Name}
	}
	return p.client.Stream(ctx, p.prefix+"messages", nil, b, fresh)
}

// Served lists what the endpoint says it serves.
func (p *Provider) Served(ctx context.Context) ([]model.Served, error) {
	var got struct {
		Data []struct {
			ID      string `json:"id"`
			Context int    `json:"max_input_tokens"`
		} `json:"data"`
	}
	if err := p.client.Call(ctx, p.prefix+"models", url.Values{"limit": {"1000"}}, nil, &got); err != nil {
		return nil, err
	}
	var out []model.Served
	for _, m := range got.Data {
		if len(out) == model.MaxServed {
			break
		}
		out = append(out, model.Served{Name: model.Line(m.ID), Context: max(0, m.Context), Family: family.Match(m.ID).Name})
	}
	return out, nil
}

type usage struct {
	In     int `json:"input_tokens"`
	Made   int `json:"cache_creation_input_tokens"`
	Cached int `json:"cache_read_input_tokens"`
	Out    int `json:"output_tokens"`
}

// event is one event of an answer; which fields it has its type says.
type event struct {
	Type    string `json:"type"`
	Message struct {
		Model string `json:"model"`
		Usage usage  `json:"usage"`
	} `json:"message"`
	Block struct {
		Type string `json:"type"`
		Name string `json:"name"`
		Text string `json:"text"`
	} `json:"content_block"`
	Delta struct {
		Type string `json:"type"`
		Text string `json:"text"`
		JSON string `json:"partial_json"`
		Stop string `json:"stop_reason"`
	} `json:"delta"`
	Usage usage `json:"usage"`
}

// decoder reads the events of one answer.
type decoder struct {
	tool   string // its arguments are the answer; empty: the text is
	blocks int    // of the tool
	last   model.Piece
	done   bool
}

var errTools = errors.New("it calls a tool that was not offered, or more than one")

// Event takes one event; see [wire.Decoder].
func (d *decoder) Event(e wire.Event) (string, bool, error) {
	var v event
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return "", false, err
	}
	switch v.Type {
	case "message_start":
		d.last.Model = model.Line(v.Message.Model)
		d.count(v.Message.Usage)
	case "content_block_start":
		return d.start(v)
	case "content_block_delta":
		return d.delta(v)
	case "message_delta":
		d.count(v.Usage)
		if v.Delta.Stop != "" {
			d.last.Finish = finish(v.Delta.Stop)
		}
	case "message_stop":
		d.done = true
		return "", true, nil
	case "error":
		if err := wire.Problem(e.Data); err != nil {
			return "", false, err
		}
		return "", false, wire.ErrProtocol
	case "":
		return "", false, wire.ErrProtocol
	}
	return "", false, nil // ping, content_block_stop, and what is not known yet
}

func (d *decoder) start(v event) (string, bool, error) {
	switch v.Block.Type {
	case "tool_use":
		if d.blocks++; d.tool == "" || v.Block.Name != d.tool || d.blocks > 1 {
			return "", false, &model.Error{Kind: model.Malformed, Cause: errTools}
		}
	case "text":
		if d.tool == "" {
			return v.Block.Text, false, nil
		}
	}
	return "", false, nil
}

func (d *decoder) delta(v event) (string, bool, error) {
	switch {
	case v.Delta.Type == "text_delta" && d.tool == "":
		return v.Delta.Text, false, nil
	case v.Delta.Type == "input_json_delta" && d.tool != "" && d.blocks == 1:
		return v.Delta.JSON, false, nil
	}
	return "", false, nil
}

// count takes what the event tells; what it does not tell stays.
func (d *decoder) count(u usage) {
	d.last.Usage.In = max(d.last.Usage.In, model.Tokens(u.In)+model.Tokens(u.Made)+model.Tokens(u.Cached))
	d.last.Usage.Out = max(d.last.Usage.Out, model.Tokens(u.Out))
}

// End is the last piece; see [wire.Decoder].
func (d *decoder) End() (model.Piece, bool) { return d.last, d.done && d.last.Finish != "" }

func finish(word string) model.Finish {
	switch word {
	case "end_turn", "stop_sequence", "tool_use":
		return model.Stop
	case "max_tokens", "model_context_window_exceeded":
		return model.Length
	case "refusal":
		return model.Filter
	}
	return model.Unknown
}
