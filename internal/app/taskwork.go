package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/vuln/task"
)

func (a *App) zoneOf(subject string) string {
	d, _ := a.devices.Get(strings.TrimPrefix(subject, ofDevice))
	return d.Value(asset.KeyZone)
}

// within tells whether a subject lies in the zones that somebody sees.
func (a *App) within(subject string, zones []string) bool {
	return len(zones) == 0 || strings.HasPrefix(subject, ofDevice) && slices.Contains(zones, a.zoneOf(subject))
}

// visibleTask tells whether somebody sees a task: with zones, when all that it is
// about lies in them.
func (a *App) visibleTask(t *task.Task, zones []string) bool {
	return len(zones) == 0 || !slices.ContainsFunc(t.Subjects, func(s task.Subject) bool { return !a.within(s.ID, zones) })
}

func noTask(uid string) error {
	return fault.New(fault.NotFound, "there is no task %.60q", uid).WithHint("list them with: vedette vulns task list")
}

// Remediations returns the tasks, what is to be done first before the others, those
// of the archive at the end.
func (a *App) Remediations(ctx context.Context, f api.RemediationFilter) ([]api.RemediationView, error) {
	special := []string{"", "active", "overdue", "doubted", archived}
	if !slices.Contains(special, f.State) && !slices.Contains(task.States(), task.State(f.State)) {
		return nil, fault.New(fault.Invalid, "there is no state %.40q", f.State).WithHint("active, overdue, doubted, open, planned, in_progress, said_done, accepted, verified, reopened or archived")
	}
	if err := a.lookAtTasks(ctx); err != nil {
		return nil, err
	}
	a.tasks.mu.Lock() // so that none is moved meanwhile
	defer a.tasks.mu.Unlock()
	out := []api.RemediationView{}
	now := a.cfg.Now()
	keep := func(t *task.Task) bool { return a.chosenTask(ctx, t, &f) }
	for _, t := range a.tasks.book.List() {
		if keep(&t) && (f.State == "" || f.State == "active" && t.Active() || f.State == "overdue" && t.Overdue(now) || f.State == "doubted" && t.Doubted(now) > 0 || f.State == string(t.State)) {
			out = append(out, a.viewTask(ctx, t))
		}
	}
	if f.State != "" && f.State != archived && f.State != string(task.Verified) {
		return out, nil
	}
	old, err := a.archivedTasks(ctx, keep)
	for _, t := range old {
		v := a.viewTask(ctx, t)
		v.Archived = true
		out = append(out, v)
	}
	return out, err
}

// chosenTask tells whether a task is one that somebody asks for, but for its state.
func (a *App) chosenTask(ctx context.Context, t *task.Task, f *api.RemediationFilter) bool {
	return a.visibleTask(t, f.Zones) && (f.Owner == "" || t.Owner == f.Owner) &&
		(f.Subject == "" || slices.ContainsFunc(t.Subjects, func(s task.Subject) bool { return s.ID == f.Subject })) &&
		(f.Text == "" || t.Has(f.Text) || a.taskNames(ctx, t, f.Text))
}

// taskNames tells whether a text is in the name of a device of the task.
func (a *App) taskNames(ctx context.Context, t *task.Task, text string) bool {
	var uids []string
	for i := range t.Subjects {
		if uid, ok := strings.CutPrefix(t.Subjects[i].ID, ofDevice); ok {
			uids = append(uids, uid)
		}
	}
	for _, name := range a.DeviceNames(ctx, uids) {
		if strings.Contains(strings.ToLower(name), strings.ToLower(text)) {
			return true
		}
	}
	return false
}

// Remediation returns one task by its uid or the beginning of it.
func (a *App) Remediation(ctx context.Context, uid string, zones []string) (api.RemediationView, error) {
	a.tasks.mu.Lock()
	defer a.tasks.mu.Unlock()
	v, err := a.taskNow(ctx, uid, zones)
	if fault.KindOf(err) == fault.NotFound {
		v, err = a.archivedTask(ctx, uid, zones)
	}
	return v, err
}

// DecideRemediation carries out what a person does to a task: on record before it
// counts, and then held against what was seen.
func (a *App) DecideRemediation(ctx context.Context, d api.RemediationDecision) (api.RemediationView, error) {
	var none api.RemediationView
	a.tasks.mu.Lock()
	defer a.tasks.mu.Unlock()
	t, err := a.tasks.book.Find(d.UID, func(t *task.Task) bool { return a.visibleTask(t, d.Zones) })
	if fault.KindOf(err) == fault.NotFound {
		if old, e := a.archivedTask(ctx, d.UID, d.Zones); e == nil {
			return none, fault.New(fault.Conflict, "task %s was verified long ago and lies in the archive", old.UID).WithHint("it opens again by itself when one of its devices is seen with an affected version")
		}
	}
	if err != nil {
		return none, err
	}
	next, gone, details, err := a.changeTask(&t, &d)
	if err != nil {
		return none, err
	}
	if err := a.journalTask(d.Actor, d.Action, &t, d.Zones, details); err != nil {
		return none, err
	}
	if gone {
		if err := a.records.Update(ctx, store.Change{Kind: task.RecordKind, ID: t.UID, Version: store.AnyVersion}); err != nil {
			return none, err
		}
		a.tasks.book.Drop(t.UID)
		return a.viewTask(ctx, t), nil
	}
	if err := a.keepTask(ctx, &next); err != nil {
		return none, err
	}
	a.tasks.book.Retry(t.UID)
	return a.taskNow(ctx, t.UID, d.Zones)
}

