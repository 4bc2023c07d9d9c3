package query

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// ParseJSON reads the JSON form. Unknown keys and trailing text are errors.
func ParseJSON(data []byte) (Query, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var q Query
	if err := dec.Decode(&q); err != nil {
		return Query{}, fault.New(fault.Invalid, "reading the query as JSON: %v", err).WithHint("docs/query.md lists the keys")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Query{}, fault.New(fault.Invalid, "reading the query as JSON: text after the closing brace")
	}
	return q, nil
}

// ValueCount is one value of a field and how many events have it.
type ValueCount struct {
	Value string
	Count int64
}

// Values gives the distinct values that stored events (or devices) have in a
// text field, most frequent first. Complete is false when there are more
// values than were listed.
type Values interface {
	Values(ctx context.Context, from, field string) (values []ValueCount, complete bool, err error)
}

// Catalogue is what a query is checked against: the fields that exist and, if
// Live is set, the values that are stored.
type Catalogue struct {
	Schema  *event.Schema
	Devices []event.Field // columns of the device table
	Extras  []string      // names outside the schema that stored events have
	Live    Values

	// Has reports whether there is a name outside the schema that is not among the
	// extras, for who may not be told which there are; nil: there is none.
	Has func(ctx context.Context, name string) (bool, error)
}

// Validate checks q against fields and values and returns it normalised:
// aliases replaced by field names, literals converted to the field's kind,
// the limit set, sorts naming columns of the result. All that engines run has
// passed here. The errors are Invalid faults whose hints name the nearest real
// fields or values.
func (c *Catalogue) Validate(ctx context.Context, q Query) (Query, error) {
	v := validation{c: c, ctx: ctx, from: q.From}
	return v.query(q)
}

type validation struct {
	c     *Catalogue
	ctx   context.Context //nolint:containedctx // lives as long as one Validate call
	from  string
	depth int
	nodes int
}

const (
	maxNodes  = 2000 // conditions in one query
	maxGroups = 12
)

func (v *validation) query(q Query) (Query, error) {
	out := q
	var err error
	switch q.From {
	case "", "events":
		out.From = ""
	case "devices":
		if len(q.Classes) > 0 || q.Bucket != "" || !q.Time.IsZero() {
			return q, fault.New(fault.Invalid, "a query of devices takes no classes, time range or bucket").WithHint("compare first_seen or last_seen instead")
		}
	default:
		return q, fault.New(fault.Invalid, "a query is about events or devices, not %q", q.From)
	}
	v.from = out.From
	for _, step := range []func(*Query) error{v.sequence, v.classes, v.time, v.fields, v.compare, v.measures, v.having, v.sorts} {
		if err := step(&out); err != nil {
			return q, err
		}
	}
	if out.Where, err = v.where(q.Where); err != nil {
		return q, err
	}
	switch {
	case q.Limit == 0:
		out.Limit = DefaultLimit
	case q.Limit < 0 || q.Limit > MaxLimit:
		return q, fault.New(fault.Invalid, "the limit must be from 1 to %d, not %d", MaxLimit, q.Limit)
	}
	return out, nil
}

func (v *validation) classes(q *Query) error {
	q.Classes = slices.Clone(q.Classes)
	for i, name := range q.Classes {
		class, ok := event.ClassByName(name)
		if !ok {
			return fault.New(fault.Invalid, "there is no class %q", name).WithHint("nearest: %s", strings.Join(Nearest(name, event.ClassNames(), 3), ", "))
		}
		q.Classes[i] = class.String()
	}
	return nil
}

func (v *validation) time(q *Query) error {
	if q.Time.Last != "" {
		if _, err := ParseDuration(q.Time.Last); err != nil {
			return err
		}
		if !q.Time.From.IsZero() || !q.Time.To.IsZero() {
			return fault.New(fault.Invalid, "a time range is either last or from and to, not both")
		}
	}
	if !q.Time.From.IsZero() && !q.Time.To.IsZero() && !q.Time.From.Before(q.Time.To) {
		return fault.New(fault.Invalid, "the time range ends (%s) before it starts (%s)", q.Time.To, q.Time.From)
	}
	if q.Bucket != "" {
		if _, err := ParseDuration(q.Bucket); err != nil {
			return err
		}
		if len(q.Measures) == 0 {
			q.Measures = []Measure{{Fn: Count}}
		}
	}
	return nil
}

func (v *validation) fields(q *Query) error {
	if len(q.Group) > maxGroups {
		return fault.New(fault.Invalid, "a query groups by at most %d fields", maxGroups)
	}
	if len(q.Group) > 0 && len(q.Measures) == 0 {
		q.Measures = []Measure{{Fn: Count}}
	}
	if q.Sequence != nil && len(q.Group) > 0 && !slices.Equal(q.Group, q.Sequence.By) {
		names, err := v.names(q.Group)
		if err != nil {
			return err
		}
		if !slices.Equal(names, q.Sequence.By) {
			return fault.New(fault.Invalid, "sequences are counted by the fields that they go by").WithHint("by %s count", strings.Join(q.Sequence.By, ", "))
		}
	}
	if len(q.Select) > 0 && len(q.Measures) > 0 {
		return fault.New(fault.Invalid, "select lists columns of single events and cannot be joined with measures or groups")
	}
	for _, list := range []*[]string{&q.Select, &q.Group} {
		*list = slices.Clone(*list)
		for i, name := range *list {
			f, err := v.field(name)
			if err != nil {
				return err
			}
			(*list)[i] = f.Name
		}
	}
	return nil
}

