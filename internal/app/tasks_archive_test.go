package app_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/store/sqlite"
	"vedette/internal/vuln/task"
)

// fill writes tasks made after one that was opened, behind the back of a product
// that is not running.
func (p *plantOf) fill(like task.Task, n int, change func(i int, t *task.Task)) {
	p.Helper()
	if err := p.Close(); err != nil {
		p.Fatal(err)
	}
	records, err := sqlite.Open(filepath.Join(p.cfg.Dir, "records.db"))
	if err != nil {
		p.Fatal(err)
	}
	changes := make([]store.Change, n)
	for i := range n {
		t := like
		t.UID, t.Action = fmt.Sprintf("%016x", i+1), fmt.Sprintf("%012x", i)
		t.Subjects = []task.Subject{{ID: fmt.Sprint("device:none-", i), State: task.Seen, Version: "2.8", At: t.Opened.Add(time.Hour), Source: "identity"}}
		change(i, &t)
		raw, err := t.Write()
		if err != nil {
			p.Fatal(err)
		}
		changes[i] = store.Change{Kind: task.RecordKind, ID: t.UID, Version: store.AnyVersion, JSON: raw}
	}
	if err := records.Update(p.Context(), changes...); err != nil {
		p.Fatal(err)
	}
	if err := records.Close(); err != nil {
		p.Fatal(err)
	}
	p.open()
}

// TestFullBook: what was verified makes room, and is found, shown and exported all
// the same; a book of work that is still to be done refuses more.
func TestFullBook(t *testing.T) {
	p := newPlant(t, 2)
	first := p.opened()
	p.fill(first.Task, task.MaxTasks-1, func(i int, k *task.Task) {
		k.State, k.Closed = task.Verified, k.Opened.Add(time.Duration(i)*time.Second)
		k.Notes = []task.Note{{At: k.Opened, By: "ada", Text: fmt.Sprintf("job-%d.", i)}}
	})
	plan, err := p.PlanVulns(t.Context(), api.PlanFilter{})
	list := plan.Rows
	if err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	if v, err := p.DecideRemediation(t.Context(), api.RemediationDecision{Actor: "ada", UID: first.UID, Action: "undo"}); err != nil || v.UID != first.UID {
		t.Fatal(err)
	}
	if _, err := p.OpenRemediation(t.Context(), api.RemediationOpen{Actor: "ada", Action: list[0].ID, Subjects: []string{first.Subjects[0].ID}}); err != nil {
		t.Fatal(err)
	}
	second, err := p.OpenRemediation(t.Context(), api.RemediationOpen{Actor: "ada", Action: list[0].ID})
	if err != nil {
		t.Fatalf("the book is full of what is done: %v", err)
	}
	old, err := p.Remediations(t.Context(), api.RemediationFilter{State: "archived"})
	if err != nil || len(old) != 1 || old[0].UID != fmt.Sprintf("%016x", 1) || !old[0].Archived {
		t.Fatalf("%v %+v", err, old)
	}
	for _, f := range []api.RemediationFilter{{Text: "JOB-0."}, {Subject: "device:none-0"}, {State: "verified", Text: "job-0."}} {
		if got, err := p.Remediations(t.Context(), f); err != nil || len(got) != 1 || got[0].UID != old[0].UID {
			t.Errorf("%+v: %v %d", f, err, len(got))
		}
	}
	if v, err := p.Remediation(t.Context(), old[0].UID, nil); err != nil || !v.Archived || len(v.Notes) != 1 {
		t.Errorf("%v %+v", err, v)
	}
	if _, err := p.DecideRemediation(t.Context(), api.RemediationDecision{Actor: "ada", UID: old[0].UID, Action: "note", Text: "x"}); fault.KindOf(err) != fault.Conflict {
		t.Error(err)
	}
	if _, err := p.Remediation(t.Context(), old[0].UID, []string{"office"}); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	f, err := p.ExportRemediations(t.Context(), "", nil)
	if err != nil || strings.Count(string(f.Data), "\n") != 1+task.MaxTasks+1 || !strings.Contains(string(f.Data), second.UID) || !strings.Contains(string(f.Data), old[0].UID) {
		t.Errorf("%v: %d lines", err, strings.Count(string(f.Data), "\n"))
	}
	// Time goes by, and maintenance moves the others.
	p.now = p.now.Add(task.ArchiveAfter + 24*time.Hour)
	if _, err := p.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if old, err = p.Remediations(t.Context(), api.RemediationFilter{State: "archived"}); err != nil || len(old) != task.MaxTasks-1 {
		t.Errorf("%v %d", err, len(old))
	}
	if f, err = p.ExportRemediations(t.Context(), "", nil); err != nil || strings.Count(string(f.Data), "\n") != 1+task.MaxTasks+1 {
		t.Errorf("%v: %d lines", err, strings.Count(string(f.Data), "\n"))
	}
}

