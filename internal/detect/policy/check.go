package policy

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/asset/mud"
	"vedette/internal/event"
)

// config turns what was written into rules, and notes what is wrong.
func (p *checker) config(raw *rawConfig) Config {
	c := Config{Monitor: true, Isolated: raw.Isolated}
	switch raw.Mode {
	case "", "monitor":
	case "alert":
		c.Monitor = false
	default:
		p.add("mode", "monitor or alert", "there is no mode %q", raw.Mode)
	}
	switch raw.Default {
	case "", "allow":
	case "deny":
		c.DefaultDeny = true
	default:
		p.add("default", "deny or allow", "there is no default %q", raw.Default)
	}
	if len(raw.Conduits) > maxConduits {
		p.add("conduits", "", "more than %d conduits", maxConduits)
		return c
	}
	names := map[string]bool{}
	for i := range raw.Conduits {
		c.Conduits = append(c.Conduits, p.conduit(fmt.Sprintf("conduits[%d]", i), &raw.Conduits[i], names))
	}
	for i := range raw.MUD {
		c.MUD = append(c.MUD, p.binding(fmt.Sprintf("mud[%d]", i), &raw.MUD[i]))
	}
	c.Site.Local = p.prefixes("local_networks", raw.Local)
	for class, list := range raw.Controllers {
		if c.Site.Controllers == nil {
			c.Site.Controllers = map[string][]netip.Prefix{}
		}
		c.Site.Controllers[class] = p.prefixes("controllers."+class, list)
	}
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return a.Line - b.Line })
	return c
}

func (p *checker) conduit(key string, raw *rawConduit, names map[string]bool) Conduit {
	c := Conduit{Name: strings.TrimSpace(raw.Name), From: raw.From, To: raw.To, ReadOnly: raw.ReadOnly, Deny: raw.Deny}
	switch {
	case c.Name == "":
		p.add(key+".name", "findings are told by it", "a conduit needs a name")
	case names[c.Name]:
		p.add(key+".name", "", "there are two conduits %q", c.Name)
	}
	names[c.Name] = true
	for _, side := range []struct {
		key   string
		zones []string
	}{{key + ".from", c.From}, {key + ".to", c.To}} {
		if len(side.zones) == 0 || slices.Contains(side.zones, "") {
			p.add(side.key, `name zones, "internet", "unzoned" or "*"`, "no zone is named")
		}
	}
	switch raw.Direction {
	case "", "one-way":
	case "both":
		c.BothWays = true
	default:
		p.add(key+".direction", "one-way or both", "there is no direction %q", raw.Direction)
	}
	c.Severity = p.severity(key+".severity", raw.Severity)
	if c.Deny && (len(raw.Allow) > 0 || c.ReadOnly) {
		p.add(key, "", "a conduit that denies allows nothing")
	}
	for i := range raw.Allow {
		c.Allow = append(c.Allow, p.rule(fmt.Sprintf("%s.allow[%d]", key, i), &raw.Allow[i]))
	}
	return c
}

func (p *checker) severity(key, word string) event.Severity {
	switch word {
	case "":
		return 0
	case "low":
		return event.Low
	case "medium":
		return event.Medium
	case "high":
		return event.High
	case "critical":
		return event.Critical
	}
	p.add(key, "low, medium, high or critical", "there is no severity %q", word)
	return 0
}

func (p *checker) rule(key string, raw *rawRule) Rule {
	r := Rule{Protocols: raw.Protocols, Apps: raw.Apps, Functions: raw.Functions, ReadOnly: raw.ReadOnly}
	for i, word := range r.Protocols {
		r.Protocols[i] = strings.ToLower(word)
		if !slices.Contains(transports(), r.Protocols[i]) {
			p.add(key+".protocols", "tcp, udp, icmp, icmpv6 or sctp; OT protocols belong into apps", "there is no transport %q", word)
		}
	}
	for _, word := range raw.Ports {
		ports, ok := parsePorts(word)
		if !ok {
			p.add(key+".ports", "such as 502 or 2000-2010", "%q is no port", word)
			continue
		}
		r.Ports = append(r.Ports, ports)
	}
	if len(r.Protocols) == 0 && len(r.Ports) == 0 && len(r.Apps) == 0 && len(r.Functions) == 0 && !r.ReadOnly {
		p.add(key, "leave allow out to allow anything", "the rule says nothing")
	}
	return r
}

func transports() []string { return []string{"tcp", "udp", "icmp", "icmpv6", "sctp"} }

func parsePorts(word string) (PortRange, bool) {
	lo, hi, isRange := strings.Cut(word, "-")
	a, err := strconv.ParseInt(strings.TrimSpace(lo), 10, 64)
	b := a
	if err == nil && isRange {
		b, err = strconv.ParseInt(strings.TrimSpace(hi), 10, 64)
	}
	return PortRange{a, b}, err == nil && a >= 0 && a <= b && b <= 65535
}

func (p *checker) binding(key string, raw *rawBinding) Binding {
	b := Binding{Name: strings.TrimSuffix(path.Base(strings.ReplaceAll(raw.File, `\`, "/")), ".json"), Path: raw.File, Device: raw.Device, Vendor: raw.Vendor, Model: raw.Model, URL: raw.URL}
	if raw.File == "" {
		p.add(key+".file", "the path of a MUD file", "no file is named")
	}
	ways := 0
	for _, set := range []bool{raw.Device != "", raw.Vendor != "" || raw.Model != "", raw.URL != ""} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		p.add(key, "", "a file is bound by device, by vendor and model, or by url; not by several at once")
	}
	if raw.Model != "" && raw.Vendor == "" {
		p.add(key+".model", "name the vendor too", "a model alone may be anybody's")
	}
	b.MyControllers = p.prefixes(key+".my_controllers", raw.MyControllers)
	return b
}

func (p *checker) prefixes(key string, list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range list {
		if one, err := netip.ParsePrefix(text); err == nil {
			out = append(out, one.Masked())
		} else if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		} else {
			p.add(key, "such as 10.0.0.0/24 or 10.0.0.5", "%q is no address or subnet", text)
		}
	}
	return out
}

// Load reads the MUD files that the policy names, by a function that reads a
// path. What cannot be used is told as problems, and binds nothing.
func (c *Config) Load(read func(path string) ([]byte, error)) []Problem {
	var problems []Problem
	for i := range c.MUD {
		b, key := &c.MUD[i], fmt.Sprintf("mud[%d].file", i)
		data, err := read(b.Path)
		if err != nil {
			problems = append(problems, Problem{Key: key, Text: fmt.Sprintf("%s cannot be read: %v", b.Path, err)})
			continue
		}
		file, notes, err := mud.Parse(data)
		if err != nil {
			problems = append(problems, Problem{Key: key, Text: fmt.Sprintf("%s: %v", b.Path, err)})
			continue
		}
		for _, n := range notes {
			if n.Error {
				problems = append(problems, Problem{Key: key, Text: b.Path + ": " + n.String(), Hint: "see all with: vedette mud check " + b.Path})
			}
		}
		b.File = file
	}
	return problems
}
