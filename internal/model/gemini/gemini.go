// Package gemini speaks the generateContent protocol of Google's Gemini.
//
// It owns what is particular to that protocol, such as which part of JSON
// Schema it takes. It must not judge what an answer says.
package gemini

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"slices"
	"strings"

	"vedette/internal/model"
	"vedette/internal/model/family"
	"vedette/internal/model/wire"
)

// Provider is an endpoint that speaks the protocol.
type Provider struct {
	client *wire.Client
	prefix string
}

var _ model.Provider = (*Provider)(nil)

// New makes the provider of an endpoint, such as
// https://generativelanguage.googleapis.com; /v1beta is added where the URL has
// no path.
func New(e model.Endpoint, o wire.Options) (*Provider, error) {
	p := &Provider{}
	if u, err := url.Parse(e.URL); err == nil && strings.Trim(u.Path, "/") == "" {
		p.prefix = "v1beta/"
	}
	var err error
	p.client, err = wire.New(e, wire.Auth{Header: "x-goog-api-key"}, o)
	return p, err
}

// Client is the client under the provider.
func (p *Provider) Client() *wire.Client { return p.client }

type part struct {
	Text string `json:"text"`
}

type content struct {
	Role  string `json:"role,omitempty"`
	Parts []part `json:"parts"`
}

type generation struct {
	Temperature *float64 `json:"temperature,omitempty"`
	MaxTokens   int      `json:"maxOutputTokens,omitempty"`
	Seed        int32    `json:"seed,omitempty"`
	MIME        string   `json:"responseMimeType,omitempty"`
	Schema      any      `json:"responseSchema,omitempty"`
}

type body struct {
	System     *content   `json:"systemInstruction,omitempty"`
	Contents   []content  `json:"contents"`
	Generation generation `json:"generationConfig"`
}

var errSchema = errors.New("the schema cannot be said in this protocol")

// Generate sends one request; see [model.Provider].
func (p *Provider) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Piece, error] {
	b := body{Generation: generation{Temperature: &req.Temperature, MaxTokens: req.MaxTokens, Seed: int32(req.Seed)}} //nolint:gosec // G115: a seed is any number
	if req.System != "" {
		b.System = &content{Parts: []part{{req.System}}}
	}
	for _, m := range req.Messages {
		role := "user"
		if m.Role == model.Assistant {
			role = "model"
		}
		b.Contents = append(b.Contents, content{role, []part{{m.Text}}})
	}
	if req.Schema != nil {
		schema, ok := Schema(req.Schema.JSON)
		if !ok {
			return func(yield func(model.Piece, error) bool) {
				yield(model.Piece{}, &model.Error{Kind: model.BadRequest, Endpoint: p.client.Endpoint(), Cause: errSchema})
			}
		}
		b.Generation.MIME, b.Generation.Schema = "application/json", schema
	}
	path := p.prefix + "models/" + url.PathEscape(strings.TrimPrefix(req.Model, "models/")) + ":streamGenerateContent"
	return p.client.Stream(ctx, path, url.Values{"alt": {"sse"}}, b, func() wire.Decoder { return &decoder{} })
}

// Served lists what the endpoint says it serves.
func (p *Provider) Served(ctx context.Context) ([]model.Served, error) {
	var got struct {
		Models []struct {
			Name    string   `json:"name"`
			Context int      `json:"inputTokenLimit"`
			Methods []string `json:"supportedGenerationMethods"`
		} `json:"models"`
	}
	if err := p.client.Call(ctx, p.prefix+"models", url.Values{"pageSize": {"1000"}}, nil, &got); err != nil {
		return nil, err
	}
	var out []model.Served
	for _, m := range got.Models {
		if len(out) == model.MaxServed {
			break
		}
		if len(m.Methods) > 0 && !slices.Contains(m.Methods, "generateContent") {
			continue
		}
		name := model.Line(strings.TrimPrefix(m.Name, "models/"))
		out = append(out, model.Served{Name: name, Context: max(0, m.Context), Family: family.Match(name).Name})
	}
	return out, nil
}

// chunk is one event of an answer.
type chunk struct {
	Candidates []struct {
		Index   int `json:"index"`
		Content struct {
			Parts []struct {
				Text    string          `json:"text"`
				Thought bool            `json:"thought"`
				Call    json.RawMessage `json:"functionCall"`
			} `json:"parts"`
		} `json:"content"`
		Finish string `json:"finishReason"`
	} `json:"candidates"`
	Feedback struct {
		Block string `json:"blockReason"`
	} `json:"promptFeedback"`
	Usage struct {
		In       int `json:"promptTokenCount"`
		Out      int `json:"candidatesTokenCount"`
		Thoughts int `json:"thoughtsTokenCount"`
	} `json:"usageMetadata"`
	Version string          `json:"modelVersion"`
	Error   json.RawMessage `json:"error"`
}

// decoder reads the events of one answer.
type decoder struct{ last model.Piece }

var errTools = errors.New("it calls a function though none was offered")

// Event takes one event; see [wire.Decoder].
func (d *decoder) Event(e wire.Event) (string, bool, error) {
	var c chunk
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return "", false, err
	}
	if len(c.Error) > 0 && string(c.Error) != "null" {
		if err := wire.Problem(e.Data); err != nil {
			return "", false, err
		}
		return "", false, wire.ErrProtocol
	}
	if c.Version != "" {
		d.last.Model = model.Line(c.Version)
	}
	d.last.Usage.In = max(d.last.Usage.In, model.Tokens(c.Usage.In))
	d.last.Usage.Out = max(d.last.Usage.Out, model.Tokens(c.Usage.Out)+model.Tokens(c.Usage.Thoughts))
	if c.Feedback.Block != "" {
		d.last.Finish = model.Filter
	}
	var text strings.Builder
	for _, candidate := range c.Candidates {
		if candidate.Index != 0 {
			continue
		}
		for _, p := range candidate.Content.Parts {
			if len(p.Call) > 0 && string(p.Call) != "null" {
				return "", false, &model.Error{Kind: model.Malformed, Cause: errTools}
			}
			if !p.Thought {
				text.WriteString(p.Text)
			}
		}
		if candidate.Finish != "" {
			d.last.Finish = finish(candidate.Finish)
		}
	}
	return text.String(), false, nil
}

// End is the last piece; see [wire.Decoder]. The protocol has no word for the
// end of a stream: it is over after the reason of its end.
func (d *decoder) End() (model.Piece, bool) { return d.last, d.last.Finish != "" }

func finish(word string) model.Finish {
	switch word {
	case "STOP":
		return model.Stop
	case "MAX_TOKENS":
		return model.Length
	case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY":
		return model.Filter
	}
	return model.Unknown
}
