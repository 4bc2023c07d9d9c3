package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vedette/content"
	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/correlate"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// openIncidents takes the kept incidents back.
func (a *App) openIncidents(ctx context.Context) error {
	techniques, err := correlate.LoadTechniques(content.Techniques())
	if err != nil {
		return err
	}
	a.techniques = techniques
	a.incidents = correlate.New(correlate.Config{Techniques: techniques, Names: a.devices, Assets: a.devices}, a.cfg.Now)
	records := kept(ctx, a.records, correlate.RecordKinds()...)
	for _, p := range a.incidents.Restore(func(yield func(correlate.Record) bool) {
		for rec := range records.each {
			if !yield(correlate.Record{Kind: rec.Kind, ID: rec.ID, JSON: rec.JSON}) {
				return
			}
		}
	}) {
		a.cfg.Log.Warn("a kept incident cannot be read", "component", "correlate", "err", p)
	}
	if records.err != nil {
		return fmt.Errorf("reading the kept incidents: %w", records.err)
	}
	return nil
}

// Incidents returns the incidents, the gravest and newest first; closed ones
// only if asked for. In a confined context it returns those that touch its devices,
// and what may be seen of them.
func (a *App) Incidents(ctx context.Context, all bool) ([]correlate.Incident, error) {
	var list []correlate.Incident
	if sight, confined := a.sightOf(ctx); confined {
		list = sight.incidents(all)
	} else if list = a.incidents.Incidents(); !all {
		list = slices.DeleteFunc(list, func(i correlate.Incident) bool { return i.Status != correlate.Open })
	}
	gravestFirst(list)
	return list, nil
}

func gravestFirst(list []correlate.Incident) {
	slices.SortStableFunc(list, func(x, y correlate.Incident) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(y.Score, x.Score), y.Last.Compare(x.Last))
	})
}

// IncidentPage returns a part of the incidents as [App.Incidents] has them, and how many
// there are. In a confined context those of the page alone are narrowed, which takes
// longer than to find and order them.
func (a *App) IncidentPage(ctx context.Context, w api.IncidentWish) ([]correlate.Incident, int, error) {
	part := func(list []correlate.Incident) []correlate.Incident {
		start := min(w.Offset, len(list))
		return list[start:min(start+w.Limit, len(list))]
	}
	sight, confined := a.sightOf(ctx)
	if !confined {
		list, err := a.Incidents(ctx, w.All)
		list = api.AssignedTo(list, w.Assignee, w.Asks)
		return part(list), len(list), err
	}
	list := a.incidents.About(w.All, sight.own)
	gravestFirst(list)
	list = api.AssignedTo(list, w.Assignee, w.Asks)
	uids := []string{}
	for _, i := range part(list) {
		uids = append(uids, i.UID)
	}
	return sight.cut(a.incidents.TimelinesOf(uids)), len(list), nil
}

// Incident returns one incident in full, with those that it resembles.
func (a *App) Incident(ctx context.Context, text string) (api.IncidentDetail, error) {
	if sight, confined := a.sightOf(ctx); confined {
		return sight.incident(text)
	}
	i, err := a.findIncident(text)
	if err != nil {
		return api.IncidentDetail{}, err
	}
	return api.IncidentDetail{Incident: i, Similar: a.incidents.Similar(i.UID)}, nil
}

// findIncident finds an incident by its uid or the start of it.
func (a *App) findIncident(text string) (correlate.Incident, error) {
	if i, ok := a.incidents.Get(text); ok {
		return i, nil
	}
	var found []string
	for _, i := range a.incidents.Incidents() {
		if len(text) >= 4 && strings.HasPrefix(i.UID, text) {
			found = append(found, i.UID)
		}
	}
	switch len(found) {
	case 0:
		return correlate.Incident{}, fault.New(fault.NotFound, "there is no incident %q", text).WithHint("list them with: vedette incidents --all")
	case 1:
		i, _ := a.incidents.Get(found[0])
		return i, nil
	}
	return correlate.Incident{}, fault.New(fault.Conflict, "%d incidents begin with %q", len(found), text).WithHint("give more of the uid, such as %s", found[0])
}

