package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/vuln/exposure"
	vulnlib "vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/reach"
	"vedette/internal/vuln/task"
)

// tasks are what persons took on against vulnerabilities.
type tasks struct {
	mu   sync.Mutex // held while one is changed: kept first, then in the book; before vulns.mu
	book *task.Book
	bad  int // records that cannot be read

	archive *task.Archive
	filed   bool // the archive knows what is in it
	waiting int  // tasks of the archive that are to be opened again, and the book is full
}

// openTasks takes the kept tasks back.
func (a *App) openTasks(ctx context.Context) error {
	a.tasks = &tasks{book: task.NewBook(), archive: task.NewArchive()}
	for rec, err := range a.records.List(ctx, task.RecordKind) {
		if err != nil {
			return fmt.Errorf("reading the kept tasks: %w", err)
		}
		t, err := task.Read(rec.ID, rec.JSON)
		if err != nil {
			a.tasks.bad++
			a.cfg.Log.Warn("a kept task cannot be read", "component", "vuln", "err", err)
			continue
		}
		a.tasks.book.Put(t)
	}
	a.tasks.book.ConcernAll()
	return nil
}

// keepTask writes a task, then lets it count.
func (a *App) keepTask(ctx context.Context, t *task.Task) error {
	raw, err := t.Write()
	if err == nil {
		err = a.records.Update(ctx, store.Change{Kind: task.RecordKind, ID: t.UID, Version: store.AnyVersion, JSON: raw})
	}
	if err != nil {
		return fmt.Errorf("keeping task %s: %w", t.UID, err)
	}
	a.tasks.book.Put(*t)
	return nil
}

// lookAtTasks holds the tasks that something changed for against what was seen.
func (a *App) lookAtTasks(ctx context.Context) error {
	a.tasks.mu.Lock()
	defer a.tasks.mu.Unlock()
	return a.lookAtTasksLocked(ctx)
}

func (a *App) lookAtTasksLocked(ctx context.Context) error {
	if err := a.fileTasks(ctx); err != nil {
		return err
	}
	uids, old := a.tasks.book.Stale(a.cfg.Now()), a.tasks.archive.Stale()
	if len(uids)+len(old) == 0 {
		return nil
	}
	retry := func(err error) error {
		a.tasks.book.Retry(uids...)
		a.tasks.archive.Retry(old...)
		return err
	}
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return retry(err)
	}
	x, err := a.exposure(ctx)
	if err != nil {
		return retry(err)
	}
	ask := remembered(index)
	var errs []error
	for _, uid := range uids {
		if err := a.lookAtTask(ctx, x, uid, ask); err != nil {
			a.tasks.book.Retry(uid)
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, a.lookIntoArchive(ctx, old, x, ask))...)
}

// remembered asks the same once.
func remembered(index *match.Index) task.Ask {
	known := map[string][]match.Row{}
	return func(q match.Query) []match.Row {
		key := fmt.Sprintf("%q", []any{q.Vendor, q.Product, q.Version, q.Models, q.PURLs, q.CPEs, q.Parts})
		if q.On != nil {
			key += fmt.Sprintf("%q", *q.On)
		}
		rows, ok := known[key]
		if !ok {
			rows = slices.Clone(index.Match(q))
			known[key] = rows
		}
		return rows
	}
}

func (a *App) lookAtTask(ctx context.Context, x *exposed, uid string, ask task.Ask) error {
	t, err := a.tasks.book.Get(uid)
	if err != nil {
		return nil //nolint:nilerr // it is gone
	}
	next, changed := t.Look(func(subject string) task.Subject {
		e := a.evidenceOf(x, subject)
		return t.Judge(&e, ask)
	}, a.cfg.Now())
	if !changed {
		return nil
	}
	if next.State != t.State {
		last := next.History[len(next.History)-1]
		entry := audit.Entry{Actor: audit.Actor{Kind: audit.System, Name: "remediation"}, Action: "remediation." + string(next.State), Object: uid, Details: map[string]string{"why": last.Why}}
		if _, err := a.journal.Record(entry); err != nil {
			return err
		}
	}
	return a.keepTask(ctx, &next)
}

