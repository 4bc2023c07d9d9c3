// Package openai speaks the chat completions protocol of OpenAI, which is also
// that of Azure, vLLM, llama.cpp's server, Ollama, LM Studio and many more.
//
// It owns what is particular to that protocol and to the servers' dialects of
// it. It sends no tools and takes no tool call: an answer is text, or JSON of
// the schema that was asked for. It must not judge what an answer says.
package openai

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

// Provider is an endpoint that speaks the protocol.
type Provider struct {
	client *wire.Client
	hosted bool   // OpenAI itself or Azure, whose rules are stricter than those of local servers
	prefix string // before the paths, when the configured URL is only a host
}

var _ model.Provider = (*Provider)(nil)

// New makes the provider of an endpoint. Its URL is the base URL that other
// clients take too, such as https://api.openai.com/v1 or
// http://127.0.0.1:11434; /v1 is added where the URL has no path. For Azure it
// is that of the deployment, with ?api-version=….
func New(e model.Endpoint, o wire.Options) (*Provider, error) {
	e.URL = strings.TrimSuffix(e.URL, "/")
	if head, query, _ := strings.Cut(e.URL, "?"); strings.HasSuffix(head, "/chat/completions") {
		e.URL = strings.TrimSuffix(head, "/chat/completions")
		if query != "" {
			e.URL += "?" + query
		}
	}
	auth := wire.Auth{Header: "Authorization", Prefix: "Bearer "}
	p := &Provider{}
	if u, err := url.Parse(e.URL); err == nil {
		host := u.Hostname()
		azure := strings.HasSuffix(host, ".azure.com")
		if azure {
			auth = wire.Auth{Header: "api-key"}
		}
		p.hosted = azure || host == "api.openai.com" || strings.HasSuffix(host, ".api.openai.com")
		if strings.Trim(u.Path, "/") == "" {
			p.prefix = "v1"
		}
	}
	var err error
	p.client, err = wire.New(e, auth, o)
	return p, err
}

