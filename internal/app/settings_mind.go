package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/config"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/route"
)

// The keys of how far questions and data may go to models, as the configuration has
// them.
const (
	keyMode      = "models.mode"
	keyQuestions = "models.questions"
	keyRedact    = "models.redact_on_premises"
)

// The bounds of one rule of what may go to models.
const (
	maxRuleWords = 100
	maxRuleText  = 200 // bytes of a word
)

// mindNow is what may be asked of models, and what may go to them.
func (a *App) mindNow() Mind {
	doc, _ := a.set.Now()
	return a.mindIn(doc)
}

// mindIn is that by a document: what the configuration says, else what was set here,
// else the default. Rules that are set here come to those of the configuration.
func (a *App) mindIn(doc chosen.Doc) Mind {
	out, set := a.cfg.Mind, doc.Mind
	if mode, ok := modesOf()[set.Mode]; ok && a.cfg.From[keyMode] == "" {
		out.Policy.Mode = mode
	}
	if set.Questions != "" && a.cfg.From[keyQuestions] == "" {
		out.Questions, _ = event.ParseConfidentiality(set.Questions) // an odd word is the strictest
	}
	if set.Redact != "" && a.cfg.From[keyRedact] == "" {
		out.Redact = set.Redact != "false"
	}
	out.Policy.Rules = slices.Clone(out.Policy.Rules)
	for _, raw := range set.Rules {
		out.Policy.Rules = append(out.Policy.Rules, ruleSet(raw))
	}
	return out
}

// ruleSet is a rule that was set here. One that cannot be read lets nothing go.
func ruleSet(raw json.RawMessage) route.Rule {
	read, problems := config.ReadModelRule(raw)
	if refusal(problems) != nil {
		return route.Rule{Name: "that cannot be read", Highest: model.BuiltIn}
	}
	return ruleOf(read)
}

// modeWord is a mode as the configuration has it.
func modeWord(m route.Mode) string {
	for word, mode := range modesOf() {
		if mode == m {
			return word
		}
	}
	return "off"
}

// ModelPolicy implements [api.ModelSettings].
func (a *App) ModelPolicy(context.Context) (api.ModelPolicy, error) {
	doc, _ := a.set.Now()
	return a.showMind(doc), nil
}

func (a *App) showMind(doc chosen.Doc) api.ModelPolicy {
	now, usual, set := a.mindIn(doc), a.mindIn(chosen.Doc{}), doc.Mind
	out := api.ModelPolicy{
		Version:   set.Mark.Version,
		Mode:      a.shownSetting(keyMode, modeWord(now.Policy.Mode), modeWord(usual.Policy.Mode), set.Mode, set.Mark),
		Questions: a.shownSetting(keyQuestions, now.Questions.String(), usual.Questions.String(), set.Questions, set.Mark),
		Redact:    a.shownSetting(keyRedact, strconv.FormatBool(now.Redact), strconv.FormatBool(usual.Redact), set.Redact, set.Mark),
		Rules:     []api.ModelRuleView{},
	}
	written := len(a.cfg.Mind.Policy.Rules)
	for i, r := range now.Policy.Rules {
		v := api.ModelRuleView{Origin: api.FromHere, Rule: api.ModelRule{Name: r.Name, Zones: r.Zones, Types: r.Types, Sources: r.Sources, TLP: r.TLP, Tasks: r.Tasks, Highest: string(r.Highest)}}
		if i < written {
			v.Origin, v.Place = api.FromFile, a.cfg.From["models.policy.rules["+strconv.Itoa(i)+"]"]
		}
		out.Rules = append(out.Rules, v)
	}
	return out
}

// SetModelPolicy implements [api.ModelSettings].
func (a *App) SetModelPolicy(ctx context.Context, c api.ModelPolicyChange) (api.ModelPolicy, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	doc, _ := a.set.Now()
	next := doc
	var err error
	if next.Mind, err = nextMind(doc.Mind, c); err != nil {
		return api.ModelPolicy{}, err
	}
	if err := errors.Join(a.mayChange(), a.fixedMind(c), stale(c.Change, doc.Mind.Mark.Version)); err != nil {
		return api.ModelPolicy{}, err
	}
	would := a.showMind(next)
	would.Loosens = a.loosened(doc, next)
	if c.Check {
		return would, nil
	}
	if err := opens(would.Loosens, c.Confirm); err != nil {
		return would, err
	}
	_, err = a.set.Change(ctx, c.Actor, c.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		next.Mind.Mark = m
		d.Mind = next.Mind
		return chosen.Deed{Action: "settings.model_policy", Object: "models", Before: saidMind(doc.Mind), After: saidMind(next.Mind), Opens: strings.Join(would.Loosens, "; ")}, nil
	})
	if err != nil {
		return would, err
	}
	if err := a.hangDoor(); err != nil {
		return would, err
	}
	out := a.showMind(next)
	out.Loosens = would.Loosens
	return out, nil
}

