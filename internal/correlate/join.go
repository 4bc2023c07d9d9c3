package correlate

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
)

// What ties are worth. All of these are probabilities that are joined by
// noisy-or; docs/incidents.md explains them.
const (
	attachAt = 0.50 // a finding goes into an incident
	mergeAt  = 0.65 // a finding joins two incidents

	acting      = 0.80 // the same source acts again
	alikeSource = 0.90 // the same source does the same again, to whomever
	alikeTarget = 0.80 // the same happens to the same target, from wherever
	outsiders   = 0.60 // hosts of the internet try themselves on one device, with what is medium at most
	repeats     = 0.95 // the same between the same ends

	lateral  = 0.50 // a victim becomes a source
	advances = 0.30 // the next stage of an attack
	sameTech = 0.15 // the same technique again

	probed = 0.3 // what a tie by a target is worth that was only looked at

	hubFrom = 8 // others that an entity may be met with before it counts less
	central = 3 // an entity in one of so many findings stands for the incident
)

// worth of a shared entity that is rare.
var worth = map[string]float64{
	"device": 0.75, "ip": 0.65, "mac": 0.75, "hostname": 0.7, "user": 0.7, "email": 0.7,
	"hash": 0.9, "url": 0.65, "domain": 0.6, "file": 0.4, "process": 0.3, "ja3": 0.25, "ja4": 0.25,
}

const worthOther = 0.3

// candidate is a strand that a finding may belong to, with the case for it.
type candidate struct {
	s       *strand
	against float64 // product of (1 - worth of each tie)
	best    float64
	tie     *tie   // that counts most
	as      string // how it counts
	core    bool   // a tie stands for the whole strand
	lateral float64
	jumpy   bool // the clock of a shared entity is not to be believed
	score   float64
	gap     time.Duration
	step    string // how it advances
}

// candidates gathers the open strands that share entities with the finding.
func (c *Correlator) candidates(g *glance) []candidate {
	list := c.scratch[:0]
	for i := range g.ties {
		t := &g.ties[i]
		e := c.index.get(t.key)
		c.found[i] = e
		e.settle()
		degree := e.degree()
		for j := range e.posts {
			p := &e.posts[j]
			if p.s.top().Closed {
				continue
			}
			at := slices.IndexFunc(list, func(x candidate) bool { return x.s == p.s })
			if at < 0 {
				list = append(list, candidate{s: p.s, against: 1})
				at = len(list) - 1
			}
			list[at].weigh(g, t, p, degree)
			list[at].jumpy = list[at].jumpy || e.jumps >= unsteady
		}
	}
	for i := range list {
		list[i].judge(g, c)
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return int(int64(a.s.Num) - int64(b.s.Num))
	})
	c.scratch = list
	return list
}

// damp lowers what an entity is worth that is met with many others.
func damp(n int) float64 {
	if n <= hubFrom {
		return 1
	}
	return math.Sqrt(hubFrom / float64(n))
}

// weigh adds one shared entity to the case.
func (x *candidate) weigh(g *glance, t *tie, p *post, degree int) {
	a, known := worth[t.key.kind]
	if !known {
		a = worthOther
	}
	side := t.roles & p.roles &^ subject
	hub := damp(degree)
	core := p.n*central >= p.s.Findings
	edge := 1.0
	if !core {
		edge = damp(p.s.top().fan)
	}
	alike := p.s.hasTemplate(g.template)
	as := "same " + t.key.kind
	switch {
	case side&actor != 0:
		a, as = max(a, acting)*math.Sqrt(hub)*edge, "same source"
		if alike && core {
			a = max(a, alikeSource)
		}
	case side&victim != 0:
		a, as = a*hub*edge, "same target"
		if t.roles&p.roles&harmed == 0 {
			a *= probed
		}
		if alike && core {
			a = max(a, alikeTarget)
		} else if core && g.outside && g.severity <= event.Medium && p.s.outside() {
			a = max(a, outsiders)
		}
	case t.roles&actor != 0 && p.roles&victim != 0:
		a, as = a*hub*edge, "its target is the source now,"
		l := lateral * hub * edge
		if p.roles&harmed == 0 {
			a, l = a*probed, l*probed
		}
		if g.f.Time.After(p.s.First) {
			x.lateral = max(x.lateral, l)
		}
	case t.roles&victim != 0 && p.roles&actor != 0:
		a, as = a*hub*edge, "its source was a target,"
		l := lateral * hub * edge
		if t.roles&harmed == 0 {
			a, l = a*probed, l*probed
		}
		if g.f.First.Before(p.s.First) {
			x.lateral = max(x.lateral, l)
		}
	default:
		a *= hub * edge
	}
	x.against *= 1 - a
	x.core = x.core || core
	if a > x.best {
		x.best, x.tie, x.as = a, t, as
	}
}

