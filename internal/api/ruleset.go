package api

import (
	"context"
	"net/http"
	"net/url"
)

// FromProgram is the origin of a rule that ships with the program.
const FromProgram = "program"

// RuleView is a detection rule and where it comes from.
type RuleView struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	Kind     string     `json:"kind"` // rule or correlation
	Level    string     `json:"level"`
	Status   string     `json:"status,omitempty"`
	Source   string     `json:"logsource,omitempty"`
	Tags     []string   `json:"tags,omitempty"`
	File     string     `json:"file"`
	Origin   string     `json:"origin"` // program, configuration (its files and the folder rules) or settings
	Enabled  bool       `json:"enabled"`
	Disabled *SettingBy `json:"disabled,omitempty"` // who disabled it
	By       *SettingBy `json:"by,omitempty"`       // who set it here
	Version  int64      `json:"version"`            // of what was set here; 0: nothing
	Refused  string     `json:"refused,omitempty"`  // why it is not in force
	Text     string     `json:"text,omitempty"`     // of one that was set here
	Test     string     `json:"test,omitempty"`
	Notes    []string   `json:"notes,omitempty"`   // what is odd about it, or hangs on it
	Tests    []RuleTest `json:"results,omitempty"` // of its own test
}

// RuleTest is what became of one section of a rule's test.
type RuleTest struct {
	Section string `json:"section"`
	OK      bool   `json:"ok"`
	Events  int    `json:"events"`
	Reason  string `json:"reason,omitempty"`
}

// RulePut makes a rule of the site, or puts it in the place of the one of its id.
type RulePut struct {
	Change

	Text string `json:"text"`           // Sigma, one document or a correlation with what it counts
	Test string `json:"test,omitempty"` // txtar: lines that must raise it, fire/NAME, and lines that must not, silent/NAME
}

// RuleDeed enables, disables or removes a rule.
type RuleDeed struct {
	Change

	ID string `json:"id,omitempty"`
	Do string `json:"do,omitempty"` // enable, disable or remove
}

// RuleSettings are the rules, and what people set of them while a server runs.
type RuleSettings interface {
	Rules(ctx context.Context) ([]RuleView, error)
	Rule(ctx context.Context, id string) (RuleView, error)
	PutRule(ctx context.Context, p RulePut) (RuleView, error)
	ChangeRule(ctx context.Context, d RuleDeed) (RuleView, error)
	TryRule(ctx context.Context, q RuleTry) (RuleTried, error)
}

func ruleSettings(mux *http.ServeMux, s RuleSettings) {
	ruleTry(mux, s)
	mux.HandleFunc("GET /local/rules", reply(func(r *http.Request) (any, error) {
		if id := r.URL.Query().Get("id"); id != "" {
			return s.Rule(r.Context(), id)
		}
		return s.Rules(r.Context())
	}))
	mux.HandleFunc("POST /local/rules", reply(func(r *http.Request) (any, error) {
		var p RulePut
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		return s.PutRule(r.Context(), p)
	}))
	mux.HandleFunc("POST /local/rules/do", reply(func(r *http.Request) (any, error) {
		var d RuleDeed
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.ChangeRule(r.Context(), d)
	}))
}

// Rules implements [RuleSettings].
func (c *Client) Rules(ctx context.Context) ([]RuleView, error) {
	var out []RuleView
	err := c.do(ctx, http.MethodGet, "/local/rules", nil, &out)
	return out, err
}

// Rule implements [RuleSettings].
func (c *Client) Rule(ctx context.Context, id string) (RuleView, error) {
	var out RuleView
	err := c.do(ctx, http.MethodGet, "/local/rules?"+url.Values{"id": {id}}.Encode(), nil, &out)
	return out, err
}

// PutRule implements [RuleSettings].
func (c *Client) PutRule(ctx context.Context, p RulePut) (RuleView, error) {
	var out RuleView
	err := c.post(ctx, "/local/rules", p, &out)
	return out, err
}

// ChangeRule implements [RuleSettings].
func (c *Client) ChangeRule(ctx context.Context, d RuleDeed) (RuleView, error) {
	var out RuleView
	err := c.post(ctx, "/local/rules/do", d, &out)
	return out, err
}
