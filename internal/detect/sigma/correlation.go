package sigma

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/window"
	"vedette/internal/event"
)

// correlation is a rule about matches of other rules.
type correlation struct {
	at     int32 // its own place among the rules
	mark   [sha256.Size]byte
	window *rule.Window
	inputs []input
}

// input is one of the rules a correlation counts: which fields of its events
// make the group, and which are counted.
type input struct {
	rule   int32
	keys   []int32
	values []int32
}

// feed says where a match of a rule counts.
type feed struct {
	window int32
	input  int32
}

// correlations compiles them, those that others are about first.
func (c *compiler) correlations(docs []Document) {
	var left []*Document
	for i := range docs {
		if docs[i].Kind == rule.Correlation {
			left = append(left, &docs[i])
		}
	}
	for len(left) > 0 {
		var waiting []*Document
		for _, d := range left {
			if missing := c.missing(d, left); missing == "" {
				c.correlation(d)
			} else {
				waiting = append(waiting, d)
			}
		}
		if len(waiting) == len(left) {
			for _, d := range waiting {
				c.refuse(d, "the correlations it is about lead back to it")
			}
			break
		}
		left = waiting
	}
	c.silence()
}

// missing names a rule of a correlation that is itself a correlation and not
// compiled yet.
func (c *compiler) missing(d *Document, left []*Document) string {
	for _, name := range d.Rules {
		if _, ok := c.byName[name]; ok {
			continue
		}
		for _, other := range left {
			if other.ID == name || other.Name == name {
				return name
			}
		}
	}
	return ""
}

func (c *compiler) correlation(d *Document) {
	w := d.Window
	for _, b := range w.Bounds {
		if (w.Type == rule.EventCount || w.Type == rule.ValueCount) && b.Number > window.MaxMarks {
			c.refuse(d, "a count of more than %d is not kept", window.MaxMarks)
			return
		}
	}
	cor := correlation{window: w}
	for _, name := range d.Rules {
		at, ok := c.byName[name]
		if !ok {
			c.refuse(d, "there is no rule %q", name)
			return
		}
		cor.inputs = append(cor.inputs, c.input(w, at, name))
	}
	at, ok := c.add(d)
	if !ok {
		return
	}
	cor.at = at
	r := &c.set.rules[at]
	// The last first: where a rule stands twice, one match must not be both.
	for n, in := range slices.Backward(cor.inputs) {
		base := &c.set.rules[in.rule]
		if d.Level == "" && (n == len(cor.inputs)-1 || base.Severity > r.Severity) {
			r.Severity = base.Severity
		}
		for _, tech := range base.Techniques {
			if !slices.Contains(r.Techniques, tech) {
				r.Techniques = append(r.Techniques, tech)
			}
		}
		for _, id := range base.CVEs {
			if !slices.Contains(r.CVEs, id) && len(r.CVEs) < event.MaxVulnerabilities {
				r.CVEs = append(r.CVEs, id)
			}
		}
		c.set.feeds[in.rule] = append(c.set.feeds[in.rule], feed{int32(len(c.set.windows)), int32(n)}) //nolint:gosec // G115: numbers of rules
	}
	cor.mark = c.markOf(d, &cor)
	c.set.windows = append(c.set.windows, cor)
}

// input finds the fields of one rule's events. Those of a correlation are of
// the events of its first rule.
func (c *compiler) input(w *rule.Window, at int32, name string) input {
	in := input{rule: at}
	source := c.set.rules[at].Source
	for base := at; c.set.rules[base].Kind == rule.Correlation; {
		for i := range c.set.windows {
			if c.set.windows[i].at == base {
				base = c.set.windows[i].inputs[0].rule
				source = c.set.rules[base].Source
				break
			}
		}
	}
	r := &c.set.rules[at]
	find := func(field string) int32 {
		for _, alias := range []string{name, r.Name, r.ID} {
			if real := w.Aliases[field][alias]; alias != "" && real != "" {
				field = real
				break
			}
		}
		return c.res.field(c.opts.Mapping, source, field)
	}
	for _, f := range w.GroupBy {
		in.keys = append(in.keys, find(f))
	}
	for _, f := range w.Fields {
		in.values = append(in.values, find(f))
	}
	return in
}

// silence keeps rules quiet that only correlations are about.
func (c *compiler) silence() {
	s := c.set
	for i := range s.rules {
		loud := len(s.feeds[int32(i)]) == 0
		for _, f := range s.feeds[int32(i)] {
			loud = loud || s.windows[f.window].window.Generate
		}
		s.rules[i].silent = !loud
	}
}

// describe says what a correlation counted.
func (w *correlation) describe(f window.Fired) string {
	what := "matches"
	switch w.window.Type {
	case rule.ValueCount:
		what = "different values of " + w.window.Fields[0]
	case rule.ValueSum:
		what = "in all of " + w.window.Fields[0]
	case rule.ValueAvg:
		what = "on average of " + w.window.Fields[0]
	case rule.ValuePercentile:
		what = fmt.Sprintf("at percentile %g of %s", w.window.Percentile, w.window.Fields[0])
	case rule.Temporal:
		what = "different rules"
	case rule.TemporalOrdered:
		what = "rules in order"
	}
	return fmt.Sprintf("%g %s within %s", f.Number, what, w.window.Timespan)
}
