package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing/fstest"

	"vedette/content"
	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/edge"
	"vedette/internal/eval/ruletest"
	"vedette/internal/fault"
)

// Rules implements [api.RuleSettings]: all that there are, disabled and refused ones
// too, by title.
func (a *App) Rules(ctx context.Context) ([]api.RuleView, error) {
	doc, _ := a.set.Now()
	all, _, err := a.readRules(ctx, doc)
	if err != nil {
		return nil, err
	}
	out := make([]api.RuleView, 0, len(all.Docs))
	for i := range all.Docs {
		if d := &all.Docs[i]; d.ID != "" && d.Kind != rule.Filter {
			out = append(out, a.ruleView(doc, d))
		}
	}
	if state := a.rules.Load(); state != nil {
		for i := range out {
			for _, r := range state.refusals {
				if r.File == out[i].File && r.Rule == out[i].ID {
					out[i].Refused = r.Reason
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b api.RuleView) int { return strings.Compare(a.Title+a.ID, b.Title+b.ID) })
	return out, nil
}

func (a *App) ruleView(doc chosen.Doc, d *sigma.Document) api.RuleView {
	v := api.RuleView{ID: d.ID, Title: d.Title, Kind: "rule", Level: d.Level, Status: d.Status, Source: d.Source.String(), Tags: d.Tags, File: d.File, Origin: api.FromProgram, Enabled: true}
	if d.Kind == rule.Correlation {
		v.Kind, v.Source = "correlation", ""
	}
	own, set := strings.CutPrefix(d.File, setRule)
	switch {
	case set:
		v.Origin = api.FromHere
		if at := doc.Rule(own); at >= 0 {
			v.By, v.Version = byOf(doc.Rules[at].Mark), doc.Rules[at].Mark.Version
		}
	case strings.HasPrefix(d.File, "/") || strings.HasPrefix(d.File, a.cfg.Dir) || slices.ContainsFunc(a.cfg.Detect.Rules, func(p string) bool { return strings.HasPrefix(d.File, p) }):
		v.Origin = api.FromFile
	}
	if m, off := doc.Disabled[d.ID]; off {
		v.Enabled, v.Disabled, v.Version = false, byOf(m), max(v.Version, m.Version)
	}
	return v
}

// Rule implements [api.RuleSettings].
func (a *App) Rule(ctx context.Context, id string) (api.RuleView, error) {
	list, err := a.Rules(ctx)
	if err != nil {
		return api.RuleView{}, err
	}
	at := slices.IndexFunc(list, func(v api.RuleView) bool { return v.ID == id })
	if at < 0 {
		return api.RuleView{}, fault.New(fault.NotFound, "there is no rule %.100q", id).WithHint("list them with: vedette rules all")
	}
	v := list[at]
	doc, _ := a.set.Now()
	if own := doc.Rule(strings.TrimPrefix(v.File, setRule)); v.Origin == api.FromHere && own >= 0 {
		v.Text, v.Test, err = a.textsOf(ctx, doc.Rules[own])
	}
	return v, err
}

func (a *App) textsOf(ctx context.Context, r chosen.Rule) (text, test string, err error) {
	raw, err := a.set.Text(ctx, r.Text)
	if err != nil || r.Test == "" {
		return string(raw), "", err
	}
	lines, err := a.set.Text(ctx, r.Test)
	return string(raw), string(lines), err
}

// PutRule implements [api.RuleSettings].
func (a *App) PutRule(ctx context.Context, p api.RulePut) (api.RuleView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	if err := a.mayChange(); err != nil {
		return api.RuleView{}, err
	}
	doc, _ := a.set.Now()
	would, err := a.examineRule(ctx, doc, p)
	if err != nil || p.Check {
		return would, err
	}
	if bad := slices.IndexFunc(would.Tests, func(t api.RuleTest) bool { return !t.OK }); bad >= 0 && !p.Confirm {
		t := would.Tests[bad]
		return would, fault.New(fault.Conflict, "the rule fails its own test, in %q: %s", t.Section, t.Reason).WithHint("correct rule or test, or confirm that it is set all the same")
	}
	at := doc.Rule(would.ID)
	texts := map[string][]byte{chosen.Hash([]byte(p.Text)): []byte(p.Text)}
	next := chosen.Rule{ID: would.ID, Text: chosen.Hash([]byte(p.Text))}
	if p.Test != "" {
		next.Test = chosen.Hash([]byte(p.Test))
		texts[next.Test] = []byte(p.Test)
	}
	_, err = a.set.Change(ctx, p.Actor, p.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		next.Mark = m
		deed := chosen.Deed{Action: "settings.rule_add", Object: would.ID, After: would.Title + ", sha256 " + next.Text, Texts: texts}
		if at < 0 {
			d.Rules = append(d.Rules, next)
			return deed, nil
		}
		deed.Action, deed.Before = "settings.rule_change", "sha256 "+d.Rules[at].Text
		d.Rules[at] = next
		return deed, nil
	})
	if err != nil {
		return would, err
	}
	if err := a.applyRules(ctx); err != nil {
		return would, err
	}
	v, err := a.Rule(ctx, would.ID)
	v.Tests, v.Notes = would.Tests, would.Notes
	return v, err
}

// examineRule reads a rule as it would be loaded, and runs its test.
func (a *App) examineRule(ctx context.Context, doc chosen.Doc, p api.RulePut) (api.RuleView, error) {
	var none api.RuleView
	if len(p.Text) > chosen.MaxText || len(p.Test) > chosen.MaxText {
		return none, fault.New(fault.Limited, "the rule or its test has more than %d KiB", chosen.MaxText>>10)
	}
	docs, refused := sigma.Parse("the rule", []byte(p.Text))
	if len(refused) > 0 {
		return none, fault.New(fault.Invalid, "the rule cannot be read: %s", refused[0].Reason)
	}
	if len(docs) == 0 || docs[len(docs)-1].ID == "" {
		return none, fault.New(fault.Invalid, "there is no rule with an id").WithHint("a Sigma rule has at least title, id, logsource and detection")
	}
	id := docs[len(docs)-1].ID
	at := doc.Rule(id)
	if at < 0 && len(doc.Rules) >= chosen.MaxRules {
		return none, fault.New(fault.Limited, "there are %d rules, which is the most", len(doc.Rules))
	}
	now := int64(0)
	if at >= 0 {
		now = doc.Rules[at].Mark.Version
	}
	if err := stale(p.Change, now); err != nil {
		return none, err
	}
	notes, err := a.compilesWith(ctx, doc, id, p.Text, docs)
	if err != nil {
		return none, err
	}
	v := a.ruleView(doc, &docs[len(docs)-1])
	v.File, v.Origin, v.Version, v.Notes, v.Text, v.Test = setRule+id, api.FromHere, now, notes, p.Text, p.Test
	v.Tests, err = testRule(ctx, p)
	return v, err
}

// compilesWith compiles a rule beside all others.
func (a *App) compilesWith(ctx context.Context, doc chosen.Doc, id, text string, docs []sigma.Document) (notes []string, err error) {
	all, _, err := a.readRules(ctx, doc)
	if err != nil {
		return nil, err
	}
	own := setRule + id
	all.Docs = slices.DeleteFunc(all.Docs, func(d sigma.Document) bool { return d.File == own })
	for i := range docs {
		other := slices.IndexFunc(all.Docs, func(d sigma.Document) bool { return d.ID == docs[i].ID && d.ID != "" })
		if other >= 0 {
			return nil, fault.New(fault.Conflict, "the id %s is that of the rule %q in %s", docs[i].ID, all.Docs[other].Title, all.Docs[other].File).WithHint("give it an id of its own; to replace a rule disable it")
		}
	}
	mine, _ := sigma.Parse(own, []byte(text))
	set, refused, err := compileAll(&rulefile.Loaded{Docs: append(all.Docs, mine...)})
	if err != nil {
		return nil, err
	}
	for _, r := range refused {
		if r.File == own {
			return nil, fault.New(fault.Invalid, "the rule is refused: %s", r.Reason)
		}
	}
	for _, n := range set.Notes() {
		if n.File == own {
			notes = append(notes, n.Reason)
		}
	}
	return notes, nil
}

// testRule runs the test of a rule as `vedette rules test` does.
func testRule(ctx context.Context, p api.RulePut) ([]api.RuleTest, error) {
	if strings.TrimSpace(p.Test) == "" {
		return nil, nil
	}
	pack, err := ruletest.Load(fstest.MapFS{"rule.yml": {Data: []byte(p.Text)}, "rule.txtar": {Data: []byte(p.Test)}}, ruletest.Options{
		Formats: edge.Formats(), Mapping: content.SigmaMapping(), Expand: content.RuleValues(),
		Before: func() []detect.Detector {
			return []detect.Detector{behave.New(behave.Config{MaxProfiles: 4096, MaxGroups: 128, MaxSeries: 1024})}
		},
	})
	if err != nil {
		return nil, err
	}
	var out []api.RuleTest
	for i := range pack.Entries {
		for _, r := range pack.Run(ctx, &pack.Entries[i]) {
			out = append(out, api.RuleTest{Section: r.Section, OK: r.OK, Events: r.Events, Reason: r.Reason})
		}
	}
	return out, ctx.Err()
}

// ChangeRule implements [api.RuleSettings].
func (a *App) ChangeRule(ctx context.Context, c api.RuleDeed) (api.RuleView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	v, err := a.Rule(ctx, c.ID)
	if err != nil {
		return v, err
	}
	doc, _ := a.set.Now()
	own := doc.Rule(c.ID)
	if err := errors.Join(a.mayChange(), mayDo(c, v, own), stale(c.Change, v.Version)); err != nil {
		return v, err
	}
	if v.Notes, err = a.hangsOn(ctx, doc, c); err != nil || c.Check {
		return v, err
	}
	_, err = a.set.Change(ctx, c.Actor, c.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		deed := chosen.Deed{Action: "settings.rule_" + c.Do, Object: c.ID, Before: v.Title}
		switch c.Do {
		case "remove":
			d.Rules = slices.Delete(d.Rules, own, own+1)
			delete(d.Disabled, c.ID)
		case "disable":
			if d.Disabled == nil {
				d.Disabled = map[string]chosen.Mark{}
			}
			d.Disabled[c.ID] = m
		default:
			delete(d.Disabled, c.ID)
		}
		return deed, nil
	})
	if err != nil {
		return v, err
	}
	if err := a.applyRules(ctx); err != nil || c.Do == "remove" {
		return v, err
	}
	notes := v.Notes
	v, err = a.Rule(ctx, c.ID)
	v.Notes = notes
	return v, err
}

