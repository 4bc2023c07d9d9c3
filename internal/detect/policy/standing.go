package policy

import "net/netip"

// Standing is what the policy says of traffic from one place to another before it
// looks at what the traffic is.
type Standing string

// The standings.
const (
	Covered  Standing = "covered"  // conduits lead there: what they allow may pass
	Denied   Standing = "denied"   // only conduits that deny lead there
	Isolated Standing = "isolated" // within a zone whose devices may not talk to each other
	Nothing  Standing = "nothing"  // no conduit leads there, and what none allows is denied
	Within   Standing = "within"   // within one zone, of which nothing is said
	Open     Standing = "open"     // no conduit leads there, which is not denied
)

// Nowhere is the place of addresses that are in no zone and judged by no rule:
// groups, broadcast, loopback, link-local and none.
const Nowhere = "nowhere"

// Covering returns the conduits that lead from one place to another, those that
// either side may begin too, in the order of the policy.
func (c *Config) Covering(from, to string) []*Conduit {
	var found []*Conduit
	for i := range c.Conduits {
		if one := &c.Conduits[i]; one.covers(from, to) || one.BothWays && one.covers(to, from) {
			found = append(found, one)
		}
	}
	return found
}

// Standing tells what the policy says of traffic from one place to another, and by
// which conduits. Detection goes by the same.
func (c *Config) Standing(from, to string) (Standing, []*Conduit) {
	if from == Nowhere || to == Nowhere {
		return Open, nil
	}
	found := c.Covering(from, to)
	return c.standing(from, to, found), found
}

func (c *Config) standing(from, to string, conduits []*Conduit) Standing {
	switch {
	case len(conduits) > 0:
		for _, one := range conduits {
			if !one.Deny {
				return Covered
			}
		}
		return Denied
	case from == to && c.denyWithin(from):
		return Isolated
	case from == to:
		return Within
	case c.DefaultDeny:
		return Nothing
	}
	return Open
}

// Touching returns the part of the policy that concerns traffic with an end in one of
// the zones: conduits that lead from or to them, each with the zones of its other side
// and none of others on the side of these. MUD files are left out.
func (c *Config) Touching(zones []string) Config {
	out := Config{Monitor: c.Monitor, DefaultDeny: c.DefaultDeny, Isolated: those(c.Isolated, zones)}
	for _, one := range c.Conduits {
		from, to := those(one.From, zones), those(one.To, zones)
		switch {
		case len(from) == 0 && len(to) == 0:
			continue
		case len(to) == 0:
			one.From = from
		case len(from) == 0:
			one.To = to
		}
		out.Conduits = append(out.Conduits, one)
	}
	return out
}

// those are the names that stand for one of the zones: itself, or any.
func those(names, zones []string) []string {
	var out []string
	for _, n := range names {
		if n == AnyZone || named(zones, n) {
			out = append(out, n)
		}
	}
	return out
}

// judged reports whether traffic of this standing is looked at.
func (s Standing) judged() bool { return s != Within && s != Open }

// Nets are the addresses of a pseudo-zone, for whoever looks for them in a store:
// of Unzoned and Nowhere. Those of Internet are all others.
func Nets(place string) []netip.Prefix {
	var words []string
	switch place {
	case Unzoned:
		words = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"}
	case Nowhere:
		words = []string{
			"224.0.0.0/4", "ff00::/8", "0.0.0.0/32", "::/128", "127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "255.255.255.255/32",
		}
	}
	out := make([]netip.Prefix, len(words))
	for i, w := range words {
		out[i] = netip.MustParsePrefix(w)
	}
	return out
}
