package memory

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store"
)

// run is one query while it runs.
type run struct {
	plan    *query.Plan
	devices map[string]store.Device
	rows    []row             // row queries
	groups  map[string]*group // grouped queries
}

// row is a row of the answer and, beside it, the values of fields that only
// sort it, one for each Order with a Ref.
type row struct {
	cells []any
	extra []any
}

type group struct {
	keys []any // one per column; nil for measures
	recs []record
}

func (r *run) add(rec record) {
	if r.plan.Grouped {
		r.addToGroups(rec)
		return
	}
	var out row
	for _, c := range r.plan.Columns {
		out.cells = append(out.cells, r.value(rec, c.Ref))
	}
	for _, o := range r.plan.Order {
		if o.Ref != nil {
			out.extra = append(out.extra, r.value(rec, o.Ref))
		}
	}
	r.rows = append(r.rows, out)
}

// addToGroups puts a record into its group, or into one group for each
// different member of the list that the query groups by.
func (r *run) addToGroups(rec record) {
	keys := make([]any, len(r.plan.Columns))
	members := -1
	var list []string
	for i, c := range r.plan.Columns {
		switch {
		case c.Measure != nil:
		case c.Bucket:
			if t := rec.event.TimeField(); rec.event.Has(event.SlotTime) {
				keys[i] = bucketStart(t, r.plan.Bucket)
			}
		case c.Members:
			members = i
			list, _ = r.value(rec, c.Ref).([]string)
		default:
			keys[i] = r.value(rec, c.Ref)
		}
	}
	if members < 0 || len(list) == 0 {
		r.addToGroup(keys, rec)
		return
	}
	list = slices.Clone(list)
	slices.Sort(list)
	for _, m := range slices.Compact(list) {
		own := slices.Clone(keys)
		own[members] = m
		r.addToGroup(own, rec)
	}
}

func (r *run) addToGroup(keys []any, rec record) {
	if r.groups == nil {
		r.groups = map[string]*group{}
	}
	var id []byte
	for _, k := range keys {
		text := ""
		if k != nil {
			text = fmt.Sprintf("%T %v", k, k)
		}
		id = binary.AppendUvarint(id, uint64(len(text)))
		id = append(id, text...)
	}
	g := r.groups[string(id)]
	if g == nil {
		g = &group{keys: keys}
		r.groups[string(id)] = g
	}
	g.recs = append(g.recs, rec)
}

// result finishes the query: measures, having, order and limit.
func (r *run) result() *store.Result {
	res := &store.Result{Rows: [][]any{}}
	for _, c := range r.plan.Columns {
		res.Columns = append(res.Columns, c.Name)
	}
	if r.plan.Grouped {
		r.measureGroups()
	}
	slices.SortStableFunc(r.rows, r.compareRows)
	res.Total = int64(len(r.rows))
	for i, row := range r.rows {
		if i == r.plan.Limit {
			break
		}
		res.Rows = append(res.Rows, row.cells)
	}
	return res
}

func (r *run) measureGroups() {
	if len(r.groups) == 0 && !slices.ContainsFunc(r.plan.Columns, func(c query.Column) bool { return c.Measure == nil }) {
		r.groups = map[string]*group{"": {keys: make([]any, len(r.plan.Columns))}}
	}
	for _, g := range r.groups {
		cells := slices.Clone(g.keys)
		for i, c := range r.plan.Columns {
			if c.Measure != nil && len(c.Measure.Of) == 0 {
				cells[i] = r.measure(c.Measure, g.recs)
			}
		}
		r.rows = append(r.rows, row{cells: cells})
	}
	r.derive()
	r.rows = slices.DeleteFunc(r.rows, func(x row) bool { return !r.kept(x.cells) })
}

// derive computes the measures that are computed of others.
func (r *run) derive() {
	for i, c := range r.plan.Columns {
		if c.Measure == nil || len(c.Measure.Of) == 0 {
			continue
		}
		if base, over := c.Measure.Fn.OverGroups(); over {
			r.overGroups(i, base, c.Measure.Of[0])
			continue
		}
		whole, any := 0.0, false
		for _, x := range r.rows {
			if n, ok := number(x.cells[c.Measure.Of[0]]); ok {
				whole, any = whole+n, true
			}
		}
		for _, x := range r.rows {
			a, okA := number(x.cells[c.Measure.Of[0]])
			b, okB := whole, any
			if len(c.Measure.Of) > 1 {
				b, okB = number(x.cells[c.Measure.Of[1]])
			}
			if okA && okB && (b != 0 || c.Measure.Fn == query.Diff) {
				x.cells[i] = derived(c.Measure.Fn, a, b)
			}
		}
	}
}

// overGroups puts one number of the values in column of of all groups into
// column i.
func (r *run) overGroups(i int, base query.Fn, of int) {
	var values []any
	for _, x := range r.rows {
		if n, ok := number(x.cells[of]); ok {
			values = append(values, n)
		}
	}
	if len(values) == 0 {
		return
	}
	for _, x := range r.rows {
		x.cells[i] = aggregate(base, values)
	}
}

func derived(fn query.Fn, a, b float64) float64 {
	switch fn {
	case query.Diff:
		return a - b
	case query.Change:
		return (a - b) / b
	default: // Ratio, Share
		return a / b
	}
}

func (r *run) kept(cells []any) bool {
	for _, h := range r.plan.Having {
		v := cells[h.Column]
		if v == nil || !compare(&query.Ref{Kind: r.plan.Columns[h.Column].Kind}, h.Op, v, h.Value) {
			return false
		}
	}
	return true
}

func (r *run) compareRows(a, b row) int {
	extra := 0
	for _, o := range r.plan.Order {
		var x, y any
		ref := o.Ref
		if ref != nil {
			x, y = a.extra[extra], b.extra[extra]
			extra++
		} else {
			x, y = a.cells[o.Column], b.cells[o.Column]
			ref = r.plan.Columns[o.Column].Ref
		}
		if c := compareCells(ref, x, y, o.Desc); c != 0 {
			return c
		}
	}
	return 0
}

// compareCells orders two cells, the missing ones last either way, and
// addresses of columns as addresses.
func compareCells(ref *query.Ref, x, y any, desc bool) int {
	if x == nil || y == nil {
		return cmp.Compare(missing(x), missing(y))
	}
	c := 0
	if ref != nil && ref.Kind == event.IP && ref.Place == query.AtColumn {
		c = compareAddresses(parsed(x), parsed(y))
	} else {
		c = compareValues(x, y)
	}
	if desc {
		return -c
	}
	return c
}

func missing(v any) int {
	if v == nil {
		return 1
	}
	return 0
}

func parsed(v any) netip.Addr {
	text, _ := v.(string)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return addr
}
