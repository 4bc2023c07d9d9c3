package app

import (
	"context"
	"slices"
	"strings"

	"vedette/content"
	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/query"
	"vedette/internal/vuln/exposure"
	vulnlib "vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/vex"
)

// StateVuln keeps a person's word on whether a product has a vulnerability, and
// journals it. With a device the product is what the inventory says that it is.
func (a *App) StateVuln(ctx context.Context, req api.VexRequest) (vex.Statement, error) {
	s := req.Statement
	if req.Device != "" {
		d, err := a.FindDevice(ctx, req.Device)
		if err != nil {
			return s, err
		}
		row := d.Row()
		s.Vendor, s.Product, s.Version = row.Vendor, row.Model, row.Firmware
	}
	s.Vulnerability, s.By = strings.ToUpper(strings.TrimSpace(s.Vulnerability)), req.Actor
	if err := s.Check(); err != nil {
		return s, err
	}
	entry := audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: req.Actor}, Action: "vex.state", Object: s.Vulnerability,
		Details: map[string]string{"product": strings.TrimSpace(s.Vendor + " " + s.Product + " " + s.Version + " " + s.PURL), "status": string(s.Status), "justification": s.Justification, "why": s.Why},
	}
	if s.Withdrawn {
		entry.Action = "vex.withdraw"
	}
	if _, err := a.journal.Record(entry); err != nil {
		return s, err
	}
	c, err := a.vulns.lib.State(ctx, s)
	if err != nil {
		return s, err
	}
	a.vulns.noteAdvisories([]vulnlib.Change{c})
	a.concernTasks([]vulnlib.Change{c})
	s.At = c.New.Updated
	return s, nil
}

// StatedVulns returns the site's own statements that count, or all that were
// ever made. In a confined context it returns those that are about something that a
// device in its zones is or runs, without who said so and why.
func (a *App) StatedVulns(ctx context.Context, all bool) ([]vex.Statement, error) {
	list, err := a.vulns.lib.Stated(ctx, all)
	if _, confined := query.Confined(ctx); err != nil || !confined {
		return list, err
	}
	x, err := a.exposure(ctx)
	if err != nil {
		return nil, err
	}
	v, aliases := x.view(ctx), match.ParseAliases(content.Vendors())
	touches := map[string]bool{} // by key: later statements have that of those they replace
	out := []vex.Statement{}
	for _, s := range list {
		does, known := touches[s.Key()]
		if !known {
			does = touching(v, aliases, s)
			touches[s.Key()] = does
		}
		if does {
			s.By, s.Why = "", personSays
			out = append(out, s)
		}
	}
	return out, nil
}

// personSays stands for what a person of the site wrote, to who is confined to zones:
// nobody knows what it tells.
const personSays = "a person of this site says so"

// touching reports whether a statement, if it counted alone, would be about something
// that is seen.
func touching(v exposure.View, aliases *match.Aliases, s vex.Statement) bool {
	s.Withdrawn = false
	said := s.Advisory()
	alone := match.New(aliases)
	alone.Add(said)
	return slices.ContainsFunc(v.Spoken(said), func(q match.Query) bool { return len(alone.Match(q)) > 0 })
}
