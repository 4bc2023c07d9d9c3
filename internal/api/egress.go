package api

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Egress shows what goes to language models, before and after.
type Egress interface {
	// ExplainModels tells where a question, and the data that answer it, would go,
	// and why. It sends nothing.
	ExplainModels(ctx context.Context, q ModelsQuestion) (ModelsExplained, error)
	// ExportAudit writes the audit journal as it stands, JSON lines.
	ExportAudit(ctx context.Context, out io.Writer) error
}

// ModelsQuestion is a question whose way is to be explained. A zero Now means the
// newest event.
type ModelsQuestion struct {
	Question string    `json:"question"`
	Now      time.Time `json:"now"`
	Follow   string    `json:"follow,omitempty"` // the conversation that it would continue
	Person   string    `json:"person,omitempty"`
}

// ModelsExplained says where a question would go.
type ModelsExplained struct {
	Question  string          `json:"question"`
	Mode      string          `json:"mode"`
	Note      string          `json:"note,omitempty"` // what a person should know first
	ReadAs    string          `json:"read_as"`
	Tasks     []TaskExplained `json:"tasks"`
	Endpoints []EndpointShown `json:"endpoints"`
	Budgets   []BudgetShown   `json:"budgets,omitempty"` // of today, that hold for this person
}

// BudgetShown is where a budget of today stands; a bound of 0 is none.
type BudgetShown struct {
	Name      string  `json:"name"`
	Person    string  `json:"person,omitempty"`
	Endpoint  string  `json:"endpoint,omitempty"`
	Calls     int64   `json:"calls"`
	OfCalls   int64   `json:"of_calls,omitempty"`
	Tokens    int64   `json:"tokens"`
	OfTokens  int64   `json:"of_tokens,omitempty"`
	Seconds   float64 `json:"seconds"`
	OfSeconds float64 `json:"of_seconds,omitempty"`
	Money     float64 `json:"money"`
	OfMoney   float64 `json:"of_money,omitempty"`
	Currency  string  `json:"currency,omitempty"`
}

// TaskExplained says where one task of answering would go.
type TaskExplained struct {
	Task      string         `json:"task"`
	About     string         `json:"about"` // what would be sent, in words
	Label     string         `json:"label"`
	Integrity string         `json:"integrity"`
	Highest   string         `json:"highest"` // how far it may go
	Rule      string         `json:"rule"`    // what set that
	Answers   string         `json:"answers"` // the first that would be asked, or the built-in engine
	Offers    []OfferShown   `json:"offers"`
	Refused   []RefusalShown `json:"refused"`
}

// OfferShown is an endpoint that may be asked, in the order that they would be.
type OfferShown struct {
	Endpoint  string         `json:"endpoint"`
	Location  string         `json:"location"`
	Model     string         `json:"model"`
	Approval  string         `json:"approval,omitempty"`
	Problem   string         `json:"problem,omitempty"` // why it would not be asked after all
	Items     int            `json:"items"`
	LeftOut   int            `json:"left_out"`
	Fields    map[string]int `json:"fields,omitempty"`
	Bytes     int            `json:"bytes"`
	TokensIn  int            `json:"tokens_in"`  // about
	TokensOut int            `json:"tokens_out"` // at most
	Redacted  bool           `json:"redacted"`
	Cost      float64        `json:"cost"` // at most
	Currency  string         `json:"currency,omitempty"`
}

// RefusalShown is an endpoint that may not be asked, and why.
type RefusalShown struct {
	Endpoint string `json:"endpoint"`
	Location string `json:"location"`
	Reason   string `json:"reason"`
}

// EndpointShown is an endpoint that is configured.
type EndpointShown struct {
	Name         string `json:"name"`
	Location     string `json:"location"`
	Model        string `json:"model"`
	Operator     string `json:"operator,omitempty"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
	Retention    string `json:"retention,omitempty"`
	Trains       string `json:"trains_on_input,omitempty"`
	Problem      string `json:"problem,omitempty"`
}

func egress(mux *http.ServeMux, s Egress) {
	mux.HandleFunc("POST /local/models/explain", reply(func(r *http.Request) (any, error) {
		var q ModelsQuestion
		if err := decode(r, &q); err != nil {
			return nil, err
		}
		return s.ExplainModels(r.Context(), q)
	}))
	mux.HandleFunc("GET /local/audit", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		if err := s.ExportAudit(r.Context(), w); err != nil {
			// Half a journal must not look like a whole one.
			panic(http.ErrAbortHandler)
		}
	})
}

// ExplainModels implements [Egress].
func (c *Client) ExplainModels(ctx context.Context, q ModelsQuestion) (ModelsExplained, error) {
	var out ModelsExplained
	err := c.post(ctx, "/local/models/explain", q, &out)
	return out, err
}

// ExportAudit implements [Egress].
func (c *Client) ExportAudit(ctx context.Context, out io.Writer) error {
	return c.do(ctx, http.MethodGet, "/local/audit", nil, out)
}
