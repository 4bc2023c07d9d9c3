package correlate

import (
	"cmp"
	"slices"
	"strings"

	"vedette/internal/event"
)

// maxTelling is how many findings an incident names as the most telling.
const maxTelling = 12

// Incidents returns all incidents, the one with the newest finding first,
// without timeline, graph and joins.
func (c *Correlator) Incidents() []Incident {
	c.mu.Lock()
	defer c.mu.Unlock()
	roots := make([]*strand, 0, len(c.strands))
	for _, s := range c.strands {
		if s.root == nil {
			roots = append(roots, s)
		}
	}
	all, verdicts, notes := make([]Incident, len(roots)), c.verdicts(), c.countNotes()
	for i, s := range roots {
		all[i] = c.view(s, verdicts, false)
		all[i].NoteCount = notes[s]
	}
	slices.SortFunc(all, func(a, b Incident) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.UID, b.UID)) })
	return all
}

// Timelines returns the incidents whose devices somebody wants, with their timelines
// but without what only a page of one shows: graph, joins, notes. It looks at each once.
func (c *Correlator) Timelines(all bool, wants func(device string) bool) []Incident {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, verdicts := []Incident{}, c.verdicts()
	for _, s := range c.strands {
		if s.root != nil || s.Closed && !all || !s.about(wants) {
			continue
		}
		in := c.view(s, verdicts, false)
		in.Timeline = c.timeline(s.whole())
		out = append(out, in)
	}
	slices.SortFunc(out, func(a, b Incident) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.UID, b.UID)) })
	return out
}

// About returns the incidents whose devices somebody wants with what they are put in order
// and chosen by, before a page of them is looked at: uid, status, severity, score,
// assignee and the last time. Nothing else is in them.
func (c *Correlator) About(all bool, wants func(device string) bool) []Incident {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []Incident{}
	for _, s := range c.strands {
		if s.root == nil && (!s.Closed || all) && s.about(wants) {
			out = append(out, c.brief(s))
		}
	}
	slices.SortFunc(out, func(a, b Incident) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.UID, b.UID)) })
	return out
}

func (c *Correlator) brief(s *strand) Incident {
	w := s.whole()
	in := Incident{UID: s.UID, Status: Open, Last: w.Last, Assignee: w.Assignee}
	if s.Closed {
		in.Status = Closed
	}
	stages := c.stages(w)
	in.Severity, _ = c.severity(w, stages)
	in.Score, _ = c.score(w, stages)
	return in
}

// TimelinesOf returns incidents by their uids, as [Correlator.Timelines] has them, in the
// order in which they are asked for. One that there is no more is left out.
func (c *Correlator) TimelinesOf(uids []string) []Incident {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, verdicts := make([]Incident, 0, len(uids)), c.verdicts()
	for _, uid := range uids {
		if s := c.strands[uid]; s != nil && s.root == nil {
			in := c.view(s, verdicts, false)
			in.Timeline = c.timeline(s.whole())
			out = append(out, in)
		}
	}
	return out
}

// about reports whether one of the devices of an incident is wanted.
func (s *strand) about(wants func(device string) bool) bool {
	has := func(nodes []nodeRow) bool {
		return slices.ContainsFunc(nodes, func(n nodeRow) bool { return n.Type == "device" && wants(n.Value) })
	}
	return has(s.Nodes) || slices.ContainsFunc(s.parts, func(p *strand) bool { return has(p.Nodes) })
}

// Get returns an incident in full. The uid of one that was merged gives the one
// it is part of.
func (c *Correlator) Get(uid string) (Incident, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.find(uid)
	if s == nil {
		return Incident{}, false
	}
	return c.full(s), true
}

func (c *Correlator) full(s *strand) Incident {
	in := c.view(s, c.verdicts(), true)
	in.Notes = c.notesOf(s)
	in.NoteCount = len(in.Notes)
	return in
}

