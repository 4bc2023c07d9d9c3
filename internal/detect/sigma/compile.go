package sigma

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unsafe"

	"vedette/internal/detect/sigma/rule"
	"vedette/internal/event"
)

// maxRules bounds a set.
const maxRules = 100_000

// node is an operation of a condition; the nodes below it stand together.
type node struct {
	op    rule.Op
	n     int32 // AtLeast: how many
	first int32 // of the nodes below, or the atom of a leaf
	end   int32
}

const nodeSize = int(unsafe.Sizeof(node{}))

// group is the rules of one log source.
type group struct {
	when   [][][]check
	first  []int32 // indexes to go through for every event: they have witnesses
	always []int32 // rules without a witness
	rules  []int32 // all
}

// compiler turns documents into a Set.
type compiler struct {
	opts    Options
	set     *Set
	res     *resolver
	refused []Refusal

	groupOf map[LogSource]int32
	atomOf  map[atomKey]int32
	indexOf map[indexKey]int32
	byName  map[string]int32     // rules by id and name
	exprs   map[int32]*rule.Expr // of the rules

	doc    *Document // being compiled
	group  int32
	source LogSource
	empty  []string // placeholders without values
}

// atomKey tells equal tests of a group.
type atomKey struct {
	group, field, other int32
	kind                atomKind
	flags               string
	lit                 string
}

// indexKey tells the indexes of a group.
type indexKey struct {
	group, field int32
	inside       bool
}

// Compile makes one set of all documents. What cannot be compiled is refused
// by name and reason.
func Compile(docs []Document, opts Options) (*Set, []Refusal) {
	if opts.Fields == nil {
		opts.Fields = event.NewSchema()
	}
	set := &Set{feeds: make(map[int32][]feed)}
	c := &compiler{
		opts: opts, set: set, res: &resolver{set: set, schema: opts.Fields, known: make(map[string]int32)},
		groupOf: make(map[LogSource]int32), atomOf: make(map[atomKey]int32),
		indexOf: make(map[indexKey]int32), byName: make(map[string]int32), exprs: make(map[int32]*rule.Expr),
	}
	filters := c.filters(docs)
	for i := range docs {
		if d := &docs[i]; d.Kind == rule.Detection {
			c.rule(d, filters)
		}
	}
	for _, f := range filters {
		c.unused(f)
	}
	c.correlations(docs)
	c.witnesses()
	for i := range set.indexes {
		set.indexes[i].build(set)
	}
	return set, c.refused
}

func (c *compiler) refuse(d *Document, format string, args ...any) {
	name := d.ID
	if name == "" {
		name = d.Label()
	}
	c.refused = append(c.refused, Refusal{File: d.File, Line: d.Line, Rule: name, Reason: fmt.Sprintf(format, args...)})
}

func (c *compiler) note(d *Document, format string, args ...any) {
	c.set.notes = append(c.set.notes, Refusal{File: d.File, Line: d.Line, Rule: d.ID, Reason: fmt.Sprintf(format, args...)})
}

// add gives a rule or correlation its place in the set.
func (c *compiler) add(d *Document) (int32, bool) {
	id := d.ID
	if id == "" {
		id = d.Name
	}
	if id == "" {
		id = d.Title
	}
	if id == "" {
		c.refuse(d, "it has neither id nor name nor title")
		return 0, false
	}
	if at, taken := c.byName[id]; taken {
		c.refuse(d, "the id is taken by %s (%s)", c.set.rules[at].Title, c.set.rules[at].File)
		return 0, false
	}
	if len(c.set.rules) >= maxRules {
		c.refuse(d, "more than %d rules", maxRules)
		return 0, false
	}
	at := int32(len(c.set.rules)) //nolint:gosec // G115: at most maxRules
	r := Rule{
		ID: id, Name: d.Name, Title: d.Title, Level: d.Level, Status: d.Status, Author: d.Author, File: d.File,
		Source: d.Source, Tags: d.Tags, Kind: d.Kind, Severity: severityOf(d.Level), Techniques: techniquesOf(d.Tags), CVEs: cvesOf(d.Tags), index: at,
	}
	if r.Title == "" {
		r.Title = id
	}
	c.set.rules = append(c.set.rules, r)
	c.set.conds = append(c.set.conds, -1)
	c.byName[id] = at
	if _, taken := c.byName[d.Name]; !taken && d.Name != "" {
		c.byName[d.Name] = at
	}
	return at, true
}

func severityOf(level string) event.Severity {
	switch level {
	case "informational":
		return event.Informational
	case "low":
		return event.Low
	case "high":
		return event.High
	case "critical":
		return event.Critical
	}
	return event.Medium // Sigma says nothing of a rule without a level
}

