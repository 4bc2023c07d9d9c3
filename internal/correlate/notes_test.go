package correlate_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// reopened is what comes back from the records of a correlator.
func reopened(t interface {
	Helper()
	Fatal(...any)
}, c *correlate.Correlator, cfg correlate.Config,
) *correlate.Correlator {
	t.Helper()
	records, err := c.Dirty()
	if err != nil {
		t.Fatal(err)
	}
	records = slices.DeleteFunc(records, func(r correlate.Record) bool { return r.JSON == nil })
	again := correlate.New(cfg, clock)
	if problems := again.Restore(slices.Values(records)); len(problems) > 0 {
		t.Fatal(problems)
	}
	return again
}

// TestNotesStayWithTheirIncident: through merges, splits and restarts a note is on
// the incident that has the findings it was written on, and nothing else is.
func TestNotesStayWithTheirIncident(t *testing.T) {
	q := techniques(t)
	rapid.Check(t, func(t *rapid.T) {
		cfg := correlate.Config{Techniques: q, MaxOpen: rapid.SampledFrom([]int{0, 6}).Draw(t, "room")}
		c := correlate.New(cfg, clock)
		on := map[string]string{} // id of a note -> uid of the incident, as it was then
		owner := map[string]string{}
		for i, f := range someFindings(t) {
			uid := c.Add(f)
			if i%5 == 0 {
				id, err := c.Desk(nil).AddNote(uid, "ann", "seen "+f.UID)
				if err != nil {
					t.Fatal(err)
				}
				on[id] = uid
				if in, _ := c.Get(uid); len(in.Merges) > 0 {
					continue // it would be given as a whole
				}
				if err := c.Desk(nil).Assign(uid, "p-"+uid, "ann", ""); err == nil {
					owner[uid] = "p-" + uid
				}
			}
		}
		for id := range on {
			if rapid.IntRange(0, 4).Draw(t, "back") == 0 {
				if err := c.Desk(nil).Undo(id, "bob", "wrong"); err != nil {
					t.Fatal(err)
				}
				delete(on, id)
			}
		}
		look := func(c *correlate.Correlator) {
			shown := 0
			for _, in := range all(c) {
				if len(in.Notes) != in.NoteCount {
					t.Fatalf("%d notes counted, %d shown", in.NoteCount, len(in.Notes))
				}
				for _, n := range in.Notes {
					if now, ok := c.Get(on[n.ID]); !ok || now.UID != in.UID {
						t.Fatalf("note %s, written on %s, is on %s", n.ID, on[n.ID], in.UID)
					}
					shown++
				}
			}
			if shown != len(on) {
				t.Fatalf("%d notes are shown, %d were written", shown, len(on))
			}
		}
		look(c)
		for _, in := range c.Incidents() {
			for _, m := range in.Merges {
				if m.Part == "" || rapid.Bool().Draw(t, "stays") {
					continue
				}
				if err := c.Desk(nil).Split(m.Part, "ann", "not the same"); err != nil {
					t.Fatal(err)
				}
				if got, _ := c.Get(m.Part); owner[m.Part] != "" && got.Assignee != owner[m.Part] {
					t.Fatalf("%s is assigned to %q, not %q", m.Part, got.Assignee, owner[m.Part])
				}
			}
		}
		look(c)
		again := reopened(t, c, cfg)
		if cfg.MaxOpen == 0 { // else uids of what was put together are gone with the process
			look(again)
		}
		n := 0
		for _, in := range again.Incidents() {
			n += in.NoteCount
		}
		if n != len(on) {
			t.Fatalf("%d notes came back of %d", n, len(on))
		}
	})
}