// find returns the incident that a uid stands for now.
func (c *Correlator) find(uid string) *strand {
	for range 100 { // what took it may have been taken itself
		if s := c.strands[uid]; s != nil {
			return s.top()
		}
		next, ok := c.alias[uid]
		if !ok {
			break
		}
		uid = next
	}
	return nil
}

// whole is all that the strands of an incident know together. It must not be
// changed.
func (s *strand) whole() *state {
	if len(s.parts) == 0 {
		return &s.state
	}
	all := s.clone()
	for _, p := range s.parts {
		all.absorb(&p.state)
		all.Merges = append(all.Merges, p.Merges...)
	}
	return &all
}

func (c *Correlator) view(s *strand, verdicts map[*strand]Verdict, full bool) Incident {
	w := s.whole()
	in := Incident{
		UID: s.UID, Status: Open, First: w.First, Last: w.Last, DeviceCount: w.Devices.Count(), Follows: s.Follows,
		Confidentiality: w.Label, Devices: []string{}, Techniques: []Technique{}, Raised: []string{},
	}
	if s.Closed {
		in.Status = Closed
	}
	for i := range w.Nodes {
		if w.Nodes[i].Type == "device" {
			in.Devices = append(in.Devices, w.Nodes[i].Value)
		}
	}
	for _, t := range w.Techs {
		in.Techniques = append(in.Techniques, Technique{t.ID, c.cfg.Techniques.find(t.ID).name, t.Count, t.First})
	}
	slices.SortStableFunc(in.Techniques, func(a, b Technique) int { return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.ID, b.ID)) })
	in.Stages = c.stages(w)
	in.Findings = c.findingsOf(w)
	in.Title = c.title(s, w)
	in.Severity, in.Raised = c.severity(w, in.Stages)
	in.Level = in.Severity.String()
	in.Score, in.Computed = c.score(w, in.Stages)
	in.Verdict = verdicts[s]
	in.Merges = slices.Clone(w.Merges)
	in.History = slices.Clone(w.History)
	in.Assignee = w.Assignee
	if full {
		in.Timeline = c.timeline(w)
		in.Graph = c.graph(w)
		for _, j := range w.Joins {
			in.Joins = append(in.Joins, j.Join)
		}
	}
	return in
}

// stages groups the techniques by their first tactic, in the order of time.
func (c *Correlator) stages(w *state) []Stage {
	all := []Stage{}
	for _, t := range w.Techs {
		q := c.cfg.Techniques.find(t.ID)
		if len(q.tactics) == 0 {
			continue
		}
		tactic := q.tactics[0]
		i := slices.IndexFunc(all, func(s Stage) bool { return s.Tactic == tactic })
		if i < 0 {
			i = len(all)
			all = append(all, Stage{Tactic: tactic, Name: c.cfg.Techniques.tacticName(tactic), First: t.First})
		}
		s := &all[i]
		if t.First.Before(s.First) {
			s.First = t.First
		}
		s.Count += t.Count
		s.Techniques = append(s.Techniques, t.ID)
		for _, uid := range t.Findings {
			if !slices.Contains(s.Findings, uid) && len(s.Findings) < maxTelling {
				s.Findings = append(s.Findings, uid)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Stage) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(rank(a.Tactic), rank(b.Tactic)))
	})
	return all
}

// telling orders kinds: the gravest first, then the latest stage, then the
// first in time.
func (c *Correlator) telling(w *state) []*kindRow {
	all := make([]*kindRow, len(w.Kinds))
	for i := range w.Kinds {
		all[i] = &w.Kinds[i]
	}
	stage := map[string]int{}
	for _, k := range all {
		if _, ok := stage[k.Technique]; !ok {
			stage[k.Technique] = c.cfg.Techniques.find(k.Technique).rank()
		}
	}
	slices.SortStableFunc(all, func(a, b *kindRow) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(stage[b.Technique], stage[a.Technique]),
			a.First.Compare(b.First), cmp.Compare(a.UID, b.UID))
	})
	return all
}

