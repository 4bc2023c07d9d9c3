package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"slices"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/register"
	"vedette/internal/model/register/bom"
	"vedette/internal/model/register/signing"
	"vedette/internal/model/register/tree"
)

// openModels opens the register with the keys that the site trusts.
func (a *App) openModels(ctx context.Context) error {
	cfg := register.Config{Journal: a.journal, Records: a.records, RequireSigned: a.cfg.Mind.RequireSigned, Now: a.cfg.Now, Log: a.cfg.Log}
	for _, path := range a.cfg.Mind.SigningKeys {
		raw, err := os.ReadFile(path) //nolint:gosec // G304: the configuration names this file
		if err != nil {
			return fault.Wrap(fault.NotFound, err, "reading the key %s", path).WithHint("correct models.signing_keys in the configuration")
		}
		key, err := signing.ParseKey(filepath.Base(path), raw)
		if err != nil {
			return err
		}
		cfg.Keys = append(cfg.Keys, key)
	}
	var err error
	a.models, err = register.New(ctx, cfg)
	return err
}

// Models lists the register of models, damaged records too.
func (a *App) Models(context.Context) ([]api.Model, error) {
	list := a.models.List()
	out := make([]api.Model, 0, len(list))
	for _, e := range list {
		out = append(out, shownModel(e))
	}
	for _, d := range a.models.Damaged() {
		out = append(out, api.Model{ID: d.ID, State: "damaged", Problem: d.Problem})
	}
	return out, nil
}

// Model returns one model.
func (a *App) Model(_ context.Context, id string) (api.Model, error) {
	e, err := a.models.Get(id)
	if err != nil {
		return api.Model{}, err
	}
	return shownModel(e), nil
}

// ProposeModel puts a model into the register.
func (a *App) ProposeModel(ctx context.Context, p api.ModelProposal) (api.Model, error) {
	in := register.Proposal{ID: p.ID, By: p.By, Why: p.Why, Path: p.Path, Signature: p.Signature, Inside: p.Inside, Card: p.Card}
	for _, k := range p.Keys {
		key, err := signing.ParseKey(k.Name, k.PEM)
		if err != nil {
			return api.Model{}, err
		}
		in.Keys = append(in.Keys, key)
	}
	if p.Endpoint != nil {
		var err error
		if in.Endpoint, err = a.proposedEndpoint(ctx, *p.Endpoint, p.Pin); err != nil {
			return api.Model{}, err
		}
	}
	e, err := a.models.Propose(ctx, in)
	if err != nil {
		return api.Model{}, err
	}
	return shownModel(e), a.hangDoor() // proposing withdraws an approval
}

// proposedEndpoint takes what a person left out from the configuration, and
// pins the key of who answers.
func (a *App) proposedEndpoint(ctx context.Context, in api.ModelEndpoint, pin string) (*register.Endpoint, error) {
	at := &register.Endpoint{
		Name: in.Name, URL: in.URL, Model: in.Model, Version: in.Version, Wire: model.Wire(in.Wire), Location: model.Location(in.Location), Served: in.Served,
	}
	var roots *x509.CertPool
	doc, _ := a.set.Now()
	for _, c := range append(slices.Clone(a.cfg.Endpoints), a.serversOf(doc)...) {
		if c.Name == at.Name {
			if roots = rootsOf(c.CAFile); roots == nil && c.CAFile != "" {
				return nil, fault.New(fault.Invalid, "proposing a model: there is no certificate in %s", c.CAFile).WithHint("correct ca_file of the endpoint %s", c.Name)
			}
			at.URL, at.Model = cmp.Or(at.URL, c.URL), cmp.Or(at.Model, c.Model)
			at.Wire, at.Location = cmp.Or(at.Wire, c.Wire), cmp.Or(at.Location, c.Location)
		}
	}
	if at.URL == "" {
		return nil, fault.New(fault.NotFound, "proposing a model: no endpoint %q is configured", at.Name).WithHint("configure it first, or say --url, --model and --location")
	}
	switch pin {
	case "none":
		return at, nil
	case "", register.PinLeaf, register.PinIssuer:
	default:
		return nil, fault.New(fault.Invalid, "proposing a model: %q is nothing that can be pinned", pin).WithHint("it is leaf, issuer or none")
	}
	at.PinOf = cmp.Or(pin, register.PinLeaf)
	got, trusted, err := register.Identify(ctx, at.URL, at.PinOf, roots)
	if err != nil {
		return nil, err
	}
	if got == "" {
		at.PinOf = ""
		return at, nil
	}
	at.Pins, at.Trusted = []string{got}, trusted
	return at, nil
}

// rootsOf reads the certificates that an endpoint is verified by; nil is those
// of the system, or none.
func rootsOf(path string) *x509.CertPool {
	raw, err := os.ReadFile(path) //nolint:gosec // G304: the configuration names this file
	if err != nil {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil
	}
	return pool
}

// DecideModel carries out what a person says of a model.
func (a *App) DecideModel(ctx context.Context, d api.ModelDecision) (api.Model, error) {
	var e register.Entry
	var err error
	switch d.Action {
	case api.ModelApprove:
		e, err = a.models.Approve(ctx, d.ID, d.By, d.Why)
	case api.ModelRetire:
		e, err = a.models.Retire(ctx, d.ID, d.By, d.Why)
	case api.ModelAttach:
		e, err = a.models.Attach(ctx, d.ID, d.By, d.Why, d.Name, d.Ref, d.Result)
	default:
		err = fault.New(fault.Invalid, "there is no decision %q on a model", d.Action)
	}
	if err != nil {
		return api.Model{}, err
	}
	return shownModel(e), a.hangDoor()
}

