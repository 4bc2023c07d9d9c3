package correlate

import (
	"slices"

	"vedette/internal/event"
)

// takeRule reports whether the template is a new one.
func (s *state) takeRule(r ruleRow) (fresh bool) {
	for i := range s.Rules {
		if have := &s.Rules[i]; have.Template == r.Template {
			have.Count += r.Count
			have.Confidence = max(have.Confidence, r.Confidence)
			if r.Severity > have.Severity {
				have.Severity, have.Rule, have.Title = r.Severity, r.Rule, r.Title
			}
			return false
		}
	}
	if len(s.Rules) < maxRules {
		s.Rules = append(s.Rules, r)
		return true
	}
	// The least severe one is counted only.
	least := 0
	for i := range s.Rules {
		if s.Rules[i].Severity < s.Rules[least].Severity {
			least = i
		}
	}
	if s.Rules[least].Severity < r.Severity {
		s.Rules[least], r = r, s.Rules[least]
		fresh = true
	}
	s.RulesMore += r.Count
	return fresh
}

// takeKind reports whether the kind is a new one that is listed. newRule says
// that its template was not there before.
func (s *state) takeKind(k kindRow, newRule bool) (fresh bool) {
	least := 0
	for i := range s.Kinds {
		have := &s.Kinds[i]
		if have.key == k.key {
			have.fold(k)
			return false
		}
		if have.Severity < s.Kinds[least].Severity {
			least = i
		}
	}
	if len(s.Kinds) < maxKinds {
		s.Kinds = append(s.Kinds, k)
		return true
	}
	switch {
	case s.Kinds[least].Severity < k.Severity:
	case newRule:
		least = s.commonest(k.Severity)
	default:
		least = -1
	}
	if least >= 0 {
		s.Kinds[least], k = k, s.Kinds[least]
	}
	s.KindsMore += k.Count
	return least >= 0
}

// commonest is the last row of the template with most rows of at most that
// severity, so that a rule that is new finds room; -1 when all have one.
func (s *state) commonest(at event.Severity) int {
	drop, most := -1, 1
	for i := range s.Kinds {
		if s.Kinds[i].Severity > at {
			continue
		}
		n := 0
		for j := range s.Kinds {
			if s.Kinds[j].Template == s.Kinds[i].Template {
				n++
			}
		}
		if n >= most && n > 1 {
			drop, most = i, n
		}
	}
	return drop
}

func (k *kindRow) fold(o kindRow) {
	k.Count += o.Count
	if o.Severity > k.Severity {
		k.Severity, k.UID, k.Title, k.Rule = o.Severity, o.UID, o.Title, o.Rule
	}
	if o.First.Before(k.First) {
		k.First = o.First
	}
	if !o.Last.Before(k.Last) {
		k.Last, k.New = o.Last, o.New
	}
}

func (s *state) takeNode(n nodeRow) {
	devices := 0
	for i := range s.Nodes {
		have := &s.Nodes[i]
		if have.hash == n.hash && have.Value == n.Value && have.Type == n.Type {
			have.Count += n.Count
			have.Roles |= n.Roles
			return
		}
		if have.Type == "device" {
			devices++
		}
	}
	if (n.Type == "device" && devices >= maxDevices) || (n.Type != "device" && len(s.Nodes)-devices >= maxOthers) {
		s.NodesMore += n.Count
		return
	}
	s.Nodes = append(s.Nodes, n)
}

func (s *state) takeEdge(e edgeRow) {
	for i := range s.Edges {
		have := &s.Edges[i]
		if have.hash == e.hash && have.From == e.From && have.To == e.To && have.Kind == e.Kind {
			have.Count += e.Count
			have.Findings = addUIDs(have.Findings, e.Findings)
			return
		}
	}
	if len(s.Edges) >= maxEdges {
		s.EdgesMore += e.Count
		return
	}
	e.Findings = slices.Clone(e.Findings)
	s.Edges = append(s.Edges, e)
}

func (s *state) takeTech(t techRow) {
	for i := range s.Techs {
		have := &s.Techs[i]
		if have.ID == t.ID {
			have.Count += t.Count
			if t.First.Before(have.First) {
				have.First = t.First
			}
			have.Findings = addUIDs(have.Findings, t.Findings)
			return
		}
	}
	if len(s.Techs) >= maxTechs {
		s.TechsMore += t.Count
		return
	}
	t.Findings = slices.Clone(t.Findings)
	s.Techs = append(s.Techs, t)
}

func addUIDs(have, more []string) []string {
	for _, uid := range more {
		if len(have) >= maxUIDs {
			break
		}
		have = append(have, uid)
	}
	return have
}

func (s *state) takeJoin(j joinRow) {
	for i := range s.Joins {
		if have := &s.Joins[i]; have.Key == j.Key {
			have.Count += j.Count
			return
		}
	}
	if len(s.Joins) >= maxJoins {
		s.JoinsMore += j.Count
		return
	}
	s.Joins = append(s.Joins, j)
}

// takeNew keeps the newest findings by their own time.
func (s *state) takeNew(n newRow) {
	i := len(s.Newest)
	for i > 0 && (s.Newest[i-1].At.After(n.At) || s.Newest[i-1].At.Equal(n.At) && s.Newest[i-1].UID > n.UID) {
		i--
	}
	if len(s.Newest) < maxNewest {
		s.Newest = slices.Insert(s.Newest, i, n)
		return
	}
	if i > 0 {
		copy(s.Newest, s.Newest[1:i])
		s.Newest[i-1] = n
	}
}
