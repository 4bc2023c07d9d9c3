package app

import (
	"context"
	"encoding/json"

	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/correlate/report"
	"vedette/internal/fault"
)

// ExportIncident puts an incident into a file for people (md) or programs
// (json). It is in the journal before it is given away.
func (a *App) ExportIncident(ctx context.Context, e api.IncidentExport) (api.File, error) {
	if e.Format != "json" && e.Format != "md" {
		return api.File{}, fault.New(fault.Invalid, "there is no format %.20q of an incident", e.Format).WithHint("md or json")
	}
	d, err := a.Incident(ctx, e.Incident)
	if err != nil {
		return api.File{}, err
	}
	entry := audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: e.Actor}, Action: "incident.export", Object: d.UID, Details: map[string]string{"format": e.Format},
	}
	if _, err := a.journal.Record(entry); err != nil {
		return api.File{}, err
	}
	uids := append([]string{}, d.Devices...)
	for _, m := range d.Timeline {
		uids = append(uids, m.Source, m.Target)
	}
	names, now := a.DeviceNames(ctx, uids), a.cfg.Now().UTC()
	name := "vedette-incident-" + d.UID[:min(len(d.UID), 10)]
	if e.Format == "md" {
		data := report.Markdown(report.Paper{Incident: d.Incident, Similar: d.Similar, Names: names, At: now, By: e.Actor})
		return api.File{Name: name + ".md", Kind: "text/markdown; charset=utf-8", Data: data}, nil
	}
	data, err := json.MarshalIndent(api.IncidentFile{IncidentDetail: d, Names: names, ExportedAt: now, ExportedBy: e.Actor}, "", "  ")
	if err != nil {
		return api.File{}, fault.Wrap(fault.Internal, err, "writing incident %s as JSON", d.UID)
	}
	return api.File{Name: name + ".json", Kind: "application/json", Data: append(data, '\n')}, nil
}