// judge turns the case into a score: ties, then the course of the attack, then
// time.
func (x *candidate) judge(g *glance, c *Correlator) {
	against := x.against
	for i := range x.s.Kinds {
		if x.s.Kinds[i].key == g.kind {
			against = min(against, 1-repeats)
			break
		}
	}
	if x.lateral > 0 {
		against *= 1 - x.lateral
		x.step = "lateral movement"
	}
	if x.core || x.lateral > 0 {
		if step, p := x.advance(g, c.cfg.Techniques); p > 0 {
			against *= 1 - p
			if x.step == "" {
				x.step = step
			}
		}
	}
	x.gap = gap(g.f.First, g.f.Time, x.s.First, x.s.Last)
	if x.gap > 0 && x.jumpy {
		x.gap, x.step = 0, "its clock jumps"
	}
	if x.gap > c.cfg.Window {
		x.score = 0
		return
	}
	x.score = (1 - against) * math.Exp2(-float64(x.gap)/float64(c.cfg.HalfLife))
}

// advance says whether the finding is the next stage of what the strand shows,
// or an earlier one that came late.
func (x *candidate) advance(g *glance, t *Techniques) (step string, p float64) {
	if g.lead == "" || len(x.s.Techs) == 0 {
		return "", 0
	}
	for i := range x.s.Techs {
		if x.s.Techs[i].ID == g.lead {
			return g.lead + " again", sameTech
		}
	}
	if g.stage == 0 {
		return "", 0
	}
	for i := len(x.s.Techs) - 1; i >= 0; i-- {
		q := &x.s.Techs[i]
		r := t.find(q.ID).rank()
		switch {
		case r == 0:
		case r < g.stage && !g.f.Time.Before(q.First):
			return g.lead + " follows " + q.ID, advances
		case r > g.stage && !g.f.First.After(q.First):
			return g.lead + " comes before " + q.ID, advances
		}
	}
	return "", 0
}

// outside reports whether its findings come from hosts of the internet, and are
// medium at most.
func (s *strand) outside() bool {
	if s.gravest() > event.Medium {
		return false
	}
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if n.Roles&actor != 0 {
			return n.Type == "ip" && public(n.Value)
		}
	}
	return false
}

// gap is the time between two spans; 0 when they overlap.
func gap(a1, a2, b1, b2 time.Time) time.Duration {
	switch {
	case a1.After(b2):
		return a1.Sub(b2)
	case b1.After(a2):
		return b1.Sub(a2)
	}
	return 0
}

// reason says why, in words that a person can check.
func (c *Correlator) reason(x *candidate) string {
	var b strings.Builder
	b.WriteString(x.as)
	b.WriteByte(' ')
	b.WriteString(c.call(x.tie.key))
	if x.gap <= 0 {
		b.WriteString(" at the same time")
	} else {
		b.WriteString(" within ")
		b.WriteString(roundly(x.gap))
	}
	if x.step != "" {
		b.WriteString("; ")
		b.WriteString(x.step)
	}
	return b.String()
}

// roundly writes a duration in one or two units.
func roundly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(max(int(d/time.Second), 1)) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int((d+59*time.Second)/time.Minute)) + " min"
	}
	return strconv.Itoa(int((d+59*time.Minute)/time.Hour)) + " h"
}
