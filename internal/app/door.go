package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard"
	"vedette/internal/guard/redact"
	"vedette/internal/model"
	"vedette/internal/model/dial"
	"vedette/internal/model/family"
	"vedette/internal/model/register"
	"vedette/internal/model/route"
	"vedette/internal/model/wire"
)

// Mind says what may be asked of language models. The zero Mind asks none.
type Mind struct {
	Policy    route.Policy
	Questions event.Confidentiality // how secret what a person types is
	Redact    bool                  // put pseudonyms into what stays on the premises too
	Budgets   []Budget

	SigningKeys   []string // files with the public keys of those who may sign models
	RequireSigned bool     // a model of files is used only if it is signed by one of them

	Chosen string // endpoint that whoever started this process named for it, see decision 0022; empty: none
}

// Budget bounds what calls to models may cost in a day; 0 is no bound.
type Budget struct {
	Name, Person, Endpoint string // Person "each": one for every person
	Calls, Tokens          int
	Time                   time.Duration
	Money                  float64
	Currency               string
}

// minds are the models that can be asked.
type minds struct {
	now    atomic.Pointer[doorway] // replaced when a person approves or retires a model
	vaults *guard.ConversationVaults

	neutral neutralisers
	budgets budgets

	hanging sync.Mutex // held while the door is made anew, so that the last change is the one that counts

	mu    sync.Mutex // held while the catalogue is made
	vault catalogues
}

// brokenEndpoint is one that cannot be asked as it is configured.
type brokenEndpoint struct {
	endpoint model.Endpoint
	problem  string
}

// doorway is the door with what it leads to.
type doorway struct {
	door      *guard.Door
	asked     bool // there is an endpoint that can be, and the mode lets it
	endpoints []model.Endpoint
	broken    []brokenEndpoint
}

// openDoor makes the door to the models that are configured, or that a person
// approved with an address on the premises. An endpoint that cannot be used is
// told of and left out: everything works without it.
func (a *App) openDoor() error {
	a.minds.budgets = a.openBudgets()
	a.minds.vaults = guard.NewVaults(guard.VaultsConfig{
		Make: func(key []byte) (guard.Vault, error) { return redact.NewVaultOf(key, a.catalogue()), nil }, Version: a.catalogueVersion, Now: a.cfg.Now,
	})
	return a.hangDoor()
}

// hangDoor makes the door anew, to the endpoints that there are now.
func (a *App) hangDoor() error {
	a.minds.hanging.Lock()
	defer a.minds.hanging.Unlock()
	out := doorway{endpoints: a.endpoints()}
	var list []guard.Endpoint
	for _, e := range out.endpoints {
		e = known(e)
		p, err := dial.Open(e, wire.Options{Verify: a.models.VerifyConnection(e)})
		if err != nil {
			a.cfg.Log.Warn("a model endpoint cannot be used", "component", "model", "endpoint", e.Name, "err", err)
			out.broken = append(out.broken, brokenEndpoint{e, err.Error()})
			continue
		}
		list = append(list, guard.Endpoint{Endpoint: e, Provider: p})
	}
	doc, _ := a.set.Now()
	now := a.mindIn(doc)
	mode := now.Policy.Mode
	out.asked = len(list) > 0 && mode != route.Off && mode != ""
	var err error
	out.door, err = guard.New(guard.Config{
		Journal: a.journal, Endpoints: list, Policy: a.ruled(now.Policy), Register: approvals{a.cfg.Mind.Chosen, a.models}, Budget: a.minds.budgets,
		Vaults: a.minds.vaults, Neutral: a.neutraliser,
		Memory: routes{a.records}, Questions: now.Questions, RedactInside: now.Redact, Now: a.cfg.Now, Log: a.cfg.Log,
	})
	if err == nil {
		a.minds.now.Store(&out)
	}
	return err
}

// ruled is a policy whose rules name zones by all names that they have.
func (a *App) ruled(p route.Policy) route.Policy {
	p.Rules = slices.Clone(p.Rules)
	for i := range p.Rules {
		p.Rules[i].Zones = a.alsoCalled(p.Rules[i].Zones)
	}
	return p
}

// endpoints are those of the configuration, those that were set while the server
// ran, and those that a person approved by address: one approval puts a model server
// of the site to work. What is outside the site has terms, a key and a price, and is
// configured or set.
func (a *App) endpoints() []model.Endpoint {
	out := slices.Clone(a.cfg.Endpoints)
	if a.cfg.Mind.Chosen != "" {
		return out // the one that this process was started with
	}
	doc, _ := a.set.Now()
	out = append(out, a.serversOf(doc)...)
	for _, e := range a.models.List() {
		at := e.Endpoint
		taken := at != nil && slices.ContainsFunc(out, func(c model.Endpoint) bool { return c.Name == at.Name })
		if at == nil || taken || e.State != register.Approved || at.Location != model.OnPremises || at.URL == "" {
			continue
		}
		out = append(out, model.Endpoint{Name: at.Name, Wire: cmp.Or(at.Wire, model.OpenAI), URL: at.URL, Model: at.Model, Location: at.Location})
	}
	return out
}