// DecideIncident carries out what a person says of an incident: the decision
// is on record before it takes effect.
func (a *App) DecideIncident(ctx context.Context, d api.IncidentDecision) (api.IncidentDetail, error) {
	var none api.IncidentDetail
	if d.Action != api.IncidentAssign && d.Action != api.IncidentNote && strings.TrimSpace(d.Why) == "" {
		return none, fault.New(fault.Invalid, "a decision on an incident needs a reason").WithHint(`say why with --reason "..."`)
	}
	if sight, confined := a.sightOf(ctx); confined {
		i, err := sight.ruled(&d)
		if err != nil {
			return none, err
		}
		if d.Action != api.IncidentUndo && d.Action != api.IncidentSplit {
			d.Incident = i.UID // not by the start of it, which may be that of another's too
		}
	}
	uid := d.Incident
	if d.Action != api.IncidentUndo && d.Action != api.IncidentSplit {
		i, err := a.findIncident(d.Incident)
		if err != nil {
			return none, err
		}
		uid = i.UID
	}
	act, err := a.incidentAct(ctx, &d, uid)
	if err != nil {
		return none, err
	}
	entry := audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: d.Actor}, Action: "incident." + string(d.Action), Object: uid, Details: a.decisionDetails(&d),
	}
	if _, err := a.journal.Record(entry); err != nil {
		return none, err
	}
	if err := act(); err != nil {
		return none, errors.Join(err, a.undecided(entry, err))
	}
	if err := a.keepIncidents(ctx); err != nil {
		return none, err
	}
	if d.Action == api.IncidentFeedback || d.Action == api.IncidentUndo {
		if err := a.carry(ctx, uid); err != nil {
			return none, err
		}
	}
	if d.Action == api.IncidentUndo {
		return none, nil
	}
	return a.Incident(ctx, uid)
}

// desk is where somebody decides on incidents: with what they see at that moment, which
// is looked up in the step in which the decision takes effect.
func (a *App) desk(ctx context.Context) correlate.Desk {
	if sight, confined := a.sightOf(ctx); confined {
		return a.incidents.Desk(sight)
	}
	return a.incidents.Desk(nil)
}

// undecided says in the journal that a decision which is on record did not take effect.
func (a *App) undecided(entry audit.Entry, why error) error {
	entry.Details = map[string]string{"decision": entry.Action, "why": why.Error()}
	entry.Action = refusedAction
	_, err := a.journal.Record(entry)
	return err
}

// refusedAction is what the journal calls a decision that did not take effect.
const refusedAction = "decision.refused"

// decisionDetails is what the journal tells of a decision besides who and on
// what: of a note that is taken back, all of it.
func (a *App) decisionDetails(d *api.IncidentDecision) map[string]string {
	switch d.Action {
	case api.IncidentAssign:
		return map[string]string{"reason": d.Why, "to": d.To}
	case api.IncidentNote:
		if d.Query != "" {
			return map[string]string{"text": d.Text, "query": d.Query}
		}
		return map[string]string{"text": d.Text}
	case api.IncidentUndo:
		if n, incident, ok := a.incidents.NoteOf(d.Incident); ok {
			return map[string]string{"reason": d.Why, "incident": incident, "by": n.By, "text": n.Text}
		}
	case api.IncidentClose, api.IncidentReopen, api.IncidentFeedback, api.IncidentSplit:
	}
	return map[string]string{"reason": d.Why, "verdict": string(d.Verdict)}
}

