// Package correlate makes incidents of findings: it joins what shares specific
// entities, is close in time and advances an attack, names and grades the
// result, and keeps for every step the reason and a way back.
//
// It owns incidents, the feedback and the suppressions of persons. It must not
// suppress silently, drop a finding, fetch, call a model, or open a store:
// [Correlator.Dirty] hands out records, and package app keeps them.
package correlate

import (
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"vedette/internal/correlate/sketch"
	"vedette/internal/event"
)

// Names tells what a device is called. operator says that a person gave the
// name; any other name is quoted wherever it is shown. It is asked often, while
// the correlator is locked: it must be quick and must not call back.
type Names interface {
	NameOf(uid string) (name string, operator bool)
}

// Assets tells how much devices matter: high and critical raise an incident. It
// is asked like Names.
type Assets interface {
	CriticalityOf(uid string) string
}

// Config sets a correlator up. Its zero value works.
type Config struct {
	Techniques *Techniques   // nil: no stages
	Names      Names         // nil: devices are called by uid
	Assets     Assets        // nil: no device is critical
	HalfLife   time.Duration // after which a tie counts half; 0: DefaultHalfLife
	Window     time.Duration // after which it does not count; 0: DefaultWindow
	MaxOpen    int           // incidents kept apart; 0: DefaultMaxOpen
	MaxTracked int           // entities looked up; 0: DefaultMaxTracked
}

// The defaults of [Config].
const (
	DefaultHalfLife   = 4 * time.Hour
	DefaultWindow     = 24 * time.Hour
	DefaultMaxOpen    = 20_000
	DefaultMaxTracked = 200_000
)

// Correlator turns findings into incidents. It is safe for concurrent use.
type Correlator struct {
	cfg Config
	now func() time.Time

	mu      sync.Mutex
	index   *index
	seen    *seen
	strands map[string]*strand // by uid, those that are gone left out
	byNum   map[uint32]*strand
	alias   map[string]string // uid of a strand that is gone -> uid of what took it
	lastNum uint32
	arrived uint64
	hubsAt  uint64   // of arrived: when to keep the hubs again
	roomAt  uint64   // of arrived: when to look again what can be put together
	deleted []string // uids whose records are to be deleted
	collect map[string]*strand

	opinions     []*opinion
	weights      map[scope][]*opinion
	suppressions []*suppression
	notes        []*note // in the order in which they were written
	lastNote     int
	unwritten    []string // ids of notes whose records are to be deleted

	sums sums

	glance  glance
	scratch []candidate
	found   []*entity
}

// sums is what is counted besides incidents.
type sums struct {
	Added     int64 `json:"added"`
	Repeated  int64 `json:"repeated"`
	Collected int64 `json:"collected"` // incidents that were put together for want of room
	Fused     int64 `json:"fused"`     // parts that cannot be split off any more
	Unsteady  int64 `json:"unsteady"`  // entities whose clock jumps
	dirty     bool
}

// New makes an empty correlator. now is the clock of what persons do; findings
// are placed by their own time.
func New(cfg Config, now func() time.Time) *Correlator {
	if cfg.HalfLife <= 0 {
		cfg.HalfLife = DefaultHalfLife
	}
	if cfg.Window <= 0 {
		cfg.Window = DefaultWindow
	}
	if cfg.MaxOpen <= 0 {
		cfg.MaxOpen = DefaultMaxOpen
	}
	if cfg.MaxTracked <= 0 {
		cfg.MaxTracked = DefaultMaxTracked
	}
	return &Correlator{
		cfg: cfg, now: now, index: newIndex(cfg.MaxTracked), seen: newSeen(), strands: make(map[string]*strand),
		byNum: make(map[uint32]*strand), alias: make(map[string]string), collect: make(map[string]*strand),
		weights: make(map[scope][]*opinion),
	}
}

// Add takes a finding and returns the uid of its incident, or "" when a rule of
// a person suppresses it. A finding that was added before changes nothing. The
// texts of the finding are kept.
func (c *Correlator) Add(f event.Finding) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complete(&f)
	h := sketch.Hash("finding", f.UID)
	if num, known := c.seen.at[h]; known {
		c.sums.Repeated++
		if s := c.byNum[num]; s != nil {
			return s.top().UID
		}
		return ""
	}
	c.sums.Added++
	c.sums.dirty = true
	c.arrived++
	g := &c.glance
	g.look(&f, c.cfg.Techniques)
	if c.suppressed(g) {
		c.seen.add(h, 0)
		return ""
	}
	s := c.place(g)
	c.seen.add(h, s.Num)
	if len(c.strands) > c.cfg.MaxOpen && c.arrived >= c.roomAt {
		c.makeRoom()
	}
	for s.gone != nil {
		s = s.gone
	}
	return s.top().UID
}

// complete gives a finding what correlation cannot do without, and takes away
// what JSON cannot write: such a record could not be kept.
func (c *Correlator) complete(f *event.Finding) {
	if f.Time.Year() < 1 || f.Time.Year() > maxYear {
		f.Time = c.now().UTC()
	}
	if f.First.IsZero() || f.First.After(f.Time) || f.First.Year() < 1 {
		f.First = f.Time
	}
	if !(f.Confidence >= 0 && f.Confidence <= 1) { // also what is no number
		f.Confidence = 0
	}
	f.Count = min(max(f.Count, 1), math.MaxInt32)
	if f.UID == "" {
		f.UID = event.FindingUID(f.Rule, f.Device+" "+f.Src.IP+" "+f.Dst.IP, f.Time.String())
	}
}

