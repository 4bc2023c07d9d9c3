package task

import (
	"encoding/json"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/remedy"
)

// Write gives a task as it is kept.
func (t *Task) Write() ([]byte, error) {
	raw, err := json.Marshal(t)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing task %s", t.UID)
	}
	return raw, nil
}

// maxRecord bounds what is read of one task.
const maxRecord = 4 << 20

// Read reads a kept task. One that could not have been written is refused.
func Read(id string, raw []byte) (Task, error) {
	var t Task
	bad := func(what string) (Task, error) {
		return Task{}, fault.New(fault.Invalid, "restoring task %.40q: %s", id, what)
	}
	if len(raw) > maxRecord {
		return bad("it is too large")
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return Task{}, fault.Wrap(fault.Invalid, err, "restoring task %.40q", id)
	}
	switch {
	case t.Version < 1 || t.Version > recordVersion:
		return bad("it is of a form that is not known here")
	case t.UID == "" || t.UID != id || t.OpenedBy == "" || t.Opened.IsZero():
		return bad("it does not say what it is")
	case !slices.Contains([]string{remedy.Update, remedy.Component, remedy.Advised, remedy.Control, remedy.FindOut}, t.Kind):
		return bad("its kind is not known")
	case !slices.Contains(States(), t.State) || (t.State == Accepted) != (t.Accepted != nil) || t.State == SaidDone && t.Done.IsZero() || t.State == Verified && t.Closed.IsZero():
		return bad("its state is not known")
	case len(t.Subjects) == 0 || len(t.Subjects) > MaxSubjects || len(t.Vulnerabilities) == 0 || len(t.Vulnerabilities) > maxIDs:
		return bad("it has no devices or no vulnerabilities, or too many")
	case len(t.Notes) > maxNotes || len(t.History) > maxHistory || t.Changes < len(t.History) || t.Before != nil && t.Before.Notes > len(t.Notes):
		return bad("its history is not whole")
	}
	seen := map[string]bool{}
	for i := range t.Subjects {
		s := &t.Subjects[i]
		if seen[s.ID] || strings.TrimSpace(s.ID) == "" || !slices.Contains([]Progress{Pending, Unseen, Unclear, Still, Seen}, s.State) {
			return bad("its devices are not as they can be")
		}
		seen[s.ID] = true
	}
	if n, _ := t.Count(); t.State == Verified && n != len(t.Subjects) {
		return bad("it is verified, and its devices are not")
	}
	if t.Notes == nil {
		t.Notes = []Note{}
	}
	if t.History == nil {
		t.History = []Change{}
	}
	if t.Cited == nil {
		t.Cited = []remedy.Citation{}
	}
	return t, nil
}
