package app

import (
	"context"
	"slices"
	"strings"

	"vedette/internal/api"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/reach"
	"vedette/internal/vuln/remedy"
)

// PlanVulns tells what to do about what is affected, grouped by action.
func (a *App) PlanVulns(ctx context.Context, f api.VulnFilter) ([]remedy.Action, error) {
	if err := checkFilter(&f); err != nil {
		return nil, err
	}
	x, err := a.exposureNow(ctx)
	if err != nil {
		return nil, err
	}
	all := remedy.Plan(only{x.index, f.Subject}, func(subject string) []reach.Flow { return a.reachedBy(x, subject) })
	open := a.tasks.book.ByAction()
	for i := range all {
		all[i].Task = open[all[i].ID]
	}
	return slices.DeleteFunc(all, func(t remedy.Action) bool {
		return f.Decision != "" && t.Decision != f.Decision || f.ID != "" && !slices.Contains(t.Vulnerabilities, strings.ToUpper(f.ID))
	}), nil
}

// only is what one subject runs, or all when it is "".
type only struct {
	*exposure.Index
	subject string
}

// Holdings implements [remedy.Source].
func (o only) Holdings(f func(h *exposure.Holding)) {
	o.Index.Holdings(func(h *exposure.Holding) {
		if o.subject != "" {
			h.By = slices.DeleteFunc(h.By, func(b exposure.Holder) bool { return b.Subject != o.subject })
		}
		if len(h.By) > 0 {
			f(h)
		}
	})
}

// reachedBy are the flows that were seen to reach a device from elsewhere.
func (a *App) reachedBy(x *exposed, subject string) []reach.Flow {
	a.vulns.mu.Lock()
	defer a.vulns.mu.Unlock()
	d, ok := x.devices[strings.TrimPrefix(subject, ofDevice)]
	if !ok || x.seen == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(x.seen.flows[d.UID]), func(f reach.Flow) bool { return strings.EqualFold(f.Zone, d.Zone) })
}
