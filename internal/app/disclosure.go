package app

import (
	"context"
	"strings"

	"vedette/internal/api"
	"vedette/internal/copilot"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// disclosures tells the copilot of vulnerabilities.
type disclosures struct{ *App }

// Disclosure implements [copilot.Disclosures].
func (a disclosures) Disclosure(ctx context.Context, id string) (copilot.Disclosure, bool, error) {
	v, err := a.ShowVuln(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return copilot.Disclosure{}, false, nil
	}
	if err != nil {
		return copilot.Disclosure{}, false, err
	}
	d := copilot.Disclosure{ID: v.ID, Title: v.Title, Exploitation: v.Exploitation, Automatable: v.Automatable, TechnicalImpact: v.TechnicalImpact, Decision: v.Decision, KEVSince: v.KEVSince, EPSS: v.EPSS}
	for _, s := range v.CVSS {
		d.CVSS = max(d.CVSS, s.Base)
	}
	for _, r := range v.Remedies {
		d.Remedies = append(d.Remedies, copilot.Remedy{Kind: r.Kind, Fix: r.Fix, Text: r.Text, Source: r.Source})
	}
	for _, s := range v.Sources {
		d.Sources = append(d.Sources, copilot.Publication{ID: s.ID, Publisher: s.Publisher, Updated: s.Updated})
	}
	list, err := a.ListVulns(ctx, api.VulnFilter{ID: v.ID})
	if err != nil {
		return d, true, err
	}
	for _, r := range list.Rows {
		x := copilot.Exposed{Name: r.Subject, Component: r.Component, Status: r.Status, Reason: r.Reason, Source: r.Source, Fix: r.Fix, Decision: r.Decision}
		if uid, ok := strings.CutPrefix(r.Subject, "device:"); ok {
			x.UID = uid
			if dev, err := a.FindDevice(ctx, uid); err == nil {
				row := dev.Row()
				x.Zone, x.Level, x.Criticality = row.Zone, row.Level, row.Criticality
				x.Name = uid
				if row.Name != "" {
					x.Name = row.Name
				}
			}
		}
		if _, ok := query.Confined(ctx); ok && x.Zone == "" { // a product, or a device that the context does not see
			continue
		}
		d.Exposed = append(d.Exposed, x)
	}
	return d, true, nil
}
