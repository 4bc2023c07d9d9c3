package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
)

// DocumentColumn is part of the physical layout that compiled queries expect. The events relation has a
// column for each event.InColumn field under the field's name, for each
// address among them its sort keys (see [KeyColumns]), and [DocumentColumn]: a
// JSON object with the event.InDocument fields and the extras under flat keys
// (see [DocumentKey]; times in it are nanoseconds since 1970). The devices
// relation has one row per uid and a column for each of Tables.DeviceFields.
const DocumentColumn = "attributes"

// KeyColumns names the two unsigned 64-bit columns that hold the high and low
// half of an address field as 16 bytes, IPv4 mapped into IPv6.
func KeyColumns(field string) (hi, lo string) { return field + "_hi", field + "_lo" }

// Tables says where a compiled query reads from. Events and Devices are
// relations in the engine's SQL, written by the engine alone.
type Tables struct {
	Events       string
	Devices      string
	EventsArgs   []any // parameters that Events holds
	DevicesArgs  []any // and Devices
	DeviceFields []event.Field
}

// Compiled is a query in an engine's SQL. Count computes how many rows or
// groups there are without the limit; it is empty where each row of SQL has
// that number as a further, last column.
type Compiled struct {
	SQL       string
	Args      []any
	Count     string
	CountArgs []any

	// Edge, if not empty, tells in one row how many rows there are and the time of
	// the oldest that the limit lets through, in nanoseconds (missing: not known). A
	// plan with that as Since has the same answer, and finds it without carrying all
	// columns of all rows.
	Edge     string
	EdgeArgs []any
}

// Compile writes a plan in an engine's SQL. Nothing that a person typed gets
// into the text: values and names of extras are parameters, other names come
// out of the schema, columns are called c0, c1, ….
func Compile(p *Plan, d *Dialect, t Tables) (*Compiled, error) {
	c := &compiler{d: d, t: t, plan: p, joins: map[event.Slot]string{}}
	if p.Sequence != nil {
		return c.sequence(), nil
	}
	if p.Grouped {
		return c.groups(), nil
	}
	return c.rows(), nil
}

// frag is a piece of SQL and the parameters it holds, in order.
type frag struct {
	text string
	args []any
}

func lit(text string) frag { return frag{text: text} }

// fill puts pieces into the %s of a template, keeping the order of parameters.
func fill(template string, parts ...frag) frag {
	texts := make([]any, len(parts))
	var args []any
	for i, p := range parts {
		texts[i] = p.text
		args = append(args, p.args...)
	}
	return frag{fmt.Sprintf(template, texts...), args}
}

func param(template string, v any) frag { return frag{template, []any{v}} }

func join(parts []frag, sep string) frag {
	var out frag
	for i, p := range parts {
		if i > 0 {
			out.text += sep
		}
		out.text += p.text
		out.args = append(out.args, p.args...)
	}
	return out
}

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func column(i int) string { return "c" + strconv.Itoa(i) }

// compiler writes one plan. joins are the device tables used so far, by the
// field that holds the device's uid.
type compiler struct {
	d     *Dialect
	t     Tables
	plan  *Plan
	joins map[event.Slot]string
	order []event.Slot
	only  string // of the events of a step of a sequence, a condition on its key
}

// rows writes a query for rows of fields.
func (c *compiler) rows() *Compiled {
	where := c.filter()
	few := c.from() // what counts needs no tables but those of the condition
	cols := make([]frag, 0, len(c.plan.Columns))
	for i, col := range c.plan.Columns {
		cols = append(cols, fill("%s AS "+column(i), c.value(col.Ref)))
	}
	var keys []frag
	for _, o := range c.plan.Order {
		ref := o.Ref
		if ref == nil {
			ref = c.plan.Columns[o.Column].Ref
		}
		if hi, lo, ok := c.addressKeys(ref); ok {
			keys = append(keys, direction(hi, o.Desc), direction(lo, o.Desc))
		} else {
			keys = append(keys, direction(c.value(ref), o.Desc))
		}
	}
	from := c.from() // last: the parts above decide which tables are joined
	all := fill("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %s", join(cols, ", "), from, where, join(keys, ", "), c.limit())
	count := fill("SELECT count(*) FROM %s WHERE %s", few, where)
	out := &Compiled{SQL: all.text, Args: all.args, Count: count.text, CountArgs: count.args}
	if c.newestFirst() {
		at := "e." + ident(event.FieldOf(event.SlotTime).Name)
		edge := fill("SELECT count(*), "+strings.ReplaceAll(fmt.Sprintf(c.d.Edge, at, c.plan.Limit), "%", "%%")+" FROM %s WHERE %s", few, where)
		out.Edge, out.EdgeArgs = edge.text, edge.args
	}
	return out
}

