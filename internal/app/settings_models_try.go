package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/event"
	"vedette/internal/guard"
	"vedette/internal/intel/pull"
	"vedette/internal/model"
	"vedette/internal/model/dial"
	"vedette/internal/model/discover"
	"vedette/internal/model/route"
	"vedette/internal/model/wire"
)

// The question of a trial. There is nothing of the site in it, and the answer is one
// figure: a server that is no model tells nothing by it.
const (
	trialQuestion = "How much is 17 times 3?"
	trialAnswer   = 51
	trialForm     = `{"type":"object","properties":{"answer":{"type":"integer","minimum":0,"maximum":999}},"required":["answer"],"additionalProperties":false}`
	trialTime     = 30 * time.Second
)

// trying lets a model in for the question of a trial alone.
type trying struct{ by string }

// Admit implements guard.Register.
func (t trying) Admit(context.Context, model.Endpoint) (string, error) {
	return "a trial by " + t.by + " with a question of the program, not approved in the register", nil
}

// tryServer tells what would happen if an endpoint were set, and asks it the question
// of a trial if that is wanted.
func (a *App) tryServer(ctx context.Context, e model.Endpoint, p api.ModelServerPut) ([]api.SourceCheck, error) {
	out := []api.SourceCheck{}
	if _, err := dial.Open(known(e), wire.Options{}); err != nil {
		return append(out, api.SourceCheck{State: "problem", Text: plainText(err)}), nil
	}
	if e.Location != model.OnPremises {
		if why := a.mindNow().Policy.Require.Unmet(e.Terms); why != "" {
			out = append(out, api.SourceCheck{State: "warning", Text: "it is not asked, since policy requires other terms: " + why})
		}
	}
	if !p.Ask {
		return out, nil
	}
	more, err := a.trial(ctx, e, p.Actor)
	return append(out, more...), err
}

// testServer puts the question of a trial to an endpoint that there is.
func (a *App) testServer(ctx context.Context, v api.ModelServerView, by string) (api.ModelServerView, error) {
	if v.Rests != "" {
		v.Checks = []api.SourceCheck{{State: "problem", Text: "it is not asked: " + v.Rests}}
		return v, nil
	}
	doc, _ := a.set.Now()
	var err error
	for _, e := range append(a.serversOf(doc), a.cfg.Endpoints...) {
		if e.Name == v.Config.Name {
			v.Checks, err = a.trial(ctx, e, by)
			return v, err
		}
	}
	return v, err
}

// trial asks an endpoint one question of ours through a door of its own, which leads
// to that endpoint alone: policy, budget, the check of its address and the ledger are
// those of any call; only the register is not asked, since the trial comes before.
func (a *App) trial(ctx context.Context, e model.Endpoint, by string) ([]api.SourceCheck, error) {
	_, err := a.journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: by}, Action: "settings.model_try", Object: e.Name, Details: map[string]string{"address": pull.Shown(e.URL)}})
	if err != nil {
		return nil, err
	}
	e = known(e)
	provider, err := dial.Open(e, wire.Options{Verify: a.models.VerifyConnection(e)})
	if err != nil {
		return []api.SourceCheck{{State: "problem", Text: plainText(err)}}, nil
	}
	door, err := guard.New(guard.Config{
		Journal: a.journal, Endpoints: []guard.Endpoint{{Endpoint: e, Provider: provider}}, Policy: a.ruled(a.mindNow().Policy), Register: trying{by}, Budget: a.minds.budgets,
		Vaults: a.minds.vaults, Neutral: a.neutraliser, Questions: event.IsPublic, Now: a.cfg.Now, Log: a.cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	began := time.Now()
	call := guard.Call{
		Task: guard.Probe, Person: by, Endpoint: e.Name, Question: trialQuestion, Instructions: "Answer the question with a number.", Schema: guard.Schema{Name: "trial", JSON: trialForm}, MaxTokens: 100,
	}
	reply, err := door.Ask(ctx, call)
	took := time.Since(began).Round(10 * time.Millisecond)
	if err != nil {
		return []api.SourceCheck{trialFailed(err, door.Route(ctx, call).Refused, took)}, nil
	}
	var said struct{ Answer int }
	if err := json.Unmarshal(reply.JSON, &said); err != nil {
		return []api.SourceCheck{{State: "problem", Text: "its answer cannot be read"}}, nil
	}
	check := api.SourceCheck{State: "ok", Text: fmt.Sprintf("it answers %q with %d in %s; %d bytes went to it", trialQuestion, said.Answer, took, reply.Sent)}
	if said.Answer != trialAnswer {
		check.State, check.Text = "warning", check.Text+", and that is wrong: small models can be all the same of use, since each sentence is checked"
	}
	return append([]api.SourceCheck{check}, a.passesOn(ctx, e)...), nil
}

// trialFailed tells why there was no answer, in our words: what the server wrote is
// not shown.
func trialFailed(err error, refused []route.Refusal, took time.Duration) api.SourceCheck {
	f, ok := errors.AsType[*guard.Failure](err)
	if !ok {
		return api.SourceCheck{State: "problem", Text: "it could not be asked"}
	}
	text := f.Public()
	if f.Reason == guard.ByPolicy {
		if len(refused) > 0 {
			text += ": " + refused[0].Reason
		}
		return api.SourceCheck{State: "warning", Text: "it was not asked: " + text}
	}
	return api.SourceCheck{State: "problem", Text: fmt.Sprintf("%s (after %s)", text, cmp.Or(took, time.Millisecond))}
}

// passesOn finds a server on the premises that passes its model's requests on to a
// cloud, as its own list of models tells: what is sent there would leave the site.
func (a *App) passesOn(ctx context.Context, e model.Endpoint) []api.SourceCheck {
	host := hostPort(e.URL)
	if e.Location != model.OnPremises || host == "" {
		return nil
	}
	found, err := discover.Look(ctx, discover.Options{Hosts: []string{host}, Here: []string{}})
	if err != nil {
		return nil // it answered; what it is, is its own word anyway
	}
	for _, s := range found {
		for _, m := range s.Models {
			if m.Name == e.Model && m.Remote != "" {
				return []api.SourceCheck{{State: "problem", Text: fmt.Sprintf("the model runs in a cloud (%.80q), whatever the address of its server: say location cloud", m.Remote)}}
			}
		}
	}
	return nil
}

var _ guard.Register = trying{}
