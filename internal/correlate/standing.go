package correlate

import (
	"slices"
	"time"
)

// Standing is what persons say of an incident and what it is of, for whoever
// carries their word on to where the findings came from.
type Standing struct {
	Incident string
	Said     []Said // in the order in which it was said
	Deeds    []Deed // of the incident as it is now; bounded as its kinds are
}

// Said is one verdict.
type Said struct {
	ID      string
	Verdict Verdict
	By      string
	Undone  bool
}

// Deed is findings of one rule on one device.
type Deed struct {
	Family, Rule, Device string
	First, Last          time.Time
}

// Last is the verdict that holds; empty when none does.
func (s *Standing) Last() Verdict {
	for _, o := range slices.Backward(s.Said) {
		if !o.Undone {
			return o.Verdict
		}
	}
	return ""
}

// Standing tells what persons say of an incident. The uid may be that of
// feedback on it, also of such as was undone.
func (c *Correlator) Standing(uid string) (Standing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.opinions, func(o *opinion) bool { return o.ID == uid }); i >= 0 {
		uid = c.opinions[i].Incident
	}
	s := c.find(uid)
	if s == nil {
		return Standing{}, false
	}
	st := Standing{Incident: s.UID}
	for _, o := range c.opinions {
		if c.find(o.Incident) == s {
			st.Said = append(st.Said, Said{o.ID, o.Verdict, o.By, !o.Undone.IsZero()})
		}
	}
	w := s.whole()
	for i := range w.Kinds {
		k := &w.Kinds[i]
		st.Deeds = append(st.Deeds, Deed{k.Family, k.Rule, k.Device, k.First, k.Last})
	}
	return st, true
}

// LastSaid names the incidents of the newest verdicts, at most so many.
func (c *Correlator) LastSaid(most int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, o := range c.opinions[max(len(c.opinions)-most, 0):] {
		if s := c.find(o.Incident); s != nil && !slices.Contains(out, s.UID) {
			out = append(out, s.UID)
		}
	}
	return out
}

// Note puts into the history of an incident what came of a person's word.
func (c *Correlator) Note(uid string, ch Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.find(uid); s != nil {
		c.note(s, ch)
	}
}
