// Package task keeps what persons took on: a task is opened from an action of the
// plan, has an owner, a due date and a maintenance window, and is closed by what is
// seen of its devices alone. That somebody says it is done is kept as what it is: a
// word.
//
// Tasks are values: a change gives a new one, which the caller keeps before it
// counts. The package owns their form, what may become of them and the ticket text.
// It must not store, fetch or change devices, and takes no person's word for a
// version that was seen.
package task

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/vuln/remedy"
)

// RecordKind is the kind of the records of tasks.
const RecordKind = "remediation"

// ArchiveKind is the kind of the records of tasks that were verified long ago.
const ArchiveKind = "remediation-archive"

// recordVersion is written into each record. A later version must read this one.
const recordVersion = 1

// State is where a task stands.
type State string

// The states. Persons choose the first five; the others follow from what is seen.
const (
	Open       State = "open"
	Planned    State = "planned"
	InProgress State = "in_progress"
	SaidDone   State = "said_done" // somebody says so; it is not seen yet
	Accepted   State = "accepted"  // the risk is accepted, with a reason and until when
	Verified   State = "verified"  // each subject was seen with a version that is not affected
	Reopened   State = "reopened"  // it was seen otherwise again, or the acceptance ended
)

// Chosen are the states that a person may choose.
func Chosen() []State { return []State{Open, Planned, InProgress, SaidDone, Accepted} }

// States are all of them.
func States() []State { return append(Chosen(), Verified, Reopened) }

// Limits of one task.
const (
	MaxSubjects = 1000
	maxIDs      = 5000
	maxNotes    = 200
	maxHistory  = 300
	maxText     = 4096
	maxName     = 200
)

// Task is something to do that somebody took on.
type Task struct {
	Version         int               `json:"v"`
	UID             string            `json:"uid"`
	Action          string            `json:"action"` // id of the action that it was opened from
	Site            string            `json:"site,omitempty"`
	Kind            string            `json:"kind"` // as of the action
	Product         string            `json:"product"`
	Part            bool              `json:"part,omitempty"`
	To              string            `json:"to,omitempty"`
	Advice          string            `json:"advice,omitempty"` // what an advisory says to do instead: its words
	Decision        string            `json:"decision"`         // when it was opened
	Vulnerabilities []string          `json:"vulnerabilities"`
	Cited           []remedy.Citation `json:"cited"`
	Breaks          []string          `json:"breaks,omitempty"`
	Subjects        []Subject         `json:"subjects"`

	Fields
	Opened   time.Time `json:"opened"`
	OpenedBy string    `json:"opened_by"`
	Closed   time.Time `json:"closed,omitzero"` // when all were seen
	Notes    []Note    `json:"notes"`
	History  []Change  `json:"history"` // the last ones
	Changes  int       `json:"changes"` // how many there were
	Before   *Before   `json:"before,omitempty"`
}

// Fields are what persons set.
type Fields struct {
	State    State     `json:"state"`
	Owner    string    `json:"owner,omitempty"`
	Due      time.Time `json:"due,omitzero"`
	DueWhy   string    `json:"due_why,omitempty"` // where the date is from
	From     time.Time `json:"from,omitzero"`     // of the maintenance window
	Until    time.Time `json:"until,omitzero"`
	Accepted *Accept   `json:"accepted,omitempty"`
	Done     time.Time `json:"done,omitzero"` // when somebody said so
	DoneBy   string    `json:"done_by,omitempty"`
}

// Accept is the word of who carries the risk.
type Accept struct {
	Why   string    `json:"why"`
	Until time.Time `json:"until"`
	By    string    `json:"by"`
}

// Note is what a person wrote.
type Note struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// Change is what became of the task.
type Change struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"` // a person, or Vedette
	What string    `json:"what"`
	Why  string    `json:"why,omitempty"`
}

// Before is what the last change, if a person made it, can be taken back to.
type Before struct {
	Fields Fields `json:"fields"`
	What   string `json:"what"`
	Notes  int    `json:"notes"`
	Opened bool   `json:"opened,omitempty"` // there was no task
}

// Vedette is who makes the changes that follow from what is seen.
const Vedette = "vedette"

