package correlate

import (
	"cmp"
	"slices"
	"time"

	"vedette/internal/correlate/sketch"
	"vedette/internal/event"
)

// Bounds of what an incident lists; what is beyond them is counted.
const (
	maxRules   = 48
	maxKinds   = 64
	maxDevices = 64
	maxOthers  = 96
	maxEdges   = 128
	maxTechs   = 48
	maxNewest  = 16
	maxJoins   = 32
	maxMerges  = 32
	maxHistory = 32
	maxApart   = 32
	maxParts   = 24
)

// state is what is known of a strand, as it is kept in a record.
type state struct {
	Version  int       `json:"v"`
	UID      string    `json:"uid"`
	Num      uint32    `json:"num"`
	Into     string    `json:"into,omitempty"` // uid of the incident it is part of
	Apart    []string  `json:"apart,omitempty"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Findings int64     `json:"findings"`
	Events   int64     `json:"events"`
	Severity [7]int64  `json:"by_severity"`
	Label    string    `json:"label,omitempty"`

	Rules     []ruleRow       `json:"rules"`
	RulesMore int64           `json:"rules_more,omitempty"`
	Kinds     []kindRow       `json:"kinds"`
	KindsMore int64           `json:"kinds_more,omitempty"`
	Nodes     []nodeRow       `json:"nodes"`
	NodesMore int64           `json:"nodes_more,omitempty"`
	Edges     []edgeRow       `json:"edges,omitempty"`
	EdgesMore int64           `json:"edges_more,omitempty"`
	Techs     []techRow       `json:"techniques,omitempty"`
	TechsMore int64           `json:"techniques_more,omitempty"`
	Newest    []newRow        `json:"newest"` // newest last
	Devices   sketch.Distinct `json:"devices"`

	Joins      []joinRow `json:"joins,omitempty"`
	JoinsMore  int64     `json:"joins_more,omitempty"`
	Merges     []Merge   `json:"merges,omitempty"`
	MergesMore int64     `json:"merges_more,omitempty"`
	Closed     bool      `json:"closed,omitempty"`
	Assignee   string    `json:"assignee,omitempty"`
	Collects   string    `json:"collects,omitempty"` // template of what was put together for want of room
	Follows    string    `json:"follows,omitempty"`
	History    []Change  `json:"history,omitempty"`
}

// strand is findings that belong together whatever a person says of a merge:
// an incident is one strand, or several that can be taken apart again.
type strand struct {
	state

	root  *strand   // nil: it is an incident of its own
	into  *strand   // the strand that it was merged into
	parts []*strand // of an incident: the strands merged into it
	fan   int       // of an incident: devices of all its strands, at most
	gone  *strand   // the strand that took everything of this one

	dirty   bool
	kept    bool   // a record of it was handed out
	touched uint64 // when the last finding came, in findings
}

// ruleRow counts the findings of one template: a rule, or alerts of another
// tool whose titles differ by numbers alone.
type ruleRow struct {
	Rule       string         `json:"rule"`
	Title      string         `json:"title"`
	Family     string         `json:"family"`
	Severity   event.Severity `json:"severity"`
	Count      int64          `json:"count"`
	Confidence float64        `json:"confidence,omitempty"`
	Template   uint64         `json:"template"`
}

// kindRow folds findings of one template between the same ends.
type kindRow struct {
	Template  uint64         `json:"template"`
	Rule      string         `json:"rule"`
	Title     string         `json:"title"`
	Family    string         `json:"family"`
	Severity  event.Severity `json:"severity"`
	Src       string         `json:"src,omitempty"` // node id
	Dst       string         `json:"dst,omitempty"`
	Device    string         `json:"device,omitempty"` // uid
	Technique string         `json:"technique,omitempty"`
	Count     int64          `json:"count"`
	First     time.Time      `json:"first"`
	Last      time.Time      `json:"last"`
	UID       string         `json:"uid"` // the gravest finding, the first of that
	New       string         `json:"new"` // the newest
	key       uint64
}

// joinRow folds joins for one reason.
type joinRow struct {
	Join
	Key uint64 `json:"key"`
}

// newRow is one of the newest findings.
type newRow struct {
	UID string    `json:"uid"`
	At  time.Time `json:"at"`
}

type nodeRow struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	Roles roles  `json:"roles"`
	Count int64  `json:"count"`
	hash  uint64
}

type edgeRow struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Kind     string   `json:"kind"`
	Count    int64    `json:"count"`
	Findings []string `json:"findings"`
	hash     uint64
}

type techRow struct {
	ID       string    `json:"id"`
	Count    int64     `json:"count"`
	First    time.Time `json:"first"`
	Findings []string  `json:"findings"`
}

// maxUIDs is how many findings an edge or technique names.
const maxUIDs = 3

// take puts a finding into the strand and reports whether it is of a kind that
// was not there.
func (s *strand) take(g *glance) (fresh bool) {
	f := g.f
	if s.Findings == 0 || f.First.Before(s.First) {
		s.First = f.First
	}
	if s.Findings == 0 || f.Time.After(s.Last) {
		s.Last = f.Time
	}
	s.Findings++
	s.Events += int64(f.Count)
	s.Severity[g.severity]++
	s.Label = higherLabel(s.Label, f.Labels.Confidentiality)
	newRule := s.takeRule(ruleRow{Rule: g.rule, Title: g.title, Family: f.Family, Severity: g.severity, Count: 1, Confidence: f.Confidence, Template: g.template})
	fresh = s.takeKind(kindRow{
		Template: g.template, Rule: g.rule, Title: g.title, Family: f.Family, Severity: g.severity, Src: g.src, Dst: g.dst,
		Device: g.device, Technique: g.lead, Count: 1, First: f.First, Last: f.Time, UID: f.UID, New: f.UID, key: g.kind,
	}, newRule)
	if s.Nodes == nil {
		s.Nodes, s.Edges, s.Techs = make([]nodeRow, 0, len(g.ties)), make([]edgeRow, 0, len(g.edges)), make([]techRow, 0, len(g.techniques))
	}
	for i := range g.ties {
		t := &g.ties[i]
		s.takeNode(nodeRow{Type: t.key.kind, Value: t.key.value, Roles: t.roles, Count: 1, hash: t.hash})
		if t.key.kind == "device" {
			s.widen(t.hash)
		}
	}
	for _, e := range g.edges {
		s.takeEdge(edgeRow{From: e.from, To: e.to, Kind: e.kind, Count: 1, Findings: g.uid, hash: e.hash})
	}
	for _, id := range g.techniques {
		s.takeTech(techRow{ID: id, Count: 1, First: f.Time, Findings: g.uid})
	}
	s.takeNew(newRow{f.UID, f.Time})
	return fresh
}

// widen counts a device that the incident reaches.
func (s *strand) widen(hash uint64) {
	before := s.Devices.Count()
	if s.Devices.Add(hash) {
		s.top().fan += s.Devices.Count() - before
	}
}

// top is the incident that the strand is part of.
func (s *strand) top() *strand {
	if s.root != nil {
		return s.root
	}
	return s
}

func (s *strand) hasTemplate(t uint64) bool {
	for i := range s.Rules {
		if s.Rules[i].Template == t {
			return true
		}
	}
	return false
}

// gravest is the severity of the gravest finding.
func (s *state) gravest() event.Severity {
	for i := len(s.Severity) - 1; i > 0; i-- {
		if s.Severity[i] > 0 {
			return event.Severity(i)
		}
	}
	return event.Informational
}

// absorb adds all that another state knows. Sums stay exact; lists keep the
// most telling.
func (s *state) absorb(o *state) {
	if s.Findings == 0 || o.First.Before(s.First) {
		s.First = o.First
	}
	if s.Findings == 0 || o.Last.After(s.Last) {
		s.Last = o.Last
	}
	s.Findings += o.Findings
	s.Events += o.Events
	for i := range s.Severity {
		s.Severity[i] += o.Severity[i]
	}
	s.Label = higherLabel(s.Label, o.Label)
	var fresh []uint64
	for _, r := range o.Rules {
		if s.takeRule(r) {
			fresh = append(fresh, r.Template)
		}
	}
	for _, k := range o.Kinds {
		s.takeKind(k, slices.Contains(fresh, k.Template))
	}
	for _, n := range o.Nodes {
		s.takeNode(n)
	}
	for _, e := range o.Edges {
		s.takeEdge(e)
	}
	for _, t := range o.Techs {
		s.takeTech(t)
	}
	s.RulesMore += o.RulesMore
	s.KindsMore += o.KindsMore
	s.NodesMore += o.NodesMore
	s.EdgesMore += o.EdgesMore
	s.TechsMore += o.TechsMore
	s.Devices.Merge(&o.Devices)
	for _, n := range o.Newest {
		s.takeNew(n)
	}
	for _, j := range o.Joins {
		s.takeJoin(j)
	}
	s.JoinsMore += o.JoinsMore
	s.Assignee = cmp.Or(s.Assignee, o.Assignee)
	s.History, _ = bounded(s.History, o.History, maxHistory, 0)
}

// bounded appends what there is room for and counts the rest.
func bounded[T any](have, more []T, most int, over int64) ([]T, int64) {
	n := min(len(more), max(most-len(have), 0))
	return append(have, more[:n]...), over + int64(len(more)-n)
}

// clone copies the state deeply.
func (s *state) clone() state {
	c := *s
	c.Apart, c.Rules, c.Kinds, c.Nodes = slices.Clone(s.Apart), slices.Clone(s.Rules), slices.Clone(s.Kinds), slices.Clone(s.Nodes)
	c.Newest, c.Joins, c.Merges, c.History = slices.Clone(s.Newest), slices.Clone(s.Joins), slices.Clone(s.Merges), slices.Clone(s.History)
	c.Edges = slices.Clone(s.Edges)
	for i := range c.Edges {
		c.Edges[i].Findings = slices.Clone(c.Edges[i].Findings)
	}
	c.Techs = slices.Clone(s.Techs)
	for i := range c.Techs {
		c.Techs[i].Findings = slices.Clone(c.Techs[i].Findings)
	}
	c.Devices = s.Devices.Clone()
	return c
}

var labels = []string{"public", "internal", "confidential", "restricted"}

// higherLabel is the label that lets fewer people see it. A word that is not
// known counts as the highest.
func higherLabel(a, b string) string {
	level := func(l string) int {
		if l == "" {
			return -1
		}
		if i := slices.Index(labels, l); i >= 0 {
			return i
		}
		return len(labels)
	}
	if level(b) > level(a) {
		return b
	}
	return a
}
