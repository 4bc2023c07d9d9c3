package query

import (
	"slices"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

func (r *resolver) having(p *Plan, q Query) error {
	if len(q.Having) > 0 && !p.Grouped {
		return fault.New(fault.Invalid, "having needs measures").WithHint("use a condition on the field instead")
	}
	for _, h := range q.Having {
		at := slices.IndexFunc(p.Columns, func(c Column) bool { return c.Measure != nil && c.Name == h.By })
		if at < 0 {
			return fault.New(fault.Invalid, "having compares %q, which is no measure of the query", h.By)
		}
		if !slices.Contains([]Op{Eq, Ne, Lt, Le, Gt, Ge}, h.Op) {
			return fault.New(fault.Invalid, "having cannot use %q", h.Op).WithHint("use = != < <= > >=")
		}
		v, err := havingValue(p.Columns[at].Kind, h.Value)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "having cannot compare %s with the value given", h.By)
		}
		p.Having = append(p.Having, HavingCond{Column: at, Op: h.Op, Value: v})
	}
	return nil
}

// havingValue types a value as the column it is compared with. A time may be
// RFC 3339 text, as JSON has no times.
func havingValue(kind event.Kind, v any) (any, error) {
	if text, ok := v.(string); ok && kind == event.Time {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%q is no time", text).WithHint("write it like 2026-01-31T12:00:00Z")
		}
		v = t
	}
	return typed(kind, v)
}

func (r *resolver) order(p *Plan, q Query) error {
	used := map[int]bool{}
	for _, s := range q.Sort {
		at := slices.IndexFunc(p.Columns, func(c Column) bool { return c.Name == s.By })
		if at >= 0 {
			if !used[at] {
				p.Order = append(p.Order, Order{Column: at, Desc: s.Desc})
			}
			used[at] = true
			continue
		}
		if p.Grouped {
			return fault.New(fault.Invalid, "the result has no column %q to sort by", s.By)
		}
		ref, err := r.ref(s.By)
		if err != nil {
			return err
		}
		p.Order = append(p.Order, Order{Column: -1, Ref: ref, Desc: s.Desc})
	}
	if len(q.Sort) == 0 && !p.Grouped && !r.devices {
		at := slices.IndexFunc(p.Columns, func(c Column) bool { return c.Name == "time" })
		o := Order{Column: at, Desc: true}
		if at < 0 {
			o.Ref = &Ref{Name: "time", Kind: event.Time, Slot: event.SlotTime, Place: AtColumn}
		}
		used[at] = true
		p.Order = append(p.Order, o)
	}
	for i := range p.Columns {
		if !used[i] {
			p.Order = append(p.Order, Order{Column: i})
		}
	}
	return nil
}
