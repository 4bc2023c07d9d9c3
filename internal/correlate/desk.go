package correlate

import (
	"slices"
	"strings"

	"vedette/internal/fault"
)

// Desk is where persons decide on incidents. Whether one who sees some devices alone may
// decide is looked up in the same step in which the decision takes effect, so that
// no finding and no merge comes between.
type Desk struct {
	c     *Correlator
	sight Sight
}

// Desk returns the desk of somebody who sees so much; nil: all.
func (c *Correlator) Desk(s Sight) Desk { return Desk{c, s} }

// find returns the incident of a uid, or the one it was joined to, if it may be decided on.
func (d Desk) find(uid string) (*strand, error) {
	s := d.c.find(uid)
	switch {
	case s == nil:
		return nil, noIncident(uid)
	case d.sight == nil:
		return s, nil
	}
	return s, d.c.full(s).Decidable(d.sight)
}

// mayUndo returns nil if the feedback or note may be taken back: it is on an incident
// that may be decided on, and a note can be read.
func (d Desk) mayUndo(id string) error {
	if d.sight == nil {
		return nil
	}
	if i := slices.IndexFunc(d.c.notes, func(n *note) bool { return n.ID == id }); i >= 0 {
		n := d.c.notes[i]
		if len(n.Zones) == 0 || !d.sight.Reads(n.Zones) {
			return NothingToUndo(id)
		}
		_, err := d.find(n.Incident)
		return err
	}
	i := slices.IndexFunc(d.c.opinions, func(o *opinion) bool { return o.ID == id })
	if i < 0 {
		return NothingToUndo(id)
	}
	_, err := d.find(d.c.opinions[i].Incident)
	return err
}

// counts reports whether an opinion given here is about a scope.
func (d Desk) counts(sc scope) bool {
	return d.sight == nil || strings.HasPrefix(sc.Entity, "device:")
}

// NothingToUndo is the error of an id that is no feedback's and no note's.
func NothingToUndo(id string) error {
	return fault.New(fault.NotFound, "undoing: there is no feedback or note %q", id).WithHint("an incident names its feedback in its history, and its notes")
}