// two makes two incidents that the finding join makes one.
func two(t *testing.T) (c *correlate.Correlator, older, younger string, join event.Finding) {
	t.Helper()
	c = correlate.New(correlate.Config{Techniques: techniques(t)}, clock)
	var n serial
	older = c.Add(n.finding(0, "scan", event.Medium, "10.1.2.3", "plc-1", "T0846"))
	younger = c.Add(n.finding(1, "login", event.Medium, "10.9.9.9", "plc-7", "T0812"))
	if older == younger {
		t.Fatal("the two are one from the start")
	}
	return c, older, younger, n.finding(2, "login", event.Medium, "10.1.2.3", "plc-7", "T0812")
}

func assignee(t *testing.T, c *correlate.Correlator, uid string) string {
	t.Helper()
	in, ok := c.Get(uid)
	if !ok {
		t.Fatalf("there is no incident %s", uid)
	}
	return in.Assignee
}

func TestAssign(t *testing.T) {
	var n serial
	c := correlate.New(correlate.Config{}, clock)
	uid := c.Add(n.finding(0, "scan", event.Medium, "10.1.2.3", "plc-1", "T0846"))
	if err := c.Desk(nil).Assign(uid, " ann ", "bob", "she knows the plant"); err != nil || assignee(t, c, uid) != "ann" {
		t.Fatal(err, assignee(t, c, uid))
	}
	if in, _ := c.Get(uid); len(in.History) != 1 || in.History[0].What != "assigned to ann" || in.History[0].By != "bob" {
		t.Errorf("%+v", in.History)
	}
	if in := c.Incidents()[0]; in.Assignee != "ann" {
		t.Errorf("in the list: %q", in.Assignee)
	}
	if got := assignee(t, reopened(t, c, correlate.Config{}), uid); got != "ann" {
		t.Errorf("after a restart: %q", got)
	}
	for to, kind := range map[string]fault.Kind{
		"ann": fault.Conflict, "me": fault.Invalid, "nobody": fault.Invalid, "  ": fault.Invalid, "a\u202eb": fault.Invalid, "a\nb": fault.Invalid, strings.Repeat("x", 129): fault.Invalid,
	} {
		if err := c.Desk(nil).Assign(uid, to, "bob", ""); fault.KindOf(err) != kind {
			t.Errorf("to %.20q: %v", to, err)
		}
	}
	if err := c.Desk(nil).Assign("x", "ann", "bob", ""); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	if err := c.Desk(nil).Assign(uid, "", "bob", ""); err != nil || assignee(t, c, uid) != "" {
		t.Error(err, assignee(t, c, uid))
	}
}

// What was merged keeps its person, and gets them back when it is split off.
func TestAssigneeOfMergedAndSplit(t *testing.T) {
	c, older, younger, join := two(t)
	if err := cmp.Or(c.Desk(nil).Assign(older, "ann", "ann", ""), c.Desk(nil).Assign(younger, "bob", "bob", "")); err != nil {
		t.Fatal(err)
	}
	c.Add(join)
	in, _ := c.Get(younger)
	if in.UID != older || in.Assignee != "ann" || len(in.Merges) != 1 {
		t.Fatalf("%s is assigned to %q, with merges %v", in.UID, in.Assignee, in.Merges)
	}
	c = reopened(t, c, correlate.Config{Techniques: techniques(t)})
	if err := c.Desk(nil).Split(in.Merges[0].Part, "ann", "not the same"); err != nil {
		t.Fatal(err)
	}
	if a, b := assignee(t, c, older), assignee(t, c, younger); a != "ann" || b != "bob" {
		t.Errorf("%q, %q", a, b)
	}
}

// Who is given a merged incident has all of it, also what is split off later.
func TestAssigneeOfTheWhole(t *testing.T) {
	c, older, younger, join := two(t)
	if err := c.Desk(nil).Assign(younger, "bob", "bob", ""); err != nil {
		t.Fatal(err)
	}
	part := c.Add(join)
	in, _ := c.Get(part)
	if in.Assignee != "bob" {
		t.Fatalf("merged: %q", in.Assignee)
	}
	if err := c.Desk(nil).Assign(older, "", "ann", ""); err != nil || assignee(t, c, older) != "" {
		t.Fatal(err, assignee(t, c, older))
	}
	if err := cmp.Or(c.Desk(nil).Assign(older, "eve", "ann", ""), c.Desk(nil).Split(in.Merges[0].Part, "ann", "not the same")); err != nil {
		t.Fatal(err)
	}
	if a, b := assignee(t, c, older), assignee(t, c, younger); a != "eve" || b != "eve" {
		t.Errorf("%q, %q", a, b)
	}
}

