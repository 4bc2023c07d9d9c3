package query

import (
	"slices"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Previous as Query.Compare means the period just before the time range, as
// long as it.
const Previous = "previous"

// BeforeSuffix ends the column names of the earlier period.
const BeforeSuffix = " before"

// DifferenceOf names the column that says by how much a measure is more than
// it was.
func DifferenceOf(measure string) string { return "difference of " + measure }

// ChangeOf names the column that says by which part of what it was a measure
// is more; it is missing where it was nothing.
func ChangeOf(measure string) string { return "change of " + measure }

// numeric reports whether a validated measure is surely a number.
func (m Measure) numeric() bool {
	if _, derived := m.Fn.Derived(); derived || m.Fn == First || m.Fn == Last {
		return false
	}
	if m.Fn != Min && m.Fn != Max {
		return true
	}
	at := slices.IndexFunc(event.Fields(), func(f event.Field) bool { return f.Name == m.Field })
	return at >= 0 && (event.Fields()[at].Kind == event.Int || event.Fields()[at].Kind == event.Float)
}

func checkCompare(s string) error {
	if s == "" || s == Previous {
		return nil
	}
	_, err := ParseDuration(s)
	return err
}

// Resolve returns the query as engines run it: Time counted back from now, and
// Compare written out. Each measure m of a compared query becomes several: m
// in the time range, "m before" in the earlier one, and "difference of m" and
// "change of m" if it is a number; the time range grows to hold both.
func (q Query) Resolve(now time.Time) (Query, error) {
	var err error
	if q.Time, err = q.Time.Resolve(now); err != nil || q.Compare == "" {
		return q, err
	}
	before, err := q.earlier()
	if err != nil {
		return q, err
	}
	in, was := within(q.Time), within(before)
	var measures []Measure
	for _, m := range q.Measures {
		if _, derived := m.Fn.Derived(); derived {
			measures = append(measures, m)
			continue
		}
		name := m.Name()
		current, earlier := m, m
		current.As, current.Where = name, both(m.Where, in)
		earlier.As, earlier.Where = name+BeforeSuffix, both(m.Where, was)
		measures = append(measures, current, earlier)
		if m.numeric() {
			of := []string{name, earlier.As}
			measures = append(measures, Measure{Fn: Diff, Of: of, As: DifferenceOf(name)}, Measure{Fn: Change, Of: of, As: ChangeOf(name)})
		}
	}
	q.Measures = measures
	q.Time = TimeRange{From: minTime(before.From, q.Time.From), To: maxTime(before.To, q.Time.To)}
	q.Compare = ""
	return q, nil
}

// earlier is the period that a resolved time range is compared with.
func (q Query) earlier() (TimeRange, error) {
	t := q.Time
	if t.From.IsZero() || t.To.IsZero() {
		return t, fault.New(fault.Invalid, "to compare, a time range needs a beginning and an end").WithHint("add: last 24h")
	}
	shift := t.To.Sub(t.From)
	if q.Compare != Previous {
		var err error
		if shift, err = ParseDuration(q.Compare); err != nil {
			return t, err
		}
	}
	return TimeRange{From: t.From.Add(-shift), To: t.To.Add(-shift)}, nil
}

func (v *validation) compare(q *Query) error {
	if q.Compare == "" {
		return nil
	}
	if err := checkCompare(q.Compare); err != nil {
		return err
	}
	switch {
	case q.From == "devices":
		return fault.New(fault.Invalid, "devices have no time to compare").WithHint("a comparison is of events")
	case q.Bucket != "":
		return fault.New(fault.Invalid, "a comparison of two periods has no buckets of time").WithHint("leave out every, or ask for both periods with every")
	case q.Time.IsZero():
		return fault.New(fault.Invalid, "to compare, a time range needs a beginning and an end").WithHint("add: last 24h")
	}
	if len(q.Measures) == 0 {
		q.Measures = []Measure{{Fn: Count}}
	}
	return nil
}

// comparedNames are the further columns that a comparison will have.
func comparedNames(q *Query) []string {
	if q.Compare == "" {
		return nil
	}
	var out []string
	for _, m := range q.Measures {
		if _, derived := m.Fn.Derived(); !derived {
			out = append(out, m.Name()+BeforeSuffix)
		}
		if m.numeric() {
			out = append(out, DifferenceOf(m.Name()), ChangeOf(m.Name()))
		}
	}
	return out
}

func within(t TimeRange) Expr {
	name := event.FieldOf(event.SlotTime).Name
	return Expr{And: []Expr{{Field: name, Op: Ge, Value: t.From}, {Field: name, Op: Lt, Value: t.To}}}
}

func both(a *Expr, b Expr) *Expr {
	if a == nil {
		return &b
	}
	return &Expr{And: slices.Concat([]Expr{*a}, b.And)}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