func (a *App) changeTask(t *task.Task, d *api.RemediationDecision) (next task.Task, gone bool, details map[string]string, err error) {
	now := a.cfg.Now()
	switch d.Action {
	case "set":
		d.Order.By = d.Actor
		if d.Order.Owner != nil && *d.Order.Owner == "me" {
			d.Order.Owner = &d.Actor
		}
		if next, err = t.Set(d.Order, now); err != nil {
			return next, false, nil, err
		}
		last := next.History[len(next.History)-1]
		return next, false, map[string]string{"what": last.What, "reason": last.Why}, nil
	case "note":
		next, err = t.AddNote(d.Actor, d.Text, now)
		return next, false, map[string]string{"text": d.Text}, err
	case "undo":
		next, gone, err = t.Undo(d.Actor, d.Why, now)
		if err != nil {
			return next, false, nil, err
		}
		details = map[string]string{"took_back": t.Before.What, "reason": d.Why}
		if n := len(t.Notes); n > t.Before.Notes {
			details["text"] = t.Notes[n-1].Text
		}
		return next, gone, details, nil
	}
	return next, false, nil, fault.New(fault.Invalid, "there is no decision %.40q on a task", d.Action).WithHint("set, note or undo")
}

// ExportRemediations gives the ticket of a task in Markdown, or all tasks in CSV, a
// row for each of their subjects.
func (a *App) ExportRemediations(ctx context.Context, uid string, zones []string) (api.File, error) {
	if uid != "" {
		v, err := a.Remediation(ctx, uid, zones)
		if err != nil {
			return api.File{}, err
		}
		return api.File{Name: "vedette-task-" + v.UID + ".md", Kind: "text/markdown; charset=utf-8", Data: v.Ticket(v.Names, a.cfg.Now())}, nil
	}
	list, err := a.Remediations(ctx, api.RemediationFilter{Zones: zones})
	if err != nil {
		return api.File{}, err
	}
	head := []string{"task", "title", "state", "owner", "due", "overdue", "window_from", "window_until", "decision", "subject", "name", "progress", "version", "seen", "seen_by", "why", "vulnerabilities"}
	var rows [][]string
	for i := range list {
		v := &list[i]
		for _, s := range v.Subjects {
			rows = append(rows, []string{
				v.UID, v.Title, string(v.State), v.Owner, stampOf(v.Due), fmt.Sprint(v.Overdue), stampOf(v.From), stampOf(v.Until), v.Decision, s.ID, v.Names[s.ID], string(s.State), s.Version,
				stampOf(s.At), s.Source, s.Why, strings.Join(v.Vulnerabilities, " "),
			})
		}
	}
	return api.CSV("vedette-tasks", head, rows), nil
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// FirmwareHistory tells which firmware was told of a device when, and by what.
func (a *App) FirmwareHistory(ctx context.Context, device string) ([]asset.Run, error) {
	d, err := a.FindDevice(ctx, device)
	if err != nil {
		return nil, err
	}
	return append([]asset.Run{}, d.Firmware...), nil
}

// taskChecks tell what an operator should know of tasks.
func (a *App) taskChecks() []api.Check {
	c := a.tasks.book.Counts(a.cfg.Now())
	out := api.Check{Name: "remediation", State: api.OK, Text: fmt.Sprintf("%d tasks are to be done", c.Active)}
	var bad []string
	if c.Overdue > 0 {
		bad = append(bad, fmt.Sprintf("%d are overdue, such as %s", c.Overdue, c.FirstOverdue))
	}
	if c.Doubted > 0 {
		bad = append(bad, fmt.Sprintf("%d are said to be done and were still seen with an affected version %d days later, such as %s", c.Doubted, int(task.DoubtAfter.Hours()/24), c.FirstDoubted))
	}
	if a.tasks.archive.Cut() > 0 {
		bad = append(bad, fmt.Sprintf("%d of the archive are too many to be watched and are not opened again", a.tasks.archive.Cut()))
	}
	if n := a.waitingTasks(); n > 0 {
		bad = append(bad, fmt.Sprintf("%d of the archive are affected again and wait for room: %d tasks are not verified", n, task.MaxTasks))
	}
	if a.tasks.bad > 0 {
		bad = append(bad, fmt.Sprintf("%d cannot be read", a.tasks.bad))
	}
	if len(bad) > 0 {
		out.State, out.Text, out.Do = api.Warning, out.Text+"; "+strings.Join(bad, "; "), "see: vedette vulns task list --state overdue, and --state doubted"
	}
	return []api.Check{out}
}
