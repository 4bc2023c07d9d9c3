package task

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/remedy"
)

// Subject is a device or product of a task, and what was seen of it.
type Subject struct {
	ID      string    `json:"id"` // device:UID or product:NAME
	State   Progress  `json:"state"`
	Version string    `json:"version,omitempty"` // that was seen last; a device wrote it
	At      time.Time `json:"at,omitzero"`       // when
	Source  string    `json:"source,omitempty"`  // how it was told
	Why     string    `json:"why,omitempty"`
}

// Progress is how far a subject is.
type Progress string

// The steps of a subject.
const (
	Pending Progress = "pending"        // nothing tells its version
	Unseen  Progress = "not_seen"       // nothing was seen since the task began
	Unclear Progress = "unclear"        // its version was seen, and whether that is affected is not known
	Still   Progress = "still_affected" // it was seen with an affected version
	Seen    Progress = "verified"       // it was seen with one that is not
)

// Told is a version that something told of a device over a time.
type Told struct {
	Version     string
	Source      string
	First, Last time.Time
}

// Parts are the components of a bill that counts for a subject since a time.
type Parts struct {
	At     time.Time
	Source string
	Items  []Part
}

// Part is a component of a bill.
type Part struct {
	Label string
	Query match.Query
}

// Evidence is what is known of a subject. Persons' words are not in Told.
type Evidence struct {
	Own   match.Query // the product itself; its version is not looked at
	Told  []Told
	Word  *Told  // what a person says its version is; it settles what is to be found out, and nothing else
	Bill  *Parts // the newest bill of its own
	Fleet func(version string) *Parts
}

// Ask holds a product against the advisories.
type Ask func(q match.Query) []match.Row

// Judge tells how far a subject is. What was seen before since counts for nothing,
// and of what was seen after it the newest; when two sources tell different versions
// in turn, the worse.
func (t *Task) Judge(e *Evidence, ask Ask) Subject {
	if t.Part {
		return t.judgeParts(e, ask)
	}
	told := slices.Clone(e.Told)
	if t.Kind == remedy.FindOut && e.Word != nil {
		told = append(told, *e.Word)
	}
	return t.judgeOwn(e, told, ask)
}

func (t *Task) judgeOwn(e *Evidence, told []Told, ask Ask) Subject {
	newest := newestOf(told)
	switch {
	case newest == nil:
		return Subject{State: Pending, Why: "nothing told its version so far"}
	case newest.Last.Before(t.Opened):
		return Subject{State: Unseen, Version: newest.Version, At: newest.Last, Source: newest.Source, Why: "its version was told last before the task began"}
	}
	best := t.verdict(e.Own, *newest, ask)
	for _, other := range told {
		if other.Version == newest.Version || !other.Last.After(newest.First) || other.Last.Before(t.Opened) {
			continue
		}
		if v := t.verdict(e.Own, other, ask); worse(v.State, best.State) {
			v.Why = fmt.Sprintf("%s; %s tells %s as well", v.Why, newest.Source, newest.Version)
			best = v
		}
	}
	return best
}

// Newest is the version that was told last, and when; "": none was.
func (e *Evidence) Newest() (version string, at time.Time) {
	if t := newestOf(e.Told); t != nil {
		return t.Version, t.Last
	}
	return "", time.Time{}
}

func newestOf(told []Told) *Told {
	var newest *Told
	for i := range told {
		if newest == nil || told[i].Last.After(newest.Last) {
			newest = &told[i]
		}
	}
	return newest
}

func worse(a, b Progress) bool {
	order := []Progress{Seen, Pending, Unseen, Unclear, Still}
	return slices.Index(order, a) > slices.Index(order, b)
}

// verdict judges a version that was told.
func (t *Task) verdict(q match.Query, told Told, ask Ask) Subject {
	q.Version = told.Version
	state, why := t.settles(ask(q))
	return Subject{State: state, Version: told.Version, At: told.Last, Source: told.Source, Why: why}
}

