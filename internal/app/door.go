package app

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"
	"time"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard"
	"vedette/internal/guard/redact"
	"vedette/internal/model"
	"vedette/internal/model/dial"
	"vedette/internal/model/family"
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
	door   *guard.Door
	asked  bool // there is an endpoint that can be, and the mode lets it
	broken []brokenEndpoint

	neutral neutralisers
	budgets budgets

	mu    sync.Mutex // held while the catalogue is made
	vault catalogues
}

// brokenEndpoint is one that cannot be asked as it is configured.
type brokenEndpoint struct {
	endpoint model.Endpoint
	problem  string
}

// openDoor makes the door to the models that are configured. An endpoint that
// cannot be used is told of and left out: everything works without it.
func (a *App) openDoor() error {
	var list []guard.Endpoint
	for _, e := range a.cfg.Endpoints {
		e = known(e)
		p, err := dial.Open(e, wire.Options{Verify: a.models.VerifyConnection(e)})
		if err != nil {
			a.cfg.Log.Warn("a model endpoint cannot be used", "component", "model", "endpoint", e.Name, "err", err)
			a.minds.broken = append(a.minds.broken, brokenEndpoint{e, err.Error()})
			continue
		}
		list = append(list, guard.Endpoint{Endpoint: e, Provider: p})
	}
	a.minds.budgets = a.openBudgets()
	var err error
	if mode := a.cfg.Mind.Policy.Mode; len(list) > 0 && mode != route.Off && mode != "" {
		a.minds.asked, a.askModel = true, a.askCanary
	}
	a.minds.door, err = guard.New(guard.Config{
		Journal: a.journal, Endpoints: list, Policy: a.cfg.Mind.Policy, Register: approvals{a.cfg.Mind.Chosen, a.models}, Budget: a.minds.budgets,
		Vaults: guard.NewVaults(guard.VaultsConfig{
			Make: func(key []byte) (guard.Vault, error) { return redact.NewVaultOf(key, a.catalogue()), nil }, Version: a.catalogueVersion, Now: a.cfg.Now,
		}),
		Neutral: a.neutraliser,
		Memory:  routes{a.records}, Questions: a.cfg.Mind.Questions, RedactInside: a.cfg.Mind.Redact, Now: a.cfg.Now, Log: a.cfg.Log,
	})
	return err
}

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
		a.minds.vault = catalogues{v, redact.Compile(catalogueOf(a.devices.List(), a.cfg.Assets))}
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
	return c
}

// askCanary puts a canary question to one endpoint, through the door.
func (a *App) askCanary(ctx context.Context, endpoint, question string) (string, error) {
	reply, err := a.minds.door.Ask(ctx, guard.Call{
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