// mayDo refuses what cannot be done to a rule.
func mayDo(c api.RuleDeed, v api.RuleView, own int) error {
	switch {
	case c.Do != "enable" && c.Do != "disable" && c.Do != "remove":
		return fault.New(fault.Invalid, "a rule cannot be asked to %.20q", c.Do).WithHint("enable, disable or remove")
	case c.Do == "remove" && own < 0:
		return fault.New(fault.Conflict, "the rule %s was not set here: it is in %s", c.ID, v.File).WithHint("it can be disabled")
	case c.Do == "disable" && !v.Enabled, c.Do == "enable" && v.Enabled:
		return fault.New(fault.Conflict, "the rule %s is %sd already", c.ID, c.Do)
	}
	return nil
}

// hangsOn names the correlations that count a rule: without it they are refused.
func (a *App) hangsOn(ctx context.Context, doc chosen.Doc, c api.RuleDeed) ([]string, error) {
	if c.Do == "enable" {
		return nil, nil
	}
	all, _, err := a.readRules(ctx, doc)
	if err != nil {
		return nil, err
	}
	name := ""
	for i := range all.Docs {
		if all.Docs[i].ID == c.ID {
			name = all.Docs[i].Name
		}
	}
	var out []string
	for i := range all.Docs {
		d := &all.Docs[i]
		if d.Kind == rule.Correlation && (slices.Contains(d.Rules, c.ID) || name != "" && slices.Contains(d.Rules, name)) {
			out = append(out, fmt.Sprintf("the correlation %q counts it and is not in force without it", d.Title))
		}
	}
	return out, nil
}

// changedRules says what becomes of rules between two documents.
func changedRules(from, to chosen.Doc) []string {
	words := map[string]string{}
	for _, r := range to.Rules {
		if at := from.Rule(r.ID); at < 0 {
			words[r.ID] = "is there again"
		} else if from.Rules[at].Text != r.Text || from.Rules[at].Test != r.Test {
			words[r.ID] = "is as it was"
		}
	}
	for _, r := range from.Rules {
		if to.Rule(r.ID) < 0 {
			words[r.ID] = "is removed"
		}
	}
	for id := range from.Disabled {
		if _, off := to.Disabled[id]; !off && words[id] == "" {
			words[id] = "is enabled"
		}
	}
	for id := range to.Disabled {
		if _, off := from.Disabled[id]; !off && words[id] == "" {
			words[id] = "is disabled"
		}
	}
	var out []string
	for _, id := range slices.Sorted(maps.Keys(words)) {
		out = append(out, "rule "+id+" "+words[id])
	}
	return out
}
