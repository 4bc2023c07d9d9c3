package priority

import "slices"

// Context is what a site knows of the device: the same vulnerability ranks
// differently on different devices.
type Context struct {
	// Mission is how much hangs on the product: low, medium or high; "" is
	// medium, which is said.
	Mission string
}

// In decides for a device what Rate found of a vulnerability. The points that
// are given are not changed.
func (t *Tree) In(p Points, c Context) Points {
	p.Why = slices.Clone(p.Why)
	p.Mission = c.Mission
	if p.Mission == "" {
		p.Mission = "medium"
		p.Why = append(p.Why, "mission medium: not told, so the middle is taken")
	}
	p.Decision = t.rows[[4]string{p.Exploitation, p.Automatable, p.TechnicalImpact, p.Mission}]
	return p
}

// decisions are in the order of urgency.
var decisions = []string{"act", "attend", "track*", "track"}

// Urgency orders decisions; the most urgent is 0.
func Urgency(decision string) int {
	if i := slices.Index(decisions, decision); i >= 0 {
		return i
	}
	return len(decisions) - 1
}
