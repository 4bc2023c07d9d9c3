package task

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Archive knows of the tasks of the archive what tells whether one is to be looked at
// again: which subjects and vulnerabilities they are about, when they were closed and
// with which versions. It keeps no task, and is safe for concurrent use.
type Archive struct {
	mu      sync.Mutex
	filed   map[string]filed // by uid
	subject map[string][]string
	vuln    map[string][]string
	stale   map[string]bool
	later   map[string]bool // to be looked at when there is time
	entries int
	cut     int
}

// filed is what is known of one task.
type filed struct {
	part  bool
	seen  []string    // of its subjects: the version with which it was looked at last
	at    []time.Time // and when that was told; until then, when the task was closed
	ids   []string    // of the subjects
	vulns []string
}

// MaxFiled bounds what is known of the archive: subjects and vulnerabilities of all
// tasks together. Tasks above it are counted, and not opened again.
const MaxFiled = 2_000_000

// NewArchive makes an empty one.
func NewArchive() *Archive {
	return &Archive{filed: map[string]filed{}, subject: map[string][]string{}, vuln: map[string][]string{}, stale: map[string]bool{}, later: map[string]bool{}}
}

// Put takes in a task of the archive.
func (a *Archive) Put(t *Task) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(t.UID)
	n := len(t.Subjects) + len(t.Vulnerabilities)
	if a.entries+n > MaxFiled {
		a.cut++
		return
	}
	f := filed{part: t.Part}
	for i := range t.Subjects {
		s := &t.Subjects[i]
		f.ids, f.at = append(f.ids, s.ID), append(f.at, t.Closed)
		if f.seen = append(f.seen, s.Version); t.Part {
			f.seen[i] = "" // its version is the component's, and what is told is the firmware's
		}
		a.subject[s.ID] = append(a.subject[s.ID], t.UID)
	}
	for _, id := range t.Vulnerabilities {
		id = strings.ToUpper(id)
		f.vulns = append(f.vulns, id)
		a.vuln[id] = append(a.vuln[id], t.UID)
	}
	a.entries += n
	a.filed[t.UID] = f
}

// Drop forgets a task that left the archive.
func (a *Archive) Drop(uid string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(uid)
}

func (a *Archive) drop(uid string) {
	f, ok := a.filed[uid]
	if !ok {
		return
	}
	off := func(m map[string][]string, key string) {
		if m[key] = slices.DeleteFunc(m[key], func(u string) bool { return u == uid }); len(m[key]) == 0 {
			delete(m, key)
		}
	}
	for _, id := range f.ids {
		off(a.subject, id)
	}
	for _, id := range f.vulns {
		off(a.vuln, id)
	}
	a.entries -= len(f.ids) + len(f.vulns)
	delete(a.filed, uid)
	delete(a.stale, uid)
	delete(a.later, uid)
}

// Has tells whether a subject is in some task of the archive.
func (a *Archive) Has(subject string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.subject[subject]) > 0
}

// Subjects are all that tasks of the archive are about.
func (a *Archive) Subjects() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Keys(a.subject))
}

// Told marks the tasks of a subject that was told with another version since it was
// looked at last. It returns how many it marked.
func (a *Archive) Told(subject string, told []Told) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, uid := range a.subject[subject] {
		f := a.filed[uid]
		at := slices.Index(f.ids, subject)
		for _, v := range told {
			if v.Version != f.seen[at] && v.Last.After(f.at[at]) {
				a.stale[uid] = true
				n++
				break
			}
		}
	}
	return n
}

// Looked keeps with which version, told when, a subject of a task was looked at, so that
// it is not looked at for that again.
func (a *Archive) Looked(uid, subject, version string, told time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.filed[uid]
	if at := slices.Index(f.ids, subject); at >= 0 {
		if f.seen[at] = version; told.After(f.at[at]) {
			f.at[at] = told
		}
	}
}

// Concern marks the tasks of vulnerabilities of which something else is said now, and
// of subjects that have another bill.
func (a *Archive) Concern(subjects, vulnerabilities []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range subjects {
		for _, uid := range a.subject[s] {
			a.stale[uid] = true
		}
	}
	for _, id := range vulnerabilities {
		for _, uid := range a.vuln[strings.ToUpper(id)] {
			a.stale[uid] = true
		}
	}
}

// ConcernParts marks the tasks about components: a bill of a product came.
func (a *Archive) ConcernParts() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for uid, f := range a.filed {
		if f.part {
			a.stale[uid] = true
		}
	}
}

// ConcernAll has all of them looked at in time: what advisories and bills said while
// nothing ran is not known.
func (a *Archive) ConcernAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for uid := range a.filed {
		a.later[uid] = true
	}
}

// Some marks as many of those that wait for time.
func (a *Archive) Some(most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for uid := range a.later {
		if most--; most < 0 {
			return
		}
		a.stale[uid] = true
		delete(a.later, uid)
	}
}

// Stale takes the uids of the tasks that are to be looked at, in order.
func (a *Archive) Stale() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Sorted(maps.Keys(a.stale))
	clear(a.stale)
	return out
}

// Retry marks tasks that could not be looked at, or for which there was no room.
func (a *Archive) Retry(uids ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, uid := range uids {
		if _, ok := a.filed[uid]; ok {
			a.stale[uid] = true
		}
	}
}

// Cut tells how many tasks are above the bound.
func (a *Archive) Cut() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cut
}
