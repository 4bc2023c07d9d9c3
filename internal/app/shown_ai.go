package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/guard/egress"
	"vedette/internal/model"
	"vedette/internal/model/register"
)

// ledgerTail is how many entries of the journal are looked at for calls.
const ledgerTail = 200

// ShowAI implements [api.Minds].
func (a *App) ShowAI(_ context.Context, n int) (api.AI, error) {
	out := api.AI{Mode: string(a.mindNow().Policy.Mode), Asked: a.HasMind(), Models: []api.AIModel{}, Sent: []api.AICall{}}
	for _, e := range a.models.List() {
		m := api.AIModel{ID: e.ID, State: string(e.State)}
		if e.Endpoint != nil {
			m.Name, m.Location = e.Endpoint.Model, string(e.Endpoint.Location)
		}
		if last := len(e.History) - 1; last >= 0 {
			m.By = e.History[last].By
		}
		out.Models = append(out.Models, m)
	}
	for _, b := range a.minds.now.Load().broken {
		out.Models = append(out.Models, api.AIModel{ID: b.endpoint.Name, State: "unusable", Name: b.endpoint.Model, Location: string(b.endpoint.Location), Problem: b.problem})
	}
	entries, err := a.journal.Last(ledgerTail)
	if err != nil {
		return out, err
	}
	for _, e := range entries { // the newest first
		if len(out.Sent) == n {
			break
		}
		d, outcome := e.Details, ""
		switch e.Action {
		case egress.ActionCall:
			outcome = "sent"
		case egress.ActionRefused:
			outcome = "refused"
		default: // how a call ended is told by the audit
			continue
		}
		out.Sent = append(out.Sent, api.AICall{
			Time: e.Time, Person: e.Actor.Name, Task: d["task"], Endpoint: e.Object, Location: d["location"], Label: d["label"], Outcome: outcome, Bytes: d["bytes"],
			Why: cmp.Or(d["why"], d["rule"]),
		})
	}
	return out, nil
}

// FindModels implements [api.Minds].
func (a *App) FindModels(ctx context.Context) ([]api.FoundModel, error) {
	servers, err := DiscoverModels(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	out := []api.FoundModel{}
	for _, s := range servers {
		for _, m := range s.Models {
			out = append(out, api.FoundModel{
				URL: s.URL, Software: s.Software, Name: m.Name, Family: m.Family, Context: m.Context, Size: m.Bytes, Lacks: m.Lacks, Usable: m.Usable && !s.NeedsKey, Cloud: m.Remote, Digest: m.Digest,
			})
		}
	}
	return out, nil
}

// UseModel implements [api.Minds]: a model server of this site is proposed and
// approved in the name of a person. The page can name what was found on this
// machine; the register judges the address as any other.
func (a *App) UseModel(ctx context.Context, use api.ModelUse) error {
	found, err := a.FindModels(ctx)
	if err != nil {
		return err
	}
	if err := runsHere(found, use); err != nil {
		return err
	}
	id := a.freeModelID(use.Model)
	_, err = a.ProposeModel(ctx, api.ModelProposal{
		ID: id, By: use.By, Why: use.Why, Endpoint: &api.ModelEndpoint{Name: id, URL: use.URL, Model: use.Model, Wire: string(model.OpenAI), Location: string(model.OnPremises), Served: toldDigest(found, use)},
	})
	if err != nil {
		return err
	}
	_, err = a.DecideModel(ctx, api.ModelDecision{ID: id, Action: api.ModelApprove, By: use.By, Why: use.Why})
	return err
}

// runsHere refuses a model that its server passes on to a cloud: the address says
// that it is of this site, and what is sent would leave it.
func runsHere(found []api.FoundModel, use api.ModelUse) error {
	for _, m := range found {
		if m.URL == use.URL && m.Name == use.Model && m.Cloud != "" {
			return fault.New(fault.Denied, "the model %.80q runs in a cloud (%.80q), whatever the address of its server", m.Name, m.Cloud).
				WithHint("set it with location cloud and its terms: vedette models add, or models.endpoints in the configuration")
		}
	}
	return nil
}

// toldDigest is the digest that a found model's server tells of it, "" if none.
func toldDigest(found []api.FoundModel, use api.ModelUse) string {
	for _, m := range found {
		if m.URL == use.URL && m.Name == use.Model {
			return m.Digest
		}
	}
	return ""
}

// freeModelID makes an id of a model's name that the register has not, or has
// retired.
func (a *App) freeModelID(name string) string {
	id := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name), ".-_")
	id = cmp.Or(id[:min(len(id), 56)], "model")
	list := a.models.List()
	for n, free := 2, id; ; n++ {
		taken := slices.ContainsFunc(list, func(e register.Entry) bool { return e.ID == free && e.State != register.Retired })
		if !taken {
			return free
		}
		free = id + "-" + string(rune('0'+n%10))
		if n > 9 {
			return free
		}
	}
}
