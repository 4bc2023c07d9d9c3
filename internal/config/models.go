package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/event"
)

// Models says which language models there are, what may go to which, and what
// that may cost. The section model, and VEDETTE_MODEL_URL and its like, name one
// more endpoint.
type Models struct {
	Mode      string          `yaml:"mode"      doc:"off, on-premises, cloud or hybrid: how far questions and data may go; hybrid keeps confidential and restricted data on the premises"`
	Questions string          `yaml:"questions" doc:"how secret what a person types is: public, internal, confidential or restricted"`
	Redact    bool            `yaml:"redact_on_premises" doc:"put pseudonyms into what goes to models on the premises too; what leaves them always has them"`
	Policy    ModelPolicy     `yaml:"policy"`
	Keys      []string        `yaml:"signing_keys" doc:"public keys (PEM files) of those whose signatures count for every model of files"`
	Signed    bool            `yaml:"require_signature" doc:"a model of files is used only if it is signed by one of signing_keys"`
	Endpoints []ModelEndpoint `yaml:"endpoints" doc:"models that can be asked, first choice first; each must be approved: vedette models approve"`
	Budgets   []ModelBudget   `yaml:"budgets"   doc:"what models may cost in a day; every budget that fits a call must have room for it"`
}

// ModelPolicy narrows where requests may go.
type ModelPolicy struct {
	Rules   []ModelRule  `yaml:"rules"   doc:"of the rules that match, the one with the lowest location holds; a rule matches what is not known of the data too"`
	Require ModelRequire `yaml:"require" doc:"what the terms of an endpoint in the cloud must say; what is not known does not meet it"`
}

// ModelRule lowers how far matching data may go.
type ModelRule struct {
	Name    string   `yaml:"name"`
	Zones   []string `yaml:"zones"`
	Types   []string `yaml:"types"   doc:"types of device, such as plc"`
	Sources []string `yaml:"sources" doc:"logs, such as zeek/conn"`
	TLP     []string `yaml:"tlp"     doc:"sharing marks: clear, green, amber, amber+strict, red"`
	Tasks   []string `yaml:"tasks"   doc:"plan, read, narrate, explain or probe"`
	Highest string   `yaml:"highest" doc:"built-in, on-premises or cloud"`
}

// ModelRequire is what a policy asks of terms.
type ModelRequire struct {
	Jurisdictions []string `yaml:"jurisdictions" doc:"ISO 3166 codes; EU stands for every member state"`
	Operators     []string `yaml:"operators"`
	NoTraining    bool     `yaml:"no_training"`
	Retention     string   `yaml:"retention" doc:"the longest, such as 30d; empty: any"`
	Contract      bool     `yaml:"contract"  doc:"there must be a named agreement"`
}

// ModelEndpoint is one model.
type ModelEndpoint struct {
	Name      string      `yaml:"name"`
	Wire      string      `yaml:"wire"     doc:"openai (also Ollama, llama.cpp, vLLM, Azure, ...), anthropic or gemini"`
	URL       string      `yaml:"url"`
	Model     string      `yaml:"model"    doc:"the name that the endpoint knows it by"`
	Location  string      `yaml:"location" doc:"on-premises or cloud"`
	Family    string      `yaml:"family"   doc:"such as llama-3; empty: by its name"`
	Context   int         `yaml:"context"  doc:"tokens; 0: that of the family"`
	KeyFile   string      `yaml:"key_file"`
	KeyHeader string      `yaml:"key_header"`
	CAFile    string      `yaml:"ca_file"`
	Networks  []Prefix    `yaml:"networks" doc:"where its address may be besides loopback and the private networks, when it is on the premises"`
	Terms     ModelTerms  `yaml:"terms"`
	Price     ModelPrice  `yaml:"price"`
	Limits    ModelLimits `yaml:"limits"`
}

// ModelTerms are what its operator promises.
type ModelTerms struct {
	Operator      string `yaml:"operator"`
	Jurisdiction  string `yaml:"jurisdiction"    doc:"ISO 3166 code, or EU"`
	Retention     string `yaml:"retention"       doc:"how long it keeps requests, such as 0d or 30d"`
	TrainsOnInput string `yaml:"trains_on_input" doc:"yes or no; empty: not known"`
	Contract      string `yaml:"contract"`
}

