package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/vuln/task"
)

// fileTasks learns what is in the archive, once, and which of it something was seen of
// while nothing ran. tasks.mu is held.
func (a *App) fileTasks(ctx context.Context) error {
	if a.tasks.filed {
		return nil
	}
	old, err := a.archivedTasks(ctx, func(*task.Task) bool { return true })
	if err != nil {
		return err
	}
	for i := range old { // what was closed last first
		a.tasks.archive.Put(&old[i])
	}
	a.tasks.filed = true
	if cut := a.tasks.archive.Cut(); cut > 0 {
		a.cfg.Log.Warn("the archive is larger than what is watched of it", "component", "vuln", "tasks", cut)
	}
	for _, subject := range a.tasks.archive.Subjects() {
		a.archiveTold(subject)
	}
	a.tasks.archive.ConcernAll()
	return nil
}

// archiveLooks is how many tasks of the archive maintenance looks at besides those that
// something was seen of.
const archiveLooks = 200

// archiveTold marks tasks of the archive whose device was seen with another version.
func (a *App) archiveTold(subject string) {
	uid, isDevice := strings.CutPrefix(subject, ofDevice)
	if !isDevice || !a.tasks.archive.Has(subject) {
		return
	}
	if d, ok := a.devices.Get(uid); ok {
		a.tasks.archive.Told(subject, toldOf(&d))
	}
}

// toldOf is what others than persons and bills told of a device's firmware.
func toldOf(d *asset.Device) []task.Told {
	var out []task.Told
	for _, r := range d.Firmware {
		if r.Source != asset.SourceOperator && r.Source != asset.SourceBill {
			out = append(out, task.Told{Version: r.Version, Source: string(r.Source), First: r.From, Last: r.Last})
		}
	}
	return out
}

// lookIntoArchive opens the tasks again that are marked and whose devices are seen
// with an affected version. tasks.mu is held.
func (a *App) lookIntoArchive(ctx context.Context, uids []string, x *exposed, ask task.Ask) error {
	var errs []error
	a.tasks.waiting = 0
	for _, uid := range uids {
		room, err := a.returnTask(ctx, uid, x, ask)
		if err != nil {
			errs = append(errs, err)
		}
		if err != nil || !room {
			a.tasks.archive.Retry(uid)
		}
		if !room {
			a.tasks.waiting++
		}
	}
	return errors.Join(errs...)
}

func (a *App) waitingTasks() int {
	a.tasks.mu.Lock()
	defer a.tasks.mu.Unlock()
	return a.tasks.waiting
}

// returnTask takes a task out of the archive if it is open again; false: it should be,
// and the book is full. What another task of the action has taken on by now stays.
func (a *App) returnTask(ctx context.Context, uid string, x *exposed, ask task.Ask) (room bool, _ error) {
	rec, err := a.records.Get(ctx, task.ArchiveKind, uid)
	if fault.KindOf(err) == fault.NotFound {
		a.tasks.archive.Drop(uid)
		return true, nil
	}
	if err != nil {
		return true, err
	}
	t, err := task.Read(rec.ID, rec.JSON)
	if err != nil {
		a.cfg.Log.Warn("a task of the archive cannot be read", "component", "vuln", "err", err)
		return true, nil
	}
	next, _ := t.Look(func(subject string) task.Subject {
		e := a.evidenceOf(x, subject)
		version, told := e.Newest()
		a.tasks.archive.Looked(uid, subject, version, told)
		return t.Judge(&e, ask)
	}, a.cfg.Now())
	if next.State != task.Reopened || a.takenOn(&next) {
		return true, nil
	}
	if a.tasks.book.Len() >= task.MaxTasks {
		if err := a.archiveTasks(ctx, 1); err != nil || a.tasks.book.Len() >= task.MaxTasks {
			return false, err
		}
	}
	last := next.History[len(next.History)-1]
	entry := audit.Entry{Actor: audit.Actor{Kind: audit.System, Name: "remediation"}, Action: "remediation.reopened", Object: uid, Details: map[string]string{"why": last.Why, "from": archived}}
	if _, err := a.journal.Record(entry); err != nil {
		return true, err
	}
	raw, err := next.Write()
	if err == nil {
		err = a.records.Update(ctx,
			store.Change{Kind: task.RecordKind, ID: uid, Version: store.AnyVersion, JSON: raw},
			store.Change{Kind: task.ArchiveKind, ID: uid, Version: store.AnyVersion})
	}
	if err != nil {
		return true, fmt.Errorf("taking task %s out of the archive: %w", uid, err)
	}
	a.tasks.archive.Drop(uid)
	a.tasks.book.Put(next)
	return true, nil
}

// takenOn tells whether all that is affected again of a task is in another task of its
// action that is not verified.
func (a *App) takenOn(t *task.Task) bool {
	has := a.tasks.book.Of(t.Action)
	for i := range t.Subjects {
		if s := &t.Subjects[i]; s.State != task.Seen && has[s.ID] == "" {
			return false
		}
	}
	return true
}
