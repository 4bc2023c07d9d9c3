package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The types of correlations.
const (
	EventCount      = "event_count"
	ValueCount      = "value_count"
	Temporal        = "temporal"
	TemporalOrdered = "temporal_ordered"
	ValueSum        = "value_sum"
	ValueAvg        = "value_avg"
	ValuePercentile = "value_percentile"
)

// maxTimespan bounds how long a correlation may remember.
const maxTimespan = 31 * 24 * time.Hour

// Bound is one bound of a correlation's condition.
type Bound struct {
	Relation Relation
	Number   float64
}

// Window is what a correlation counts.
type Window struct {
	Type       string
	GroupBy    []string
	Timespan   time.Duration
	Bounds     []Bound // all must hold; none for a temporal correlation that wants every rule
	Fields     []string
	Percentile float64 // 0 to 100
	// Aliases give a name for group-by: alias, rule, field of that rule's events.
	Aliases  map[string]map[string]string
	Generate bool // the rules counted also report alone
}

// Holds reports whether a number is within the bounds.
func (w *Window) Holds(n float64) bool {
	for _, b := range w.Bounds {
		if !b.Relation.Holds(n, b.Number) {
			return false
		}
	}
	return true
}

// Holds reports whether a stands in the relation to b.
func (r Relation) Holds(a, b float64) bool {
	switch r {
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	case GreaterEqual:
		return a >= b
	case Equal:
	}
	return a == b
}

func (d *Document) window(n *yaml.Node) error {
	m := fields(n)
	w := &Window{Type: strings.ToLower(text(m["type"])), GroupBy: texts(m["group-by"]), Generate: text(m["generate"]) == "true"}
	types := []string{EventCount, ValueCount, Temporal, TemporalOrdered, ValueSum, ValueAvg, ValuePercentile}
	if !slices.Contains(types, w.Type) {
		return fmt.Errorf("correlation type %q is none of %s", clip(w.Type), strings.Join(types, ", "))
	}
	d.Rules = texts(m["rules"])
	if len(d.Rules) == 0 {
		return fmt.Errorf("the correlation names no rules")
	}
	span, err := timespan(text(m["timespan"]))
	if err != nil {
		return err
	}
	w.Timespan = span
	w.Aliases = make(map[string]map[string]string)
	for alias, node := range fields(m["aliases"]) {
		w.Aliases[alias] = make(map[string]string)
		for rule, field := range fields(node) {
			w.Aliases[alias][rule] = text(field)
		}
	}
	d.Window = w
	return w.condition(m["condition"])
}

// condition reads the bounds. Temporal correlations may have none: every rule
// must be met then.
func (w *Window) condition(n *yaml.Node) error {
	temporal := w.Type == Temporal || w.Type == TemporalOrdered
	if n != nil && n.Kind != yaml.MappingNode {
		return fmt.Errorf("the condition of a correlation is a map such as {gte: 10}")
	}
	for key, node := range fields(n) {
		switch key {
		case "field":
			w.Fields = texts(node)
			continue
		case "percentile":
			p, err := strconv.ParseFloat(text(node), 64)
			if err != nil || !(p >= 0 && p <= 100) {
				return fmt.Errorf("percentile %q is not between 0 and 100", clip(text(node)))
			}
			w.Percentile = p
			continue
		}
		rel := relations[key]
		if key == "eq" {
			rel = Equal
		}
		num, err := strconv.ParseFloat(text(node), 64)
		if rel == 0 || err != nil || num != num {
			return fmt.Errorf("condition %s: %q is not understood", clip(key), clip(text(node)))
		}
		w.Bounds = append(w.Bounds, Bound{rel, num})
	}
	slices.SortFunc(w.Bounds, func(a, b Bound) int { return int(a.Relation) - int(b.Relation) })
	if len(w.Bounds) == 0 && !temporal {
		return fmt.Errorf("the condition needs a bound such as gte: 10")
	}
	if len(w.Fields) == 0 && !temporal && w.Type != EventCount {
		return fmt.Errorf("%s needs a field in its condition", w.Type)
	}
	return nil
}

func timespan(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'M': 30 * 24 * time.Hour}
	if len(s) > 1 {
		n, err := strconv.Atoi(s[:len(s)-1])
		unit := units[s[len(s)-1]]
		if err == nil && n > 0 && unit > 0 && n <= int(maxTimespan/unit) {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fmt.Errorf("timespan %q is no length of time such as 5m, up to %s", clip(s), maxTimespan)
}
