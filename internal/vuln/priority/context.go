package priority

import "slices"

// Context is what a site knows of the device: the same vulnerability ranks
// differently on different devices.
type Context struct {
	// Mission is how much hangs on the product: low, medium or high; "" is
	// medium, which is said.
	Mission string
	// By says what the mission was taken from.
	By string
	// Exposure is from how far it is reached, as package reach says: open,
	// controlled, small, or "" when that is not known.
	Exposure string
}

// In decides for a device what Found found of a vulnerability. The points that
// are given are not changed.
func (t *Tree) In(p Points, c Context) Points {
	p.Why = slices.Clone(p.Why)
	p.Mission, p.Exposure = c.Mission, c.Exposure
	switch {
	case p.Mission == "":
		p.Mission = "medium"
		p.Why = append(p.Why, "mission medium: not told, so the middle is taken")
	case c.By != "":
		p.Why = append(p.Why, "mission "+p.Mission+": "+c.By)
	}
	p.Decision = t.rows[[4]string{p.Exploitation, p.Automatable, p.TechnicalImpact, p.Mission}]
	if to, why := stepped(&p); to != p.Decision {
		p.Why = append(p.Why, "decision "+to+" instead of "+p.Decision+": "+why)
		p.Decision = to
	}
	return p
}

// decisions are in the order of urgency.
var decisions = []string{"act", "attend", "track*", "track"}

// Decisions are those of the tree, the most urgent first.
func Decisions() []string { return slices.Clone(decisions) }

// Urgency orders decisions; the most urgent is 0.
func Urgency(decision string) int {
	if i := slices.Index(decisions, decision); i >= 0 {
		return i
	}
	return len(decisions) - 1
}

// Horizon says when a decision wants something done: now, next, or never, which
// is not for itself but with the next update.
func Horizon(decision string) string {
	return []string{"now", "next", "never", "never"}[Urgency(decision)]
}

// stepped moves a decision by one for how far the device is reached. CISA's tree
// does not ask for that; a site must. What works over the network is more urgent
// where the internet reaches, and less where nothing from elsewhere does; what is
// exploited already never falls below track*.
func stepped(p *Points) (decision, why string) {
	at := Urgency(p.Decision)
	switch {
	case p.Network == "no":
	case p.Exposure == "open" && (p.Automatable == "yes" || p.Exploitation != "none") && at > 0:
		return decisions[at-1], "it can be used from the internet, which reaches the device"
	case p.Exposure == "small" && at < len(decisions)-1 && (p.Exploitation != "active" || at < 2):
		return decisions[at+1], "only its own zone reaches the device"
	}
	return p.Decision, ""
}
