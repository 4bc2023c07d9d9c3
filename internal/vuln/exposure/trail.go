package exposure

import "iter"

// trail remembers in order what changed, so that who made something of an earlier
// reading need look at that alone. What nobody read since stands in it once, however
// often it changed; a trail that is longer than all there is starts anew.
type trail struct {
	steps []step
	from  uint64 // the place of the first step
	read  uint64 // the place up to which somebody has read
}

// step is one of the two.
type step struct {
	part *part
	list *list // with all that is in it
}

func (t *trail) end() uint64 { return t.from + uint64(len(t.steps)) }

// note adds a step for what the trail has last at some place, and returns the new one.
func (t *trail) note(s step, at uint64, most int) uint64 {
	if at > t.read {
		return at
	}
	if len(t.steps) > max(most, leastTrail) {
		t.from, t.steps = t.end(), nil
	}
	t.steps = append(t.steps, s)
	return t.end()
}

// leastTrail is how long a trail may be, however little there is.
const leastTrail = 1000

func (x *Index) notePart(p *part) {
	p.noted = x.trail.note(step{part: p}, p.noted, len(x.parts)+len(x.lists))
}

func (x *Index) noteList(l *list) {
	l.noted = x.trail.note(step{list: l}, l.noted, len(x.parts)+len(x.lists))
}

// Place is how far the trail of changes goes.
func (r Reader) Place() uint64 {
	t := &r.v.x.trail
	t.read = t.end()
	return t.read
}

// Touched gives each part of which something changed since a place: its rows, its
// label, how urgent it is, or who has it; those that are gone are among them. false:
// that is too long ago to tell.
func (r Reader) Touched(since uint64) (iter.Seq[Part], bool) {
	t := &r.v.x.trail
	if since < t.from {
		return nil, false
	}
	return func(yield func(Part) bool) {
		seen := map[*part]bool{}
		next := func(p *part) bool {
			if seen[p] {
				return true
			}
			seen[p] = true
			return yield(Part{p, r.v})
		}
		for _, s := range t.steps[min(since-t.from, uint64(len(t.steps))):] {
			if s.part != nil && !next(s.part) {
				return
			}
			if s.list == nil {
				continue
			}
			for _, e := range s.list.entries {
				if !next(e.part) {
					return
				}
			}
		}
	}, true
}
