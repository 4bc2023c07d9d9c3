package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"vedette/content"
	"vedette/internal/api"
	"vedette/internal/correlate"
	"vedette/internal/detect/sigma"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/intel"
	"vedette/internal/intel/answer"
	"vedette/internal/query"
)

// techniqueFindings bounds the findings whose devices are told.
const techniqueFindings = 5000

// Technique implements [api.Techniques]. In a confined context it tells what it is and
// what counters it, on which devices in the zones it was found and by which rules: rules
// that found nothing there, and what feeds know, are of the whole site.
func (a *App) Technique(ctx context.Context, id string) (api.TechniqueAnswer, error) {
	out := api.TechniqueAnswer{Asked: id, Tactics: []string{}, Rules: []api.TechniqueRule{}, Devices: []api.TechniqueDevice{}}
	now, name, tactics, ok := a.techniques.Find(strings.ToUpper(strings.TrimSpace(id)))
	if !ok {
		return out, fault.New(fault.NotFound, "there is no technique %.40q", id).WithHint("ids are such as T0855, T1110.001 or AML.T0051")
	}
	out.ID, out.Name, out.Tactics = now, name, tactics
	table, err := answer.Load(content.Answers())
	if err != nil {
		return out, err
	}
	out.Measures, out.Patterns = table.Against(now), table.Patterns(now)
	set, err := a.intel.Set(ctx)
	if err != nil {
		return out, err
	}
	_, confined := query.Confined(ctx)
	if out.Uses = []intel.Use{}; !confined {
		out.Uses = set.Uses(now)
	}
	rules, err := a.rulesInForce(ctx)
	if err != nil {
		return out, err
	}
	for i := range rules {
		if r := &rules[i]; slices.ContainsFunc(r.Techniques, func(t string) bool { return isTechnique(a.techniques, t, now) }) {
			out.Rules = append(out.Rules, api.TechniqueRule{ID: r.ID, Title: r.Title, Level: r.Level})
		}
	}
	by, err := a.found(ctx, &out)
	if confined {
		out.Rules = append([]api.TechniqueRule{}, left(out.Rules, func(r api.TechniqueRule) bool { return !by[r.ID] })...)
	}
	return out, err
}

// isTechnique tells whether an id stands for a technique, or for one below it.
func isTechnique(c *correlate.Techniques, id, technique string) bool {
	now, _, _, _ := c.Find(id)
	return now == technique || strings.HasPrefix(now, technique+".")
}

// rulesInForce are the rules that events are judged by.
func (a *App) rulesInForce(ctx context.Context) ([]sigma.Rule, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	if err := a.ready(ctx); err != nil {
		return nil, err
	}
	return a.ruler.Set().Rules(), nil
}

// found tells on which devices it was found, and returns the rules that found it.
func (a *App) found(ctx context.Context, out *api.TechniqueAnswer) (by map[string]bool, err error) {
	ids := []string{out.ID}
	if asked := strings.ToUpper(strings.TrimSpace(out.Asked)); asked != out.ID { // what it took the place of
		ids = append(ids, asked)
	}
	var either []query.Expr
	for _, id := range ids {
		either = append(either, query.Expr{Field: "finding_info.techniques", Op: query.Contains, Value: id})
	}
	q := findingQuery(&query.Expr{Or: either})
	q.Sort, q.Limit = []query.Sort{{By: "time", Desc: true}}, techniqueFindings
	got, err := a.findings(ctx, q)
	if err != nil {
		return nil, err
	}
	by = map[string]bool{}
	devices := map[string]*api.TechniqueDevice{}
	for i := range got.List {
		f := &got.List[i]
		if !slices.ContainsFunc(f.Techniques, func(t string) bool { return isTechnique(a.techniques, t, out.ID) }) {
			continue
		}
		by[f.Rule] = true
		if out.Findings++; out.Last == nil {
			out.Last = &f.Time
		}
		key := deviceOf(f)
		d := devices[key]
		if d == nil {
			d = &api.TechniqueDevice{UID: cmp.Or(f.Device, f.Src.UID), Name: key, Last: f.Time}
			devices[key] = d
		}
		d.Findings++
	}
	out.Cut = got.Total > int64(len(got.List))
	for _, d := range devices {
		out.Devices = append(out.Devices, *d)
	}
	uids := make([]string, 0, len(out.Devices))
	for _, d := range out.Devices {
		uids = append(uids, d.UID)
	}
	names := a.DeviceNames(ctx, uids)
	for i := range out.Devices {
		out.Devices[i].Name = cmp.Or(names[out.Devices[i].UID], out.Devices[i].Name)
	}
	slices.SortFunc(out.Devices, func(x, y api.TechniqueDevice) int {
		return cmp.Or(cmp.Compare(y.Findings, x.Findings), cmp.Compare(x.Name, y.Name), cmp.Compare(x.UID, y.UID))
	})
	return by, nil
}

// deviceOf is the device that a finding is about, else the address of who began.
func deviceOf(f *event.Finding) string {
	return cmp.Or(f.Device, f.Src.UID, f.Src.IP, "unknown")
}