// nextMind is what was set with a change, checked as the file is.
func nextMind(set chosen.Mind, c api.ModelPolicyChange) (chosen.Mind, error) {
	if c.Mode == nil && c.Questions == nil && c.Redact == nil && c.Rules == nil {
		return set, fault.New(fault.Invalid, "nothing is to be set").WithHint("give mode, questions, redact_on_premises or rules")
	}
	for _, v := range []struct{ to, from *string }{{&set.Mode, c.Mode}, {&set.Questions, c.Questions}, {&set.Redact, c.Redact}} {
		if v.from != nil {
			*v.to = strings.TrimSpace(*v.from)
		}
	}
	if set.Redact != "" && set.Redact != "true" && set.Redact != "false" {
		return set, fault.New(fault.Invalid, "redact_on_premises is %.20q", set.Redact).WithHint("true, false, or empty for the default")
	}
	checked := config.DefaultModels()
	checked.Mode, checked.Questions = cmp.Or(set.Mode, checked.Mode), cmp.Or(set.Questions, checked.Questions)
	if err := refusal(checked.Problems()); err != nil || c.Rules == nil {
		return set, err
	}
	if len(*c.Rules) > chosen.MaxMindRule {
		return set, fault.New(fault.Limited, "there are %d rules, and at most %d are kept", len(*c.Rules), chosen.MaxMindRule)
	}
	set.Rules = nil
	for i, r := range *c.Rules {
		raw, err := checkedRule(r, (*c.Rules)[:i])
		if err != nil {
			return set, err
		}
		set.Rules = append(set.Rules, raw)
	}
	return set, nil
}

// checkedRule is a rule as it is kept.
func checkedRule(r api.ModelRule, before []api.ModelRule) (json.RawMessage, error) {
	if r.Name == "" || slices.ContainsFunc(before, func(o api.ModelRule) bool { return o.Name == r.Name }) {
		return nil, fault.New(fault.Invalid, "a rule has no name, or the name %.100q twice", r.Name).WithHint("give each rule a name of its own")
	}
	words := slices.Concat([]string{r.Name}, r.Zones, r.Types, r.Sources, r.TLP, r.Tasks)
	if len(words) > maxRuleWords || slices.ContainsFunc(words, func(w string) bool { return w == "" || len(w) > maxRuleText }) {
		return nil, fault.New(fault.Invalid, "the rule %.100q has more than %d words, or one that is empty or longer than %d bytes", r.Name, maxRuleWords, maxRuleText)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the rule %s", r.Name)
	}
	_, problems := config.ReadModelRule(raw)
	if err := refusal(problems); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the rule %.100q: %s", r.Name, plainText(err))
	}
	return raw, nil
}

// fixedMind refuses to set what the configuration says.
func (a *App) fixedMind(c api.ModelPolicyChange) error {
	for key, set := range map[string]*string{keyMode: c.Mode, keyQuestions: c.Questions, keyRedact: c.Redact} {
		if place := a.cfg.From[key]; set != nil && place != "" {
			return fault.New(fault.Conflict, "%s is set by the configuration, at %s", key, place).WithHint("change it there, or take it out there and set it here; rules that narrow further can be set here")
		}
	}
	return nil
}

func saidMind(m chosen.Mind) string {
	raw, err := json.Marshal(m.Rules)
	if err != nil || len(m.Rules) == 0 {
		raw = []byte("none")
	}
	return fmt.Sprintf("mode %s, questions %s, redact on premises %s, rules %s", cmp.Or(m.Mode, "not set"), cmp.Or(m.Questions, "not set"), cmp.Or(m.Redact, "not set"), raw)
}

// opens refuses a change that lets data go further than before, unless that is meant.
func opens(loosens []string, confirmed bool) error {
	if len(loosens) == 0 || confirmed {
		return nil
	}
	return fault.New(fault.Conflict, "this lets data go further than before: %s", strings.Join(loosens, "; ")).WithHint("if that is meant, confirm it")
}

// loosened says in words what may go further by a document than by another.
func (a *App) loosened(from, to chosen.Doc) []string {
	was, is := a.mindIn(from), a.mindIn(to)
	var out []string
	rank := []string{"off", "on-premises", "hybrid", "cloud"} // each lets go what the one before does
	if x, y := modeWord(was.Policy.Mode), modeWord(is.Policy.Mode); slices.Index(rank, y) > slices.Index(rank, x) {
		out = append(out, "the mode is "+y+" instead of "+x)
	}
	if is.Questions > was.Questions { // the strictest is the lowest
		out = append(out, "what people type counts as "+is.Questions.String()+" instead of "+was.Questions.String())
	}
	if was.Redact && !is.Redact {
		out = append(out, "models on the premises see names and addresses instead of pseudonyms")
	}
	for _, r := range was.Policy.Rules {
		if !slices.ContainsFunc(is.Policy.Rules, func(o route.Rule) bool { return reflect.DeepEqual(r, o) }) {
			out = append(out, "the rule "+r.Name+" does not hold any more as it was")
		}
	}
	out = append(out, a.openedBrokers(from, to)...)
	before := a.serversOf(from)
	for _, e := range a.serversOf(to) {
		at := slices.IndexFunc(before, func(o model.Endpoint) bool { return o.Name == e.Name })
		if at >= 0 && reflect.DeepEqual(before[at], e) {
			continue
		}
		known := []netip.Prefix(nil)
		if at >= 0 && before[at].Location == model.OnPremises {
			known = before[at].Networks
		}
		switch {
		case e.Location != model.OnPremises:
			out = append(out, fmt.Sprintf("the endpoint %s, outside the site, is asked at %s (operator %s) for what policy lets leave the site, once it is approved", e.Name, e.URL, cmp.Or(e.Terms.Operator, "not known")))
		case slices.ContainsFunc(e.Networks, func(n netip.Prefix) bool { return !slices.Contains(known, n) }):
			out = append(out, fmt.Sprintf("more addresses count as the premises for the endpoint %s", e.Name))
		}
	}
	return out
}
