package correlate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
)

// base is what one finding of a severity is worth, and ceiling what findings of
// at most that severity amount to, however many: noise stays low.
var (
	base    = [7]float64{0, 0.02, 0.08, 0.25, 0.55, 0.80, 0.95}
	ceiling = [7]float64{0, 0.10, 0.30, 0.60, 0.85, 1, 1}
)

// maxFactors is how many steps of the computation are shown.
const maxFactors = 12

// score orders incidents of one severity: the rules' worth joined by noisy-or,
// more for each stage, under the ceiling of the gravest severity.
func (c *Correlator) score(w *state, stages []Stage) (float64, []Factor) {
	type best struct {
		k      *kindRow
		worth  float64
		opined string
	}
	var rules []best
	for i := range w.Kinds {
		k := &w.Kinds[i]
		worth := base[k.Severity] * confidence(w, k.Template)
		f, why := c.weight(k)
		worth *= f
		at := slices.IndexFunc(rules, func(b best) bool { return b.k.Template == k.Template })
		if at < 0 {
			rules = append(rules, best{k, worth, why})
		} else if worth > rules[at].worth {
			rules[at] = best{k, worth, why}
		}
	}
	slices.SortStableFunc(rules, func(a, b best) int {
		switch {
		case a.worth > b.worth:
			return -1
		case a.worth < b.worth:
			return 1
		}
		return strings.Compare(a.k.Rule, b.k.Rule)
	})
	against := 1.0
	steps := []Factor{}
	for i, r := range rules {
		against *= 1 - min(r.worth, 0.99)
		if i < maxFactors {
			text := r.k.Severity.String() + ": " + shown(r.k.Title, r.k.Family)
			if r.opined != "" {
				text += "; " + r.opined
			}
			steps = append(steps, Factor{text, round(r.worth)})
		}
	}
	p := 1 - against
	if n := len(stages); n > 1 {
		f := min(1+0.1*float64(n-1), 1.5)
		p *= f
		steps = append(steps, Factor{fmt.Sprintf("%d stages of an attack: times", n), round(f)})
	}
	if top := ceiling[w.gravest()]; p > top {
		p = top
		steps = append(steps, Factor{"no more than findings of at most " + w.gravest().String() + " severity are worth", top})
	}
	return round(100 * p), steps
}

// confidence of a rule: what it said itself, or, when it said nothing, full.
func confidence(w *state, template uint64) float64 {
	for i := range w.Rules {
		if r := &w.Rules[i]; r.Template == template && r.Confidence > 0 {
			return min(r.Confidence, 1)
		}
	}
	return 1
}

// process are the tactics that reach into the physical process.
var process = []string{"inhibit-response-function", "impair-process-control"}

// severity is that of the gravest finding, raised by what the findings show
// together. Low findings alone stay low unless they advance over four stages.
func (c *Correlator) severity(w *state, stages []Stage) (event.Severity, []string) {
	level := w.gravest()
	why := []string{}
	raise := func(to event.Severity, text string) {
		if to = min(to, event.Critical); to > level {
			level = to
			why = append(why, text)
		}
	}
	steps := advance(stages)
	if level <= event.Low {
		if level == event.Low && steps >= 4 {
			raise(event.Medium, fmt.Sprintf("low findings, but they advance over %d stages", steps))
		}
		return level, why
	}
	gravest := level
	touches := slices.ContainsFunc(stages, func(s Stage) bool {
		return slices.Contains(process, s.Tactic) || s.Tactic == "impact" && slices.ContainsFunc(s.Techniques, c.isICS)
	})
	switch {
	case c.oneSitting(w): // who works on a controller does all of this, and so does who attacks it
	case steps >= 3:
		raise(gravest+1, fmt.Sprintf("the attack advances over %d stages: %s", steps, names(stages)))
	case touches && steps >= 2:
		raise(gravest+1, "it reaches the process after an earlier stage: "+names(stages))
	}
	if device := c.critical(w); device != "" && touches {
		raise(level+1, "it reaches the process of "+c.call(key{"device", device})+", which is critical")
	} else if device != "" && gravest >= event.Medium && level == gravest {
		raise(min(gravest+1, event.High), c.call(key{"device", device})+" is critical")
	}
	return level, why
}

// sitting is how long work on one controller takes at most to be called one
// sitting.
const sitting = 15 * time.Minute

// oneSitting tells what looks like the work of an engineer as much as like an
// attack: findings of rules alone, all between the same two ends, within a
// short time, with techniques of industrial control only. A tool that explores a
// controller, stops it, loads and starts it goes through five stages in seconds.
// That someone does so who never did, from where nobody may, against several
// devices, or after breaking in, is told by findings of other families, ends or
// techniques, and then it is no longer a sitting.
func (c *Correlator) oneSitting(w *state) bool {
	if len(w.Kinds) == 0 || w.KindsMore > 0 || w.gravest() > event.Medium {
		return false
	}
	first, last := w.Kinds[0].First, w.Kinds[0].Last
	for i := range w.Kinds {
		k := &w.Kinds[i]
		if k.Family != event.FamilySigma || k.Src == "" || k.Dst == "" || k.Src != w.Kinds[0].Src || k.Dst != w.Kinds[0].Dst {
			return false
		}
		if k.First.Before(first) {
			first = k.First
		}
		if k.Last.After(last) {
			last = k.Last
		}
	}
	other := func(t techRow) bool { m := c.cfg.Techniques.find(t.ID).matrix; return m != "ics" && m != "atlas" }
	return last.Sub(first) <= sitting && !slices.ContainsFunc(w.Techs, other)
}

func (c *Correlator) isICS(id string) bool { return c.cfg.Techniques.find(id).matrix == "ics" }

// critical returns a device of the incident that matters most, if any.
func (c *Correlator) critical(w *state) string {
	if c.cfg.Assets == nil {
		return ""
	}
	for i := range w.Nodes {
		n := &w.Nodes[i]
		if n.Type != "device" || n.Roles&(victim|subject) == 0 {
			continue
		}
		if word := strings.ToLower(c.cfg.Assets.CriticalityOf(n.Value)); word == "critical" || word == "high" {
			return n.Value
		}
	}
	return ""
}

// advance is how many stages follow each other in the order of an attack and
// of time. Stages come in the order of time. Those that one finding began,
// since its rule has techniques of several tactics, are one step.
func advance(stages []Stage) int {
	best := make([]int, len(stages))
	most := 0
	for i := range stages {
		r := rank(stages[i].Tactic)
		if r == 0 {
			continue
		}
		best[i] = 1
		for j := range i {
			if q := rank(stages[j].Tactic); q > 0 && q < r && best[j] >= best[i] && !begunTogether(stages[i], stages[j]) {
				best[i] = best[j] + 1
			}
		}
		most = max(most, best[i])
	}
	return most
}

func begunTogether(a, b Stage) bool {
	return len(a.Findings) > 0 && len(b.Findings) > 0 && a.Findings[0] == b.Findings[0]
}

func names(stages []Stage) string {
	list := make([]string, len(stages))
	for i, s := range stages {
		list[i] = strings.ToLower(s.Name)
	}
	return strings.Join(list, ", ")
}