// evidenceOf is what was seen of a subject: what sources other than persons told,
// and its own bills.
func (a *App) evidenceOf(x *exposed, subject string) task.Evidence {
	uid, isDevice := strings.CutPrefix(subject, ofDevice)
	var e task.Evidence
	a.vulns.mu.Lock()
	defer a.vulns.mu.Unlock()
	if !isDevice {
		e.Bill = newestBill(x, x.loose[subject])
		return e
	}
	d, ok := a.devices.Get(uid)
	if !ok {
		return e
	}
	row := d.Row()
	e.Own = match.Query{Vendor: row.Vendor, Product: row.Model, Parts: len(x.billsOf(&row)) > 0}
	for _, r := range d.Firmware {
		if r.Source == asset.SourceBill { // below, as the bill says it
			continue
		}
		told := task.Told{Version: r.Version, Source: string(r.Source), First: r.From, Last: r.Last}
		if r.Source != asset.SourceOperator {
			e.Told = append(e.Told, told)
		} else if r.Until.IsZero() {
			e.Word = &told
		}
	}
	keys := map[string]bool{}
	for _, key := range x.byUID[d.UID] {
		keys[key] = true
		if b := x.bills[key]; ofProductOf(b, &row) {
			e.Told = append(e.Told, task.Told{Version: b.BOM.Subject.Version, Source: "a bill of materials", First: b.Imported, Last: b.Imported})
		}
	}
	e.Bill = newestBill(x, keys)
	if len(keys) == 0 {
		e.Fleet = func(version string) *task.Parts { // called while judging, without the lock
			a.vulns.mu.Lock()
			defer a.vulns.mu.Unlock()
			row.Firmware = version
			keys := map[string]bool{}
			for _, key := range x.billsOf(&row) {
				keys[key] = x.bills[key].BOM.Subject.Version != ""
			}
			maps.DeleteFunc(keys, func(_ string, named bool) bool { return !named })
			return newestBill(x, keys)
		}
	}
	return e
}

// ofProductOf tells whether a bill says in which version the device itself is.
func ofProductOf(b *vulnlib.Bill, d *store.Device) bool {
	name := match.NameKey(b.BOM.Subject.Name)
	return b.BOM.Subject.Version != "" && d.Model != "" && (name == match.NameKey(d.Model) || name == match.NameKey(d.Vendor+" "+d.Model))
}

// newestBill puts bills together; the oldest of them says since when they hold.
func newestBill(x *exposed, keys map[string]bool) *task.Parts {
	var out *task.Parts
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		b := x.bills[key]
		if b == nil {
			continue
		}
		if out == nil {
			out = &task.Parts{At: b.Imported, Source: "a bill of materials"}
		}
		if b.Imported.Before(out.At) {
			out.At = b.Imported
		}
		for _, item := range itemsOf(x.advisories, b) {
			out.Items = append(out.Items, task.Part(item))
		}
	}
	return out
}

// concernTasks marks the tasks that changes of advisories concern.
func (a *App) concernTasks(changes []vulnlib.Change) {
	var ids []string
	for _, c := range changes {
		for _, one := range []exposure.Change{exposure.Change(c)} {
			if one.Old != nil {
				for i := range one.Old.Vulnerabilities {
					ids = append(ids, one.Old.Vulnerabilities[i].ID)
				}
			}
			if one.New != nil {
				for i := range one.New.Vulnerabilities {
					ids = append(ids, one.New.Vulnerabilities[i].ID)
				}
			}
		}
	}
	a.tasks.book.Concern(nil, ids)
	a.tasks.archive.Concern(nil, ids)
}

// concernDevices marks the tasks of devices that changed; they are looked at when
// somebody asks, or by maintenance.
func (a *App) concernDevices(rows []store.Device) {
	for i := range rows {
		a.archiveTold(ofDevice + rows[i].UID)
	}
	if a.tasks.book.Len() == 0 {
		return
	}
	subjects := make([]string, len(rows))
	for i := range rows {
		subjects[i] = ofDevice + rows[i].UID
	}
	a.tasks.book.Concern(subjects, nil)
}