// maxEdge is the limit beyond which the times of a list are not looked at first.
const maxEdge = 100_000

// newestFirst tells whether the plan asks for the newest events.
func (c *compiler) newestFirst() bool {
	p := c.plan
	if c.d.Edge == "" || p.Devices || !p.Since.IsZero() || len(p.Order) == 0 || p.Limit < 1 || p.Limit > maxEdge {
		return false
	}
	first := p.Order[0]
	ref := first.Ref
	if ref == nil {
		ref = p.Columns[first.Column].Ref
	}
	return first.Desc && ref != nil && ref.Place == AtColumn && ref.Slot == event.SlotTime
}

// groups writes a query for measures of groups in layers: one row per event
// with what is grouped and measured, the aggregates, what is computed of them,
// and what is kept in which order.
func (c *compiler) groups() *Compiled {
	names := make([]frag, len(c.plan.Columns))
	for i := range c.plan.Columns {
		names[i] = lit(column(i))
	}
	grouped := c.derived(c.aggregates())
	if c.d.Once != "" {
		all := fill("WITH %s SELECT %s, (SELECT count(*) FROM g WHERE %s) AS total FROM g WHERE %s ORDER BY %s LIMIT %s", c.once("g", grouped), join(names, ", "), c.kept(), c.kept(), c.groupOrder(), c.limit())
		return &Compiled{SQL: all.text, Args: all.args}
	}
	all := fill("SELECT %s FROM (%s) AS g WHERE %s ORDER BY %s LIMIT %s", join(names, ", "), grouped, c.kept(), c.groupOrder(), c.limit())
	count := fill("SELECT count(*) FROM (%s) AS g WHERE %s", grouped, c.kept())
	return &Compiled{SQL: all.text, Args: all.args, Count: count.text, CountArgs: count.args}
}

// once names a relation for the query that it stands before.
func (c *compiler) once(name string, relation frag) frag {
	return fill(c.d.Once, lit(name), relation)
}

// derived adds the measures that are computed of others, each in a layer of
// its own, as one may be computed of another.
func (c *compiler) derived(grouped frag) frag {
	for i, col := range c.plan.Columns {
		m := col.Measure
		if m == nil || len(m.Of) == 0 {
			continue
		}
		of := make([]frag, len(m.Of))
		for j, at := range m.Of {
			of[j] = lit(fmt.Sprintf(c.d.Double, column(at)))
		}
		var v frag
		switch m.Fn {
		case Ratio:
			v = fill("%s / nullif(%s, 0)", of[0], of[1])
		case Change:
			v = fill("(%s - %s) / nullif(%s, 0)", of[0], of[1], of[1])
		case Diff:
			v = fill("%s - %s", of[0], of[1])
		case Share:
			v = fill("%s / nullif((SELECT sum(%s) FROM (%s) AS whole), 0)", of[0], of[0], grouped)
		default: // over all groups
			v = fill("(SELECT %s FROM (%s) AS whole)", c.overGroups(m.Fn, of[0]), grouped)
		}
		grouped = fill("SELECT *, %s AS "+column(i)+" FROM (%s) AS d"+strconv.Itoa(i), v, grouped)
	}
	return grouped
}

// overGroups is one number of a measure's values in all groups.
func (c *compiler) overGroups(fn Fn, of frag) frag {
	base, _ := fn.OverGroups()
	if part, ok := base.Percentile(); ok {
		return fill(c.d.Quantile, of, lit(strconv.FormatFloat(part, 'f', -1, 64)))
	}
	return fill(string(base)+"(%s)", of)
}

func (c *compiler) limit() frag { return lit(strconv.Itoa(c.plan.Limit)) }

func direction(key frag, desc bool) frag {
	if desc {
		return fill("%s DESC NULLS LAST", key)
	}
	return fill("%s ASC NULLS LAST", key)
}

func (c *compiler) groupValue(col Column) frag {
	switch {
	case col.Bucket:
		return c.bucket()
	case col.Members:
		return fill(c.d.Members, c.value(col.Ref))
	}
	return c.value(col.Ref)
}

func (c *compiler) groupKeys(col Column) (hi, lo frag, ok bool) {
	if col.Ref == nil || col.Members {
		return frag{}, frag{}, false
	}
	return c.addressKeys(col.Ref)
}

