package sigma

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/detect/sigma/pattern"

	"go.yaml.in/yaml/v3"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Mapping says which events a log source means and where the fields that its
// rules name are found. It is data (content/sigma), handed over by app.
type Mapping struct {
	sources []source
}

// source is what is known of one log source or of a part of one.
type source struct {
	of     LogSource
	when   [][]check // any of them, all checks of it
	fields map[string][]string
}

// check holds if one of the values fits what the event has in a place that
// routing looks at.
type check struct {
	key    routeKey
	values []string // folded; a * at an end stands for anything
}

// sourceData is a source as written.
type sourceData struct {
	For struct {
		Product, Category, Service string
	} `yaml:"for"`
	When   []map[string]any `yaml:"when"`
	Fields map[string]any   `yaml:"fields"`
}

// ParseMapping reads a mapping: see content/sigma/mapping.yaml for the form.
func ParseMapping(data []byte) (*Mapping, error) {
	var doc struct {
		Sources []sourceData `yaml:"sources"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the mapping of log sources").WithHint("compare it with content/sigma/mapping.yaml")
	}
	m := &Mapping{}
	for i, d := range doc.Sources {
		s := source{of: LogSource(d.For), fields: make(map[string][]string)}
		for _, w := range d.When {
			checks, err := parseChecks(w)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "reading the mapping, source %d (%s)", i+1, s.of)
			}
			s.when = append(s.when, checks)
		}
		for name, to := range d.Fields {
			s.fields[name] = words(to)
		}
		m.sources = append(m.sources, s)
	}
	return m, nil
}

func parseChecks(w map[string]any) ([]check, error) {
	var out []check
	for name, v := range w {
		key, ok := routeKeys[name]
		if !ok {
			return nil, fmt.Errorf("when: %q is none of class, product, log, code, app, ics, channel", name)
		}
		c := check{key: key}
		for _, word := range words(v) {
			if key == keyClass {
				class, ok := event.ClassByName(word)
				if !ok {
					return nil, fmt.Errorf("when: there is no class %q", word)
				}
				word = strconv.FormatInt(int64(class), 10)
			}
			c.values = append(c.values, pattern.Fold(word))
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b check) int { return int(a.key) - int(b.key) })
	return out, nil
}

// words are the texts of a YAML value, one or a list.
func words(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, x := range list {
		if x != nil {
			out = append(out, fmt.Sprint(x))
		}
	}
	return out
}

// find returns what is known of exactly this log source.
func (m *Mapping) find(l LogSource) *source {
	if m == nil {
		return nil
	}
	for i := range m.sources {
		if m.sources[i].of == l {
			return &m.sources[i]
		}
	}
	return nil
}

// partsOf are the log sources whose entries say what l means, the most exact
// first.
func partsOf(l LogSource) []LogSource {
	p, c, v := l.Product, l.Category, l.Service
	all := []LogSource{
		l,
		{Product: p, Category: c},
		{Product: p, Service: v},
		{Category: c, Service: v},
		{Category: c},
		{Service: v},
		{Product: p},
	}
	var out []LogSource
	for _, p := range all {
		if p != (LogSource{}) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// predicate says which events a log source means: all of the clauses. An
// exact entry decides alone; else each part of the log source must hold, by an
// entry or by the defaults. known is false if no entry says anything.
func (m *Mapping) predicate(l LogSource) (all [][][]check, known bool) {
	if s := m.find(l); s != nil && len(s.when) > 0 {
		return [][][]check{s.when}, true
	}
	rest := l
	for _, p := range partsOf(l) {
		s := m.find(p)
		if s == nil || len(s.when) == 0 || !covers(rest, p) {
			continue
		}
		all, known = append(all, s.when), true
		rest = without(rest, p)
	}
	return append(all, defaults(rest, l.Product)...), known
}

// covers reports whether p says something of what is left.
func covers(rest, p LogSource) bool {
	return p.Product != "" && p.Product == rest.Product || p.Category != "" && p.Category == rest.Category || p.Service != "" && p.Service == rest.Service
}

func without(l, p LogSource) LogSource {
	if p.Product != "" {
		l.Product = ""
	}
	if p.Category != "" {
		l.Category = ""
	}
	if p.Service != "" {
		l.Service = ""
	}
	return l
}

// defaults is what a part means that no entry explains: a product writes logs
// named product/..., a category is a class or a log of that name, a service is
// a log of that name.
func defaults(l LogSource, product string) [][][]check {
	var all [][][]check
	if l.Product != "" {
		all = append(all, [][]check{{{keyLog, []string{l.Product + "/*"}}}, {{keyProduct, []string{l.Product}}}})
	}
	if l.Category != "" {
		any := [][]check{{{keyLog, []string{"*/" + l.Category}}}}
		if class, ok := event.ClassByName(l.Category); ok {
			any = append(any, []check{{keyClass, []string{strconv.FormatInt(int64(class), 10)}}})
		}
		all = append(all, any)
	}
	if l.Service != "" {
		log := "*/" + l.Service
		if product != "" && l.Product != "" {
			log = product + "/" + l.Service
		}
		all = append(all, [][]check{{{keyLog, []string{log}}}, {{keyLog, []string{"*/" + l.Service}}}})
	}
	return all
}

// names are where a field of a rule is found: names of fields of the event or
// of extras, the first that is there counts.
func (m *Mapping) names(l LogSource, name string) []string {
	for _, p := range append(partsOf(l), LogSource{}) {
		if s := m.find(p); s != nil {
			if to, ok := s.fields[name]; ok {
				return to
			}
		}
	}
	return []string{name}
}

// fits compares a folded value with one of a check.
func fits(want, v string) bool {
	start, end := strings.HasPrefix(want, "*"), strings.HasSuffix(want, "*")
	switch {
	case want == "*":
		return v != ""
	case start && end:
		return strings.Contains(v, want[1:len(want)-1])
	case start:
		return strings.HasSuffix(v, want[1:])
	case end:
		return strings.HasPrefix(v, want[:len(want)-1])
	}
	return want == v
}
