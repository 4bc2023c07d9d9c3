package app

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"vedette/internal/console"
	"vedette/internal/correlate"
)

// OpenIncidents implements [console.Incidents].
func (a *App) OpenIncidents(ctx context.Context, n int) ([]console.Incident, error) {
	list, err := a.Incidents(ctx, false)
	if err != nil {
		return nil, err
	}
	out := make([]console.Incident, 0, min(n, len(list)))
	for _, i := range list[:min(n, len(list))] {
		out = append(out, a.shown(i))
	}
	return out, nil
}

// IncidentDetail implements [console.Incidents].
func (a *App) IncidentDetail(ctx context.Context, uid string) (console.IncidentDetail, error) {
	d, err := a.Incident(ctx, uid)
	if err != nil {
		return console.IncidentDetail{}, err
	}
	out := console.IncidentDetail{Incident: a.shown(d.Incident), Score: scoreText(d.Incident)}
	for _, s := range d.Stages {
		out.Stages = append(out.Stages, s.Name)
	}
	for _, m := range d.Timeline {
		out.Timeline = append(out.Timeline, console.Moment{
			Time: m.First, Title: m.Title, Severity: m.Severity.String(), From: a.nameOf(m.Source), To: a.nameOf(m.Target), Count: int(m.Count),
		})
	}
	for _, j := range d.Joins {
		out.Joined = append(out.Joined, j.Reason)
	}
	for _, m := range d.Merges {
		out.Joined = append(out.Joined, "another incident was merged into this one: "+m.Reason)
	}
	for _, s := range d.Similar {
		out.Similar = append(out.Similar, console.Similar{UID: s.UID, Title: s.Title, Why: s.Why})
	}
	return out, nil
}

func (a *App) shown(i correlate.Incident) console.Incident {
	out := console.Incident{
		UID: i.UID, Title: i.Title, Severity: i.Severity.String(), Status: i.Status, First: i.First, Last: i.Last, Findings: int(i.Findings.Count),
		Devices: []string{}, Techniques: []string{},
	}
	for _, uid := range i.Devices {
		out.Devices = append(out.Devices, a.nameOf(uid))
	}
	for _, t := range i.Techniques {
		out.Techniques = append(out.Techniques, t.ID)
	}
	return out
}

// nameOf is what a device is called; what is no device of ours is an address.
func (a *App) nameOf(uid string) string {
	name, _ := a.devices.NameOf(uid)
	return cmp.Or(name, uid)
}

// scoreText says how a score came about.
func scoreText(i correlate.Incident) string {
	parts := make([]string, len(i.Computed))
	for n, f := range i.Computed {
		parts[n] = f.Text
	}
	text := fmt.Sprintf("%.0f", i.Score)
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, "; ")
	}
	return text
}