// techniquesOf are the techniques among the tags: attack.t1059.001, atlas.aml.t0051.
func techniquesOf(tags []string) []string {
	var out []string
	for _, tag := range tags {
		family, id, _ := strings.Cut(strings.ToLower(tag), ".")
		switch {
		case family == "attack" && len(id) > 4 && id[0] == 't' && id[1] >= '0' && id[1] <= '9',
			family == "atlas" && strings.HasPrefix(id, "aml.t"):
			out = append(out, strings.ToUpper(id))
		}
	}
	return out
}

// cvesOf are the vulnerabilities that tags name, such as cve.2021-44228.
func cvesOf(tags []string) []string {
	var of []string
	for _, tag := range tags {
		if family, _, _ := strings.Cut(strings.ToLower(tag), "."); family == "cve" {
			of = append(of, tag)
		}
	}
	return event.CVEs(of...)
}

// rule compiles one detection.
func (c *compiler) rule(d *Document, filters []*filter) {
	c.doc, c.source, c.empty = d, d.Source, nil
	group, err := c.groupFor(d)
	if err == nil {
		c.group = group
		expr := c.filtered(d, filters)
		if err = c.check(expr); err == nil {
			at, ok := c.add(d)
			if !ok {
				return
			}
			root := c.reserve(1)
			c.put(root, expr)
			c.set.conds[at], c.exprs[at] = root, expr
			for _, name := range c.empty {
				c.note(d, "the placeholder %%%s%% has no values: tests with it never hold", name)
			}
			return
		}
	}
	c.refuse(d, "%s", err)
}

func (c *compiler) groupFor(d *Document) (int32, error) {
	if at, ok := c.groupOf[d.Source]; ok {
		return at, nil
	}
	when, known := c.opts.Mapping.predicate(d.Source)
	if !known && d.Source != (LogSource{}) && c.opts.Mapping != nil {
		c.note(d, "no mapping knows the log source %s: events of a log of that name are looked at", d.Source)
	}
	at := int32(len(c.set.groups)) //nolint:gosec // G115: at most maxRules
	c.set.groups = append(c.set.groups, group{when: when})
	c.groupOf[d.Source] = at
	return at, nil
}

// check finds what cannot be compiled before anything is put into the set.
func (c *compiler) check(e *rule.Expr) error {
	for _, kid := range e.Kids {
		if err := c.check(kid); err != nil {
			return err
		}
	}
	if e.Op != rule.Leaf {
		return nil
	}
	switch t := e.Test; t.Op {
	case rule.Regex:
		if _, err := regexp.Compile(t.Pattern); err != nil {
			return fmt.Errorf("%s: %w", t.Field, err)
		}
	case rule.InCIDR:
		if _, err := netip.ParsePrefix(t.CIDR); err != nil {
			return fmt.Errorf("%s: %w", t.Field, err)
		}
	case rule.Matches:
		if t.Text.HasPlaceholder() {
			if _, ok := t.Text.Fill(c.opts.Expand); !ok {
				c.empty = append(c.empty, placeholderIn(t.Text))
			}
		}
	case rule.Compare, rule.Exists, rule.Null, rule.SameAs:
	}
	return nil
}

func placeholderIn(t rule.Text) string {
	for _, p := range t {
		if p.Kind == rule.Placeholder {
			return p.Lit
		}
	}
	return ""
}

// reserve makes room for nodes that stand together.
func (c *compiler) reserve(n int) int32 {
	first := int32(len(c.set.nodes)) //nolint:gosec // G115: bounded by the bytes of the rules
	c.set.nodes = append(c.set.nodes, make([]node, n)...)
	return first
}

// put compiles an expression into a node.
func (c *compiler) put(at int32, e *rule.Expr) {
	if e.Op == rule.Leaf {
		c.putTest(at, e.Test)
		return
	}
	kids := flatten(e)
	first := c.reserve(len(kids))
	c.set.nodes[at] = node{op: e.Op, n: int32(e.N), first: first, end: first + int32(len(kids))} //nolint:gosec // G115: a number of selections
	for i, kid := range kids {
		c.put(first+int32(i), kid)
	}
}

// flatten takes lists in lists of the same operation apart.
func flatten(e *rule.Expr) []*rule.Expr {
	if e.Op != rule.And && e.Op != rule.Or {
		return e.Kids
	}
	var out []*rule.Expr
	for _, kid := range e.Kids {
		if kid.Op == e.Op {
			out = append(out, flatten(kid)...)
		} else {
			out = append(out, kid)
		}
	}
	return out
}