// mind is the door as the copilot sees it: the one that there is now.
type mind struct{ a *App }

// Ask implements copilot.Mind.
func (m mind) Ask(ctx context.Context, c guard.Call) (guard.Reply, error) {
	return m.a.minds.now.Load().door.Ask(ctx, c)
}

// Ready reports whether there is a model that can be asked.
func (m mind) Ready() bool { return m.a.HasMind() }

// known fills in what the family of a model tells.
func known(e model.Endpoint) model.Endpoint {
	f, ok := family.Named(e.Family)
	if !ok {
		f = family.Match(e.Model)
		e.Family = f.Name
	}
	if e.Context == 0 {
		e.Context = f.Context
		if e.Location == model.OnPremises {
			e.Context = min(cmp.Or(e.Context, localContext), localContext)
		}
	}
	return e
}

// localContext is how many tokens are sent to a server on the premises whose
// context nobody told: such servers give a model less than it was made for.
const localContext = 8192

// approvals are who lets models in: the register, and for the model that was
// named when this process was started, that.
type approvals struct {
	chosen   string
	register guard.Register
}

// Admit implements guard.Register.
func (r approvals) Admit(ctx context.Context, e model.Endpoint) (string, error) {
	if r.chosen != "" && e.Name == r.chosen {
		return "named by VEDETTE_MODEL_URL and VEDETTE_MODEL_NAME for this process, not approved in the register", nil
	}
	return r.register.Admit(ctx, e)
}

// catalogues keeps the names of the site ready to be looked for.
type catalogues struct {
	version uint64
	made    *redact.Compiled
}

// catalogueEvery is how often addresses and serial numbers are looked up anew;
// names are whenever one has changed.
const catalogueEvery = 10 * time.Minute

// catalogueVersion changes when the names of the site may have.
func (a *App) catalogueVersion() uint64 {
	return a.devices.NamesVersion()<<24 ^ uint64(a.cfg.Now().Unix()/int64(catalogueEvery.Seconds())) //nolint:gosec // G115: any change will do
}

// catalogue is what is known of the site and must not leave it.
func (a *App) catalogue() *redact.Compiled {
	a.minds.mu.Lock()
	defer a.minds.mu.Unlock()
	if v := a.catalogueVersion(); a.minds.vault.made == nil || a.minds.vault.version != v {
		a.minds.vault = catalogues{v, redact.Compile(catalogueOf(a.devices.List(), a.assets()))}
	}
	return a.minds.vault.made
}

func catalogueOf(devices []asset.Device, cfg asset.Config) redact.Catalogue {
	var c redact.Catalogue
	for _, d := range devices {
		if name := d.Value(asset.KeyName); name != "" {
			c.Hosts = append(c.Hosts, name)
		}
		c.Hosts = append(c.Hosts, d.Hostnames...)
		c.Addresses = append(append(c.Addresses, d.IPs...), d.MACs...)
		c.Serials = append(c.Serials, d.Value(asset.KeySerial))
		c.Users = append(c.Users, d.Value(asset.KeyOwner))
		c.Sites = append(c.Sites, d.Value(asset.KeyLocation))
	}
	c.Sites = append(c.Sites, cfg.Site)
	for _, z := range cfg.Zones {
		c.Sites = append(c.Sites, z.Name)
	}
	for was := range cfg.Renamed { // stored texts still have it
		c.Sites = append(c.Sites, was)
	}
	return c
}

// askCanary puts a canary question to one endpoint, through the door.
func (a *App) askCanary(ctx context.Context, endpoint, question string) (string, error) {
	reply, err := a.minds.now.Load().door.Ask(ctx, guard.Call{
		Task: guard.Probe, Endpoint: endpoint, Question: question, Instructions: "Answer the question in one short sentence.",
		Schema: guard.Schema{Name: "canary", JSON: `{"type":"object","properties":{"answer":{"type":"string","maxLength":250}},"required":["answer"],"additionalProperties":false}`},
	})
	if err != nil {
		return "", err
	}
	var out struct{ Answer string }
	if err := json.Unmarshal(reply.JSON, &out); err != nil {
		return "", fault.Wrap(fault.Internal, err, "reading the answer to a canary question")
	}
	return out.Answer, nil
}
