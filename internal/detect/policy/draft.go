package policy

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Seen is one kind of traffic between two zones, as it was observed.
type Seen struct {
	From, To string // zones, [Internet] or [Unzoned]
	Protocol string // tcp, udp, ...; "": not told
	Port     int64  // of the side that is addressed; 0: not told
	App      string
	Events   int64
	Control  bool   // functions of an OT protocol were told
	Wrote    bool   // of them some that change a controller
	Against  string // title of a finding that stands against it; it is left out then
}

// maxDraftPorts is how many ports a rule of a draft names; a service that was
// seen on more of them is allowed by its name and transport alone.
const maxDraftPorts = 16

// Draft writes conduits that allow what was seen and nothing else, in the form
// that [ParseConfig] reads, in monitor mode: a proposal for a person to read,
// not a policy. What a finding stands against is named in a comment and not
// allowed; so is what tells neither transport, port nor service. About says
// in a line where it comes from.
func Draft(seen []Seen, about string) ([]byte, error) {
	var left []string
	pairs := map[pair][]Seen{}
	for _, s := range join(seen) {
		switch {
		case s.From == s.To:
		case s.Against != "":
			left = append(left, s.String()+": "+oneLine(s.Against))
		case !plainName(s.From) || !plainName(s.To):
			left = append(left, s.String()+": a zone of that name cannot be written here")
		case s.rule().empty():
			left = append(left, s.String()+": it does not tell what it is")
		default:
			pairs[pair{s.From, s.To}] = append(pairs[pair{s.From, s.To}], s)
		}
	}
	conduits := &yaml.Node{Kind: yaml.SequenceNode}
	names := map[string]bool{}
	for _, p := range slices.SortedFunc(maps.Keys(pairs), func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	}) {
		conduits.Content = append(conduits.Content, conduitNode(p, pairs[p], names))
	}
	head := []string{oneLine(about), "A proposal: read it before use. It allows what was seen, also what should not have been."}
	if len(left) > 0 {
		head = append(head, "Left out:")
		for _, l := range left {
			head = append(head, "  "+l)
		}
	}
	if len(conduits.Content) == 0 {
		head = append(head, "It has no conduit: put in force, it denies all traffic between zones.")
	}
	doc := mapping("mode", scalar("monitor"), "default", scalar("deny"))
	if len(conduits.Content) > 0 {
		add(doc, "conduits", conduits)
	}
	doc.HeadComment = "# " + strings.Join(head, "\n# ")
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err := enc.Encode(doc)
	return out.Bytes(), err
}

// String tells it in words that fit into one line.
func (s *Seen) String() string {
	t := traffic{protocol: s.Protocol, port: s.Port, app: s.App, write: s.Wrote}
	return fmt.Sprintf("%s to %s, %s, %d events", oneLine(s.From), oneLine(s.To), oneLine(t.String()), s.Events)
}

// oneLine keeps what others wrote from ending a comment.
func oneLine(text string) string {
	q := strconv.QuoteToGraphic(text)
	return q[1 : len(q)-1]
}