func (c *Correlator) findingsOf(w *state) Findings {
	f := Findings{Count: w.Findings, Events: w.Events, BySeverity: map[string]int64{}, MoreRules: w.RulesMore, Telling: []string{}}
	for i, n := range w.Severity {
		if n > 0 {
			f.BySeverity[event.Severity(i).String()] = n
		}
	}
	for _, r := range w.Rules {
		f.Rules = append(f.Rules, RuleCount{r.Rule, shown(r.Title, r.Family), r.Severity, r.Count})
	}
	slices.SortStableFunc(f.Rules, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Count, a.Count), strings.Compare(a.Rule, b.Rule))
	})
	for _, k := range c.telling(w) {
		if len(f.Telling) < maxTelling {
			f.Telling = append(f.Telling, k.UID)
		}
	}
	f.Newest = make([]string, len(w.Newest))
	for i, n := range w.Newest {
		f.Newest[len(w.Newest)-1-i] = n.UID
	}
	return f
}

func (c *Correlator) timeline(w *state) []Moment {
	all := make([]Moment, 0, len(w.Kinds))
	for _, k := range w.Kinds {
		m := Moment{
			First: k.First, Last: k.Last, Title: shown(k.Title, k.Family), Rule: k.Rule, Severity: k.Severity,
			Source: bare(k.Src), Target: bare(k.Dst), Count: k.Count, Findings: []string{k.UID},
		}
		if m.Target == "" && m.Source != k.Device {
			m.Target = k.Device
		}
		if q := c.cfg.Techniques.find(k.Technique); len(q.tactics) > 0 {
			m.Tactic = q.tactics[0]
		}
		if k.New != k.UID {
			m.Findings = append(m.Findings, k.New)
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b Moment) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Findings[0], b.Findings[0]))
	})
	return all
}

// bare is the value of a node id.
func bare(id string) string {
	_, value, _ := strings.Cut(id, ":")
	return value
}

func (c *Correlator) graph(w *state) Graph {
	g := Graph{Nodes: []Node{}, Edges: []Edge{}, MoreNodes: w.NodesMore, MoreEdges: w.EdgesMore}
	for _, n := range w.Nodes {
		node := Node{ID: key{n.Type, n.Value}.id(), Type: n.Type, Value: n.Value, Role: n.Roles.word(), Count: n.Count}
		if n.Type == "device" && c.cfg.Names != nil {
			node.Name = c.call(key{n.Type, n.Value})
		}
		g.Nodes = append(g.Nodes, node)
	}
	for _, e := range w.Edges {
		g.Edges = append(g.Edges, Edge{e.From, e.To, e.Kind, e.Count, slices.Clone(e.Findings)})
	}
	seen := map[[2]string]int{}
	for _, r := range w.Rules {
		g.Nodes = append(g.Nodes, Node{ID: "rule:" + r.Rule, Type: "rule", Value: r.Rule, Name: shown(r.Title, r.Family), Count: r.Count})
	}
	for _, k := range w.Kinds {
		to := k.scope()
		if to == "" || !slices.ContainsFunc(w.Rules, func(r ruleRow) bool { return r.Rule == k.Rule }) {
			continue
		}
		at, ok := seen[[2]string{k.Rule, to}]
		if !ok {
			at = len(g.Edges)
			seen[[2]string{k.Rule, to}] = at
			g.Edges = append(g.Edges, Edge{From: "rule:" + k.Rule, To: to, Kind: "raised on"})
		}
		e := &g.Edges[at]
		e.Count += k.Count
		e.Findings = addUIDs(e.Findings, []string{k.UID})
	}
	return g
}

// scope is the node that a kind of finding is about.
func (k *kindRow) scope() string {
	switch {
	case k.Device != "":
		return "device:" + k.Device
	case k.Dst != "":
		return k.Dst
	}
	return k.Src
}

func (r roles) word() string {
	switch {
	case r&actor != 0 && r&victim != 0:
		return "both"
	case r&actor != 0:
		return "source"
	case r&victim != 0:
		return "target"
	}
	return ""
}
