package correlate_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/correlate"
	"vedette/internal/event"
)

// TestStanding: a benign verdict names the findings of behaviour that the
// incident held when it was given, and no later ones, through a restart too; the
// last verdict that stands holds.
func TestStanding(t *testing.T) {
	c := correlator(t)
	var n serial
	behaviour := func(minute float64, rule string) event.Finding {
		f := n.finding(minute, rule, event.Medium, "10.1.2.3", "hmi-01", "T0846")
		f.Family = event.FamilyBehaviour
		return f
	}
	uid := c.Add(behaviour(0, "behave.new-peer"))
	c.Add(n.finding(1, "sigma-rule", event.Medium, "10.1.2.3", "hmi-01", "T0846"))
	id, err := c.Desk(nil).Feedback(uid, correlate.Benign, "ann", "ours")
	if err != nil {
		t.Fatal(err)
	}
	c.Add(behaviour(2, "behave.new-port"))
	records, err := c.Dirty()
	if err != nil {
		t.Fatal(err)
	}
	c = correlator(t)
	if problems := c.Restore(slices.Values(records)); len(problems) > 0 {
		t.Fatal(problems)
	}
	s, ok := c.Standing(uid)
	if !ok || len(s.Said) != 1 || s.Last().ID != id {
		t.Fatalf("standing %+v", s)
	}
	want := []correlate.Deed{{Rule: "behave.new-peer", Device: "hmi-01", First: start, Last: start}}
	if d := cmp.Diff(want, s.Said[0].Deeds); d != "" {
		t.Errorf("deeds (-want +got):\n%s", d)
	}
	if _, err := c.Desk(nil).Feedback(uid, correlate.True, "bob", "not ours"); err != nil {
		t.Fatal(err)
	}
	if s, _ = c.Standing(uid); s.Last().Verdict != correlate.True || s.Said[1].Deeds != nil {
		t.Errorf("standing %+v", s)
	}
	if err := c.Desk(nil).Undo(id, "cy", "a mistake"); err != nil {
		t.Fatal(err)
	}
	if s, ok = c.Standing(id); !ok || s.Incident != uid || !s.Said[0].Undone || s.Said[0].UndoneBy != "cy" {
		t.Errorf("standing of feedback that was undone: %+v", s)
	}
	if _, ok := c.Standing("nothing"); ok {
		t.Error("nothing has a standing")
	}
}