// OpenRemediation opens a task from an action of the plan. Subjects that an open
// task of the action has already are left out.
func (a *App) OpenRemediation(ctx context.Context, o api.RemediationOpen) (api.RemediationView, error) {
	var none api.RemediationView
	x, err := a.exposureNow(ctx)
	if err != nil {
		return none, err
	}
	a.tasks.mu.Lock()
	defer a.tasks.mu.Unlock()
	if err := a.archiveTasks(ctx, 1); err != nil {
		return none, err
	}
	if a.tasks.book.Len() >= task.MaxTasks {
		return none, fault.New(fault.Limited, "%d tasks are not verified yet", task.MaxTasks).WithHint("open one task for many devices, or undo what nobody does")
	}
	has := a.tasks.book.Of(o.Action)
	keep := func(subject string) bool {
		return has[subject] == "" && (len(o.Subjects) == 0 || slices.Contains(o.Subjects, subject)) && (o.Zone == "" || a.zoneOf(subject) == o.Zone) && a.within(subject, o.Zones)
	}
	action, ok := x.planner.Action(x.view(ctx), o.Action, keep, func(subject string) []reach.Flow { return a.reachedBy(x, subject) })
	if !ok {
		if len(has) > 0 {
			return none, fault.New(fault.Conflict, "all that the action %.40q concerns there is in a task already", o.Action).WithHint("list the tasks with: vedette vulns task list")
		}
		return none, fault.New(fault.NotFound, "there is no action %.40q that concerns these", o.Action).WithHint("list the actions with: vedette vulns plan")
	}
	t, err := task.New(&action, o.Actor, a.cfg.Assets.Site, a.cfg.Now())
	if err != nil {
		return none, err
	}
	if o.Owner != "" || o.Due != nil {
		order := task.Order{By: o.Actor, Due: o.Due}
		if o.Owner != "" {
			order.Owner = &o.Owner
		}
		if t, err = t.Set(order, a.cfg.Now()); err != nil {
			return none, err
		}
	}
	if err := a.journalTask(o.Actor, "open", &t, o.Zones, map[string]string{"action": o.Action, "title": t.Title(), "subjects": fmt.Sprint(len(t.Subjects))}); err != nil {
		return none, err
	}
	if err := a.keepTask(ctx, &t); err != nil {
		return none, err
	}
	a.tasks.book.Retry(t.UID)
	return a.taskNow(ctx, t.UID, nil)
}

// journalTask puts a decision on record, which may take a while. A task that is not
// within the zones any more after that, because a device was moved, is not decided on.
func (a *App) journalTask(actor, what string, t *task.Task, zones []string, details map[string]string) error {
	entry := audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: actor}, Action: "remediation." + what, Object: t.UID, Details: details}
	if _, err := a.journal.Record(entry); err != nil {
		return err
	}
	if !a.visibleTask(t, zones) {
		err := noTask(t.UID)
		return errors.Join(err, a.undecided(entry, err))
	}
	return nil
}

// taskNow looks at what is to be looked at and shows a task, of those whose devices lie
// in the zones.
func (a *App) taskNow(ctx context.Context, uid string, zones []string) (api.RemediationView, error) {
	if err := a.lookAtTasksLocked(ctx); err != nil {
		return api.RemediationView{}, err
	}
	t, err := a.tasks.book.Find(uid, func(t *task.Task) bool { return a.visibleTask(t, zones) })
	if err != nil {
		return api.RemediationView{}, err
	}
	return a.viewTask(ctx, t), nil
}

func (a *App) viewTask(ctx context.Context, t task.Task) api.RemediationView {
	now := a.cfg.Now()
	v := api.RemediationView{Task: t, Title: t.Title(), Overdue: t.Overdue(now), Doubted: t.Doubted(now), Names: map[string]string{}}
	v.Verified, v.Affected = t.Count()
	for i := range t.Subjects {
		if uid, ok := strings.CutPrefix(t.Subjects[i].ID, ofDevice); ok {
			if name := a.DeviceNames(ctx, []string{uid})[uid]; name != "" {
				v.Names[t.Subjects[i].ID] = name
			}
		}
	}
	return v
}