// New opens a task from an action.
func New(a *remedy.Action, by, site string, now time.Time) (Task, error) {
	now = now.UTC()
	switch {
	case by == "":
		return Task{}, fault.New(fault.Invalid, "a task that nobody opens").WithHint("say who does it")
	case len(a.Subjects) == 0:
		return Task{}, fault.New(fault.Conflict, "the action has no device that is not in a task already").WithHint("list the tasks with: vedette vulns task list")
	case len(a.Vulnerabilities) > maxIDs:
		return Task{}, fault.New(fault.Limited, "the action is about %d vulnerabilities", len(a.Vulnerabilities)).WithHint("at most %d in one task", maxIDs)
	}
	t := Task{
		Version: recordVersion, Action: a.ID, Site: site, Kind: a.Kind, Product: a.Product, Part: a.Part, To: a.To, Decision: a.Decision,
		Vulnerabilities: slices.Clone(a.Vulnerabilities), Cited: slices.Clone(a.Cited), Breaks: slices.Clone(a.Breaks), Opened: now, OpenedBy: by, Notes: []Note{}, Fields: Fields{State: Open},
	}
	if t.Cited == nil {
		t.Cited = []remedy.Citation{}
	}
	if a.Kind == remedy.Advised && len(a.Cited) > 0 {
		t.Advice = a.Cited[0].Text
	}
	for _, id := range a.Subjects[:min(len(a.Subjects), MaxSubjects)] {
		t.Subjects = append(t.Subjects, Subject{ID: id, State: Pending})
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{a.ID, by, now.Format(time.RFC3339Nano), t.Subjects[0].ID}, "\x00")))
	t.UID = hex.EncodeToString(sum[:8])
	if days := DueDays(a.Decision); days > 0 {
		t.Due = now.AddDate(0, 0, days)
		t.DueWhy = fmt.Sprintf("suggested: %q within %d days", a.Decision, days)
	}
	t.note(Change{At: now, By: by, What: "opened"})
	t.Before = &Before{What: "opened", Opened: true}
	return t, nil
}

// DueDays suggests within how many days a decision wants something done: for act
// the two weeks that CISA's directive 22-01 gives for what is exploited; the others
// are ours.
func DueDays(decision string) int {
	return map[string]int{"act": 14, "attend": 30, "track*": 90, "track": 180}[decision]
}

// Title says in a line what is to be done.
func (t *Task) Title() string {
	switch t.Kind {
	case remedy.Update:
		return "update " + t.Product + " to " + t.To
	case remedy.Component:
		return "get firmware with " + t.Product + " " + t.To + " or later"
	case remedy.Advised:
		return "do what the advisory says for " + t.Product
	case remedy.Control:
		return "limit what reaches " + t.Product
	}
	return "find out which version of " + t.Product + " runs"
}

// note adds to the history; the oldest goes.
func (t *Task) note(c Change) {
	t.Changes++
	t.History = append(slices.Clone(t.History), c)
	t.History = t.History[max(0, len(t.History)-maxHistory):]
}

// Has tells whether a text is in what names the task, in any case of letters.
func (t *Task) Has(text string) bool {
	low := strings.ToLower(text)
	in := func(s string) bool { return strings.Contains(strings.ToLower(s), low) }
	return in(t.UID) || in(t.Title()) || in(t.Owner) || slices.ContainsFunc(t.Vulnerabilities, in) ||
		slices.ContainsFunc(t.Notes, func(n Note) bool { return in(n.Text) }) || slices.ContainsFunc(t.Subjects, func(s Subject) bool { return in(s.ID) })
}

// Count tells how many subjects were seen as they should be.
func (t *Task) Count() (verified, affected int) {
	for i := range t.Subjects {
		switch t.Subjects[i].State {
		case Seen:
			verified++
		case Still:
			affected++
		case Pending, Unseen, Unclear:
		}
	}
	return verified, affected
}

// Active tells whether something is to be done.
func (t *Task) Active() bool { return t.State != Verified && t.State != Accepted }

// Overdue tells whether it should be done by now.
func (t *Task) Overdue(now time.Time) bool {
	return t.Active() && !t.Due.IsZero() && now.After(t.Due)
}

// DoubtAfter is after how long a word that a device was not seen to bear out is told.
const DoubtAfter = 3 * 24 * time.Hour

// Doubted tells how many subjects were seen with an affected version after somebody
// said that it is done, and that long ago.
func (t *Task) Doubted(now time.Time) int {
	n := 0
	if t.State != SaidDone || now.Sub(t.Done) < DoubtAfter {
		return 0
	}
	for i := range t.Subjects {
		if s := &t.Subjects[i]; s.State == Still && s.At.After(t.Done) {
			n++
		}
	}
	return n
}

// Compare orders tasks: what is to be done before what is not, then by due date.
func Compare(a, b *Task) int {
	rank := func(t *Task) int { return map[bool]int{true: 0, false: 1}[t.Active()] }
	date := func(t *Task) int64 {
		if t.Due.IsZero() {
			return 1 << 62
		}
		return t.Due.Unix()
	}
	return cmp.Or(rank(a)-rank(b), cmp.Compare(date(a), date(b)), a.Opened.Compare(b.Opened), strings.Compare(a.UID, b.UID))
}
