package app

import (
	"fmt"
	"strings"

	"vedette/internal/api"
	"vedette/internal/detect"
	"vedette/internal/detect/sigma"
)

// judged is how judgement stands, for whoever asks while events are judged.
type judged struct {
	rules      int
	refused    []sigma.Refusal
	conditions []detect.Condition
}

// noteJudged is called under writing when that may have changed.
func (a *App) noteJudged() {
	a.judgedNow.Store(&judged{a.ruler.Set().Len(), a.rules.Load().refusals, a.chain.Conditions()})
}

// judgedChecks tell what an operator should know of rules and detectors. Before
// the first event there are none.
func (a *App) judgedChecks() []api.Check {
	now := a.judgedNow.Load()
	if now == nil {
		return nil
	}
	rules := api.Check{Name: "rules", State: api.OK, Text: fmt.Sprintf("%d rules are in force", now.rules)}
	if n := len(now.refused); n > 0 {
		r := now.refused[0]
		rules.State = api.Warning
		rules.Text += fmt.Sprintf(", %d were refused, such as %s in %s: %s", n, r.Rule, r.File, r.Reason)
		rules.Do = "see all with: vedette rules check PATH; correct or remove them, they are read anew within five minutes"
	}
	bounds := api.Check{Name: "detection", State: api.OK, Text: "no bound was reached"}
	var parts []string
	for _, c := range now.conditions {
		parts = append(parts, fmt.Sprintf("%s (%s, %d times)", c.Text, c.Code, c.Count))
	}
	for _, c := range a.incidents.Conditions() {
		parts = append(parts, fmt.Sprintf("%s (%s, %d times)", c.Text, c.Code, c.Count))
	}
	if len(parts) > 0 {
		bounds.State, bounds.Text = api.Warning, strings.Join(parts, "; ")
		bounds.Do = "look whether one host sends far more than others; what each bound means stands in docs/behaviour.md, docs/rules.md and docs/incidents.md"
	}
	return []api.Check{rules, bounds}
}