// sorts resolves each sort key to a column of the result.
func (v *validation) sorts(q *Query) error {
	q.Sort = slices.Clone(q.Sort)
	aggregated := len(q.Measures) > 0
	for i := range q.Sort {
		s := &q.Sort[i]
		if slices.Contains(measureNames(q.Measures), s.By) || slices.Contains(comparedNames(q), s.By) || q.Bucket != "" && s.By == "time" {
			continue
		}
		f, err := v.field(s.By)
		if err != nil {
			return err
		}
		canonical := slices.IndexFunc(q.Measures, func(m Measure) bool { return string(m.Fn)+"("+m.Field+")" == s.By })
		switch {
		case canonical >= 0:
			s.By = q.Measures[canonical].Name()
		case aggregated && !slices.Contains(q.Group, f.Name):
			return fault.New(fault.Invalid, "sort names %q, which is no column of the result", s.By).
				WithHint("the columns are: %s", strings.Join(append(slices.Clone(q.Group), measureNames(q.Measures)...), ", "))
		default:
			s.By = f.Name
		}
	}
	return nil
}

// field finds a field by name or alias, then among the extras.
func (v *validation) field(name string) (event.Field, error) {
	if v.from == "devices" {
		return v.deviceField(name)
	}
	if f, ok := v.c.Schema.Lookup(name); ok {
		return f, nil
	}
	if slices.Contains(v.c.Extras, name) {
		return extraField(name), nil
	}
	if v.c.Has != nil {
		if has, err := v.c.Has(v.ctx, name); err != nil {
			return event.Field{}, err
		} else if has {
			return extraField(name), nil
		}
	}
	var known []string
	for _, f := range event.Fields() {
		known = append(append(known, f.Name), f.Aliases...)
	}
	return event.Field{}, fault.New(fault.Invalid, "there is no field %q", name).
		WithHint("nearest: %s", strings.Join(Nearest(name, append(known, v.c.Extras...), 3), ", "))
}

func extraField(name string) event.Field {
	return event.Field{Name: name, Kind: event.String, Store: event.InDocument}
}

// extra tells a field outside the schema: texts, which are compared and measured as
// numbers where they are written as such.
func (v *validation) extra(f event.Field) bool {
	if v.from == "devices" {
		return false
	}
	_, known := v.c.Schema.Lookup(f.Name)
	return !known
}

func (v *validation) deviceField(name string) (event.Field, error) {
	name = strings.TrimPrefix(strings.ToLower(name), "device.")
	var known []string
	for _, f := range v.c.Devices {
		if f.Name == name || f.Name == name+"s" {
			return f, nil
		}
		known = append(known, f.Name)
	}
	return event.Field{}, fault.New(fault.Invalid, "devices have no field %q", name).WithHint("they have: %s", strings.Join(known, ", "))
}

func (v *validation) where(e *Expr) (*Expr, error) {
	if e == nil {
		return nil, nil //nolint:nilnil // no condition is a valid condition
	}
	out, err := v.expr(*e)
	return &out, err
}

func (v *validation) expr(e Expr) (Expr, error) {
	if v.nodes++; v.nodes > maxNodes {
		return e, fault.New(fault.Limited, "the query has more than %d conditions", maxNodes)
	}
	if v.depth++; v.depth > maxDepth {
		return e, fault.New(fault.Invalid, "the condition is nested deeper than %d", maxDepth)
	}
	defer func() { v.depth-- }()
	forms := 0
	for _, set := range []bool{len(e.And) > 0, len(e.Or) > 0, e.Not != nil, e.Field != ""} {
		if set {
			forms++
		}
	}
	if forms != 1 {
		return e, fault.New(fault.Invalid, "a condition is exactly one of and, or, not or a comparison with a field")
	}
	if e.Field != "" {
		return v.comparison(e)
	}
	if e.Not != nil {
		inner, err := v.expr(*e.Not)
		return Expr{Not: &inner}, err
	}
	list := e.And
	if len(e.Or) > 0 {
		list = e.Or
	}
	done := make([]Expr, len(list))
	for i, x := range list {
		var err error
		if done[i], err = v.expr(x); err != nil {
			return e, err
		}
	}
	if len(e.Or) > 0 {
		return Expr{Or: done}, nil
	}
	return Expr{And: done}, nil
}

func (v *validation) comparison(e Expr) (Expr, error) {
	f, err := v.field(e.Field)
	if err != nil {
		return e, err
	}
	e.Field = f.Name
	if v.extra(f) && (e.Op == Lt || e.Op == Le || e.Op == Gt || e.Op == Ge) {
		e.Value, err = convert(event.Float, f.Name, e.Value)
		return e, err
	}
	if err := checkOp(f, e.Op); err != nil {
		return e, err
	}
	switch e.Op {
	case Exists:
		e.Value = nil
		return e, nil
	case CIDR:
		e.Value, err = prefix(e.Value)
		return e, err
	case In:
		return v.in(f, e)
	case Contains, StartsWith, EndsWith:
		e.Value = fmt.Sprint(e.Value)
		return e, nil
	case Eq, Ne, Lt, Le, Gt, Ge:
	}
	if e.Value, err = convert(f.Kind, f.Name, e.Value); err != nil {
		return e, err
	}
	if e.Op == Eq || e.Op == Ne {
		return e, v.known(f, e.Value)
	}
	return e, nil
}

func (v *validation) in(f event.Field, e Expr) (Expr, error) {
	list, ok := e.Value.([]any)
	if !ok || len(list) == 0 {
		return e, fault.New(fault.Invalid, "in needs a list of values for %s", f.Name)
	}
	vals := make([]any, len(list))
	for i, x := range list {
		val, err := convert(f.Kind, f.Name, x)
		if err != nil {
			return e, err
		}
		if err := v.known(f, val); err != nil {
			return e, err
		}
		vals[i] = val
	}
	e.Value = vals
	return e, nil
}