func (c *compiler) groupOrder() frag {
	var keys []frag
	for _, o := range c.plan.Order {
		name := column(o.Column)
		if _, _, ok := c.groupKeys(c.plan.Columns[o.Column]); ok {
			keys = append(keys, direction(lit(name+"h"), o.Desc), direction(lit(name+"l"), o.Desc))
			continue
		}
		keys = append(keys, direction(lit(name), o.Desc))
	}
	return join(keys, ", ")
}

// bucket is the start of the event's bucket of time. Buckets that would begin
// before the earliest time begin there, as no engine can hold earlier times.
func (c *compiler) bucket() frag { return c.startOf(c.plan.Bucket) }

// startOf is the start of the span of that width that an event's time lies in.
func (c *compiler) startOf(span time.Duration) frag {
	width := int64(span)
	earliest := EarliestTime().UnixNano()
	nanos := fmt.Sprintf(c.d.Nanos, "e."+ident("time"))
	floor := frag{fmt.Sprintf(c.d.Bucket, nanos), []any{width, width, width}}
	start := fill("CASE WHEN "+nanos+" < %s THEN %s ELSE %s END", param("?", earliest+width), param("?", earliest), floor)
	return fill(c.d.FromNanos, start)
}

// input is what a measure aggregates of one event; missing where the event
// does not count.
func (c *compiler) input(m *PlanMeasure) frag {
	var v frag
	conds := []frag{}
	switch {
	case m.Fn == Count && c.plan.Devices:
		v = lit("1")
	case m.Fn == Count:
		n := "e." + ident(event.FieldOf(event.SlotCount).Name)
		v = lit("CASE WHEN " + n + " > 0 THEN " + n + " ELSE 1 END")
	case m.Fn == Days:
		v = c.startOf(24 * time.Hour)
	case m.Fn == First || m.Fn == Last:
		v = lit("e." + ident(event.FieldOf(event.SlotTime).Name))
	case m.Fn != Distinct && m.Ref.Place == AtExtra:
		v = fill(c.d.ToFloat, c.value(m.Ref))
	default:
		v = c.value(m.Ref)
	}
	if m.Fn == Count && m.Ref != nil {
		conds = append(conds, fill("%s IS NOT NULL", c.value(m.Ref)))
	}
	if m.Where != nil {
		conds = append(conds, c.cond(m.Where))
	}
	if len(conds) == 0 {
		return v
	}
	return fill("CASE WHEN %s THEN %s END", join(conds, " AND "), v)
}

func (c *compiler) aggregate(m *PlanMeasure, v string) frag {
	arg := lit(v)
	switch m.Fn {
	case Count:
		return fill("coalesce("+c.d.SumInt+", 0)", arg)
	case Sum:
		if m.Ref.Kind == event.Int {
			return fill(c.d.SumInt, arg)
		}
		return fill("sum(%s)", arg)
	case Avg:
		return fill("avg("+c.d.Double+")", arg)
	case Min, First:
		return fill("min(%s)", arg)
	case Max, Last:
		return fill("max(%s)", arg)
	case Days:
	case Distinct:
		if m.Ref.Kind == event.List {
			return fill(c.d.DistinctMembers, arg)
		}
	default:
		if part, ok := m.Fn.Percentile(); ok {
			return fill(c.d.Quantile, arg, lit(strconv.FormatFloat(part, 'f', -1, 64)))
		}
	}
	return fill(c.d.Distinct, arg)
}

// from is the relation with the device tables that were asked for.
func (c *compiler) from() frag {
	if c.plan.Devices {
		return frag{c.t.Devices + " AS e", c.t.DevicesArgs}
	}
	events := frag{c.t.Events + " AS e", slices.Clip(c.t.EventsArgs)}
	return join([]frag{events, c.withDevices("e", func(link event.Slot) string { return ident(event.FieldOf(link).Name) })}, "")
}

// withDevices is the joins of the device tables that were asked for with a relation
// that has the uids of devices in the columns that name tells.
func (c *compiler) withDevices(relation string, name func(link event.Slot) string) frag {
	var out frag
	for _, link := range c.order {
		alias := c.joins[link]
		out.text += " LEFT JOIN " + c.t.Devices + " AS " + alias + " ON " + alias + "." + ident("uid") + " = " + relation + "." + name(link)
		out.args = append(out.args, c.t.DevicesArgs...)
	}
	return out
}