// Client is the client under the provider.
func (p *Provider) Client() *wire.Client { return p.client }

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type schema struct {
	Name   string          `json:"name"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
}

type format struct {
	Type   string `json:"type"`
	Schema schema `json:"json_schema"`
}

type body struct {
	Model         string          `json:"model"`
	Messages      []message       `json:"messages"`
	Stream        bool            `json:"stream"`
	StreamOptions map[string]bool `json:"stream_options"`
	Format        *format         `json:"response_format,omitempty"`
	MaxTokens     int             `json:"max_tokens,omitempty"`
	MaxCompletion int             `json:"max_completion_tokens,omitempty"`
	Temperature   *float64        `json:"temperature,omitempty"`
	Seed          int64           `json:"seed,omitempty"`
}

// Generate sends one request; see [model.Provider].
func (p *Provider) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Piece, error] {
	b, wrapped := p.body(req)
	fresh := func() wire.Decoder { return &decoder{} }
	if wrapped {
		fresh = wire.Unwrap(fresh)
	}
	return p.client.Stream(ctx, p.path("chat/completions"), nil, b, fresh)
}

// body writes a request. OpenAI itself takes only objects without oneOf as a
// schema, and holds an answer to it only if it is closed; wrapped says that the
// answer is a property of the object that was asked for instead.
func (p *Provider) body(req model.Request) (b body, wrapped bool) {
	b = body{Model: req.Model, Stream: true, StreamOptions: map[string]bool{"include_usage": true}, Seed: req.Seed}
	if req.System != "" {
		b.Messages = append(b.Messages, message{"system", req.System})
	}
	for _, m := range req.Messages {
		b.Messages = append(b.Messages, message{string(m.Role), m.Text})
	}
	if req.Schema != nil {
		s := schema{Name: req.Schema.Name, Strict: true, Schema: req.Schema.JSON}
		if p.hosted {
			if wrapped = !wire.IsObject(s.Schema); wrapped {
				s.Schema = wire.Wrap(s.Schema)
			}
			s.Schema = wire.AnyOf(s.Schema)
			s.Strict = wire.Closed(s.Schema)
		}
		b.Format = &format{"json_schema", s}
	}
	if p.hosted {
		b.MaxCompletion = req.MaxTokens
	} else {
		b.MaxTokens = req.MaxTokens
	}
	if f := family.Match(req.Model); !f.Fixed {
		b.Temperature = &req.Temperature
	}
	return b, wrapped
}

func (p *Provider) path(path string) string {
	if p.prefix != "" {
		return p.prefix + "/" + path
	}
	return path
}

// Served lists what the endpoint says it serves.
func (p *Provider) Served(ctx context.Context) ([]model.Served, error) {
	var got struct {
		Data []struct {
			ID      string `json:"id"`
			Longest int    `json:"max_model_len"` // vLLM
			Meta    struct {
				Context int   `json:"n_ctx_train"` // llama.cpp
				Size    int64 `json:"size"`
			} `json:"meta"`
		} `json:"data"`
	}
	if err := p.client.Call(ctx, p.path("models"), nil, nil, &got); err != nil {
		return nil, err
	}
	var out []model.Served
	for _, m := range got.Data {
		if len(out) == model.MaxServed {
			break
		}
		out = append(out, model.Served{Name: model.Line(m.ID), Context: max(0, m.Longest, m.Meta.Context), Bytes: max(0, m.Meta.Size), Family: family.Match(m.ID).Name})
	}
	return out, nil
}

// chunk is one event of an answer.
type chunk struct {
	Model   string `json:"model"`
	Choices []struct {
		Index int `json:"index"`
		Delta struct {
			Content string          `json:"content"`
			Refusal string          `json:"refusal"`
			Calls   json.RawMessage `json:"tool_calls"`
			Call    json.RawMessage `json:"function_call"`
		} `json:"delta"`
		Finish *string `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		In  int `json:"prompt_tokens"`
		Out int `json:"completion_tokens"`
	} `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// decoder reads the events of one answer.
type decoder struct {
	last    model.Piece
	refused bool
}

var errTools = errors.New("it calls a tool though none was offered")

// Event takes one event; see [wire.Decoder].
func (d *decoder) Event(e wire.Event) (string, bool, error) {
	if string(e.Data) == "[DONE]" {
		return "", true, nil
	}
	var c chunk
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return "", false, err
	}
	if given(c.Error) || e.Name == "error" {
		if err := wire.Problem(e.Data); err != nil {
			return "", false, err
		}
		return "", false, wire.ErrProtocol
	}
	if c.Model != "" {
		d.last.Model = model.Line(c.Model)
	}
	if c.Usage != nil {
		d.last.Usage = model.Usage{In: model.Tokens(c.Usage.In), Out: model.Tokens(c.Usage.Out)}
	}
	var text strings.Builder
	for _, choice := range c.Choices {
		if choice.Index != 0 {
			continue
		}
		if given(choice.Delta.Calls) || given(choice.Delta.Call) {
			return "", false, &model.Error{Kind: model.Malformed, Cause: errTools}
		}
		d.refused = d.refused || choice.Delta.Refusal != ""
		text.WriteString(choice.Delta.Content)
		if choice.Finish != nil && *choice.Finish != "" {
			d.last.Finish = finish(*choice.Finish)
		}
	}
	return text.String(), false, nil
}

// End is the last piece; see [wire.Decoder].
func (d *decoder) End() (model.Piece, bool) {
	if d.refused && d.last.Finish != "" {
		d.last.Finish = model.Filter
	}
	return d.last, d.last.Finish != ""
}

func finish(word string) model.Finish {
	switch word {
	case "stop":
		return model.Stop
	case "length":
		return model.Length
	case "content_filter":
		return model.Filter
	}
	return model.Unknown
}

// given reports whether a field is there and says something.
func given(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "[]", "{}", `""`:
		return false
	}
	return true
}