// maxYear is the last one that JSON has a form for.
const maxYear = 9999

// place puts a finding into the incident it belongs to, or into a new one, and
// joins the incidents that it ties together.
func (c *Correlator) place(g *glance) *strand {
	c.found = append(c.found[:0], make([]*entity, len(g.ties))...)
	list := c.candidates(g)
	var s *strand
	attached := len(list) > 0 && list[0].score >= attachAt
	if attached {
		s = list[0].s
	} else if s = c.pressed(g); s == nil {
		s = c.start(g)
	}
	fresh := s.take(g)
	s.dirty, s.touched = true, c.arrived
	if fresh && attached {
		x := &list[0]
		s.takeJoin(joinRow{Join{Reason: c.reason(x), Score: round(x.score), Finding: g.f.UID, At: g.f.Time, Count: 1}, sketch.Hash(x.as, x.tie.key.kind, x.tie.key.value, x.step)})
	}
	c.meet(g, s)
	for i := range list {
		if x := &list[i]; x.score >= mergeAt && x.s != s {
			c.tryMerge(g, s, x)
		}
	}
	return s
}

// meet notes in the index who was met, with whom and where.
func (c *Correlator) meet(g *glance, s *strand) {
	for i := range g.ties {
		t, e := &g.ties[i], c.found[i]
		e.note(s, t.roles)
		c.steady(e, g.f.Time)
		for j := range g.ties {
			if o := &g.ties[j]; i != j && o.roles&^with != 0 {
				e.peers.Add(o.hash)
			}
		}
	}
}

// steady notices entities whose findings jump back in time again and again: of
// them time says nothing.
func (c *Correlator) steady(e *entity, at time.Time) {
	if e.met++; e.met%64 == 0 {
		e.jumps /= 2
	}
	if !e.last.IsZero() && at.Before(e.last.Add(-c.cfg.Window)) && e.jumps < 2*unsteady {
		if e.jumps++; e.jumps == unsteady {
			c.sums.Unsteady++
		}
	}
	e.last = at
}

// start begins an incident with a finding.
func (c *Correlator) start(g *glance) *strand {
	uid := event.FindingUID("incident", "", g.f.UID)
	for n := 1; c.strands[uid] != nil; n++ {
		uid = event.FindingUID("incident", strconv.Itoa(n), g.f.UID)
	}
	s := c.newStrand(uid)
	for i := range g.ties {
		if g.ties[i].roles&^with == 0 {
			continue
		}
		for _, p := range c.found[i].posts {
			if top := p.s.top(); top.Closed && gap(g.f.First, g.f.Time, top.First, top.Last) <= c.cfg.Window {
				s.Follows = top.UID
			}
		}
	}
	return s
}

func (c *Correlator) newStrand(uid string) *strand {
	c.lastNum++
	s := &strand{state: state{Version: recordVersion, UID: uid, Num: c.lastNum}, dirty: true}
	c.strands[uid], c.byNum[s.Num] = s, s
	return s
}

// call is what an entity is called in sentences: what a device or a log wrote
// stands in quotes.
func (c *Correlator) call(k key) string {
	switch k.kind {
	case "device":
		if c.cfg.Names != nil {
			switch name, operator := c.cfg.Names.NameOf(k.value); {
			case name != "" && operator:
				return clip(name, maxShown)
			case name != "":
				return quote(name)
			}
		}
		return clip(k.value, maxShown)
	case "ip":
		if _, err := netip.ParseAddr(k.value); err == nil {
			return k.value
		}
	}
	return quote(k.value)
}

// maxShown is how much of a value a sentence shows.
const maxShown = 64

// quote shows a text that nobody vouches for: on one line, in quotes.
func quote(text string) string { return strconv.Quote(clip(text, maxShown)) }

func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// Condition is something an operator should know: a bound that was reached.
type Condition struct {
	Code  string `json:"code"` // stable
	Text  string `json:"text"`
	Count int64  `json:"count"`
}

// Conditions returns what an operator should know.
func (c *Correlator) Conditions() []Condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Condition
	say := func(n int64, code, text string) {
		if n > 0 {
			all = append(all, Condition{code, text, n})
		}
	}
	say(c.sums.Collected, "incidents-full", "so many incidents were open that the least severe ones were put together by rule")
	say(c.sums.Fused, "parts-full", "incidents have so many parts that the smallest ones cannot be split off any more")
	say(c.sums.Unsteady, "clocks-unsteady", "findings of one entity jump back in time again and again: what they share is joined whatever the times say")
	say(c.index.forgotten, "entities-full", "so many entities were met that those not met for longest are not looked up any more")
	return all
}

// Totals adds up: Added = InIncidents + Suppressed.
type Totals struct {
	Added       int64 `json:"added"`
	InIncidents int64 `json:"in_incidents"`
	Suppressed  int64 `json:"suppressed"`
	Repeated    int64 `json:"repeated"` // uids that came again, not in Added
	Incidents   int64 `json:"incidents"`
}

// Totals returns the sums.
func (c *Correlator) Totals() Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := Totals{Added: c.sums.Added, Repeated: c.sums.Repeated}
	for _, s := range c.strands {
		t.InIncidents += s.Findings
		if s.root == nil {
			t.Incidents++
		}
	}
	for _, s := range c.suppressions {
		t.Suppressed += s.Count
	}
	return t
}

// accounted is how many findings are in incidents or suppressed.
func (c *Correlator) accounted() int64 {
	var n int64
	for _, s := range c.strands {
		n += s.Findings
	}
	for _, s := range c.suppressions {
		n += s.Count
	}
	return n
}
