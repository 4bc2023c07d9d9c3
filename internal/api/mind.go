package api

import (
	"context"
	"net/http"

	"vedette/internal/copilot"
)

// InvestigateRequest names an incident by its uid or the start of it.
type InvestigateRequest struct {
	Incident string `json:"incident"`
	Person   string `json:"person,omitempty"`
}

// ExplainKind is a kind of thing that can be explained.
type ExplainKind string

// The kinds.
const (
	ExplainEvent    ExplainKind = "event"
	ExplainFinding  ExplainKind = "finding"
	ExplainIncident ExplainKind = "incident"
	ExplainRule     ExplainKind = "rule"
	ExplainQuery    ExplainKind = "query"
)

// ExplainRequest names what is to be explained: by its uid or id, a query by
// its text.
type ExplainRequest struct {
	Kind   ExplainKind `json:"kind"`
	What   string      `json:"what"`
	Person string      `json:"person,omitempty"`
}

// Analyst looks deeper than one question does.
type Analyst interface {
	Investigate(ctx context.Context, req InvestigateRequest) (*copilot.Notebook, error)
	Explain(ctx context.Context, req ExplainRequest) (*copilot.Answer, error)
}

func analyst(mux *http.ServeMux, s Analyst) {
	mux.HandleFunc("POST /local/investigate", reply(func(r *http.Request) (any, error) {
		var req InvestigateRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.Investigate(r.Context(), req)
	}))
	mux.HandleFunc("POST /local/explain", reply(func(r *http.Request) (any, error) {
		var req ExplainRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.Explain(r.Context(), req)
	}))
}

// Investigate implements [Analyst].
func (c *Client) Investigate(ctx context.Context, req InvestigateRequest) (*copilot.Notebook, error) {
	out := new(copilot.Notebook)
	return out, c.post(ctx, "/local/investigate", req, out)
}

// Explain implements [Analyst].
func (c *Client) Explain(ctx context.Context, req ExplainRequest) (*copilot.Answer, error) {
	out := new(copilot.Answer)
	return out, c.post(ctx, "/local/explain", req, out)
}
