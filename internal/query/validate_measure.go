package query

import (
	"slices"
	"strings"

	"vedette/internal/event"
	"vedette/internal/fault"
)

func (v *validation) measures(q *Query) error {
	q.Measures = slices.Clone(q.Measures)
	names := map[string]bool{}
	for i := range q.Measures {
		m := &q.Measures[i]
		if !isFn(string(m.Fn)) {
			return fault.New(fault.Invalid, "there is no measure %q", m.Fn).WithHint("the measures are count sum avg min max distinct first last days median p95 (any p1 to p99.9), and of other measures ratio diff change share and, over all groups, median_of avg_of min_of max_of p95_of")
		}
		if err := v.operands(m, q.Measures[:i]); err != nil {
			return err
		}
		if err := v.measureField(m); err != nil {
			return err
		}
		w, err := v.where(m.Where)
		if err != nil {
			return err
		}
		m.Where = w
		if names[m.Name()] {
			return fault.New(fault.Invalid, "two measures have the column name %q", m.Name()).WithHint("name one with as")
		}
		names[m.Name()] = true
	}
	return nil
}

// operands checks a measure that is computed of others, which stand before it.
func (v *validation) operands(m *Measure, before []Measure) error {
	n, derived := m.Fn.Derived()
	if !derived {
		if len(m.Of) > 0 {
			return fault.New(fault.Invalid, "%s is not computed of other measures", m.Fn)
		}
		return nil
	}
	if len(m.Of) != n || m.Field != "" || m.Where != nil {
		return fault.New(fault.Invalid, "%s is computed of %d other measures and takes no field or condition of its own", m.Fn, n).
			WithHint("count as failed where (status=Failure), count as all, ratio(failed, all)")
	}
	m.Of = slices.Clone(m.Of)
	for i, name := range m.Of {
		at := slices.IndexFunc(before, func(o Measure) bool { return o.Name() == name || string(o.Fn)+"("+o.Field+")" == name })
		if at < 0 {
			return fault.New(fault.Invalid, "%s names %q, which is no measure before it", m.Fn, name).WithHint("the measures before it are: %s", strings.Join(measureNames(before), ", "))
		}
		if k := v.measureKind(before[at]); k != event.Int && k != event.Float {
			return fault.New(fault.Invalid, "%s needs numbers, and %s is a %s", m.Fn, name, k)
		}
		m.Of[i] = before[at].Name()
	}
	return nil
}

func (v *validation) measureField(m *Measure) error {
	if _, derived := m.Fn.Derived(); derived {
		return nil
	}
	if takesNoField(m.Fn) {
		if m.Field != "" {
			return fault.New(fault.Invalid, "%s takes no field", m.Fn).WithHint("distinct(field) counts values, min and max look at a field")
		}
		if v.from == "devices" && m.Fn != Count {
			return fault.New(fault.Invalid, "devices have no event time for %s", m.Fn).WithHint("use min(first_seen) or max(last_seen)")
		}
		return nil
	}
	f, err := v.field(m.Field)
	if err != nil {
		return err
	}
	_, percentile := m.Fn.Percentile()
	numeric := f.Kind == event.Int || f.Kind == event.Float || v.extra(f)
	if !numeric && (m.Fn == Sum || m.Fn == Avg || percentile) {
		return fault.New(fault.Invalid, "%s needs a number, and %s is a %s", m.Fn, f.Name, f.Kind)
	}
	if f.Kind == event.List && m.Fn != Distinct {
		return fault.New(fault.Invalid, "%s cannot look into the list %s", m.Fn, f.Name)
	}
	if m.As == "" && m.Field != f.Name {
		m.As = string(m.Fn) + "(" + m.Field + ")" // the column keeps the name the asker used
	}
	m.Field = f.Name
	return nil
}

func (v *validation) having(q *Query) error {
	q.Having = slices.Clone(q.Having)
	for i := range q.Having {
		h := &q.Having[i]
		at := slices.IndexFunc(q.Measures, func(m Measure) bool { return m.Name() == h.By })
		compared := slices.Contains(comparedNames(q), h.By)
		if at < 0 && !compared {
			return fault.New(fault.Invalid, "having names %q, which is no measure of the query", h.By).WithHint("the measures are: %s", strings.Join(measureNames(q.Measures), ", "))
		}
		switch h.Op {
		case Eq, Ne, Lt, Le, Gt, Ge:
		case In, Contains, StartsWith, EndsWith, CIDR, Exists:
			return fault.New(fault.Invalid, "having compares with = != < <= > >=, not %s", h.Op)
		default:
			return fault.New(fault.Invalid, "having compares with = != < <= > >=, not %q", h.Op)
		}
		kind := event.Float
		if at >= 0 {
			kind = v.measureKind(q.Measures[at])
		}
		val, err := convert(kind, h.By, h.Value)
		if err != nil {
			return err
		}
		h.Value = val
	}
	return nil
}

func (v *validation) measureKind(m Measure) event.Kind {
	switch m.Fn {
	case Count, Distinct, Days:
		return event.Int
	case First, Last:
		return event.Time
	case Min, Max:
		if f, err := v.field(m.Field); err == nil {
			return f.Kind
		}
	default:
	}
	return event.Float
}

func measureNames(ms []Measure) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.Name()
	}
	return out
}