func TestNotes(t *testing.T) {
	var n serial
	c := correlate.New(correlate.Config{}, clock)
	uid := c.Add(n.finding(0, "scan", event.Medium, "10.1.2.3", "plc-1", "T0846"))
	id, err := c.Desk(nil).AddNote(uid, "ann", " called the plant\r\nthey know nothing ")
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Desk(nil).AddNote(uid, "ann", "second")
	if err != nil || again == id {
		t.Fatal(err, again)
	}
	in, _ := c.Get(uid)
	if len(in.Notes) != 2 || in.Notes[0].Text != "called the plant\nthey know nothing" || in.Notes[0].By != "ann" || in.Notes[0].At.IsZero() || len(in.History) != 2 {
		t.Fatalf("%+v, %+v", in.Notes, in.History)
	}
	if n, in, ok := c.NoteOf(id); !ok || in != uid || n.By != "ann" {
		t.Errorf("%+v of %s, %v", n, in, ok)
	}
	if err := c.Desk(nil).Undo(id, "bob", "not so"); err != nil {
		t.Fatal(err)
	}
	if in, _ = c.Get(uid); len(in.Notes) != 1 || in.NoteCount != 1 || in.Notes[0].ID != again || in.History[2].What != "took back a note of ann" {
		t.Errorf("%+v, %+v", in.Notes, in.History)
	}
	if err := c.Desk(nil).Undo(id, "bob", "not so"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("taken back twice: %v", err)
	}
	for _, text := range []string{"", " \n ", strings.Repeat("x", 4097)} {
		if _, err := c.Desk(nil).AddNote(uid, "ann", text); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.10q: %v", text, err)
		}
	}
	for range 199 {
		if _, err := c.Desk(nil).AddNote(uid, "ann", "more"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Desk(nil).AddNote(uid, "ann", "too many"); fault.KindOf(err) != fault.Limited {
		t.Error(err)
	}
}

// A note that was handed out and is taken back is handed out as deleted, again if
// that could not be kept.
func TestNoteIsDeleted(t *testing.T) {
	var n serial
	c := correlate.New(correlate.Config{}, clock)
	id, err := c.Desk(nil).AddNote(c.Add(n.finding(0, "scan", event.Medium, "10.1.2.3", "plc-1", "T0846")), "ann", "seen")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Dirty(); err != nil {
		t.Fatal(err)
	}
	if err := c.Desk(nil).Undo(id, "ann", ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		records, err := c.Dirty()
		if err != nil || !slices.ContainsFunc(records, func(r correlate.Record) bool { return r.ID == id && r.JSON == nil }) {
			t.Fatal(records, err)
		}
		for _, r := range records {
			c.Retry(r.Kind, r.ID)
		}
	}
}

// An incident that a person gave to somebody is not put together with others for
// want of room.
func TestAssignedStaysApart(t *testing.T) {
	var n serial
	c := correlate.New(correlate.Config{MaxOpen: 10}, clock)
	mine := c.Add(n.finding(0, "r", event.Low, "10.0.0.1", "plc-1", ""))
	if err := c.Desk(nil).Assign(mine, "ann", "ann", ""); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		c.Add(n.finding(float64(i)*3000, "r", event.Low, "", "dev-"+time.Duration(i).String(), ""))
	}
	if in, ok := c.Get(mine); !ok || in.UID != mine || in.Assignee != "ann" {
		t.Errorf("%v %+v", ok, in)
	}
}
