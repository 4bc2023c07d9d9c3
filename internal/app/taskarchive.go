package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/vuln/task"
)

// archived is what the list of tasks calls those of the archive.
const archived = "archived"

// archiveTasks moves what was verified long ago out of the book, and more when that
// is needed for room. A task is in one of both at every moment. tasks.mu is held.
func (a *App) archiveTasks(ctx context.Context, room int) error {
	for _, t := range a.tasks.book.Closed(a.cfg.Now(), room) {
		raw, err := t.Write()
		if err == nil {
			err = a.records.Update(ctx,
				store.Change{Kind: task.ArchiveKind, ID: t.UID, Version: store.AnyVersion, JSON: raw},
				store.Change{Kind: task.RecordKind, ID: t.UID, Version: store.AnyVersion})
		}
		if err != nil {
			return fmt.Errorf("moving task %s into the archive: %w", t.UID, err)
		}
		a.tasks.book.Drop(t.UID)
		a.tasks.archive.Put(&t)
	}
	return nil
}

// tidyTasks looks at the tasks that something changed for, and moves the old ones.
func (a *App) tidyTasks(ctx context.Context) error {
	a.tasks.mu.Lock()
	defer a.tasks.mu.Unlock()
	a.tasks.archive.Some(archiveLooks)
	if err := a.lookAtTasksLocked(ctx); err != nil {
		return err
	}
	return a.archiveTasks(ctx, 0)
}

// archivedTasks reads the archive, what was closed last first.
func (a *App) archivedTasks(ctx context.Context, keep func(t *task.Task) bool) ([]task.Task, error) {
	var out []task.Task
	for rec, err := range a.records.List(ctx, task.ArchiveKind) {
		if err != nil {
			return out, fmt.Errorf("reading the archive of tasks: %w", err)
		}
		t, err := task.Read(rec.ID, rec.JSON)
		if err != nil {
			a.cfg.Log.Warn("a task of the archive cannot be read", "component", "vuln", "err", err)
			continue
		}
		if keep(&t) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(x, y task.Task) int { return y.Closed.Compare(x.Closed) })
	return out, nil
}

// archivedTask finds a task of the archive by its uid or the beginning of it, among
// those whose devices lie in the zones.
func (a *App) archivedTask(ctx context.Context, uid string, zones []string) (api.RemediationView, error) {
	rec, err := a.records.Get(ctx, task.ArchiveKind, uid)
	if err == nil {
		t, err := task.Read(rec.ID, rec.JSON)
		if err == nil && !a.visibleTask(&t, zones) {
			return api.RemediationView{}, noTask(uid)
		}
		v := a.viewTask(ctx, t)
		v.Archived = true
		return v, err
	}
	if fault.KindOf(err) != fault.NotFound {
		return api.RemediationView{}, err
	}
	found, err := a.archivedTasks(ctx, func(t *task.Task) bool {
		return len(uid) >= 4 && strings.HasPrefix(t.UID, uid) && a.visibleTask(t, zones)
	})
	switch {
	case err != nil:
		return api.RemediationView{}, err
	case len(found) == 0:
		return api.RemediationView{}, noTask(uid)
	case len(found) > 1:
		return api.RemediationView{}, fault.New(fault.Conflict, "%d tasks of the archive begin with %.60q", len(found), uid).WithHint("give more of the uid, such as %s", found[0].UID)
	}
	v := a.viewTask(ctx, found[0])
	v.Archived = true
	return v, nil
}
