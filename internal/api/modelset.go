package api

import (
	"context"
	"net/http"
)

// ModelServer is an endpoint of a language model as the configuration has it, see
// docs/models.md. A key is in a file that it names.
type ModelServer struct {
	Name      string           `json:"name"`
	Wire      string           `json:"wire,omitempty"` // openai, anthropic or gemini; empty: openai
	URL       string           `json:"url"`
	Model     string           `json:"model"`    // the name that the endpoint knows it by
	Location  string           `json:"location"` // on-premises or cloud
	Family    string           `json:"family,omitempty"`
	Context   int              `json:"context,omitempty"`
	KeyFile   string           `json:"key_file,omitempty"`
	KeyHeader string           `json:"key_header,omitempty"`
	CAFile    string           `json:"ca_file,omitempty"`
	Networks  []string         `json:"networks,omitempty"`
	Terms     ModelServerTerms `json:"terms,omitzero"`
	Price     ModelServerPrice `json:"price,omitzero"`
	Limits    ModelServerLimit `json:"limits,omitzero"`
}

// ModelServerTerms are what its operator promises.
type ModelServerTerms struct {
	Operator      string `json:"operator,omitempty"`
	Jurisdiction  string `json:"jurisdiction,omitempty"`
	Retention     string `json:"retention,omitempty"`
	TrainsOnInput string `json:"trains_on_input,omitempty"`
	Contract      string `json:"contract,omitempty"`
}

