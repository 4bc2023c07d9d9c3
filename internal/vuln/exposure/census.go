package exposure

import (
	"container/heap"
	"slices"
)

// Census counts who has any of some parts, each once, by bills as far as it can: what
// all of a million devices have inside costs as many steps as there are bills. It is
// of one reading, and one count at a time.
type Census struct {
	v       *View
	reading uint64
	now     uint64
	lists   []*list
	owners  []*cohort
}

// crowd are those that have a bill, as one reading sees them.
type crowd struct {
	reading  uint64
	count    int
	mixed    bool     // some have other bills besides
	contexts []uint64 // bits: those that somebody is in
}

// Census starts one.
func (r Reader) Census() *Census {
	r.v.x.marks++
	return &Census{v: r.v, reading: r.v.x.marks}
}

// Start forgets whom was counted.
func (c *Census) Start() {
	c.v.x.marks++
	c.now = c.v.x.marks
	c.lists, c.owners = c.lists[:0], c.owners[:0]
}

// Add counts who is a part, or has it inside.
func (c *Census) Add(p Part, inside bool) {
	if inside {
		for l := range p.p.lists {
			if l.mark != c.now && c.crowd(l).count > 0 {
				l.mark = c.now
				c.lists = append(c.lists, l)
			}
		}
		return
	}
	for o := range p.p.owners {
		if o.mark != c.now && c.v.count(o) > 0 {
			o.mark = c.now
			c.owners = append(c.owners, o)
		}
	}
}

func (c *Census) crowd(l *list) *crowd {
	w := &l.crowd
	if w.reading == c.reading {
		return w
	}
	*w = crowd{reading: c.reading, contexts: w.contexts[:0]}
	for o := range l.cohorts {
		if n := c.v.count(o); n > 0 {
			w.count += n
			w.mixed = w.mixed || len(o.lists) > 1
			w.contexts = set(w.contexts, o.context)
		}
	}
	return w
}

func set(bits []uint64, n int) []uint64 {
	for len(bits) <= n/64 {
		bits = append(bits, 0)
	}
	bits[n/64] |= 1 << (n % 64)
	return bits
}

// Devices is how many were counted.
func (c *Census) Devices() int {
	n := 0
	for _, o := range c.owners {
		n += c.v.count(o)
	}
	var others []*cohort
	for _, l := range c.lists {
		if !l.crowd.mixed && len(c.owners) == 0 {
			n += l.crowd.count
			continue
		}
		for o := range l.cohorts {
			if o.mark != c.now {
				o.mark = c.now
				others = append(others, o)
				n += c.v.count(o)
			}
		}
	}
	for _, o := range others { // they are counted by their bills
		o.mark = 0
	}
	return n
}

// Contexts calls f for each context that somebody who has a part is in, some more than
// once.
func (c *Census) Contexts(p Part, inside bool, bits []uint64, f func(context int)) []uint64 {
	bits = bits[:0]
	if !inside {
		for o := range p.p.owners {
			if c.v.count(o) > 0 {
				bits = set(bits, o.context)
			}
		}
	} else {
		for l := range p.p.lists {
			w := c.crowd(l)
			for len(bits) < len(w.contexts) {
				bits = append(bits, 0)
			}
			for i, b := range w.contexts {
				bits[i] |= b
			}
		}
	}
	for i, b := range bits {
		for n := 0; b != 0; n, b = n+1, b>>1 {
			if b&1 != 0 {
				f(i*64 + n)
			}
		}
	}
	return bits
}

// Has tells whether the members of a cohort that are seen were counted.
func (c *Census) Has(cohort int) bool { return c.has(c.v.x.cohorts[cohort]) }

func (c *Census) has(o *cohort) bool {
	return c.v.count(o) > 0 && (o.mark == c.now || slices.ContainsFunc(o.lists, func(l *list) bool { return l.mark == c.now }))
}

// First are the first by id of those that were counted, those first whose context has
// the least urgency; devices is how many were counted.
func (c *Census) First(urgency []int8, devices, most int) []string {
	if most = min(most, devices); most <= 0 {
		return nil
	}
	if out, ok := c.scan(urgency, devices, most); ok {
		return out
	}
	by := map[int8][]*cohort{}
	add := func(o *cohort) { by[urgency[o.context]] = append(by[urgency[o.context]], o) }
	var listed []*cohort
	for _, o := range c.owners {
		add(o)
	}
	for _, l := range c.lists {
		for o := range l.cohorts {
			if o.mark != c.now && c.v.count(o) > 0 {
				o.mark = c.now
				listed = append(listed, o)
				add(o)
			}
		}
	}
	for _, o := range listed {
		o.mark = 0
	}
	var out []string
	for u := range int8(classes / 2) {
		out = c.v.first(out, by[u], most)
	}
	return out
}

// scan looks for them among all subjects by id, which is soon done when many have the
// parts; false: it would not be.
func (c *Census) scan(urgency []int8, devices, most int) ([]string, bool) {
	x := c.v.x
	steps := 4 * most * (1 + len(x.subjects)/devices)
	if c.v.one || steps > len(x.cohorts)+10*most || len(x.subjects) == 0 {
		return nil, false
	}
	least := slices.Min(urgency)
	out := make([]string, 0, most)
	for _, t := range x.order() {
		if steps--; steps < 0 {
			return nil, false
		}
		if t.cohort != nil && urgency[t.context] == least && c.has(t.cohort) {
			if out = append(out, t.id); len(out) == most {
				return out, true
			}
		}
	}
	return nil, false // some are less urgent
}

// first appends the first members of some cohorts that are seen, by id.
func (v *View) first(out []string, of []*cohort, most int) []string {
	h := make(heads, 0, len(of))
	for _, o := range of {
		if list := v.members(o); len(list) > 0 {
			h = append(h, list)
		}
	}
	heap.Init(&h)
	for len(h) > 0 && len(out) < most {
		out = append(out, h[0][0].id)
		if h[0] = h[0][1:]; len(h[0]) == 0 {
			heap.Pop(&h)
		} else {
			heap.Fix(&h, 0)
		}
	}
	return out
}

// heads are lists, the one with the least first member on top.
type heads [][]*subject

// Len implements [heap.Interface].
func (h heads) Len() int { return len(h) }

// Less implements [heap.Interface].
func (h heads) Less(i, j int) bool { return h[i][0].id < h[j][0].id }

// Swap implements [heap.Interface].
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements [heap.Interface].
func (h *heads) Push(v any) { *h = append(*h, v.([]*subject)) } //nolint:forcetypeassert // of this type alone

// Pop implements [heap.Interface].
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// Named are some subjects, to ask of parts whether one of them has them.
type Named struct {
	cohorts map[*cohort]bool
	lists   map[*list]bool
}

// Named finds those of some subjects that are seen.
func (r Reader) Named(subjects []string) *Named {
	n := &Named{map[*cohort]bool{}, map[*list]bool{}}
	for _, id := range subjects {
		t := r.v.find(id)
		if t == nil || n.cohorts[t.cohort] {
			continue
		}
		n.cohorts[t.cohort] = true
		for _, l := range t.lists {
			n.lists[l] = true
		}
	}
	return n
}

// Have tells whether one of them is a part, or has it inside.
func (n *Named) Have(p Part, inside bool) bool {
	if inside {
		for l := range p.p.lists {
			if n.lists[l] {
				return true
			}
		}
		return false
	}
	for c := range p.p.owners {
		if n.cohorts[c] {
			return true
		}
	}
	return false
}
