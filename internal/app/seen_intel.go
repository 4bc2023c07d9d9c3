package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"vedette/internal/api"
	"vedette/internal/event"
	"vedette/internal/query"
)

// seenTitles is how many titles are told of one device or technique.
const seenTitles = 4

// Seen implements [api.Techniques]. The store counts, so that it is of all findings
// and not of the newest. In a confined context it is of findings on devices in its zones.
func (a *App) Seen(ctx context.Context) (api.IntelSeen, error) {
	out := api.IntelSeen{Hits: []api.SeenDevice{}, Techniques: []api.SeenTechnique{}}
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return out, err
	}
	hits, cut, err := a.kindsOf(ctx, query.Expr{Field: "finding_info.category", Op: query.Eq, Value: event.FamilyIndicator}, now.AddDate(0, 0, -90), "finding_info.title")
	if err != nil {
		return out, err
	}
	out.Cut = cut
	uids := []string{}
	at := map[string]int{}
	for _, k := range hits { // the most frequent first
		i, known := at[k.device]
		if !known {
			i = len(out.Hits)
			at[k.device] = i
			out.Hits, uids = append(out.Hits, api.SeenDevice{Device: k.device, Titles: []string{}}), append(uids, k.device)
		}
		d := &out.Hits[i]
		d.Findings, d.Severity, d.Last = d.Findings+k.count, max(d.Severity, k.severity), later(d.Last, k.last)
		d.Titles = oneMore(d.Titles, k.title)
	}
	names := a.DeviceNames(ctx, uids)
	for i := range out.Hits {
		out.Hits[i].Name = names[out.Hits[i].Device]
	}
	slices.SortStableFunc(out.Hits, func(x, y api.SeenDevice) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(y.Findings, x.Findings))
	})
	return out, a.seenTechniques(ctx, &out, now)
}

func (a *App) seenTechniques(ctx context.Context, out *api.IntelSeen, now time.Time) error {
	found, cut, err := a.kindsOf(ctx, query.Expr{Field: "finding_info.techniques", Op: query.Exists}, now.AddDate(0, 0, -30), "finding_info.title", "finding_info.techniques")
	if err != nil {
		return err
	}
	out.Cut = out.Cut || cut
	at, devices := map[string]int{}, map[string]map[string]bool{}
	for _, k := range found {
		for _, id := range k.techniques {
			i, known := at[id]
			if !known {
				i = len(out.Techniques)
				at[id], devices[id] = i, map[string]bool{}
				_, name, _, _ := a.techniques.Find(id)
				out.Techniques = append(out.Techniques, api.SeenTechnique{ID: id, Name: name, Titles: []string{}})
			}
			t := &out.Techniques[i]
			devices[id][k.device] = true
			t.Findings, t.Devices, t.Last = t.Findings+k.count, len(devices[id]), later(t.Last, k.last)
			t.Titles = oneMore(t.Titles, k.title)
		}
	}
	slices.SortStableFunc(out.Techniques, func(x, y api.SeenTechnique) int {
		return cmp.Or(cmp.Compare(y.Devices, x.Devices), cmp.Compare(y.Findings, x.Findings))
	})
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func oneMore(titles []string, title string) []string {
	if len(titles) < seenTitles && title != "" && !slices.Contains(titles, title) {
		titles = append(titles, title)
	}
	return titles
}

// seenKind is findings of one kind on one device.
type seenKind struct {
	device, title string
	techniques    []string
	count         int64
	severity      event.Severity
	last          time.Time
}

// kindsOf counts findings since a time by device and by more fields, the most
// frequent first; cut tells that there are more kinds than one answer holds.
func (a *App) kindsOf(ctx context.Context, where query.Expr, since time.Time, by ...string) (out []seenKind, cut bool, err error) {
	sight, confined := a.sightOf(ctx)
	res, err := a.events.Query(ctx, query.Query{
		Classes: []string{event.DetectionFinding.String()}, Where: &where, Time: query.TimeRange{From: since},
		Group:    append([]string{"device.uid"}, by...),
		Measures: []query.Measure{{Fn: query.Count}, {Fn: query.Max, Field: "severity_id"}, {Fn: query.Last}},
		Sort:     []query.Sort{{By: "count", Desc: true}}, Limit: query.MaxLimit,
	})
	if err != nil {
		return nil, false, err
	}
	for _, row := range res.Rows {
		var k seenKind
		k.device, _ = row[0].(string)
		k.title, _ = row[1].(string)
		if len(by) > 1 {
			switch v := row[2].(type) {
			case []string:
				k.techniques = v
			case string: // the engine gives each member apart
				k.techniques = []string{v}
			}
		}
		if confined && !sight.own(k.device) {
			continue
		}
		if confined && sight.foreign(k.title) {
			k.title = ""
		}
		n := 1 + len(by)
		k.count, _ = row[n].(int64)
		level, _ := row[n+1].(int64)
		k.severity = event.Severity(level)
		k.last, _ = row[n+2].(time.Time)
		out = append(out, k)
	}
	return out, res.Total > int64(len(res.Rows)), nil
}