// ModelServerPrice is what a million tokens cost, as texts such as "2.50".
type ModelServerPrice struct {
	In       string `json:"in,omitempty"`
	Out      string `json:"out,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// ModelServerLimit bounds one request, as texts such as "2m" and "1MB".
type ModelServerLimit struct {
	Total  string `json:"total,omitempty"`
	First  string `json:"first,omitempty"`
	Idle   string `json:"idle,omitempty"`
	Answer string `json:"answer,omitempty"`
}

// ModelServerView is an endpoint and where it is set.
type ModelServerView struct {
	Config   ModelServer   `json:"config"`
	Origin   string        `json:"origin"`             // configuration or settings
	Place    string        `json:"place,omitempty"`    // of the configuration
	Fixed    bool          `json:"fixed"`              // it is changed where it is written, not here
	Version  int64         `json:"version"`            // of what was set here; 0: nothing
	By       *SettingBy    `json:"by,omitempty"`       // who set it here
	Rests    string        `json:"rests,omitempty"`    // why it does not count
	Approval string        `json:"approval,omitempty"` // by which the register lets it be asked
	Problem  string        `json:"problem,omitempty"`  // why it is not asked
	Loosens  []string      `json:"loosens,omitempty"`  // what the change opens, in words
	Checks   []SourceCheck `json:"checks,omitempty"`   // what was tried before it was set
}

// ModelServerPut makes an endpoint or puts it in the place of the one of its name.
type ModelServerPut struct {
	Change

	Config ModelServer `json:"config"`
	New    bool        `json:"new,omitempty"` // there must be none of that name
	Ask    bool        `json:"ask,omitempty"` // ask it a harmless question of ours first
}

// ModelServerDeed removes, approves or retires one, or asks it the question of a trial.
type ModelServerDeed struct {
	Change

	Name string `json:"name,omitempty"`
	Do   string `json:"do,omitempty"` // remove, approve, retire or test
}

// ModelPolicy is how far questions and data may go: what is in force, and where it is
// set. Rules of the configuration stand; those that are set here narrow further.
type ModelPolicy struct {
	Version   int64           `json:"version"` // of what was set here; 0: nothing
	Mode      Setting         `json:"mode"`
	Questions Setting         `json:"questions"`
	Redact    Setting         `json:"redact_on_premises"`
	Rules     []ModelRuleView `json:"rules"`
	Loosens   []string        `json:"loosens,omitempty"` // what the change opens, in words
}

// ModelRule lowers how far matching data may go, as in the configuration.
type ModelRule struct {
	Name    string   `json:"name"`
	Zones   []string `json:"zones,omitempty"`
	Types   []string `json:"types,omitempty"`
	Sources []string `json:"sources,omitempty"`
	TLP     []string `json:"tlp,omitempty"`
	Tasks   []string `json:"tasks,omitempty"`
	Highest string   `json:"highest"` // built-in or on-premises
}

// ModelRuleView is a rule and where it is set.
type ModelRuleView struct {
	Rule   ModelRule `json:"rule"`
	Origin string    `json:"origin"`
	Place  string    `json:"place,omitempty"`
}

// ModelPolicyChange sets what is not nil; an empty text is the default again, and
// the rules that are set here are put in the place of all that were.
type ModelPolicyChange struct {
	Change

	Mode      *string      `json:"mode,omitempty"`
	Questions *string      `json:"questions,omitempty"`
	Redact    *string      `json:"redact_on_premises,omitempty"` // true, false or empty
	Rules     *[]ModelRule `json:"rules,omitempty"`
}

// ModelSettings are the models that people set while a server runs.
type ModelSettings interface {
	ConfiguredModels(ctx context.Context) ([]ModelServerView, error)
	PutModelServer(ctx context.Context, p ModelServerPut) (ModelServerView, error)
	ChangeModelServer(ctx context.Context, d ModelServerDeed) (ModelServerView, error)
	ModelPolicy(ctx context.Context) (ModelPolicy, error)
	SetModelPolicy(ctx context.Context, c ModelPolicyChange) (ModelPolicy, error)
}

func modelSettings(mux *http.ServeMux, s ModelSettings) {
	mux.HandleFunc("GET /local/settings/models", reply(func(r *http.Request) (any, error) { return s.ConfiguredModels(r.Context()) }))
	mux.HandleFunc("POST /local/settings/models", reply(func(r *http.Request) (any, error) {
		var p ModelServerPut
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		return s.PutModelServer(r.Context(), p)
	}))
	mux.HandleFunc("POST /local/settings/models/do", reply(func(r *http.Request) (any, error) {
		var d ModelServerDeed
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.ChangeModelServer(r.Context(), d)
	}))
	mux.HandleFunc("GET /local/settings/model-policy", reply(func(r *http.Request) (any, error) { return s.ModelPolicy(r.Context()) }))
	mux.HandleFunc("POST /local/settings/model-policy", reply(func(r *http.Request) (any, error) {
		var c ModelPolicyChange
		if err := decode(r, &c); err != nil {
			return nil, err
		}
		return s.SetModelPolicy(r.Context(), c)
	}))
}

// ConfiguredModels implements [ModelSettings].
func (c *Client) ConfiguredModels(ctx context.Context) ([]ModelServerView, error) {
	var out []ModelServerView
	err := c.do(ctx, http.MethodGet, "/local/settings/models", nil, &out)
	return out, err
}

// PutModelServer implements [ModelSettings].
func (c *Client) PutModelServer(ctx context.Context, p ModelServerPut) (ModelServerView, error) {
	var out ModelServerView
	err := c.post(ctx, "/local/settings/models", p, &out)
	return out, err
}

// ChangeModelServer implements [ModelSettings].
func (c *Client) ChangeModelServer(ctx context.Context, d ModelServerDeed) (ModelServerView, error) {
	var out ModelServerView
	err := c.post(ctx, "/local/settings/models/do", d, &out)
	return out, err
}

// ModelPolicy implements [ModelSettings].
func (c *Client) ModelPolicy(ctx context.Context) (ModelPolicy, error) {
	var out ModelPolicy
	err := c.do(ctx, http.MethodGet, "/local/settings/model-policy", nil, &out)
	return out, err
}

// SetModelPolicy implements [ModelSettings].
func (c *Client) SetModelPolicy(ctx context.Context, ch ModelPolicyChange) (ModelPolicy, error) {
	var out ModelPolicy
	err := c.post(ctx, "/local/settings/model-policy", ch, &out)
	return out, err
}
