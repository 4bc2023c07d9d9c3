package correlate

import (
	"slices"
	"time"

	"vedette/internal/correlate/sketch"
	"vedette/internal/event"
)

// Standing is what persons say of an incident, for whoever carries their word
// on to where the findings came from.
type Standing struct {
	Incident string
	Said     []Said // in the order in which it was said
}

// Said is one verdict.
type Said struct {
	ID       string
	Verdict  Verdict
	By       string
	Undone   bool
	UndoneBy string
	Deeds    []Deed // of benign: the findings of behaviour that the incident had then
}

// Deed is findings of one rule on one device.
type Deed struct {
	Rule   string    `json:"rule"`
	Device string    `json:"device"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
}

// behaviour are the deeds of an incident that the behaviour of a device gave
// rise to; bounded as its kinds are.
func behaviour(w *state) []Deed {
	var out []Deed
	for i := range w.Kinds {
		if k := &w.Kinds[i]; k.Family == event.FamilyBehaviour && k.Device != "" {
			out = append(out, Deed{k.Rule, k.Device, k.First, k.Last})
		}
	}
	return out
}

// Last is the verdict that holds; none when its ID is empty.
func (s *Standing) Last() Said {
	for _, o := range slices.Backward(s.Said) {
		if !o.Undone {
			return o
		}
	}
	return Said{}
}

// Standing tells what persons say of an incident. The uid may be that of
// feedback on it, also of such as was undone or whose incident is gone.
func (c *Correlator) Standing(uid string) (Standing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.opinions, func(o *opinion) bool { return o.ID == uid }); i >= 0 {
		uid = c.opinions[i].Incident
	}
	s, st := c.find(uid), Standing{Incident: uid}
	if s != nil {
		st.Incident = s.UID
	}
	for _, o := range c.opinions {
		if o.Incident == uid || s != nil && c.find(o.Incident) == s {
			st.Said = append(st.Said, Said{o.ID, o.Verdict, o.By, !o.Undone.IsZero(), o.UndoneBy, slices.Clone(o.Deeds)})
		}
	}
	return st, s != nil || len(st.Said) > 0
}

// LastSaid names the incidents of the newest verdicts, at most so many.
func (c *Correlator) LastSaid(most int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, o := range c.opinions[max(len(c.opinions)-most, 0):] {
		uid := o.Incident
		if s := c.find(uid); s != nil {
			uid = s.UID
		}
		if !slices.Contains(out, uid) {
			out = append(out, uid)
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

// Doubted tells which findings a person called false or benign: those of an incident
// of which that is the last word, up to when it was said. What came after it is not
// meant. It gives one answer for each finding.
func (c *Correlator) Doubted(findings []event.Finding) []bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]bool, len(findings))
	if len(c.opinions) == 0 {
		return out
	}
	last := map[*strand]*opinion{}
	for _, o := range c.opinions { // in the order in which they were given
		if s := c.find(o.Incident); s != nil && o.Undone.IsZero() {
			last[s.top()] = o
		}
	}
	for i := range findings {
		num, known := c.seen.at[sketch.Hash("finding", findings[i].UID)]
		s := c.byNum[num]
		if !known || s == nil {
			continue
		}
		for s.gone != nil {
			s = s.gone
		}
		o := last[s.top()]
		out[i] = o != nil && o.Verdict != True && !findings[i].Time.After(o.At)
	}
	return out
}