// VerifyModel looks at all of a model that can be looked at.
func (a *App) VerifyModel(ctx context.Context, v api.ModelVerification) ([]api.ModelFinding, error) {
	if v.Ask {
		if err := a.askCanaries(ctx, v); err != nil {
			return nil, err
		}
	}
	list, err := a.models.Verify(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	out := make([]api.ModelFinding, len(list))
	for i, f := range list {
		out[i] = api.ModelFinding{Name: f.Name, Mark: string(f.Mark), OK: f.OK, Look: f.Look, Text: f.Text}
	}
	return out, nil
}

func (a *App) askCanaries(ctx context.Context, v api.ModelVerification) error {
	e, err := a.models.Get(v.ID)
	if err != nil {
		return err
	}
	ask := a.askModel
	if ask == nil && a.HasMind() {
		ask = a.askCanary
	}
	if ask == nil || e.Endpoint == nil {
		return fault.New(fault.Unavailable, "asking the canary questions of the model %s: there is no way to it from here", v.ID).
			WithHint("its endpoint must be configured; without --ask all else is verified")
	}
	_, err = a.models.Probe(ctx, v.ID, v.By, func(ctx context.Context, question string) (string, error) {
		return ask(ctx, e.Endpoint.Name, question)
	})
	return err
}

// ExportModels writes the bill of models.
func (a *App) ExportModels(_ context.Context, ids []string, out io.Writer) error {
	list := a.models.List()
	if len(ids) > 0 {
		list = list[:0:0]
		for _, id := range ids {
			e, err := a.models.Get(id)
			if err != nil {
				return err
			}
			list = append(list, e)
		}
	}
	return bom.Write(out, list, a.cfg.Now(), Version(), rand.Reader)
}

// RecheckModels reads the files of approved models, so that the first question
// need not wait for it.
func (a *App) RecheckModels(ctx context.Context) { a.models.Recheck(ctx) }

// SignModel signs a model with a private key in PEM form and returns the
// bundle. inside is where the bundle will lie within the model, if it will.
func SignModel(ctx context.Context, path, inside string, key []byte) ([]byte, error) {
	private, err := signing.ParsePrivateKey(key)
	if err != nil {
		return nil, err
	}
	t, err := tree.Open(path, tree.Options{})
	if err != nil {
		return nil, err
	}
	raw, err := signing.Sign(ctx, t, private, 0, inside)
	if err := t.Close(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "closing the model %s", path)
	}
	return raw, err
}

// shownModel is an entry as the doors show it.
func shownModel(e register.Entry) api.Model {
	out := api.Model{
		ID: e.ID, State: string(e.State), Revision: e.Revision, Files: shownFiles(e.Files), Unverifiable: e.Unverifiable(),
		Card: []api.ModelAnswer{}, Evaluations: []api.ModelEvaluation{}, Canaries: []api.ModelCanary{}, Drift: []api.ModelDrift{}, History: []api.ModelStep{},
	}
	if at := e.Endpoint; at != nil {
		out.Endpoint = &api.ModelEndpoint{
			Name: at.Name, URL: at.URL, Model: at.Model, Version: at.Version, Wire: string(at.Wire), Location: string(at.Location),
			Pins: at.Pins, PinOf: at.PinOf, Trusted: at.Trusted, Served: at.Served,
		}
	}
	for _, q := range e.Card.Questions() {
		out.Card = append(out.Card, api.ModelAnswer{Key: q.Key, Question: q.Text, Answer: q.Answer.Text, Mark: string(q.Answer.Mark), By: q.Answer.By, At: q.Answer.At, Evidence: q.Answer.Evidence})
	}
	for _, ev := range e.Evaluations {
		out.Evaluations = append(out.Evaluations, api.ModelEvaluation(ev))
	}
	for _, c := range e.Canaries {
		out.Canaries = append(out.Canaries, api.ModelCanary(c))
	}
	for _, d := range e.Drift {
		out.Drift = append(out.Drift, shownDrift(d))
	}
	for _, s := range e.History {
		out.History = append(out.History, api.ModelStep{At: s.At, By: s.By, Action: s.Action, State: string(s.To), Why: s.Why, Audit: s.Audit})
	}
	return out
}

func shownDrift(d register.Drift) api.ModelDrift {
	out := api.ModelDrift{At: d.At, By: d.By, Asked: len(d.Answers), Same: d.Same, SameNow: d.SameNow, Missed: d.Missed, Answers: []api.ModelCanaryReply{}}
	for _, r := range d.Answers {
		out.Answers = append(out.Answers, api.ModelCanaryReply{Question: r.Question, Answer: r.Answer, Similarity: r.Similarity, Problem: r.Problem})
	}
	return out
}

func shownFiles(f *register.Files) *api.ModelFiles {
	if f == nil {
		return nil
	}
	out := &api.ModelFiles{
		Path: f.Path, Digest: f.Digest, Bytes: f.Bytes, Count: len(f.Sums), Format: f.Facts.Format, Name: f.Facts.Name, Architecture: f.Facts.Architecture,
		License: f.Facts.License, Quantisation: f.Facts.Quantisation, Tokenizer: f.Facts.Tokenizer, Context: f.Facts.Context, Parameters: f.Facts.Parameters,
		ControlTokens: f.Facts.ControlCount, ChatTemplate: f.Facts.Template, ChatTemplateSHA: f.Facts.TemplateSHA, Notes: slices.Clone(f.Facts.Notes),
	}
	if s := f.Signature; s != nil {
		out.Signature = &api.ModelSignature{Key: s.Key, Fingerprint: s.Fingerprint, Root: s.Root, Signed: s.Signed, Left: s.Left}
	}
	return out
}
