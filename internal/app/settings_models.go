package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/intel/pull"
	"vedette/internal/model"
	"vedette/internal/model/register"
)

// maxServerText bounds each text of an endpoint that is set here, in bytes.
const maxServerText = 2000

// headerName is what may carry a key; what steers a request may not.
var headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)

// serversOf are the endpoints of models that a document adds to those of the
// configuration; what rests is not among them.
func (a *App) serversOf(doc chosen.Doc) []model.Endpoint {
	var out []model.Endpoint
	for _, m := range doc.Models {
		read, problems := config.ReadModelEndpoint(m.Config)
		if e := endpointOf(read); refusal(problems) == nil && a.serverRests(e) == "" {
			out = append(out, e)
		}
	}
	return out
}

// configuredServer finds an endpoint of the configuration by name; -1: there is none.
func (a *App) configuredServer(name string) int {
	return slices.IndexFunc(a.cfg.Endpoints, func(e model.Endpoint) bool { return strings.EqualFold(e.Name, name) })
}

// serverRests says why an endpoint that was set here does not count; empty: it does.
func (a *App) serverRests(e model.Endpoint) string {
	switch {
	case a.cfg.Mind.Chosen != "":
		return "this process was started with a model of its own (VEDETTE_MODEL_URL), which is the only one"
	case a.configuredServer(e.Name) >= 0:
		return "the configuration has an endpoint of that name, which counts"
	}
	if err := a.mayServe(e); err != nil {
		return plainText(err)
	}
	return ""
}