// ModelPrice is what a million tokens cost.
type ModelPrice struct {
	In       Amount `yaml:"in"`
	Out      Amount `yaml:"out"`
	Currency string `yaml:"currency"`
}

// ModelLimits bound one request.
type ModelLimits struct {
	Total  Duration `yaml:"total"  doc:"of the whole answer; 0: 2m"`
	First  Duration `yaml:"first"  doc:"silence before the first word; 0: half of total"`
	Idle   Duration `yaml:"idle"   doc:"silence between two words; 0: 30s"`
	Answer Bytes    `yaml:"answer" doc:"0: 1MB"`
}

// ModelBudget bounds what calls may cost in a day. A figure of 0 is no bound.
type ModelBudget struct {
	Name     string   `yaml:"name"`
	Person   string   `yaml:"person"   doc:"whose calls; each: a budget for every person; empty: those of all together"`
	Endpoint string   `yaml:"endpoint" doc:"calls to it alone; empty: to all"`
	Calls    int      `yaml:"calls"`
	Tokens   int      `yaml:"tokens"`
	Time     Duration `yaml:"time"`
	Money    Amount   `yaml:"money"`
	Currency string   `yaml:"currency"`
}

// DefaultModels asks nobody, as there are no endpoints; those that are added
// get no confidential data in the cloud.
func DefaultModels() Models { return Models{Mode: "hybrid", Questions: event.Internal} }

// Amount is an amount of money, written as "2.50".
type Amount float64

// MarshalText writes the text form.
func (a Amount) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(a), 'f', -1, 64), nil
}

// UnmarshalText reads the text form.
func (a *Amount) UnmarshalText(b []byte) error {
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil || v < 0 || v > 1e9 {
		return fmt.Errorf("%q is no amount of money (such as 2.50)", string(b))
	}
	*a = Amount(v)
	return nil
}

var (
	endpointName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)
	keptFor      = regexp.MustCompile(`^(none|[0-9]{1,5}[dh])$`)
	country      = regexp.MustCompile(`^[A-Za-z]{2}$`)
	currency     = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Problems checks the models.
func (m Models) Problems() []Problem {
	out := oneOf("mode", m.Mode, "off", "on-premises", "cloud", "hybrid")
	out = append(out, oneOf("questions", m.Questions, event.Public, event.Internal, event.Confidential, event.Restricted)...)
	for i, r := range m.Policy.Rules {
		out = append(out, under(fmt.Sprintf("policy.rules[%d]", i), r.Problems())...)
	}
	out = append(out, under("policy.require", m.Policy.Require.Problems())...)
	if m.Signed && len(m.Keys) == 0 {
		out = append(out, Problem{Key: "require_signature", Text: "is set, and no key is trusted", Hint: "name public keys in models.signing_keys"})
	}
	seen := map[string]int{}
	for i, e := range m.Endpoints {
		at := fmt.Sprintf("endpoints[%d]", i)
		out = append(out, under(at, e.Problems())...)
		if other, ok := seen[strings.ToLower(e.Name)]; ok && e.Name != "" {
			out = append(out, Problem{Key: at + ".name", Text: fmt.Sprintf("is also the name of endpoints[%d]", other), Hint: "give each a name of its own"})
		}
		seen[strings.ToLower(e.Name)] = i
	}
	for i, b := range m.Budgets {
		out = append(out, under(fmt.Sprintf("budgets[%d]", i), b.problems(m.Endpoints))...)
	}
	return out
}

// Problems checks a rule.
func (r ModelRule) Problems() []Problem {
	out := oneOf("highest", r.Highest, "built-in", "on-premises", "cloud")
	for i, t := range r.TLP {
		out = append(out, oneOf(fmt.Sprintf("tlp[%d]", i), strings.ToLower(t), "clear", "green", "amber", "amber+strict", "red")...)
	}
	for i, t := range r.Tasks {
		out = append(out, oneOf(fmt.Sprintf("tasks[%d]", i), t, "plan", "read", "narrate", "explain", "probe")...)
	}
	if r.Highest == "cloud" {
		out = append(out, Problem{Key: "highest", Text: "is cloud, and a rule only narrows", Hint: "name built-in or on-premises, or leave the rule out"})
	}
	return out
}

