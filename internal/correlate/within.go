package correlate

import (
	"fmt"
	"slices"
	"strings"

	"vedette/internal/fault"
)

// Sight is what somebody may see who is limited to some devices. Own, Foreign and Reads
// are asked while the correlator is locked, as [Names] is.
type Sight interface {
	Own(uid string) bool                    // a device of theirs
	Foreign(text string) bool               // a text that names a device which is not
	Findings(uids []string) map[string]bool // those of findings that they may see
	Reads(zones []string) bool              // what somebody wrote who is limited to zones
}

// Elsewhere stands in a timeline for what somebody may not see.
const Elsewhere = "outside your zones"

// Outside is how much of an incident is left out for who is limited to zones.
type Outside struct {
	Devices  int `json:"devices"`  // about
	Moments  int `json:"moments"`  // lines of the timeline
	Findings int `json:"findings"` // that these stand for
}

// Within returns what somebody may see of an incident that is given in full; false:
// it touches no device of theirs. Of other devices it keeps that there are some. What
// persons wrote is left out, because nobody knows what it tells, but for notes of those
// who saw no more; and reasons that name other devices. Of an incident that is wholly
// theirs Outside is nil, and its history is told without reasons.
func (i Incident) Within(s Sight) (Incident, bool) {
	own := slices.DeleteFunc(slices.Clone(i.Devices), func(uid string) bool { return !s.Own(uid) })
	if len(own) == 0 {
		return Incident{}, false
	}
	out := i
	hidden := Outside{Devices: max(i.DeviceCount, len(i.Devices)) - len(own)}
	out.Devices, out.DeviceCount = own, len(own)
	out.Notes, out.NoteCount, out.History, out.Follows = nil, 0, nil, ""
	out.Timeline, hidden.Moments, hidden.Findings = i.lines(s)
	foreign := func(text string) bool { return s.Foreign(text) }
	out.Raised = slices.DeleteFunc(slices.Clone(i.Raised), foreign)
	out.Computed = slices.DeleteFunc(slices.Clone(i.Computed), func(f Factor) bool { return foreign(f.Text) })
	out.Joins = slices.DeleteFunc(slices.Clone(i.Joins), func(j Join) bool { return foreign(j.Reason) })
	out.Merges = slices.DeleteFunc(slices.Clone(i.Merges), func(m Merge) bool { return foreign(m.Reason) })
	out.Graph = i.Graph.within(s)
	if i.Wholly(s) {
		out.Notes, out.History = i.said(s)
		out.NoteCount = len(out.Notes)
	} else {
		out.recount(i)
		out.Outside = &hidden
	}
	out.seen(s)
	return out, true
}

// Wholly reports whether all that an incident, given in full, is made of is theirs:
// every device and every line, so that they may decide on it.
func (i Incident) Wholly(s Sight) bool {
	if len(i.Devices) == 0 || i.DeviceCount > len(i.Devices) || s.Foreign(i.Title) {
		return false
	}
	if slices.ContainsFunc(i.Devices, func(uid string) bool { return !s.Own(uid) }) {
		return false
	}
	for _, m := range i.Timeline {
		source, from := i.end(m.Source, s)
		target, to := i.end(m.Target, s)
		if !from && !to || source == Elsewhere || target == Elsewhere || s.Foreign(m.Title) {
			return false
		}
	}
	return !slices.ContainsFunc(i.Graph.Nodes, func(n Node) bool {
		return n.Type == "device" && !s.Own(n.Value) || s.Foreign(n.Value) || s.Foreign(n.Name)
	})
}

// Decidable returns nil if somebody may decide on an incident, given in full, or why
// not. One that touches no device of theirs is not there.
func (i Incident) Decidable(s Sight) error {
	if !slices.ContainsFunc(i.Devices, s.Own) {
		return noIncident(i.UID)
	}
	if !i.Wholly(s) {
		return fault.New(fault.Denied, "the incident concerns devices outside of your zones too: it is decided by somebody who sees all of them").
			WithHint("give its uid, %.10s, to a person who is limited to all of its zones or to none", i.UID)
	}
	return nil
}

// said is what of notes and history may be told of an incident that is wholly theirs:
// notes of those who saw no more than they do, and what was decided, without the words.
// What it was split from may be of others.
func (i *Incident) said(s Sight) (notes []Note, history []Change) {
	for _, n := range i.Notes {
		if len(n.Zones) > 0 && s.Reads(n.Zones) {
			notes = append(notes, n)
		}
	}
	for _, c := range i.History {
		if c.Why = ""; !strings.HasPrefix(c.What, "split ") && !s.Foreign(c.What) {
			history = append(history, c)
		}
	}
	return notes, history
}

// end is an end of a line as somebody may see it.
func (i *Incident) end(text string, s Sight) (shown string, own bool) {
	switch {
	case text == "":
		return "", false
	case s.Own(text):
		return text, true
	case slices.Contains(i.Devices, text) || strings.HasPrefix(text, "dev-") || s.Foreign(text): // also a device that is not known any more
		return Elsewhere, false
	}
	return text, false
}