// mayServe refuses what whoever administers the product may not make it do: send files
// of its choice as keys, keep a key where it is shown, or call a public address the
// premises.
func (a *App) mayServe(e model.Endpoint) error {
	secrets := append([]string{filepath.Join(a.cfg.Dir, secretsName)}, a.cfg.Settings.Secrets...)
	for _, f := range [][2]string{{"key_file", e.KeyFile}, {"ca_file", e.CAFile}} {
		if f[1] != "" && !below(f[1], secrets) {
			return fault.New(fault.Denied, "%s %.200q is in none of the directories that models which are set here may read secrets from", f[0], f[1]).
				WithHint("put it into %s, or name its directory under settings.secrets in the configuration", secrets[0])
		}
	}
	for _, n := range e.Networks {
		in := func(p config.Prefix) bool { return p.Bits() <= n.Bits() && p.Contains(n.Addr()) }
		if !slices.ContainsFunc(a.cfg.Settings.Inside, in) {
			return fault.New(fault.Denied, "the network %s is in none of those that count as the premises for models which are set here", n).
				WithHint("name it under settings.inside in the configuration, or the endpoint itself under models.endpoints")
		}
	}
	if e.KeyHeader != "" && (!headerName.MatchString(e.KeyHeader) || slices.Contains([]string{"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "upgrade"}, strings.ToLower(e.KeyHeader))) {
		return fault.New(fault.Invalid, "key_header %.80q is no header that carries a key", e.KeyHeader).WithHint("such as x-api-key")
	}
	u, err := url.Parse(e.URL)
	switch {
	case err != nil:
		return fault.New(fault.Invalid, "the url cannot be read")
	case hasSecret(u):
		return fault.New(fault.Invalid, "there seems to be a key in the address, which is shown and kept").WithHint("put the key into a file, and name that as key_file")
	}
	return rightPlace(e, u.Hostname())
}

// rightPlace refuses an address in figures that is not where the endpoint is said to be.
// A name is judged at each connection, since what it leads to can change.
func rightPlace(e model.Endpoint, host string) error {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil
	}
	ip = ip.Unmap().WithZone("")
	inside := ip.IsLoopback() || ip.IsPrivate() || slices.ContainsFunc(e.Networks, func(p netip.Prefix) bool { return p.Contains(ip) })
	switch {
	case e.Location == model.OnPremises && !inside:
		return fault.New(fault.Invalid, "the address %s is not on the premises", ip).WithHint("say location cloud, with its terms")
	case e.Location != model.OnPremises && (ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()):
		return fault.New(fault.Invalid, "the address %s is none of a cloud", ip).WithHint("say location on-premises")
	}
	return nil
}

// serverShown is an endpoint as it is shown: of its address what cannot be secret.
func serverShown(e model.Endpoint) api.ModelServer {
	text := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return config.Duration(d).String()
	}
	money := func(f float64) string {
		if f == 0 {
			return ""
		}
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	out := api.ModelServer{
		Name: e.Name, Wire: string(e.Wire), URL: e.URL, Model: e.Model, Location: string(e.Location), Family: e.Family, Context: e.Context, KeyFile: e.KeyFile, KeyHeader: e.KeyHeader, CAFile: e.CAFile,
		Terms: api.ModelServerTerms(e.Terms), Price: api.ModelServerPrice{In: money(e.Price.In), Out: money(e.Price.Out), Currency: e.Price.Currency},
		Limits: api.ModelServerLimit{Total: text(e.Limits.Total), First: text(e.Limits.First), Idle: text(e.Limits.Idle)},
	}
	if e.Limits.Answer > 0 {
		out.Limits.Answer = config.Bytes(e.Limits.Answer).String()
	}
	if u, err := url.Parse(e.URL); err != nil || hasSecret(u) {
		out.URL = pull.Shown(e.URL)
	}
	for _, n := range e.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}

// ConfiguredModels implements [api.ModelSettings].
func (a *App) ConfiguredModels(ctx context.Context) ([]api.ModelServerView, error) {
	doc, _ := a.set.Now()
	out := []api.ModelServerView{}
	for i, e := range a.cfg.Endpoints {
		out = append(out, a.judged(ctx, e, api.ModelServerView{Config: serverShown(e), Origin: api.FromFile, Place: a.serverPlace(i), Fixed: true}))
	}
	for _, m := range doc.Models {
		read, problems := config.ReadModelEndpoint(m.Config)
		e := endpointOf(read)
		v := api.ModelServerView{Config: serverShown(e), Origin: api.FromHere, Version: m.Mark.Version, By: byOf(m.Mark)}
		if v.Rests = a.serverRests(e); len(problems) > 0 {
			v.Config.Name, v.Rests = m.Name, plainText(refusal(problems))
		}
		out = append(out, a.judged(ctx, e, v))
	}
	return out, nil
}

// serverPlace is where the configuration has its endpoint number i.
func (a *App) serverPlace(i int) string {
	switch a.cfg.Endpoints[i].Name {
	case environmentEndpoint:
		return "VEDETTE_MODEL_URL"
	case sectionEndpoint:
		return a.cfg.From["model.url"]
	}
	return a.cfg.From["models.endpoints["+strconv.Itoa(i)+"]"]
}

// judged adds whether an endpoint can be asked.
func (a *App) judged(ctx context.Context, e model.Endpoint, v api.ModelServerView) api.ModelServerView {
	if v.Rests != "" {
		return v
	}
	for _, b := range a.minds.now.Load().broken {
		if b.endpoint.Name == e.Name {
			v.Problem = b.problem
			return v
		}
	}
	approval, err := approvals{a.cfg.Mind.Chosen, a.models}.Admit(ctx, e)
	if v.Approval = approval; err != nil {
		v.Problem = plainText(err)
	}
	return v
}

// serverNamed finds one by name; what was set here, before what is written.
func (a *App) serverNamed(ctx context.Context, name string, set bool) (api.ModelServerView, error) {
	list, err := a.ConfiguredModels(ctx)
	for _, v := range list {
		if v.Config.Name == name && (!set || !v.Fixed) && (set || v.Rests == "") {
			return v, nil
		}
	}
	if err == nil && a.configuredServer(name) >= 0 {
		err = fault.New(fault.Conflict, "the endpoint %s is in the configuration", name).WithHint("change it there; it can be approved and retired here")
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no endpoint %.100q of a model", name).WithHint("list them with: vedette models endpoints")
	}
	return api.ModelServerView{}, err
}

// readServer reads an endpoint that is to be set, and refuses what no configuration
// could say or nobody may set here.
func (a *App) readServer(c api.ModelServer) (model.Endpoint, json.RawMessage, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return model.Endpoint{}, nil, fault.Wrap(fault.Internal, err, "reading an endpoint")
	}
	texts := []string{c.URL, c.Model, c.Family, c.KeyFile, c.KeyHeader, c.CAFile, c.Terms.Operator, c.Terms.Contract}
	if slices.ContainsFunc(texts, func(s string) bool { return len(s) > maxServerText }) || len(c.Networks) > chosen.MaxSubnets {
		return model.Endpoint{}, nil, fault.New(fault.Invalid, "a text of the endpoint is longer than %d bytes, or it has more than %d networks", maxServerText, chosen.MaxSubnets)
	}
	read, problems := config.ReadModelEndpoint(raw)
	e := endpointOf(read)
	if err := refusal(problems); err != nil {
		return e, raw, err
	}
	return e, raw, a.mayServe(e)
}

