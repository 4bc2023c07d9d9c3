package exposure

import (
	"fmt"
	"slices"
	"strings"
)

// cohort are the subjects that run the same, in the same context and zone: what is
// counted of one holds for all of them, so that a million devices cost what their
// differences do. One without members is forgotten.
type cohort struct {
	serial  int // its place in [Index.cohorts], given on when it is forgotten
	key     cohortKey
	own     *part
	lists   []*list
	context int
	zone    string
	members []*subject // some are nil: those that left
	gone    int        // how many are nil
	ordered int        // how many of the first are by id, the nil ones aside
	sums    tally      // of one member; kept for one reading alone
	mark    uint64     // of the last [Census] that has it
}

// size is how many members there are.
func (c *cohort) size() int { return len(c.members) - c.gone }

type cohortKey struct {
	own     *part
	lists   string
	context int
	zone    string
}

// cohortOf returns the cohort of who runs something; a new one is hooked in.
func (x *Index) cohortOf(own *part, lists []string, context int, zone string) *cohort {
	key := cohortKey{own, strings.Join(lists, "\x00"), context, zone}
	c := x.byCohort[key]
	if c != nil {
		return c
	}
	c = &cohort{key: key, own: own, context: context, zone: zone, lists: make([]*list, len(lists))}
	if n := len(x.free); n > 0 {
		c.serial, x.free = x.free[n-1], x.free[:n-1]
		x.cohorts[c.serial] = c
	} else {
		c.serial = len(x.cohorts)
		x.cohorts = append(x.cohorts, c)
	}
	for i, name := range lists {
		c.lists[i] = x.list(name)
		c.lists[i].cohorts[c] = struct{}{}
	}
	if own != nil {
		own.owners[c] = struct{}{}
	}
	x.byCohort[key] = c
	return c
}

// join makes a subject a member.
func (x *Index) join(c *cohort, t *subject) {
	n := len(c.members)
	if c.ordered == n && (n == 0 || c.members[n-1] != nil && c.members[n-1].id < t.id) {
		c.ordered++
	}
	t.cohort, t.at = c, n
	c.members = append(c.members, t)
	x.moved(c)
}

// moved tells of what the members have that who has it changed.
func (x *Index) moved(c *cohort) {
	if c.own != nil {
		x.notePart(c.own)
	}
	for _, l := range c.lists {
		x.noteList(l)
	}
}

// leave takes a subject out of its cohort, which goes with the last one. The others
// keep their places, so that a large one need not be put in order again.
func (x *Index) leave(t *subject) {
	c := t.cohort
	c.members[t.at] = nil
	c.gone++
	t.cohort = nil
	x.moved(c)
	if c.size() > 0 {
		if c.gone > len(c.members)/2 {
			c.close()
		}
		return
	}
	delete(x.byCohort, c.key)
	x.cohorts[c.serial] = nil
	x.free = append(x.free, c.serial)
	for _, l := range c.lists {
		delete(l.cohorts, c)
		x.tidy(l)
	}
	if c.own != nil {
		delete(c.own.owners, c)
		x.drop(c.own)
	}
}

// close closes the gaps that members left.
func (c *cohort) close() {
	n, ordered := 0, c.ordered
	for i, t := range c.members {
		switch {
		case t != nil:
			c.members[n], t.at = t, n
			n++
		case i < ordered:
			c.ordered--
		}
	}
	clear(c.members[n:])
	c.members, c.gone = c.members[:n], 0
}

// order puts the members by id and returns them, without gaps. Those that came since
// are put in order and merged: a large cohort costs one pass.
func (c *cohort) order() []*subject {
	if c.gone > 0 {
		c.close()
	}
	if c.ordered == len(c.members) {
		return c.members
	}
	byID := func(a, b *subject) int { return strings.Compare(a.id, b.id) }
	late := slices.Clone(c.members[c.ordered:])
	slices.SortFunc(late, byID)
	early := c.members[:c.ordered]
	for n := len(c.members); n > 0 && len(late) > 0; n-- { // from the end, so that nothing is overwritten
		from := &late
		if len(early) > 0 && byID(early[len(early)-1], late[len(late)-1]) > 0 {
			from = &early
		}
		t := (*from)[len(*from)-1]
		*from = (*from)[:len(*from)-1]
		c.members[n-1], t.at = t, n-1
	}
	c.ordered = len(c.members)
	return c.members
}

// View is what somebody sees of an index: all of it, what the devices in some zones
// run, or what one subject does. Whoever reads has to say which.
type View struct {
	x       *Index
	limited bool
	zones   []string
	one     bool
	subject string
}

// All sees everything.
func (x *Index) All() View { return View{x: x} }

// Within sees what lies in some zones. What has no zone, as products have none, it
// does not see.
func (x *Index) Within(zones []string) View {
	return View{x: x, limited: true, zones: slices.DeleteFunc(slices.Clone(zones), func(z string) bool { return z == "" })}
}

// Of sees of a view one subject alone.
func (v View) Of(subject string) View {
	v.one, v.subject = true, subject
	return v
}

// Whole tells whether it sees everything.
func (v View) Whole() bool { return !v.limited && !v.one }

// Key tells views apart that see different things: what is made for one may be kept for
// those with the same key, and for no others. false: it is of one subject alone.
func (v View) Key() (key string, ok bool) {
	if v.limited {
		own := slices.Compact(slices.Sorted(slices.Values(v.zones)))
		key = fmt.Sprintf("%q", own)
	}
	return key, !v.one
}

// sees tells whether some member of a cohort is seen; all of them are, or one.
func (v *View) sees(c *cohort) bool {
	if !v.within(c) || !v.one {
		return v.within(c)
	}
	t := v.x.subjects[v.subject]
	return t != nil && t.cohort == c
}

// within tells whether a cohort lies in the zones that are seen.
func (v *View) within(c *cohort) bool { return !v.limited || slices.Contains(v.zones, c.zone) }

// members are those of a cohort that are seen, by id.
func (v *View) members(c *cohort) []*subject {
	switch {
	case !v.sees(c):
		return nil
	case v.one:
		return []*subject{v.x.subjects[v.subject]}
	}
	return c.order()
}

// count tells how many members are seen.
func (v *View) count(c *cohort) int {
	switch {
	case !v.sees(c):
		return 0
	case v.one:
		return 1
	}
	return c.size()
}

// find returns the subject of an id, if it is seen.
func (v *View) find(id string) *subject {
	if t := v.x.subjects[id]; t != nil && v.sees(t.cohort) && (!v.one || id == v.subject) {
		return t
	}
	return nil
}
