package policy

import (
	"strconv"
	"strings"

	"vedette/internal/event"
)

// traffic is what an event tells of an exchange; "" and 0 are not told.
type traffic struct {
	protocol string
	port     int64
	app      string
	ics      string
	function string
	write    bool
}

func trafficOf(e *event.Event) traffic {
	return traffic{e.ConnectionInfoProtocolName(), e.DstEndpointPort(), e.AppName(), e.ICSProtocol(), e.ICSFunction(), e.ICSWrite()}
}

// String tells it in words, in memory of its own.
func (t *traffic) String() string {
	var parts []string
	add := func(words ...string) { parts = append(parts, words...) }
	if t.protocol != "" {
		add(strings.ToLower(t.protocol))
	}
	if t.port > 0 {
		add("port " + strconv.FormatInt(t.port, 10))
	}
	switch {
	case t.ics != "":
		add(t.ics)
	case t.app != "":
		add(t.app)
	}
	if t.function != "" {
		add(t.function)
	}
	if t.write {
		add("(a write)")
	}
	if len(parts) == 0 {
		return "traffic"
	}
	return strings.Clone(strings.Join(parts, " ")) // of one part Join makes no copy
}

// covers reports whether the conduit leads from one zone to another.
func (c *Conduit) covers(from, to string) bool { return named(c.From, from) && named(c.To, to) }

func named(zones []string, zone string) bool {
	for _, z := range zones {
		if z == AnyZone || strings.EqualFold(z, zone) {
			return true
		}
	}
	return false
}

// allows reports whether traffic through the conduit is allowed. What an event
// does not tell does not count against it.
func (c *Conduit) allows(t *traffic) bool {
	if c.Deny || c.ReadOnly && t.write {
		return false
	}
	if len(c.Allow) == 0 {
		return true
	}
	for i := range c.Allow {
		if c.Allow[i].allows(t) {
			return true
		}
	}
	return false
}

func (r *Rule) allows(t *traffic) bool {
	switch {
	case r.ReadOnly && t.write:
		return false
	case len(r.Protocols) > 0 && t.protocol != "" && !named(r.Protocols, t.protocol):
		return false
	case len(r.Ports) > 0 && t.port > 0 && !r.hasPort(t.port):
		return false
	case len(r.Apps) > 0 && (t.app != "" || t.ics != "") && !named(r.Apps, t.app) && !named(r.Apps, t.ics):
		return false
	case len(r.Functions) > 0 && t.function != "" && !r.hasFunction(t.function):
		return false
	}
	return true
}

func (r *Rule) hasPort(port int64) bool {
	for _, p := range r.Ports {
		if port >= p.Lo && port <= p.Hi {
			return true
		}
	}
	return false
}

// hasFunction compares with the patterns, in which * stands for anything.
func (r *Rule) hasFunction(function string) bool {
	for _, p := range r.Functions {
		if glob(p, function) {
			return true
		}
	}
	return false
}

// glob compares without case; it takes time in proportion to both lengths at
// worst, since a star never needs to be thought over again after the next.
func glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && lower(pattern[p]) == lower(text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// String tells in words what a rule allows.
func (r *Rule) String() string {
	var parts []string
	parts = append(parts, r.Protocols...)
	if len(r.Ports) > 0 {
		var ports []string
		for _, p := range r.Ports {
			ports = append(ports, p.String())
		}
		parts = append(parts, "port "+strings.Join(ports, ", "))
	}
	parts = append(parts, r.Apps...)
	parts = append(parts, r.Functions...)
	if r.ReadOnly {
		parts = append(parts, "read only")
	}
	if len(parts) == 0 {
		return "anything"
	}
	return strings.Join(parts, " ")
}

// String tells in words what a conduit allows.
func (c *Conduit) String() string {
	switch {
	case c.Deny:
		return "nothing"
	case len(c.Allow) == 0 && c.ReadOnly:
		return "anything, read only"
	case len(c.Allow) == 0:
		return "anything"
	}
	var rules []string
	for i := range c.Allow {
		rules = append(rules, c.Allow[i].String())
	}
	text := strings.Join(rules, "; ")
	if c.ReadOnly {
		text += "; all of it read only"
	}
	return text
}

// String returns the port or range as it is written.
func (p PortRange) String() string {
	if p.Lo == p.Hi {
		return strconv.FormatInt(p.Lo, 10)
	}
	return strconv.FormatInt(p.Lo, 10) + "-" + strconv.FormatInt(p.Hi, 10)
}
