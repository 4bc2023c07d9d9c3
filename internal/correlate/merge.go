package correlate

import (
	"cmp"
	"slices"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// tryMerge joins the incident of x to that of s, into which the finding went,
// when the tie stands for s as well: one of a hundred targets of a scanner does
// not join its own troubles to those of the others. What was put together for
// want of room joins nothing.
func (c *Correlator) tryMerge(g *glance, s *strand, x *candidate) {
	if x.tie == nil || x.s.gone != nil || s.top() == x.s.top() || s.top().Collects != "" || x.s.top().Collects != "" {
		return
	}
	score := x.score
	for i := range g.ties {
		if &g.ties[i] != x.tie {
			continue
		}
		for _, p := range c.found[i].posts {
			if p.s == s && p.n*central < s.Findings {
				score *= damp(s.top().fan)
			}
		}
	}
	if score < mergeAt || apart(s.top(), x.s.top()) {
		return
	}
	c.merge(s.top(), x.s.top(), Merge{Reason: c.reason(x), Score: round(score), Finding: g.f.UID, At: g.f.Time})
}

// merge makes the younger incident part of the older one.
func (c *Correlator) merge(a, b *strand, m Merge) {
	if b.Num < a.Num {
		a, b = b, a
	}
	m.Part, m.Count = b.UID, b.sum()
	if len(a.Merges) < maxMerges {
		a.Merges = append(a.Merges, m)
	} else {
		a.MergesMore++
	}
	for _, p := range b.parts {
		p.root = a
	}
	b.root, b.into, b.Into = a, a, a.UID
	a.parts = append(append(a.parts, b), b.parts...)
	slices.SortFunc(a.parts, byNum)
	a.fan += b.fan
	b.parts, b.fan = nil, 0
	a.dirty, b.dirty = true, true
	a.touched = max(a.touched, b.touched)
	for len(a.parts) > maxParts {
		c.fuse(a)
	}
}

func byNum(a, b *strand) int { return cmp.Compare(a.Num, b.Num) }

// sum is the findings of an incident.
func (s *strand) sum() int64 {
	n := s.Findings
	for _, p := range s.parts {
		n += p.Findings
	}
	return n
}

// group is the incident's strands.
func (s *strand) group() []*strand { return append([]*strand{s}, s.parts...) }

// apart reports whether a person took the two apart.
func apart(a, b *strand) bool {
	for _, p := range a.group() {
		for _, q := range b.group() {
			if slices.Contains(p.Apart, q.UID) || slices.Contains(q.Apart, p.UID) {
				return true
			}
		}
	}
	return false
}

// fuse lets the smallest part that has no parts of its own go into the strand
// that it was merged into, for good.
func (c *Correlator) fuse(root *strand) {
	var least *strand
	for _, p := range root.parts {
		leaf := !slices.ContainsFunc(root.parts, func(q *strand) bool { return q.into == p })
		if leaf && (least == nil || p.Findings < least.Findings) {
			least = p
		}
	}
	into := least.into
	for i := range into.Merges {
		if into.Merges[i].Part == least.UID {
			into.Merges[i].Part = ""
		}
	}
	root.parts = slices.DeleteFunc(root.parts, func(p *strand) bool { return p == least })
	c.swallow(into, least)
	c.sums.Fused++
}

// swallow moves all of a strand into another one, for good.
func (c *Correlator) swallow(into, s *strand) {
	before := into.Devices.Count()
	into.absorb(&s.state)
	into.Merges, into.MergesMore = bounded(into.Merges, s.Merges, maxMerges, into.MergesMore+s.MergesMore)
	into.Apart, _ = bounded(into.Apart, s.Apart, maxApart, 0)
	if s.root == nil {
		into.top().fan += into.Devices.Count() - before
	}
	into.dirty = true
	s.gone, s.root, s.into = into, nil, nil
	delete(c.strands, s.UID)
	delete(c.byNum, s.Num)
	c.forget(s)
	c.rehome(s, into)
	if len(c.alias) > 4*c.cfg.MaxOpen {
		clear(c.alias)
	}
	c.alias[s.UID] = into.UID
}

// forget has the record of a strand deleted, if there is one.
func (c *Correlator) forget(s *strand) {
	if s.kept {
		c.deleted = append(c.deleted, s.UID)
	}
}

// Split takes a merged part out of its incident again, with all its findings.
// The two are never merged again.
func (d Desk) Split(part, by, why string) error {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := d.find(part); d.sight != nil && err != nil {
		return err
	}
	s := c.strands[part]
	switch {
	case s == nil:
		return fault.New(fault.NotFound, "splitting incident %q: there is no such part", part).WithHint("the merges of an incident name its parts")
	case s.root == nil:
		return fault.New(fault.Conflict, "splitting incident %q: it is not part of another one", part)
	}
	root, from := s.root, s.into
	mine := func(p *strand) bool {
		for p != nil && p != s {
			p = p.into
		}
		return p == s
	}
	var stay []*strand
	for _, p := range root.parts {
		switch {
		case p == s:
		case mine(p):
			p.root = s
			s.parts = append(s.parts, p)
		default:
			stay = append(stay, p)
		}
	}
	root.parts, s.root, s.into, s.Into = stay, nil, nil, ""
	for _, top := range []*strand{root, s} {
		top.fan = 0
		for _, p := range top.group() {
			top.fan += p.Devices.Count()
		}
	}
	from.Merges = slices.DeleteFunc(from.Merges, func(m Merge) bool { return m.Part == part })
	s.Apart, _ = bounded(s.Apart, []string{from.UID}, maxApart, 0)
	from.Apart, _ = bounded(from.Apart, []string{s.UID}, maxApart, 0)
	s.Closed = root.Closed
	if s.assignee() == "" {
		s.Assignee = root.assignee()
	}
	c.note(root, Change{By: by, What: "split off " + part, Why: why})
	c.note(s, Change{By: by, What: "split from " + root.UID, Why: why})
	from.dirty = true
	return nil
}

// note adds to what persons did to an incident.
func (c *Correlator) note(s *strand, ch Change) {
	ch.At, ch.By, ch.Why = c.now().UTC(), clip(ch.By, maxValue), clip(ch.Why, maxWhy)
	if len(s.History) >= maxHistory {
		s.History = slices.Delete(s.History, 1, 2) // how it began, and the newest
	}
	s.History = append(s.History, ch)
	s.dirty = true
}

// maxWhy is how many bytes of a reason that a person gave are kept.
const maxWhy = 1024

// makeRoom puts the least severe incidents that no person has touched together
// by template, so that what is open stays bounded and nothing is lost.
func (c *Correlator) makeRoom() {
	list := make([]*strand, 0, len(c.strands))
	for _, s := range c.strands {
		if s.root == nil && s.Collects == "" && !slices.ContainsFunc(s.group(), (*strand).decided) {
			list = append(list, s)
		}
	}
	// By severity, then by when the last finding came: one number to compare.
	order := func(s *strand) uint64 { return uint64(s.gravest())<<56 | s.touched } //nolint:gosec // G115: a severity is 1 to 6
	slices.SortFunc(list, func(a, b *strand) int { return cmp.Compare(order(a), order(b)) })
	for _, s := range list[:min(len(list), c.cfg.MaxOpen/5+1)] {
		for len(s.parts) > 0 {
			c.fuse(s)
		}
		into := c.collector(s)
		into.touched = c.arrived
		c.swallow(into, s)
		c.sums.Collected++
	}
	c.sums.dirty = true
	c.roomAt = c.arrived + uint64(c.cfg.MaxOpen/10) //nolint:gosec // G115: not negative
}

// decided reports whether a person did something to the strand.
func (s *strand) decided() bool { return len(s.History) > 0 }

// maxCollectors bounds the incidents that are made of others: beyond it one
// takes all of a severity.
const maxCollectors = 1000

// collector is the incident that takes others of the same template.
func (c *Correlator) collector(s *strand) *strand {
	level := s.gravest()
	template := uint64(0)
	if len(s.Rules) > 0 {
		template = s.Rules[0].Template
	}
	name := collects(level, template)
	if c.collect[name] == nil && len(c.collect) >= min(maxCollectors, c.cfg.MaxOpen/4) {
		name = collects(level, 0)
	}
	if have := c.collect[name]; have.takes() {
		return have
	}
	into := c.newStrand(event.FindingUID("collected", name, s.UID))
	into.Collects = name
	c.collect[name] = into
	into.Merges = []Merge{{Reason: "more than " + strconv.Itoa(c.cfg.MaxOpen) + " incidents were open: those of this rule were put together"}}
	return into
}

// takes reports whether a collector may take more.
func (s *strand) takes() bool { return s != nil && s.gone == nil && s.root == nil && !s.Closed }

func collects(level event.Severity, template uint64) string {
	return level.String() + " " + strconv.FormatUint(template, 16)
}

// pressed is the collector that takes a low finding which belongs nowhere when
// there is hardly any room, or nil.
func (c *Correlator) pressed(g *glance) *strand {
	if g.severity > event.Low || len(c.collect) == 0 || len(c.strands)*10 < c.cfg.MaxOpen*8 {
		return nil
	}
	if s := c.collect[collects(g.severity, g.template)]; s.takes() {
		return s
	}
	return nil
}
