package correlate_test

import (
	"slices"
	"testing"

	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// What somebody saw as wholly theirs may have grown when they decide: then nothing of
// what they decide takes effect, whatever it is.
func TestDecidingOnWhatHasGrown(t *testing.T) {
	c := correlator(t)
	var n serial
	uid := c.Add(n.finding(0, "r", event.Medium, "10.1.2.3", "plc-1", "T0846"))
	mine, all := c.Desk(halfBlind{}), c.Desk(nil)
	feedback, err := mine.Feedback(uid, correlate.Benign, "ann", "maintenance")
	if err != nil {
		t.Fatal(err)
	}
	note, err := mine.AddStep(uid, "ann", correlate.Note{Text: "looked", Zones: []string{"hall"}})
	if err != nil {
		t.Fatal(err)
	}
	if seen, _ := c.Get(uid); seen.Decidable(halfBlind{}) != nil {
		t.Fatal("it is not theirs")
	}
	if into := c.Add(n.finding(1, "r", event.Medium, "10.1.2.3", "plc-2", "T0846")); into != uid {
		t.Fatalf("the incident did not grow: %s is not %s", into, uid)
	}
	before, _ := c.Get(uid)
	steps := map[string]func(correlate.Desk) error{
		"close":    func(d correlate.Desk) error { return d.Close(uid, "ann", "w") },
		"assign":   func(d correlate.Desk) error { return d.Assign(uid, "ann", "ann", "w") },
		"feedback": func(d correlate.Desk) error { _, err := d.Feedback(uid, correlate.True, "ann", "w"); return err },
		"note":     func(d correlate.Desk) error { _, err := d.AddNote(uid, "ann", "a word"); return err },
		"undo":     func(d correlate.Desk) error { return d.Undo(feedback, "ann", "w") },
		"unwrite":  func(d correlate.Desk) error { return d.Undo(note, "ann", "w") },
		"reopen":   func(d correlate.Desk) error { return d.Reopen(uid, "ann", "w") },
		"split":    func(d correlate.Desk) error { return d.Split(uid, "ann", "w") },
	}
	for what, step := range steps {
		if err := step(mine); fault.KindOf(err) != fault.Denied {
			t.Errorf("%s: %v", what, err)
		}
	}
	after, _ := c.Get(uid)
	if len(after.History) != len(before.History) || after.Status != before.Status || after.Score != before.Score || len(after.Notes) != 1 {
		t.Errorf("something took effect: %+v", after.History)
	}
	for _, what := range []string{"assign", "feedback", "note", "undo", "unwrite", "close", "reopen"} {
		if err := steps[what](all); err != nil {
			t.Errorf("who sees all cannot %s: %v", what, err)
		}
	}
}

// A part is split off by who sees all of the incident that it is in, not of the part.
func TestSplittingWhatHasGrown(t *testing.T) {
	c, older, younger, join := two(t)
	c.Add(join)
	in, _ := c.Get(older)
	if len(in.Merges) != 1 {
		t.Fatalf("%s and %s are not one: %v", older, younger, in.Merges)
	}
	some := sees{in.Devices[0]}
	if err := c.Desk(some).Split(in.Merges[0].Part, "ann", "w"); fault.KindOf(err) != fault.Denied {
		t.Errorf("who sees %v of %v: %v", some, in.Devices, err)
	}
	if err := c.Desk(sees{"another"}).Split(in.Merges[0].Part, "ann", "w"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("who sees nothing of it: %v", err)
	}
	if err := c.Desk(sees(in.Devices)).Split(in.Merges[0].Part, "ann", "w"); err != nil {
		t.Errorf("who sees all of it: %v", err)
	}
}

// What there is not to be taken back, or not to be read, is not found, whoever asks.
func TestTakingBackWhatIsNotSeen(t *testing.T) {
	c := correlator(t)
	var n serial
	uid := c.Add(n.finding(0, "r", event.Medium, "10.1.2.3", "plc-1", "T0846"))
	other := c.Add(n.finding(5000, "q", event.Medium, "10.9.9.9", "plc-2", "T0846"))
	note, err := c.Desk(nil).AddNote(uid, "bob", "of who sees all")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := c.Desk(nil).Feedback(other, correlate.Benign, "bob", "w")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{note, elsewhere, "none"} {
		if err := c.Desk(halfBlind{}).Undo(id, "ann", "w"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// sees is who sees some devices.
type sees []string

func (s sees) Own(uid string) bool { return slices.Contains(s, uid) }

func (sees) Foreign(string) bool { return false }

func (sees) Findings([]string) map[string]bool { return nil }

func (sees) Reads([]string) bool { return true }
