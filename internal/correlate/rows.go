package correlate

func (s *state) takeRule(r ruleRow) {
	for i := range s.Rules {
		if have := &s.Rules[i]; have.Template == r.Template {
			have.Count += r.Count
			have.Confidence = max(have.Confidence, r.Confidence)
			if r.Severity > have.Severity {
				have.Severity, have.Rule, have.Title = r.Severity, r.Rule, r.Title
			}
			return
		}
	}
	if len(s.Rules) < maxRules {
		s.Rules = append(s.Rules, r)
		return
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
	}
	s.RulesMore += r.Count
}

func (s *state) takeKind(k kindRow) (fresh bool) {
	same := 0
	for i := range s.Kinds {
		have := &s.Kinds[i]
		if have.key == k.key {
			have.fold(k)
			return false
		}
		if have.Template == k.Template {
			same++
		}
	}
	if len(s.Kinds) < maxKinds {
		s.Kinds = append(s.Kinds, k)
		return true
	}
	drop := s.leastTelling(k, same)
	if drop >= 0 {
		s.Kinds[drop], k = k, s.Kinds[drop]
	}
	s.KindsMore += k.Count
	return drop >= 0
}

// leastTelling is the row that makes room for k, or -1: the least severe one
// when it is below k; one of the template with most rows when k's has none.
func (s *state) leastTelling(k kindRow, same int) int {
	least := 0
	for i := range s.Kinds {
		if s.Kinds[i].Severity < s.Kinds[least].Severity {
			least = i
		}
	}
	if s.Kinds[least].Severity < k.Severity {
		return least
	}
	if same > 0 {
		return -1
	}
	rows := map[uint64]int{}
	for i := range s.Kinds {
		rows[s.Kinds[i].Template]++
	}
	drop, most := -1, 1
	for i := len(s.Kinds) - 1; i >= 0; i-- {
		if n := rows[s.Kinds[i].Template]; s.Kinds[i].Severity <= k.Severity && n > most {
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
