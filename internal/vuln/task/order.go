package task

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"vedette/internal/fault"
)

// Order is what a person sets. What is nil or empty stays.
type Order struct {
	By    string     `json:"by,omitempty"`
	Why   string     `json:"why,omitempty"`
	State State      `json:"state,omitempty"`
	Owner *string    `json:"owner,omitempty"` // "": nobody
	Due   *time.Time `json:"due,omitempty"`   // zero: none
	// From and Until are the maintenance window; both zero: none.
	From  *time.Time `json:"from,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	// AcceptUntil is until when a risk is accepted.
	AcceptUntil time.Time `json:"accept_until,omitzero"`
}

// maxAccept is the longest time for which a risk can be accepted at once.
const maxAccept = 3 * 366 * 24 * time.Hour

// Set gives the task as a person sets it.
func (t Task) Set(o Order, now time.Time) (Task, error) {
	now = now.UTC()
	why, err := line(o.Why, maxText, true)
	if err != nil {
		return t, err
	}
	before := Before{Fields: t.Fields, Notes: len(t.Notes)}
	var done []string
	for _, one := range []func(*Task, *Order, time.Time) (string, error){setOwner, setDue, setWindow, setState} {
		what, err := one(&t, &o, now)
		if err != nil {
			return t, err
		}
		if what != "" {
			done = append(done, what)
		}
	}
	switch {
	case o.By == "":
		return t, fault.New(fault.Invalid, "a task cannot be changed by nobody").WithHint("say who does it")
	case len(done) == 0:
		return t, fault.New(fault.Conflict, "that changes nothing of the task").WithHint("set owner, due date, window or state to something else")
	}
	before.What = strings.Join(done, ", ")
	t.note(Change{At: now, By: o.By, What: before.What, Why: why})
	t.Before = &before
	return t, nil
}

func setOwner(t *Task, o *Order, _ time.Time) (string, error) {
	if o.Owner == nil || *o.Owner == t.Owner {
		return "", nil
	}
	name, err := line(*o.Owner, maxName, true)
	if err != nil {
		return "", err
	}
	t.Owner = name
	return "given to " + cmp.Or(name, "nobody"), nil
}

func setDue(t *Task, o *Order, now time.Time) (string, error) {
	if o.Due == nil || o.Due.Equal(t.Due) {
		return "", nil
	}
	if !o.Due.IsZero() && (o.Due.Year() < 2000 || o.Due.Year() > now.Year()+20) {
		return "", fault.New(fault.Invalid, "the due date is in the year %d", o.Due.Year())
	}
	t.Due, t.DueWhy = o.Due.UTC(), "set by "+o.By
	if o.Due.IsZero() {
		t.Due, t.DueWhy = time.Time{}, ""
		return "no due date", nil
	}
	return "due " + t.Due.Format(time.DateOnly), nil
}

func setWindow(t *Task, o *Order, now time.Time) (string, error) {
	if o.From == nil && o.Until == nil {
		return "", nil
	}
	from, until := t.From, t.Until
	if o.From != nil {
		from = *o.From
	}
	if o.Until != nil {
		until = *o.Until
	}
	switch {
	case from.IsZero() && until.IsZero():
		if t.From.IsZero() {
			return "", nil
		}
		t.From, t.Until = time.Time{}, time.Time{}
		return "no maintenance window", nil
	case from.IsZero() || until.IsZero() || !until.After(from):
		return "", fault.New(fault.Invalid, "a maintenance window has a beginning and a later end")
	case until.Sub(from) > 31*24*time.Hour || until.Year() > now.Year()+20:
		return "", fault.New(fault.Invalid, "the maintenance window is longer than 31 days or too far away")
	case from.Equal(t.From) && until.Equal(t.Until):
		return "", nil
	}
	t.From, t.Until = from.UTC(), until.UTC()
	return "maintenance window " + span(t.From, t.Until), nil
}

func span(from, until time.Time) string {
	return from.Format("2006-01-02 15:04") + " to " + until.Format("2006-01-02 15:04") + " UTC"
}

func setState(t *Task, o *Order, now time.Time) (string, error) {
	switch {
	case o.State == "" || o.State == t.State && o.State != Accepted:
		return "", nil
	case o.State == Verified || o.State == Reopened:
		return "", fault.New(fault.Invalid, "nobody can say that a task is %s", o.State).WithHint("it follows from what is seen of the devices; say said_done, and it is looked at")
	case !slices.Contains(Chosen(), o.State):
		return "", fault.New(fault.Invalid, "there is no state %.40q", string(o.State)).WithHint("one of %s", words(Chosen()))
	case t.State == Verified:
		return "", fault.New(fault.Conflict, "the task is verified").WithHint("it opens again by itself when an affected version is seen")
	}
	if o.State == Accepted {
		why, err := line(o.Why, maxText, false)
		switch {
		case err != nil:
			return "", fault.New(fault.Invalid, "the risk is accepted without a reason").WithHint("say why, and until when")
		case !o.AcceptUntil.After(now) || o.AcceptUntil.Sub(now) > maxAccept:
			return "", fault.New(fault.Invalid, "the risk is not accepted until a day to come, within three years").WithHint("say until when")
		}
		t.Accepted = &Accept{Why: why, Until: o.AcceptUntil.UTC(), By: o.By}
		t.State, t.Done, t.DoneBy = Accepted, time.Time{}, ""
		return "risk accepted until " + t.Accepted.Until.Format(time.DateOnly), nil
	}
	t.State, t.Accepted = o.State, nil
	if o.State == SaidDone {
		t.Done, t.DoneBy = now, o.By
	} else {
		t.Done, t.DoneBy = time.Time{}, ""
	}
	return strings.ReplaceAll(string(o.State), "_", " "), nil
}

func words(list []State) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// AddNote gives the task with what a person wrote.
func (t Task) AddNote(by, text string, now time.Time) (Task, error) {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\r\n", "\n"))
	switch {
	case by == "":
		return t, fault.New(fault.Invalid, "a note that nobody wrote").WithHint("say who does it")
	case text == "":
		return t, fault.New(fault.Invalid, "the note is empty").WithHint("write what others should know")
	case len(text) > maxText:
		return t, fault.New(fault.Invalid, "the note has %d bytes", len(text)).WithHint("at most %d; write two", maxText)
	case len(t.Notes) >= maxNotes:
		return t, fault.New(fault.Limited, "the task has %d notes already", maxNotes)
	}
	before := Before{Fields: t.Fields, Notes: len(t.Notes), What: "wrote a note"}
	t.Notes = append(slices.Clone(t.Notes), Note{At: now.UTC(), By: by, Text: text})
	t.note(Change{At: now.UTC(), By: by, What: before.What})
	t.Before = &before
	return t, nil
}

// Undo takes the last change back, if a person made it and nothing was seen since
// that changed the task. gone tells that the change was to open it.
func (t Task) Undo(by, why string, now time.Time) (_ Task, gone bool, _ error) {
	why, err := line(why, maxText, true)
	switch {
	case err != nil:
		return t, false, err
	case by == "":
		return t, false, fault.New(fault.Invalid, "a change cannot be taken back by nobody").WithHint("say who does it")
	case t.Before == nil:
		return t, false, fault.New(fault.Conflict, "the last change of the task cannot be taken back").WithHint("a person did not make it, or took one back already; set what should hold")
	case t.Before.Opened:
		return t, true, nil
	}
	t.Fields = t.Before.Fields
	t.Notes = slices.Clone(t.Notes[:min(t.Before.Notes, len(t.Notes))])
	t.note(Change{At: now.UTC(), By: by, What: "took back: " + t.Before.What, Why: why})
	t.Before = nil
	return t, false, nil
}

// line is a text of one line as it is kept.
func line(text string, most int, empty bool) (string, error) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd"))
	switch {
	case text == "" && !empty:
		return "", fault.New(fault.Invalid, "a text is missing")
	case len(text) > most:
		return "", fault.New(fault.Invalid, "a text of %d bytes", len(text)).WithHint("at most %d", most)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", fault.New(fault.Invalid, "a text with characters that cannot be seen, or more than one line").WithHint("write letters, digits and spaces")
	}
	return text, nil
}
