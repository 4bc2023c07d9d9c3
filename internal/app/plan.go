package app

import (
	"context"
	"slices"
	"strings"

	"vedette/internal/api"
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
	all := remedy.Plan(x.index, func(subject string) []reach.Flow { return a.reachedBy(x, subject) })
	return slices.DeleteFunc(all, func(t remedy.Action) bool {
		return f.Decision != "" && t.Decision != f.Decision || f.ID != "" && !slices.Contains(t.Vulnerabilities, strings.ToUpper(f.ID)) || f.Subject != "" && !slices.Contains(t.Subjects, f.Subject)
	}), nil
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
