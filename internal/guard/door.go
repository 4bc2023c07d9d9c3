package guard

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"vedette/internal/audit"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard/egress"
	"vedette/internal/guard/strict"
	"vedette/internal/model"
	"vedette/internal/model/route"
)

// Decision says where a call may go.
type Decision = route.Decision

// Endpoint is a model that can be asked, with what speaks to it.
type Endpoint struct {
	model.Endpoint
	Provider model.Provider
}

// Register says whether a model may be used. The error is of kind
// [model.NotRegistered] if it may not.
type Register interface {
	Admit(ctx context.Context, e model.Endpoint) (approval string, err error)
}

// Budget says whether a call may be paid for.
type Budget interface {
	// Reserve takes what a call can cost at most, or refuses it with an error of
	// kind [model.Spent]. settle is called once, with what it did cost.
	Reserve(ctx context.Context, most Spend) (settle func(Spend), err error)
}

// Spend is what a call costs.
type Spend struct {
	Person, Endpoint    string
	Task                Task
	TokensIn, TokensOut int
	OutBytes            int // of the answer that came
	Time                time.Duration
	Money               float64
	Currency            string
}

// Vault holds the pseudonyms of one conversation.
type Vault interface {
	Hide(field, value string) string
	Restore(text string) string
	Leaks(out []byte) []string
}

// Vaults gives the vault of a conversation, which must be safe for concurrent
// use.
type Vaults interface {
	Vault(conversation string) (Vault, error)
}

// Neutraliser makes a text harmless for a family of models. max is the longest
// that is wanted.
type Neutraliser interface {
	Clean(text string, max int) string
}

// Memory keeps what conversations have met. An error of either method closes
// every endpoint for the call.
type Memory interface {
	State(ctx context.Context, conversation string) (s route.State, known bool, err error)
	Keep(ctx context.Context, conversation string, s route.State) error
}

// Config is what a Door is made of.
type Config struct {
	Journal   *audit.Journal // required
	Endpoints []Endpoint
	Policy    route.Policy
	Register  Register // required
	Budget    Budget   // nil: calls are bounded each by itself alone
	Vaults    Vaults   // required when an endpoint is not on the premises
	Neutral   func(model.Endpoint) Neutraliser
	Memory    Memory // nil: kept in memory, for at most 10,000 conversations

	// Questions is the secrecy of what a person types. The zero value keeps every
	// question on the premises.
	Questions event.Confidentiality
	// RedactInside puts pseudonyms into what goes to models on the premises too.
	RedactInside bool

	Now  func() time.Time
	Rand io.Reader // of the marks around data; nil: the system's
	Log  *slog.Logger
}

// Door is the one way to a model. It is safe for concurrent use.
type Door struct {
	cfg       Config
	endpoints []model.Endpoint
	providers map[string]model.Provider
	ledger    *egress.Ledger
	fields    *event.Schema
	routing   sync.Mutex // held while the state of a conversation is read and written

	mu      sync.Mutex
	schemas map[string]*strict.Schema // by text
}

// New makes a door. It asks nobody.
func New(cfg Config) (*Door, error) {
	problem := func(text string) error {
		return fault.New(fault.Internal, "making the door to models: %s", text)
	}
	switch {
	case cfg.Journal == nil:
		return nil, problem("there is no audit journal")
	case cfg.Register == nil:
		return nil, problem("there is no register of models")
	case cfg.Neutral == nil:
		return nil, problem("there is no neutraliser")
	}
	if cfg.Memory == nil {
		cfg.Memory = newStates()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Door{
		cfg: cfg, providers: map[string]model.Provider{}, ledger: egress.New(cfg.Journal), fields: event.NewSchema(), schemas: map[string]*strict.Schema{},
	}
	for _, e := range cfg.Endpoints {
		switch {
		case e.Name == "" || e.Provider == nil:
			return nil, problem("an endpoint has no name or no provider")
		case d.providers[e.Name] != nil:
			return nil, problem("two endpoints are named " + e.Name)
		case e.Location != model.OnPremises && cfg.Vaults == nil:
			return nil, problem("endpoint " + e.Name + " is outside the site, and there are no pseudonyms")
		}
		d.providers[e.Name] = e.Provider
		d.endpoints = append(d.endpoints, e.Endpoint)
	}
	return d, nil
}

// Route says where a call may go. It keeps nothing and sends nothing.
func (d *Door) Route(ctx context.Context, c Call) Decision {
	req, err := d.request(ctx, c)
	if err != nil {
		return closed(d.endpoints, "what the conversation met before cannot be read")
	}
	return d.cfg.Policy.Decide(req, d.offered(c))
}

// closed is the decision that lets nothing out.
func closed(endpoints []model.Endpoint, why string) Decision {
	out := Decision{Highest: model.BuiltIn, Rule: why}
	for _, e := range endpoints {
		out.Refused = append(out.Refused, route.Refusal{Endpoint: e.Name, Location: e.Location, Reason: why})
	}
	return out
}

// offered are the endpoints that a call may be put to.
func (d *Door) offered(c Call) []model.Endpoint {
	if c.Endpoint == "" {
		return d.endpoints
	}
	for _, e := range d.endpoints {
		if e.Name == c.Endpoint {
			return []model.Endpoint{e}
		}
	}
	return nil
}

// request gathers what the router goes by.
func (d *Door) request(ctx context.Context, c Call) (route.Request, error) {
	req := route.Request{Task: string(c.Task), Before: route.Fresh()}
	if c.Conversation != "" {
		s, known, err := d.cfg.Memory.State(ctx, c.Conversation)
		if err != nil {
			return req, err
		}
		if known {
			req.Before = s
		}
	}
	seen := map[route.Data]bool{}
	add := func(data route.Data) {
		if !seen[data] {
			seen[data] = true
			req.Data = append(req.Data, data)
		}
	}
	if c.Question != "" {
		secrecy := d.cfg.Questions
		if c.Task == Probe {
			secrecy = event.IsPublic // canary questions are ours
		}
		add(route.Data{Label: event.Label{Integrity: event.FromOperator, Confidentiality: secrecy}, Placeless: true})
	}
	for _, i := range c.Evidence {
		data := route.Data{Label: i.Label, Placeless: i.Origin.Ours || c.Task == Plan}
		if !data.Placeless {
			data.Zone, data.Type, data.Source, data.TLP = i.Origin.Zone, i.Origin.Type, i.Origin.Source, i.Origin.TLP
		}
		add(data)
	}
	return req, nil
}

// decide is Route that makes the call part of its conversation: what it holds
// limits every later call, whether this one is sent or not.
func (d *Door) decide(ctx context.Context, c Call) (Decision, error) {
	d.routing.Lock()
	defer d.routing.Unlock()
	req, err := d.request(ctx, c)
	if err != nil {
		return closed(d.endpoints, "what the conversation met before cannot be read"), err
	}
	out := d.cfg.Policy.Decide(req, d.offered(c))
	if c.Conversation == "" || out.After == req.Before {
		return out, nil
	}
	if err := d.cfg.Memory.Keep(ctx, c.Conversation, out.After); err != nil {
		return closed(d.endpoints, "what the conversation met cannot be kept"), err
	}
	return out, nil
}

// schemaOf compiles a schema once. The set is bounded: schemas are ours.
func (d *Door) schemaOf(text string) (*strict.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.schemas[text]; s != nil {
		return s, nil
	}
	s, err := strict.Compile(text)
	if err != nil {
		return nil, err
	}
	if len(d.schemas) >= 256 {
		clear(d.schemas)
	}
	d.schemas[text] = s
	return s, nil
}