// Problems checks requirements.
func (r ModelRequire) Problems() []Problem {
	var out []Problem
	for i, c := range r.Jurisdictions {
		if !country.MatchString(c) {
			out = append(out, Problem{Key: fmt.Sprintf("jurisdictions[%d]", i), Text: "is no ISO 3166 code: " + strconv.Quote(c), Hint: "such as EU, DE or CH"})
		}
	}
	return append(out, checkKept("retention", r.Retention)...)
}

func checkKept(key, text string) []Problem {
	if text == "" || keptFor.MatchString(text) {
		return nil
	}
	return []Problem{{Key: key, Text: "is no length of time in hours or days: " + strconv.Quote(text), Hint: "such as 0d, 12h or 30d"}}
}

// Problems checks an endpoint.
func (e ModelEndpoint) Problems() []Problem {
	var out []Problem
	if !endpointName.MatchString(e.Name) {
		out = append(out, Problem{Key: "name", Text: "is no name of an endpoint: " + strconv.Quote(e.Name), Hint: "letters, digits, dots, dashes and underscores, at most 40"})
	}
	if e.Name == "default" || e.Name == "environment" {
		out = append(out, Problem{Key: "name", Text: "is " + strconv.Quote(e.Name) + ", which names the section model or the one of the environment", Hint: "choose another one"})
	}
	out = append(out, oneOf("wire", e.Wire, "", "openai", "anthropic", "gemini")...)
	out = append(out, Model{URL: e.URL, Name: "x", Location: e.Location}.Problems()...)
	if e.URL == "" {
		out = append(out, Problem{Key: "url", Text: "is missing"})
	}
	if e.Model == "" {
		out = append(out, Problem{Key: "model", Text: "is missing", Hint: "the name that the endpoint knows the model by"})
	}
	if e.Context < 0 || e.Context > 100_000_000 {
		out = append(out, Problem{Key: "context", Text: "is no number of tokens"})
	}
	if e.Location == "cloud" && len(e.Networks) > 0 {
		out = append(out, Problem{Key: "networks", Text: "are for endpoints on the premises"})
	}
	if t := e.Terms; t.Jurisdiction != "" && !country.MatchString(t.Jurisdiction) {
		out = append(out, Problem{Key: "terms.jurisdiction", Text: "is no ISO 3166 code: " + strconv.Quote(t.Jurisdiction), Hint: "such as DE or EU"})
	}
	out = append(out, oneOf("terms.trains_on_input", e.Terms.TrainsOnInput, "", "yes", "no")...)
	out = append(out, checkKept("terms.retention", e.Terms.Retention)...)
	if e.Price.In+e.Price.Out > 0 && !currency.MatchString(e.Price.Currency) {
		out = append(out, Problem{Key: "price.currency", Text: "is missing, or no code of a currency", Hint: "such as EUR"})
	}
	return out
}

func (b ModelBudget) problems(endpoints []ModelEndpoint) []Problem {
	var out []Problem
	if b.Calls < 0 || b.Tokens < 0 {
		out = append(out, Problem{Key: "calls", Text: "or tokens are negative"})
	}
	if b.Calls == 0 && b.Tokens == 0 && b.Time == 0 && b.Money == 0 {
		out = append(out, Problem{Key: "calls", Text: "and every other figure is missing", Hint: "set calls, tokens, time or money"})
	}
	if b.Money > 0 && !currency.MatchString(b.Currency) {
		out = append(out, Problem{Key: "currency", Text: "is missing, or no code of a currency", Hint: "such as EUR"})
	}
	if b.Endpoint != "" && !slices.ContainsFunc(endpoints, func(e ModelEndpoint) bool { return e.Name == b.Endpoint }) {
		out = append(out, Problem{Key: "endpoint", Text: "is no endpoint: " + strconv.Quote(b.Endpoint)})
	}
	return out
}

// hasPassword reports whether a URL carries a user or a password.
func hasPassword(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.User != nil
}
