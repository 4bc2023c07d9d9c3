package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"vedette/internal/asset/mud"
	"vedette/internal/event"
)

// Config is the rules of a site.
type Config struct {
	Monitor     bool      // violations are told with low severity
	DefaultDeny bool      // between two zones without a conduit nothing is allowed
	Isolated    []string  // zones within which devices may not talk to each other
	Conduits    []Conduit // between zones
	MUD         []Binding
	Site        mud.Site
}

// Conduit says what may pass from some zones to others, in the direction in
// which it is begun. Without rules anything may.
type Conduit struct {
	Name     string
	From, To []string // names of zones, [Internet], [Unzoned] or [AnyZone]
	BothWays bool     // either side may begin
	ReadOnly bool
	Deny     bool // nothing may pass; it gives a name to what is forbidden
	Allow    []Rule
	Severity event.Severity // of violations; 0: medium
}

// Rule is one kind of traffic that is allowed. What it does not name may be
// anything.
type Rule struct {
	Protocols []string // tcp, udp, icmp
	Ports     []PortRange
	Apps      []string // application or OT protocols: modbus, http
	Functions []string // of OT protocols; * stands for anything
	ReadOnly  bool
}

// PortRange is some ports of the side that is addressed.
type PortRange struct{ Lo, Hi int64 }

// Binding gives devices a MUD file: by uid, by vendor and perhaps model, or by
// the MUD URL that they announce.
type Binding struct {
	Name          string // for findings
	Path          string // of the file, as it is configured; see [Config.Load]
	Device        string // uid
	Vendor, Model string
	URL           string // "": the file's own
	MyControllers []netip.Prefix
	File          *mud.File
}

func (b *Binding) url() string {
	if b.URL != "" {
		return b.URL
	}
	return b.File.URL
}

func (b *Binding) what() string {
	switch {
	case b.Device != "":
		return "device " + b.Device
	case b.Vendor != "":
		return strings.TrimSpace("devices of " + b.Vendor + " " + b.Model)
	}
	return "devices that announce " + b.url()
}

// Zoned reports whether anything is said of traffic between zones.
func (c *Config) Zoned() bool { return c.DefaultDeny || len(c.Conduits) > 0 || len(c.Isolated) > 0 }

// Under is the same policy with more names for its zones: names gives all names of those
// that it is given.
func (c Config) Under(names func([]string) []string) Config {
	c.Isolated = names(c.Isolated)
	c.Conduits = slices.Clone(c.Conduits)
	for i := range c.Conduits {
		c.Conduits[i].From, c.Conduits[i].To = names(c.Conduits[i].From), names(c.Conduits[i].To)
	}
	return c
}

func (c *Config) denyWithin(zone string) bool { return named(c.Isolated, zone) }

// Problem is one thing that is wrong with a policy.
type Problem struct {
	Line int    `json:"line"` // in the section; 0: not known
	Key  string `json:"key"`  // such as conduits[2].allow[0].ports
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// String returns the problem in one line.
func (p Problem) String() string {
	text := p.Text
	if p.Key != "" {
		text = p.Key + ": " + text
	}
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// The section as it is written.
type rawConfig struct {
	Mode        string              `yaml:"mode"`    // monitor or alert
	Default     string              `yaml:"default"` // deny or allow
	Isolated    []string            `yaml:"isolated"`
	Conduits    []rawConduit        `yaml:"conduits"`
	MUD         []rawBinding        `yaml:"mud"`
	Local       []string            `yaml:"local_networks"`
	Controllers map[string][]string `yaml:"controllers"`
}

type rawConduit struct {
	Name      string    `yaml:"name"`
	From      words     `yaml:"from"`
	To        words     `yaml:"to"`
	Direction string    `yaml:"direction"` // one-way or both
	ReadOnly  bool      `yaml:"read_only"`
	Deny      bool      `yaml:"deny"`
	Severity  string    `yaml:"severity"`
	Allow     []rawRule `yaml:"allow"`
}

type rawRule struct {
	Protocols words `yaml:"protocols"`
	Ports     words `yaml:"ports"`
	Apps      words `yaml:"apps"`
	Functions words `yaml:"functions"`
	ReadOnly  bool  `yaml:"read_only"`
}

type rawBinding struct {
	File          string `yaml:"file"`
	Device        string `yaml:"device"`
	Vendor        string `yaml:"vendor"`
	Model         string `yaml:"model"`
	URL           string `yaml:"url"`
	MyControllers words  `yaml:"my_controllers"`
}

// words is a list, or one value alone.
type words []string

// UnmarshalYAML implements [yaml.Unmarshaler].
func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = words{n.Value}
		return nil
	}
	var list []string
	err := n.Decode(&list)
	*w = list
	return err
}

// MaxBytes is how long a policy may be.
const MaxBytes = 4 << 20

// The other limits of a policy.
const (
	maxConduits = 10_000
	maxProblems = 200
)

// ParseConfig reads the policy section in YAML and tells all that is wrong with
// it at once; the Config is of use only when nothing is. An empty section is no
// policy. The MUD files are named but not read, see [Config.Load].
func ParseConfig(data []byte) (Config, []Problem) {
	var raw rawConfig
	p := &checker{}
	if len(data) > MaxBytes {
		p.add("", "", "the section is larger than %d MiB", MaxBytes>>20)
		return Config{Monitor: true}, p.problems
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		p.yaml(err)
		return Config{Monitor: true}, p.problems
	}
	p.doc = &doc
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&raw); err != nil && !errors.Is(err, io.EOF) {
		p.yaml(err)
	}
	return p.config(&raw), p.problems
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// checker collects problems.
type checker struct {
	doc      *yaml.Node
	problems []Problem
}

func (p *checker) add(key, hint, format string, args ...any) {
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, Problem{p.line(key), key, fmt.Sprintf(format, args...), hint})
	}
}

func (p *checker) yaml(err error) {
	list := []string{err.Error()}
	if t, ok := errors.AsType[*yaml.TypeError](err); ok {
		list = t.Errors
	}
	for _, text := range list {
		one := Problem{Text: text}
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			one.Line, _ = strconv.Atoi(m[1]) // digits
			one.Text = m[2]
		}
		one.Text = plainly(one.Text)
		if len(p.problems) < maxProblems {
			p.problems = append(p.problems, one)
		}
	}
}

// plainly words what yaml says without Go's types.
func plainly(text string) string {
	if field, _, ok := strings.Cut(strings.TrimPrefix(text, "field "), " not found in type"); ok && strings.HasPrefix(text, "field ") {
		return "there is no key " + field
	}
	return strings.ReplaceAll(text, "policy.raw", "")
}

var keyPart = regexp.MustCompile(`[^.\[\]]+`)

// line finds where a key such as conduits[2].from is written.
func (p *checker) line(key string) int {
	if p.doc == nil || len(p.doc.Content) == 0 {
		return 0
	}
	n := p.doc.Content[0]
	line := n.Line
	for _, part := range keyPart.FindAllString(key, -1) {
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == part {
					line, next = n.Content[i].Line, n.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(part); err == nil && i < len(n.Content) {
				next = n.Content[i]
				line = next.Line
			}
		default:
		}
		if next == nil {
			break
		}
		n = next
	}
	return line
}