// TestBookOfOpenWork: what nobody has done is not moved away for new work.
func TestBookOfOpenWork(t *testing.T) {
	p := newPlant(t, 2)
	first := p.opened()
	p.fill(first.Task, task.MaxTasks, func(_ int, k *task.Task) { k.Subjects[0].State = task.Pending })
	plan, err := p.PlanVulns(t.Context(), api.PlanFilter{})
	list := plan.Rows
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.OpenRemediation(t.Context(), api.RemediationOpen{Actor: "ada", Action: list[0].ID})
	if _, hint := fault.Public(err); fault.KindOf(err) != fault.Limited || hint == "" {
		t.Error(err)
	}
}

// TestArchivedTaskReturns: what is seen opens a task of the archive again, whether
// somebody looked before the process ended or not; a word does not, the same version
// does not, and neither does what another task has taken on.
func TestArchivedTaskReturns(t *testing.T) {
	p := newPlant(t, 2)
	v := p.opened()
	away := func(firmware string) {
		t.Helper()
		p.now = p.now.Add(time.Hour)
		p.seen(firmware, 1, 2)
		p.is(v.UID, task.Verified, 2)
		p.now = p.now.Add(task.ArchiveAfter + time.Hour)
		if _, err := p.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.is(v.UID, task.Verified, 2); !got.Archived {
			t.Fatalf("not in the archive: %+v", got)
		}
	}
	stays := func(what string) {
		t.Helper()
		p.now = p.now.Add(time.Hour)
		if _, err := p.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.is(v.UID, task.Verified, 2); !got.Archived {
			t.Errorf("%s: %+v", what, got)
		}
	}
	again := func() {
		p.Helper()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		p.open()
	}
	away("2.8")
	p.seen("2.8", 1, 2)
	stays("seen with the same version")
	p.seen("2.9", 1)
	stays("seen with a later one")
	if _, err := p.SetDevice(t.Context(), "ada", "10.0.0.2", "firmware", "2.7"); err != nil {
		t.Fatal(err)
	}
	stays("a person's word")
	again()
	stays("opened again")
	p.seen("2.7", 1)
	if got := p.is(v.UID, task.Reopened, 1); got.Archived || !strings.Contains(got.History[len(got.History)-1].Why, "2.7") {
		t.Fatalf("%+v", got)
	}
	list, err := p.Remediations(t.Context(), api.RemediationFilter{})
	if err != nil || len(list) != 1 || list[0].Archived {
		t.Errorf("%v %+v", err, list)
	}
	again()
	p.is(v.UID, task.Reopened, 1)
	away("2.10")
	p.now = p.now.Add(time.Hour)
	p.seen("2.7", 2)
	again() // before somebody looked
	if _, err := p.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.is(v.UID, task.Reopened, 1)
	away("2.11")
	p.now = p.now.Add(time.Hour)
	p.seen("2.7", 1)
	plan, err := p.PlanVulns(t.Context(), api.PlanFilter{})
	if err != nil || plan.Total != 1 {
		t.Fatal(err, plan)
	}
	d, err := p.FindDevice(t.Context(), "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.OpenRemediation(t.Context(), api.RemediationOpen{Actor: "ada", Action: plan.Rows[0].ID, Subjects: []string{"device:" + d.UID}}); err != nil {
		t.Fatal(err)
	}
	stays("another task has it")
	// An advisory that names a later fix opens what was mended before it.
	p.now = p.now.Add(time.Hour)
	if _, err := p.ImportAdvisories(t.Context(), api.VulnImport{Actor: "ada"}, packed(t, strings.Replace(gateCVE, `"lessThan":"2.8"`, `"lessThan":"3.5"`, 1))); err != nil {
		t.Fatal(err)
	}
	if got := p.is(v.UID, task.Reopened, 0); got.Archived {
		t.Errorf("%+v", got)
	}
}
