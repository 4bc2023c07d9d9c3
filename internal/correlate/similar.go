package correlate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// What of two incidents must resemble each other, and how much it matters.
// Parts that neither of the two has do not count.
const (
	likeTechniques = 0.35
	likeRules      = 0.25
	likeEntities   = 0.20
	likeSequence   = 0.20

	leastLike  = 0.20 // below it an incident is not similar
	maxSimilar = 10
)

// features of an incident that another one may share.
type features struct {
	techniques, entities []string
	rules                []uint64
	sequence             []string // tactics in the order of time
}

// census counts in how many incidents each feature is.
type census struct {
	incidents   int
	techs, ents map[string]int
	rules       map[uint64]int
	mine        features
	rulesOf     map[uint64]string // of the incident that is compared: template -> rule
}

// Similar returns incidents that resemble one, most alike first. What few
// incidents have counts more than what many have.
func (c *Correlator) Similar(uid string) []Similar {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.find(uid)
	if s == nil {
		return nil
	}
	all := map[*strand]features{}
	n := census{techs: map[string]int{}, ents: map[string]int{}, rules: map[uint64]int{}, rulesOf: map[uint64]string{}}
	for _, o := range c.strands {
		if o.root != nil || o.Collects != "" && o != s {
			continue
		}
		f := c.features(o.whole())
		all[o] = f
		tally(n.techs, f.techniques)
		tally(n.ents, f.entities)
		tally(n.rules, f.rules)
	}
	n.mine, n.incidents = all[s], len(all)
	for _, r := range s.whole().Rules {
		n.rulesOf[r.Template] = r.Rule
	}
	out := []Similar{}
	for o, f := range all {
		if o == s {
			continue
		}
		if sim := n.compare(f); sim.Score >= leastLike {
			sim.UID = o.UID
			out = append(out, sim)
		}
	}
	slices.SortFunc(out, func(a, b Similar) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.UID, b.UID)) })
	out = out[:min(len(out), maxSimilar)]
	verdicts := c.verdicts()
	for i := range out {
		c.finish(&out[i], verdicts)
	}
	return out
}

// compare says what another incident shares with the one.
func (n *census) compare(f features) (sim Similar) {
	sum, of := 0.0, 0.0
	part := func(weight, value float64, present bool) {
		if present {
			sum, of = sum+weight*value, of+weight
		}
	}
	mine := n.mine
	var share float64
	sim.Techniques, share = shared(mine.techniques, f.techniques, n.techs, n.incidents)
	part(likeTechniques, share, len(mine.techniques)+len(f.techniques) > 0)
	templates, share := shared(mine.rules, f.rules, n.rules, n.incidents)
	part(likeRules, share, true)
	for _, t := range templates {
		sim.Rules = append(sim.Rules, n.rulesOf[t])
	}
	sim.Entities, share = shared(mine.entities, f.entities, n.ents, n.incidents)
	part(likeEntities, share, len(mine.entities)+len(f.entities) > 0)
	if sim.Sequence = common(mine.sequence, f.sequence); len(sim.Sequence) < 2 {
		sim.Sequence = nil
	}
	longest := max(len(mine.sequence), len(f.sequence))
	part(likeSequence, float64(len(sim.Sequence))/float64(max(longest, 1)), longest > 1)
	sim.Score = round(sum / of)
	return sim
}

// finish adds what a person reads.
func (c *Correlator) finish(sim *Similar, verdicts map[*strand]Verdict) {
	o := c.find(sim.UID)
	sim.Title, sim.Status, sim.Verdict = c.title(o, o.whole()), Open, verdicts[o]
	if o.Closed {
		sim.Status = Closed
	}
	var why []string
	say := func(what string, list []string) {
		if len(list) > 0 {
			why = append(why, fmt.Sprintf("%s %s", what, strings.Join(list[:min(len(list), 4)], ", ")))
		}
	}
	say("same techniques", sim.Techniques)
	say("same rules", sim.Rules)
	var called []string
	for _, id := range sim.Entities {
		called = append(called, c.callID(id))
	}
	say("same entities", called)
	var steps []string
	for _, t := range sim.Sequence {
		steps = append(steps, strings.ToLower(c.cfg.Techniques.tacticName(t)))
	}
	if len(steps) > 0 {
		why = append(why, "same course: "+strings.Join(steps, ", then "))
	}
	sim.Why = strings.Join(why, "; ")
}

func (c *Correlator) features(w *state) features {
	var f features
	for _, t := range w.Techs {
		f.techniques = append(f.techniques, t.ID)
	}
	for _, n := range w.Nodes {
		f.entities = append(f.entities, key{n.Type, n.Value}.id())
	}
	for _, r := range w.Rules {
		f.rules = append(f.rules, r.Template)
	}
	for _, s := range c.stages(w) {
		f.sequence = append(f.sequence, s.Tactic)
	}
	return f
}

func tally[T comparable](counts map[T]int, list []T) {
	for _, v := range list {
		counts[v]++
	}
}

// shared returns what both have, rarest first, and its weight as a share of the
// weight of what either has.
func shared[T cmp.Ordered](a, b []T, counts map[T]int, of int) (both []T, share float64) {
	weight := func(v T) float64 { return math.Log(1 + float64(of)/float64(max(counts[v], 1))) }
	have, either := 0.0, 0.0
	in := make(map[T]bool, len(b))
	for _, v := range b {
		in[v] = true
		either += weight(v)
	}
	for _, v := range a {
		if in[v] {
			both = append(both, v)
			have += weight(v)
		} else {
			either += weight(v)
		}
	}
	slices.SortFunc(both, func(x, y T) int { return cmp.Or(cmp.Compare(counts[x], counts[y]), cmp.Compare(x, y)) })
	if either == 0 {
		return nil, 0
	}
	return both, have / either
}

// common is the longest sequence that both have in this order.
func common(a, b []string) []string {
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i, v := range slices.Backward(a) {
		for j, w := range slices.Backward(b) {
			if v == w {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, a[i])
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}
