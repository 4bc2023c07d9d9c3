package app

import (
	"context"
	"slices"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/reach"
	"vedette/internal/vuln/remedy"
)

// view is what a context may see of what is exposed: who is confined to zones sees
// the devices in them, whatever is asked for.
func (x *exposed) view(ctx context.Context) exposure.View {
	if zones, ok := query.Confined(ctx); ok {
		return x.index.Within(zones)
	}
	return x.index.All()
}

// PlanVulns tells what to do about what is affected, grouped by action.
func (a *App) PlanVulns(ctx context.Context, f api.PlanFilter) (api.VulnPlan, error) {
	check := api.VulnFilter{Decision: f.Decision, Offset: f.Offset, Limit: f.Limit}
	if err := checkFilter(&check); err != nil {
		return api.VulnPlan{}, err
	}
	if len(f.Text) > maxGroupText || f.Names < 0 {
		return api.VulnPlan{}, fault.New(fault.Invalid, "the text has more than %d bytes, or names is below 0", maxGroupText)
	}
	x, err := a.exposureNow(ctx)
	if err != nil {
		return api.VulnPlan{}, err
	}
	v := x.view(ctx)
	if f.Subject != "" {
		v = v.Of(f.Subject)
	}
	ask := remedy.Ask{ID: f.ID, Decision: f.Decision, Text: strings.ToLower(strings.TrimSpace(f.Text)), Offset: f.Offset, Limit: f.Limit, Names: f.Names, Flows: a.reached(ctx, x)}
	if ask.Text != "" {
		ask.Named = a.subjectsNamed(ctx, x, ask.Text)
	}
	page := x.planner.Page(v, &ask)
	open := a.openByAction(ctx)
	for i := range page.Actions {
		page.Actions[i].Task = open[page.Actions[i].ID]
	}
	return api.VulnPlan{Rows: page.Actions, Total: page.Total, Counts: page.Counts}, nil
}

// openByAction gives for each action the task that was opened last of those that the
// context may see and that are not verified.
func (a *App) openByAction(ctx context.Context) map[string]string {
	zones, ok := query.Confined(ctx)
	if !ok {
		return a.tasks.book.ByAction(nil)
	}
	return a.tasks.book.ByAction(func(subject string) bool { return slices.Contains(zones, a.zoneOf(subject)) })
}

// subjectsNamed are the devices and products in whose names a text in lower case is,
// of those that the context may see.
func (a *App) subjectsNamed(ctx context.Context, x *exposed, text string) []string {
	var out []string
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	for _, n := range a.deviceNames(ctx) {
		if has(n.Text) {
			out = append(out, ofDevice+n.UID)
		}
	}
	if _, ok := query.Confined(ctx); ok {
		return out
	}
	a.vulns.mu.Lock()
	defer a.vulns.mu.Unlock()
	for subject := range x.loose {
		if has(subject) {
			out = append(out, subject)
		}
	}
	return out
}

// reached are the flows that were seen to reach devices from elsewhere; nil when that
// was not looked at.
func (a *App) reached(ctx context.Context, x *exposed) []remedy.Reached {
	a.vulns.mu.Lock()
	defer a.vulns.mu.Unlock()
	if x.seen == nil {
		return nil
	}
	out := make([]remedy.Reached, 0, len(x.seen.flows))
	for uid := range x.seen.flows {
		if d, ok := x.devices[uid]; ok && query.Sees(ctx, d.Zone) {
			out = append(out, remedy.Reached{Subject: ofDevice + uid, Flows: x.flowsTo(&d)})
		}
	}
	return out
}

// reachedBy are those that reach one device.
func (a *App) reachedBy(x *exposed, subject string) []reach.Flow {
	a.vulns.mu.Lock()
	defer a.vulns.mu.Unlock()
	d, ok := x.devices[strings.TrimPrefix(subject, ofDevice)]
	if !ok || x.seen == nil {
		return nil
	}
	return x.flowsTo(&d)
}

// flowsTo are the flows to a device from outside of its zone.
func (x *exposed) flowsTo(d *store.Device) []reach.Flow {
	return left(x.seen.flows[d.UID], func(f reach.Flow) bool { return strings.EqualFold(f.Zone, d.Zone) })
}
