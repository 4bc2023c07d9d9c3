package task

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"vedette/internal/fault"
)

// Book are the tasks that there are, and which of them are to be looked at. It is
// safe for concurrent use.
type Book struct {
	mu      sync.Mutex
	tasks   map[string]*Task
	subject map[string]map[string]bool // uids by subject
	vuln    map[string]map[string]bool // uids by vulnerability in upper case
	stale   map[string]bool
}

// MaxTasks bounds the book. What is verified makes room for new work, see
// [Book.Closed].
const MaxTasks = 10_000

// ArchiveAfter is how long a verified task stays in the book, where what is seen of
// its devices can open it again.
const ArchiveAfter = 90 * 24 * time.Hour

// NewBook makes an empty one.
func NewBook() *Book {
	return &Book{tasks: map[string]*Task{}, subject: map[string]map[string]bool{}, vuln: map[string]map[string]bool{}, stale: map[string]bool{}}
}

// Put takes a task that was kept, in the place of what it was.
func (b *Book) Put(t Task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unhook(t.UID)
	b.tasks[t.UID] = &t
	for i := range t.Subjects {
		hook(b.subject, t.Subjects[i].ID, t.UID)
	}
	for _, id := range t.Vulnerabilities {
		hook(b.vuln, strings.ToUpper(id), t.UID)
	}
}

func hook(m map[string]map[string]bool, key, uid string) {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][uid] = true
}

func (b *Book) unhook(uid string) {
	t := b.tasks[uid]
	if t == nil {
		return
	}
	off := func(m map[string]map[string]bool, key string) {
		if delete(m[key], uid); len(m[key]) == 0 {
			delete(m, key)
		}
	}
	for i := range t.Subjects {
		off(b.subject, t.Subjects[i].ID)
	}
	for _, id := range t.Vulnerabilities {
		off(b.vuln, strings.ToUpper(id))
	}
	delete(b.tasks, uid)
}

// Drop forgets a task.
func (b *Book) Drop(uid string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unhook(uid)
	delete(b.stale, uid)
}

// Get finds a task by its uid or the beginning of it.
func (b *Book) Get(text string) (Task, error) {
	return b.Find(text, func(*Task) bool { return true })
}

// Find is Get among the tasks that somebody sees: no other is found or counted.
func (b *Book) Find(text string, sees func(*Task) bool) (Task, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.tasks[text]; t != nil && sees(t) {
		return *t, nil
	}
	var found []string
	for uid, t := range b.tasks {
		if len(text) >= 4 && strings.HasPrefix(uid, text) && sees(t) {
			found = append(found, uid)
		}
	}
	switch len(found) {
	case 0:
		return Task{}, fault.New(fault.NotFound, "there is no task %.60q", text).WithHint("list them with: vedette vulns task list")
	case 1:
		return *b.tasks[found[0]], nil
	}
	return Task{}, fault.New(fault.Conflict, "%d tasks begin with %.60q", len(found), text).WithHint("give more of the uid, such as %s", slices.Min(found))
}

// List returns all tasks, what is to be done first before the others.
func (b *Book) List() []Task {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Task, 0, len(b.tasks))
	for _, t := range b.tasks {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(x, y Task) int { return Compare(&x, &y) })
	return out
}

// Len tells how many there are.
func (b *Book) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.tasks)
}

// Of tells which subjects are in a task of an action that is not verified, and the
// uid of the task.
func (b *Book) Of(action string) map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]string{}
	for uid, t := range b.tasks {
		if t.Action == action && t.State != Verified {
			for i := range t.Subjects {
				out[t.Subjects[i].ID] = uid
			}
		}
	}
	return out
}

// ByAction gives for each action the uid of a task that is not verified, the one
// that was opened last, of those all of whose subjects somebody sees; nil sees all.
func (b *Book) ByAction(sees func(subject string) bool) map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out, at := map[string]string{}, map[string]time.Time{}
	for uid, t := range b.tasks {
		if sees != nil && slices.ContainsFunc(t.Subjects, func(s Subject) bool { return !sees(s.ID) }) {
			continue
		}
		if t.State != Verified && (out[t.Action] == "" || t.Opened.After(at[t.Action]) || t.Opened.Equal(at[t.Action]) && uid < out[t.Action]) {
			out[t.Action], at[t.Action] = uid, t.Opened
		}
	}
	return out
}

// Concern marks the tasks of subjects and of vulnerabilities to be looked at. It
// touches no others and returns how many it marked.
func (b *Book) Concern(subjects, vulnerabilities []string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.stale)
	for _, s := range subjects {
		maps.Copy(b.stale, b.subject[s])
	}
	for _, id := range vulnerabilities {
		maps.Copy(b.stale, b.vuln[strings.ToUpper(id)])
	}
	return len(b.stale) - n
}

// ConcernAll marks all of them.
func (b *Book) ConcernAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for uid := range b.tasks {
		b.stale[uid] = true
	}
}

// Stale takes the uids of the tasks to be looked at, in order: what was marked, and
// whose time has come.
func (b *Book) Stale(now time.Time) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for uid, t := range b.tasks {
		if t.State == Accepted && !now.Before(t.Accepted.Until) {
			b.stale[uid] = true
		}
	}
	out := slices.Sorted(maps.Keys(b.stale))
	clear(b.stale)
	return out
}

// Retry marks a task that could not be looked at, or kept.
func (b *Book) Retry(uids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, uid := range uids {
		if b.tasks[uid] != nil {
			b.stale[uid] = true
		}
	}
}

// Closed returns the verified tasks that leave the book for the archive: those that
// were closed long ago, and as many more, the oldest first, as room is needed for.
func (b *Book) Closed(now time.Time, room int) []Task {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Task
	for uid, t := range b.tasks {
		if t.State == Verified && !b.stale[uid] {
			out = append(out, *t)
		}
	}
	slices.SortFunc(out, func(x, y Task) int {
		return cmp.Or(x.Closed.Compare(y.Closed), strings.Compare(x.UID, y.UID))
	})
	n, _ := slices.BinarySearchFunc(out, now.Add(-ArchiveAfter), func(t Task, at time.Time) int { return t.Closed.Compare(at) })
	return out[:min(len(out), max(n, len(b.tasks)+room-MaxTasks))]
}

// Counts are what an operator should know.
type Counts struct {
	Active, Overdue, Doubted int
	FirstOverdue             string // uid of the one that is longest overdue
	FirstDoubted             string
}

// Counts counts.
func (b *Book) Counts(now time.Time) Counts {
	var c Counts
	for _, t := range b.List() {
		if t.Active() {
			c.Active++
		}
		if t.Overdue(now) {
			if c.Overdue++; c.FirstOverdue == "" {
				c.FirstOverdue = t.UID
			}
		}
		if t.Doubted(now) > 0 {
			if c.Doubted++; c.FirstDoubted == "" {
				c.FirstDoubted = t.UID
			}
		}
	}
	return c
}
