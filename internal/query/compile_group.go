package query

import (
	"slices"
	"strconv"

	"vedette/internal/event"
)

// aggregates writes the groups and their aggregates, in one step or, where that
// spares the engine work for each event, in two.
func (c *compiler) aggregates() frag {
	if field, ok := c.inParts(); ok {
		return c.twoSteps(field)
	}
	var inner, outer, keys []frag
	for i, col := range c.plan.Columns {
		name, v := column(i), "v"+strconv.Itoa(i)
		switch {
		case col.Measure == nil:
			keys = append(keys, lit(name))
			rows, groups := c.groupColumn(i, col)
			inner, outer = append(inner, rows...), append(outer, groups...)
		case len(col.Measure.Of) == 0:
			inner = append(inner, fill("%s AS "+v, c.input(col.Measure)))
			outer = append(outer, fill("%s AS "+name, c.aggregate(col.Measure, v)))
		}
	}
	return groupBy(outer, c.eventRows(inner), keys)
}

// eventRows is a relation of what is needed of the events.
func (c *compiler) eventRows(columns []frag) frag {
	where := c.filter()
	return fill("SELECT %s FROM %s WHERE %s", join(columns, ", "), c.from(), where)
}

// groupColumn writes what a column is grouped by, in the row of an event and in that of its
// group, sort keys of addresses with it.
func (c *compiler) groupColumn(i int, col Column) (row, group []frag) {
	name := column(i)
	row, group = []frag{fill("%s AS "+name, c.groupValue(col))}, []frag{lit(name)}
	if hi, lo, ok := c.groupKeys(col); ok {
		row = append(row, fill("%s AS "+name+"h", hi), fill("%s AS "+name+"l", lo))
		group = append(group, lit("min("+name+"h) AS "+name+"h"), lit("min("+name+"l) AS "+name+"l"))
	}
	return row, group
}

func groupBy(columns []frag, rows frag, keys []frag) frag {
	grouped := fill("SELECT %s FROM (%s) AS i", join(columns, ", "), rows)
	if len(keys) > 0 {
		grouped = fill("%s GROUP BY %s", grouped, join(keys, ", "))
	}
	return grouped
}

// inParts tells whether the groups can be made of smaller ones and whether that is
// worth it: because different values of one field are counted under conditions, for
// each of which engines keep a set of values in each group, or because what is
// grouped by is known of each device, so that the device table need not be joined
// with each event. field is what is counted, nil if nothing is.
func (c *compiler) inParts() (field *Ref, ok bool) {
	worth := false
	for _, col := range c.plan.Columns {
		m := col.Measure
		switch {
		case col.Members:
			return nil, false
		case m == nil:
			worth = worth || c.late(col)
		case len(m.Of) > 0:
		case m.Fn == Distinct:
			if m.Ref.Kind == event.List || field != nil && *field != *m.Ref {
				return nil, false
			}
			worth = worth || field != nil
			field = m.Ref
		case !slices.Contains([]Fn{Count, Sum, Min, Max, First, Last}, m.Fn):
			return nil, false
		}
	}
	return field, worth
}

// late tells whether a column is known of the device of an event.
func (c *compiler) late(col Column) bool {
	return col.Ref != nil && col.Ref.Place == AtDevice && !c.plan.Devices
}

// parts is the columns of the layers of a query in two steps: of events, of the
// small groups and of the large ones.
type parts struct {
	events, small, large []frag
	middle               []frag // of small groups whose devices are alike
	smallKeys, keys      []frag
	late                 *compiler // joins devices with small groups
	lateColumns          []frag
}

// twoSteps makes small groups, by the counted field and by devices instead of what is
// known of them, and then those that were asked for of them.
func (c *compiler) twoSteps(field *Ref) frag {
	p := &parts{late: &compiler{d: c.d, t: c.t, plan: c.plan, joins: map[event.Slot]string{}}}
	if field != nil {
		p.events = append(p.events, fill("%s AS f", c.value(field)))
		p.key("f")
	}
	for i, col := range c.plan.Columns {
		switch {
		case col.Measure == nil:
			c.partKey(p, i, col)
		case len(col.Measure.Of) == 0:
			c.partMeasure(p, i, col.Measure)
		}
	}
	small := groupBy(p.small, c.eventRows(p.events), p.smallKeys)
	if len(p.lateColumns) > 0 {
		small = fill("SELECT p.*, %s FROM (%s) AS p%s", join(p.lateColumns, ", "), small, p.late.withDevices("p", func(link event.Slot) string { return linkColumn(link) }))
		if field != nil { // several devices may be alike
			small = groupBy(append(p.middle, lit("f")), small, append(slices.Clone(p.keys), lit("f")))
		}
	}
	return groupBy(p.large, small, p.keys)
}

// key adds a column that small groups are made by.
func (p *parts) key(name string) {
	p.small, p.smallKeys = append(p.small, lit(name)), append(p.smallKeys, lit(name))
}

func linkColumn(link event.Slot) string { return "u" + strconv.Itoa(int(link)) }

func (c *compiler) partKey(p *parts, i int, col Column) {
	name := column(i)
	p.keys = append(p.keys, lit(name))
	if !c.late(col) {
		rows, groups := c.groupColumn(i, col)
		p.events, p.small, p.large = append(p.events, rows...), append(p.small, groups...), append(p.large, groups...)
		p.middle = append(p.middle, groups...)
		p.smallKeys = append(p.smallKeys, lit(name))
		return
	}
	link := col.Ref.Link
	if _, known := p.late.joins[link]; !known {
		p.events = append(p.events, lit("e."+ident(event.FieldOf(link).Name)+" AS "+linkColumn(link)))
		p.key(linkColumn(link))
	}
	p.lateColumns = append(p.lateColumns, fill("%s AS "+name, p.late.value(col.Ref)))
	p.middle, p.large = append(p.middle, lit(name)), append(p.large, lit(name))
}

func (c *compiler) partMeasure(p *parts, i int, m *PlanMeasure) {
	name, v := column(i), "v"+strconv.Itoa(i)
	again := func(input frag, fn string) {
		p.events = append(p.events, fill("%s AS "+v, input))
		p.small, p.middle = append(p.small, lit(fn+"("+v+") AS "+v)), append(p.middle, lit(fn+"("+v+") AS "+v))
	}
	switch { // each value is in one small group only
	case m.Fn == Distinct && m.Where == nil:
		p.large = append(p.large, lit("count(f) AS "+name))
	case m.Fn == Distinct:
		again(fill("CASE WHEN %s THEN 1 END", c.cond(m.Where)), "max")
		p.large = append(p.large, lit("count(CASE WHEN "+v+" = 1 THEN f END) AS "+name))
	default:
		again(c.input(m), partial(m.Fn))
		p.large = append(p.large, fill("%s AS "+name, c.aggregate(m, v)))
	}
}

// partial is the function that a measure of a group is computed of, for its parts.
func partial(fn Fn) string {
	switch fn {
	case Min, First:
		return "min"
	case Max, Last:
		return "max"
	default:
		return "sum"
	}
}