// PutModelServer implements [api.ModelSettings].
func (a *App) PutModelServer(ctx context.Context, p api.ModelServerPut) (api.ModelServerView, error) {
	var none api.ModelServerView
	e, raw, err := a.readServer(p.Config)
	doc, _ := a.set.Now()
	if err := errors.Join(a.mayChange(), err, a.mayPutServer(doc, e.Name, p)); err != nil {
		return none, err
	}
	checks, err := a.tryServer(ctx, e, p) // it may take half a minute, so nobody waits for it
	if err != nil {
		return none, err
	}
	a.setting.Lock()
	defer a.setting.Unlock()
	doc, _ = a.set.Now()
	if err := a.mayPutServer(doc, e.Name, p); err != nil {
		return none, err
	}
	next := doc
	next.Models = slices.Clone(doc.Models)
	at := doc.Model(e.Name)
	if at < 0 {
		next.Models = append(next.Models, chosen.Model{Name: e.Name, Config: raw})
	} else {
		next.Models[at] = chosen.Model{Name: e.Name, Config: raw}
	}
	loosens := a.loosened(doc, next)
	if p.Check {
		return api.ModelServerView{Config: p.Config, Origin: api.FromHere, Checks: checks, Loosens: loosens}, nil
	}
	if err := errors.Join(againstIt(checks, p.Confirm), opens(loosens, p.Confirm)); err != nil {
		return none, err
	}
	_, err = a.set.Change(ctx, p.Actor, p.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		deed := chosen.Deed{Action: "settings.model_add", Object: e.Name, After: string(raw), Opens: strings.Join(loosens, "; ")}
		set := chosen.Model{Name: e.Name, Config: raw, Mark: m}
		if at < 0 {
			d.Models = append(d.Models, set)
			return deed, nil
		}
		deed.Action, deed.Before = "settings.model_change", string(d.Models[at].Config)
		d.Models[at] = set
		return deed, nil
	})
	if err != nil {
		return none, err
	}
	if err := a.hangDoor(); err != nil {
		return none, err
	}
	v, err := a.serverNamed(ctx, e.Name, true)
	v.Checks, v.Loosens = checks, loosens
	return v, err
}

// mayPutServer refuses what stands against an endpoint of that name.
func (a *App) mayPutServer(doc chosen.Doc, name string, p api.ModelServerPut) error {
	at := doc.Model(name)
	other := slices.ContainsFunc(doc.Models, func(m chosen.Model) bool { return m.Name != name && strings.EqualFold(m.Name, name) })
	switch {
	case a.configuredServer(name) >= 0:
		return fault.New(fault.Conflict, "the endpoint %s is in the configuration", name).WithHint("change it there, or choose another name")
	case p.New && at >= 0 || other:
		return fault.New(fault.Conflict, "there is an endpoint %s already", name)
	case !p.New && at < 0:
		return fault.New(fault.NotFound, "there is no endpoint %.100q that was set here", name).WithHint("list them with: vedette models endpoints")
	case at < 0 && len(doc.Models) >= chosen.MaxModels:
		return fault.New(fault.Limited, "there are %d endpoints, which is the most", len(doc.Models))
	case at >= 0:
		return stale(p.Change, doc.Models[at].Mark.Version)
	}
	return nil
}

// ChangeModelServer implements [api.ModelSettings].
func (a *App) ChangeModelServer(ctx context.Context, d api.ModelServerDeed) (api.ModelServerView, error) {
	v, err := a.serverNamed(ctx, d.Name, d.Do == "remove")
	if err != nil {
		return v, err
	}
	if d.Do == "test" {
		return a.testServer(ctx, v, d.Actor)
	}
	a.setting.Lock()
	defer a.setting.Unlock()
	if err := errors.Join(a.mayChange(), stale(d.Change, v.Version)); err != nil || d.Check {
		return v, err
	}
	switch d.Do {
	case "remove":
		return v, a.removeServer(ctx, d)
	case "approve":
		err = a.approveServer(ctx, v.Config, d)
	case "retire":
		var n int
		if n, err = a.retireServer(ctx, d.Name, d.Actor, d.Why); err == nil && n == 0 {
			err = fault.New(fault.Conflict, "the endpoint %s has no approval that could be retired", d.Name)
		}
	default:
		err = fault.New(fault.Invalid, "an endpoint cannot be asked to %.20q", d.Do).WithHint("remove, approve, retire or test")
	}
	if err != nil {
		return v, err
	}
	return a.serverNamed(ctx, d.Name, false)
}