// settles tells whether an answer says of each vulnerability of the task that it is
// not there. What this site says itself counts for nothing: it is a word.
func (t *Task) settles(rows []match.Row) (Progress, string) {
	by := make(map[string]*match.Row, len(rows))
	for i := range rows {
		by[strings.ToUpper(rows[i].ID)] = &rows[i]
	}
	state, why := Seen, ""
	for _, id := range t.Vulnerabilities {
		r := by[strings.ToUpper(id)]
		s, w := Seen, ""
		switch {
		case r == nil:
			s, w = Unclear, "no source speaks of "+id+" in this product"
		case r.About().Advisory != nil && r.About().Advisory.Rank == advisory.BySelf:
			s, w = Unclear, "of "+id+" only this site says what holds: that is a word"
		case r.Status == match.Affected:
			s, w = Still, id+": "+r.Reason
		case r.Status != match.NotAffected:
			s, w = Unclear, id+": "+r.Reason
		}
		if t.Kind == remedy.FindOut && (s == Still || r != nil && r.Status == match.Affected) {
			s, w = Seen, ""
		}
		if worse(s, state) {
			state, why = s, w
		}
	}
	return state, clip(why)
}

// judgeParts looks at the component in the newest bill that tells what runs.
func (t *Task) judgeParts(e *Evidence, ask Ask) Subject {
	bill := e.Bill
	if newest := newestOf(e.Told); newest != nil && !newest.Last.Before(t.Opened) && e.Fleet != nil {
		if fleet := e.Fleet(newest.Version); fleet != nil && (bill == nil || bill.At.Before(newest.Last)) {
			fleet.At, fleet.Source = newest.Last, newest.Source+" tells firmware "+newest.Version+", which has "+fleet.Source
			bill = fleet
		}
	}
	switch {
	case bill == nil:
		return Subject{State: Pending, Why: "no bill of materials tells what is in it now"}
	case bill.At.Before(t.Opened):
		return Subject{State: Unseen, At: bill.At, Source: bill.Source, Why: "its bill of materials is from before the task began"}
	}
	out := Subject{State: Seen, At: bill.At, Source: bill.Source, Why: "it is not in the bill of materials any more"}
	found := false
	for _, p := range bill.Items {
		if !strings.EqualFold(remedy.NameOfPart(p.Label, p.Query.Version), t.Product) {
			continue
		}
		s, why := t.settles(ask(p.Query))
		if !found || worse(s, out.State) {
			out.State, out.Version, out.Why = s, p.Query.Version, why
		}
		found = true
	}
	return out
}

func clip(s string) string {
	const most = 300
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Look gives the task as what was seen makes it, and whether that changed anything.
// see tells how far a subject is.
func (t Task) Look(see func(id string) Subject, now time.Time) (Task, bool) {
	now = now.UTC()
	was := t.Changes
	subjects := slices.Clone(t.Subjects)
	changed, back := false, ""
	for i := range subjects {
		s := see(subjects[i].ID)
		s.ID = subjects[i].ID
		old := subjects[i]
		if s == old || old.State == Seen && keeps(&old, &s) {
			continue
		}
		if old.State == Seen && s.State != Seen && back == "" {
			back = fmt.Sprintf("%s was seen with %s by %s", s.ID, orNone(s.Version), orNone(s.Source))
		}
		subjects[i], changed = s, true
	}
	if !changed && (t.State != Accepted || now.Before(t.Accepted.Until)) {
		return t, false
	}
	t.Subjects = subjects
	n, _ := t.Count()
	switch {
	case n == len(t.Subjects) && t.State != Verified:
		t.State, t.Closed, t.Accepted = Verified, now, nil
		t.note(Change{At: now, By: Vedette, What: "verified", Why: fmt.Sprintf("each of %d was seen with a version that is not affected", n)})
	case back != "" && (t.State == Verified || t.State == SaidDone):
		t.State, t.Closed, t.Done, t.DoneBy = Reopened, time.Time{}, time.Time{}, ""
		t.note(Change{At: now, By: Vedette, What: "reopened", Why: clip(back)})
	case t.State == Accepted && !now.Before(t.Accepted.Until):
		t.State, t.Accepted = Reopened, nil
		t.note(Change{At: now, By: Vedette, What: "reopened", Why: "the time for which the risk was accepted is over"})
	}
	if t.Changes != was {
		t.Before = nil
	}
	return t, changed || t.Changes != was
}

// keeps tells whether a subject stays verified: nothing newer was seen, or the same
// version again.
func keeps(old, now *Subject) bool {
	switch now.State {
	case Pending, Unseen:
		return true
	case Seen, Unclear:
		return now.Version == old.Version
	case Still:
	}
	return false
}

func orNone(s string) string {
	if s == "" {
		return "no version"
	}
	return s
}