// lines are those of the timeline that have an end which is theirs; the others are
// counted, and what they stand for.
func (i *Incident) lines(s Sight) (kept []Moment, hidden, findings int) {
	for _, m := range i.Timeline {
		var source, target bool
		m.Source, source = i.end(m.Source, s)
		m.Target, target = i.end(m.Target, s)
		if !source && !target {
			hidden, findings = hidden+1, findings+int(m.Count)
			continue
		}
		if s.Foreign(m.Title) {
			m.Title = m.Rule
		}
		m.Findings = slices.Clone(m.Findings)
		kept = append(kept, m)
	}
	return kept, hidden, findings
}

// within keeps the nodes that are theirs, and what they are joined with that is no
// device of others; how many were left out is in MoreNodes and MoreEdges.
func (g Graph) within(s Sight) Graph {
	out := Graph{Nodes: []Node{}, Edges: []Edge{}, MoreNodes: g.MoreNodes, MoreEdges: g.MoreEdges}
	own, fine := map[string]bool{}, map[string]bool{}
	for _, n := range g.Nodes {
		own[n.ID] = n.Type == "device" && s.Own(n.Value)
		fine[n.ID] = own[n.ID] || n.Type != "device" && !s.Foreign(n.Value) && !s.Foreign(n.Name)
	}
	joined := map[string]bool{}
	for _, e := range g.Edges {
		if !fine[e.From] || !fine[e.To] || !own[e.From] && !own[e.To] {
			out.MoreEdges++
			continue
		}
		joined[e.From], joined[e.To] = true, true
		e.Findings = slices.Clone(e.Findings)
		out.Edges = append(out.Edges, e)
	}
	for _, n := range g.Nodes {
		if own[n.ID] || joined[n.ID] {
			out.Nodes = append(out.Nodes, n)
		} else {
			out.MoreNodes++
		}
	}
	return out
}

// recount tells of an incident what the lines that are left of its timeline tell.
func (i *Incident) recount(whole Incident) {
	i.Title = fmt.Sprintf("findings of which some concern %s of yours", plural(int64(len(i.Devices)), "device"))
	i.Findings = Findings{BySeverity: map[string]int64{}, Telling: whole.Findings.Telling, Newest: whole.Findings.Newest}
	i.Techniques, i.Stages = []Technique{}, []Stage{}
	lead := -1
	for n := range i.Timeline {
		m := &i.Timeline[n]
		if lead < 0 || m.Severity > i.Timeline[lead].Severity {
			lead = n
			i.Title = m.Title
		}
		i.Findings.Count += m.Count
		i.Findings.BySeverity[m.Severity.String()] += m.Count
		i.addRule(m)
		i.addStage(m, whole.Stages)
	}
}

func (i *Incident) addRule(m *Moment) {
	at := slices.IndexFunc(i.Findings.Rules, func(r RuleCount) bool { return r.Rule == m.Rule })
	if at < 0 {
		at = len(i.Findings.Rules)
		i.Findings.Rules = append(i.Findings.Rules, RuleCount{Rule: m.Rule, Title: m.Title, Severity: m.Severity})
	}
	i.Findings.Rules[at].Count += m.Count
}

// addStage counts a line to its tactic. Which techniques were seen is known of the
// whole incident alone, and left out.
func (i *Incident) addStage(m *Moment, whole []Stage) {
	if m.Tactic == "" {
		return
	}
	at := slices.IndexFunc(i.Stages, func(s Stage) bool { return s.Tactic == m.Tactic })
	if at < 0 {
		at = len(i.Stages)
		name := m.Tactic
		if n := slices.IndexFunc(whole, func(s Stage) bool { return s.Tactic == m.Tactic }); n >= 0 {
			name = whole[n].Name
		}
		i.Stages = append(i.Stages, Stage{Tactic: m.Tactic, Name: name, First: m.First, Techniques: []string{}, Findings: []string{}})
	}
	i.Stages[at].Count += m.Count
}

// seen leaves out the uids of findings that may not be seen.
func (i *Incident) seen(s Sight) {
	var all []string
	lists := []*[]string{&i.Findings.Telling, &i.Findings.Newest}
	for n := range i.Timeline {
		lists = append(lists, &i.Timeline[n].Findings)
	}
	i.Stages = slices.Clone(i.Stages)
	for n := range i.Stages {
		lists = append(lists, &i.Stages[n].Findings)
	}
	for n := range i.Graph.Edges {
		lists = append(lists, &i.Graph.Edges[n].Findings)
	}
	for _, list := range lists {
		all = append(all, *list...)
	}
	for n := range i.Joins {
		all = append(all, i.Joins[n].Finding)
	}
	for n := range i.Merges {
		all = append(all, i.Merges[n].Finding)
	}
	slices.Sort(all)
	may := s.Findings(slices.Compact(all))
	for _, list := range lists {
		*list = slices.DeleteFunc(append([]string{}, *list...), func(uid string) bool { return !may[uid] })
	}
	i.Joins = slices.DeleteFunc(i.Joins, func(j Join) bool { return !may[j.Finding] })
	i.Merges = slices.DeleteFunc(i.Merges, func(m Merge) bool { return !may[m.Finding] })
}