// plainName reports whether a name can stand for itself and nothing else.
func plainName(name string) bool {
	return name != "" && !strings.Contains(name, AnyZone) && strings.TrimSpace(name) == name && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

func (r *Rule) empty() bool { return len(r.Protocols) == 0 && len(r.Ports) == 0 && len(r.Apps) == 0 }

// rule is what allows it.
func (s *Seen) rule() *Rule {
	r := &Rule{ReadOnly: s.Control && !s.Wrote}
	if p := strings.ToLower(s.Protocol); slices.Contains(transports(), p) {
		r.Protocols = []string{p}
	}
	if s.Port > 0 && s.Port <= 65535 {
		r.Ports = []PortRange{{s.Port, s.Port}}
	}
	if plainName(s.App) {
		r.Apps = []string{s.App}
	}
	return r
}

// join adds up what differs in nothing but that one record tells the transport and
// another does not: the log of a protocol and that of its connection.
func join(seen []Seen) []Seen {
	type key struct {
		from, to, app string
		port          int64
	}
	var out []Seen
	at := map[key][]int{}
	for _, told := range []bool{true, false} {
		for _, s := range seen {
			if (s.Protocol != "") != told {
				continue
			}
			k := key{s.From, s.To, s.App, s.Port}
			i := slices.IndexFunc(at[k], func(i int) bool { return s.Protocol == "" || out[i].Protocol == s.Protocol })
			if i < 0 {
				at[k] = append(at[k], len(out))
				out = append(out, s)
				continue
			}
			o := &out[at[k][i]]
			o.Events += s.Events
			o.Control, o.Wrote, o.Against = o.Control || s.Control, o.Wrote || s.Wrote, cmp.Or(o.Against, s.Against)
		}
	}
	return out
}

// merged is a rule of a draft and how much was seen of it.
type merged struct {
	Rule
	events int64
}

// mergePorts makes one rule of those that differ in their port alone.
func mergePorts(list []Seen) []*merged {
	var rules []*merged
	for i := range list {
		r := list[i].rule()
		at := slices.IndexFunc(rules, func(m *merged) bool {
			return slices.Equal(m.Protocols, r.Protocols) && slices.Equal(m.Apps, r.Apps) && m.ReadOnly == r.ReadOnly && (len(m.Ports) > 0) == (len(r.Ports) > 0)
		})
		if at < 0 {
			rules = append(rules, &merged{*r, list[i].Events})
			continue
		}
		rules[at].Ports = append(rules[at].Ports, r.Ports...)
		rules[at].events += list[i].Events
	}
	for _, m := range rules {
		slices.SortFunc(m.Ports, func(a, b PortRange) int { return cmp.Compare(a.Lo, b.Lo) })
		m.Ports = slices.Compact(m.Ports)
		if len(m.Ports) > maxDraftPorts && len(m.Protocols)+len(m.Apps) > 0 {
			m.Ports = nil
		}
	}
	slices.SortStableFunc(rules, func(a, b *merged) int { return cmp.Compare(b.events, a.events) })
	return rules
}

func conduitNode(p pair, list []Seen, names map[string]bool) *yaml.Node {
	allow := &yaml.Node{Kind: yaml.SequenceNode}
	for _, m := range mergePorts(list) {
		allow.Content = append(allow.Content, m.node())
	}
	name := p.from + " to " + p.to
	for n := 2; names[strings.TrimSpace(name)]; n++ {
		name = fmt.Sprintf("%s to %s %d", p.from, p.to, n)
	}
	names[strings.TrimSpace(name)] = true
	return mapping("name", scalar(name), "from", scalar(p.from), "to", scalar(p.to), "allow", allow)
}

func (m *merged) node() *yaml.Node {
	n := mapping()
	n.Style = yaml.FlowStyle
	n.LineComment = fmt.Sprintf("# %d events", m.events)
	if len(m.Protocols) > 0 {
		add(n, "protocols", scalar(m.Protocols[0]))
	}
	if len(m.Ports) > 0 {
		ports := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, p := range m.Ports {
			ports.Content = append(ports.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: p.String()})
		}
		add(n, "ports", ports)
	}
	if len(m.Apps) > 0 {
		add(n, "apps", scalar(m.Apps[0]))
	}
	if m.ReadOnly {
		add(n, "read_only", &yaml.Node{Kind: yaml.ScalarNode, Value: "true"})
	}
	return n
}

func mapping(parts ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(parts); i += 2 {
		add(n, parts[i].(string), parts[i+1].(*yaml.Node))
	}
	return n
}

func add(n *yaml.Node, key string, value *yaml.Node) {
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

// scalar is a text; the encoder quotes it where it needs that.
func scalar(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	if n.Style == yaml.LiteralStyle { // of lines: one line, escaped, is easier to review
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