// removeServer takes an endpoint out that was set here. Its approval is retired
// first, since the register would else have it asked by its address.
func (a *App) removeServer(ctx context.Context, d api.ModelServerDeed) error {
	if a.configuredServer(d.Name) < 0 {
		if _, err := a.retireServer(ctx, d.Name, d.Actor, "the endpoint is removed: "+d.Why); err != nil {
			return err
		}
	}
	_, err := a.set.Change(ctx, d.Actor, d.Why, func(doc *chosen.Doc, _ chosen.Mark) (chosen.Deed, error) {
		at := doc.Model(d.Name)
		if at < 0 {
			return chosen.Deed{}, fault.New(fault.NotFound, "there is no endpoint %.100q of a model", d.Name)
		}
		deed := chosen.Deed{Action: "settings.model_remove", Object: d.Name, Before: string(doc.Models[at].Config)}
		doc.Models = slices.Delete(doc.Models, at, at+1)
		return deed, nil
	})
	return errors.Join(err, a.hangDoor())
}

// retireServer ends all approvals of an endpoint and tells how many there were.
func (a *App) retireServer(ctx context.Context, name, by, why string) (int, error) {
	n := 0
	for _, e := range a.models.List() {
		if e.Endpoint == nil || e.Endpoint.Name != name || e.State == register.Retired {
			continue
		}
		if _, err := a.models.Retire(ctx, e.ID, by, why); err != nil {
			return n, err
		}
		n++
	}
	if n == 0 {
		return 0, nil
	}
	return n, a.hangDoor()
}

// retireGone ends the approvals of endpoints that a way back takes out.
func (a *App) retireGone(ctx context.Context, from, to chosen.Doc, c api.Change) error {
	for _, m := range from.Models {
		if to.Model(m.Name) < 0 && a.configuredServer(m.Name) < 0 {
			if _, err := a.retireServer(ctx, m.Name, c.Actor, "the endpoint is taken back: "+c.Why); err != nil {
				return err
			}
		}
	}
	return nil
}

// approveServer proposes and approves the model of an endpoint as it is now, with the
// key that its server has.
func (a *App) approveServer(ctx context.Context, c api.ModelServer, d api.ModelServerDeed) error {
	id := ""
	for _, e := range a.models.List() {
		if e.Endpoint == nil || e.Endpoint.Name != c.Name || e.State == register.Retired {
			continue
		}
		if e.Files != nil {
			return fault.New(fault.Conflict, "the model %s at this endpoint has files, which are read where it is approved", e.ID).WithHint("vedette models approve %s", e.ID)
		}
		id = e.ID
	}
	if id == "" {
		id = a.freeModelID(c.Name)
	}
	at := api.ModelEndpoint{Name: c.Name, Model: c.Model, Wire: c.Wire, Location: c.Location}
	if _, err := a.ProposeModel(ctx, api.ModelProposal{ID: id, By: d.Actor, Why: d.Why, Endpoint: &at}); err != nil {
		return err
	}
	_, err := a.DecideModel(ctx, api.ModelDecision{ID: id, Action: api.ModelApprove, By: d.Actor, Why: d.Why})
	return err
}

// changedModels says what becomes of models between two documents.
func changedModels(from, to chosen.Doc) []string {
	var out []string
	for _, m := range to.Models {
		switch at := from.Model(m.Name); {
		case at < 0:
			out = append(out, "model endpoint "+m.Name+" is there again")
		case !bytes.Equal(from.Models[at].Config, m.Config):
			out = append(out, "model endpoint "+m.Name+" is as it was")
		}
	}
	for _, m := range from.Models {
		if to.Model(m.Name) < 0 {
			out = append(out, "model endpoint "+m.Name+" is removed, and its approval retired")
		}
	}
	slices.Sort(out)
	if !from.Mind.Same(to.Mind) {
		out = append(out, "what may go to models: "+saidMind(to.Mind)+" instead of "+saidMind(from.Mind))
	}
	return out
}