// incidentAct is what a decision does. It completes the decision.
func (a *App) incidentAct(ctx context.Context, d *api.IncidentDecision, uid string) (func() error, error) {
	switch d.Action {
	case api.IncidentAssign:
		return a.assignAct(ctx, d, uid)
	case api.IncidentNote:
		return a.noteAct(ctx, d, uid)
	case api.IncidentClose:
		return func() error { return a.desk(ctx).Close(uid, d.Actor, d.Why) }, nil
	case api.IncidentReopen:
		return func() error { return a.desk(ctx).Reopen(uid, d.Actor, d.Why) }, nil
	case api.IncidentSplit:
		return func() error { return a.desk(ctx).Split(uid, d.Actor, d.Why) }, nil
	case api.IncidentUndo:
		return func() error { return a.desk(ctx).Undo(uid, d.Actor, d.Why) }, nil
	case api.IncidentFeedback:
		switch d.Verdict {
		case correlate.True, correlate.False, correlate.Benign:
			return func() error {
				_, err := a.desk(ctx).Feedback(uid, d.Verdict, d.Actor, d.Why)
				return err
			}, nil
		}
		return nil, fault.New(fault.Invalid, "there is no verdict %q", d.Verdict).WithHint("the verdicts are true, false and benign")
	}
	return nil, fault.New(fault.Invalid, "there is no decision %q on an incident", d.Action)
}

// Assignable lists the people whom an incident can be given to: accounts that may
// sign in and change incidents now, and see all zones. In a confined context they see at
// least its zones: of who is limited to others nothing is told.
func (a *App) Assignable(ctx context.Context) ([]api.Assignable, error) {
	users, err := a.accounts.Living(ctx)
	if err != nil {
		return nil, err
	}
	out := []api.Assignable{}
	for _, u := range users {
		p := authz.Principal{ID: u.UID, Name: u.Name, Kind: authz.Person, Roles: u.Roles, Zones: u.Zones}
		if seesAll(ctx, u.Zones) && slices.Contains(a.authority.Allowed(p), authz.IncidentsWrite) { //nolint:contextcheck // it decides from its arguments alone
			out = append(out, api.Assignable{Name: u.Name})
		}
	}
	return out, nil
}

// seesAll reports whether somebody who is limited to zones, or to none, sees all that a
// context does.
func seesAll(ctx context.Context, zones []string) bool {
	wanted, confined := query.Confined(ctx)
	return len(zones) == 0 || confined && !slices.ContainsFunc(wanted, func(z string) bool { return !slices.Contains(zones, z) })
}

// assignAct gives an incident to a person, me or nobody.
func (a *App) assignAct(ctx context.Context, d *api.IncidentDecision, uid string) (func() error, error) {
	to := ""
	switch d.To {
	case correlate.Nobody:
	case correlate.Me:
		d.To = d.Actor
		fallthrough
	default:
		name, err := correlate.PersonName(d.To)
		if err != nil {
			return nil, err
		}
		to, d.To = name, name
	}
	return func() error { return a.desk(ctx).Assign(uid, to, d.Actor, d.Why) }, nil
}

// Suppress adds a person's rule that keeps findings out of incidents.
func (a *App) Suppress(ctx context.Context, s correlate.Suppression) (correlate.Suppression, error) {
	entry := audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: s.By}, Action: "suppression.add", Object: cmp.Or(s.Rule, s.Device, s.Peer),
		Details: map[string]string{"rule": s.Rule, "device": s.Device, "peer": s.Peer, "reason": s.Reason, "expires": s.Expires.UTC().Format("2006-01-02T15:04:05Z")},
	}
	if _, err := a.journal.Record(entry); err != nil {
		return s, err
	}
	id, err := a.incidents.Suppress(s)
	if err != nil {
		return s, err
	}
	s.ID = id
	return s, a.keepIncidents(ctx)
}

// Unsuppress ends a person's rule.
func (a *App) Unsuppress(ctx context.Context, actor, id, why string) error {
	entry := audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: actor}, Action: "suppression.end", Object: id, Details: map[string]string{"reason": why}}
	if _, err := a.journal.Record(entry); err != nil {
		return err
	}
	if err := a.incidents.Unsuppress(id, actor, why); err != nil {
		return err
	}
	return a.keepIncidents(ctx)
}

// Suppressions lists the persons' rules, expired ones too.
func (a *App) Suppressions(context.Context) ([]correlate.Suppression, error) {
	return a.incidents.Suppressions(), nil
}
