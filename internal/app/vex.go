package app

import (
	"context"
	"strings"

	"vedette/internal/api"
	"vedette/internal/audit"
	vulnlib "vedette/internal/vuln/library"
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
// ever made.
func (a *App) StatedVulns(ctx context.Context, all bool) ([]vex.Statement, error) {
	return a.vulns.lib.Stated(ctx, all)
}
