package storetest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store"
)

// fieldsOf are the fields that a random query uses.
func fieldsOf(devices bool) []event.Field {
	if devices {
		return store.DeviceFields()
	}
	list := randomFields()
	schema := event.NewSchema()
	for _, name := range []string{"time", "metadata.uid", "device.name", "device.type", "src_endpoint.zone", "dst_endpoint.name", "metadata.clock_suspect", "src_endpoint.host"} {
		f, _ := schema.Lookup(name)
		list = append(list, f)
	}
	return list
}

func randomQuery(t *rapid.T) query.Query {
	var q query.Query
	if rapid.IntRange(0, 5).Draw(t, "from") == 0 {
		q.From = "devices"
	}
	fields := fieldsOf(q.From != "")
	if q.From == "" {
		q.Classes = rapid.SliceOfN(rapid.SampledFrom([]string{"network_activity", "dns_activity"}), 0, 3).Draw(t, "classes")
		if len(q.Classes) == 3 {
			q.Classes = nil
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "bounded") == 0 {
		q.Time.From = drawTime(t)
	}
	if rapid.IntRange(0, 5).Draw(t, "ended") == 0 {
		q.Time.To = drawTime(t)
	}
	if rapid.IntRange(0, 2).Draw(t, "filtered") > 0 {
		e := randomExpr(t, fields, 0)
		q.Where = &e
	}
	q.Limit = rapid.SampledFrom([]int{0, 1, 5, query.MaxLimit}).Draw(t, "limit")
	if rapid.Bool().Draw(t, "grouped") {
		randomGroups(t, &q, fields)
	} else {
		randomRows(t, &q, fields)
	}
	return randomSequence(t, q)
}

// randomRows selects and sorts fields. Rows that are equal in all columns may
// come in any order, which no one can see.
func randomRows(t *rapid.T, q *query.Query, fields []event.Field) {
	names := drawNames(t, fields, 0, 5)
	if len(names) > 0 {
		q.Select = names
	}
	for _, name := range drawNames(t, fields, 0, 2) {
		q.Sort = append(q.Sort, query.Sort{By: name, Desc: rapid.Bool().Draw(t, "desc")})
	}
}

func drawNames(t *rapid.T, fields []event.Field, least, most int) []string {
	var names []string
	for _, f := range rapid.SliceOfN(rapid.SampledFrom(fields), least, most).Draw(t, "names") {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

func randomGroups(t *rapid.T, q *query.Query, fields []event.Field) {
	if rapid.IntRange(0, 2).Draw(t, "bucketed") == 0 && q.From == "" {
		q.Bucket = rapid.SampledFrom([]string{"1h", "7h", "1d", "3w", "36500d"}).Draw(t, "bucket")
	}
	q.Group = drawNames(t, fields, 0, 3)
	for i := range rapid.IntRange(1, 4).Draw(t, "measures") {
		m := randomMeasure(t, q, fields)
		if rapid.IntRange(0, 3).Draw(t, "own") == 0 {
			e := randomExpr(t, fields, 1)
			m.Where = &e
		}
		m.As = fmt.Sprint("m", i)
		if m.Fn == query.Distinct && len(q.Measures) > 0 && q.Measures[0].Field != "" { // engines may count two of one field in another way
			m.Field = q.Measures[0].Field
		}
		q.Measures = append(q.Measures, m)
		exact := m.Fn == query.Count || m.Fn == query.Days || m.Fn == query.Distinct || m.Fn == query.Min
		if exact && rapid.IntRange(0, 2).Draw(t, "sorted") == 0 {
			q.Sort = append(q.Sort, query.Sort{By: m.As, Desc: rapid.Bool().Draw(t, "desc")})
		}
		if exact && rapid.IntRange(0, 3).Draw(t, "having") == 0 {
			op := rapid.SampledFrom([]query.Op{query.Eq, query.Ne, query.Lt, query.Le, query.Gt, query.Ge}).Draw(t, "op")
			q.Having = append(q.Having, query.Having{By: m.As, Op: op, Value: rapid.SampledFrom([]any{int64(1), 2.0, 1.5}).Draw(t, "than")})
		}
	}
	randomDerived(t, q)
}

// randomMeasure draws a measure that can be computed, but for one in ten.
func randomMeasure(t *rapid.T, q *query.Query, fields []event.Field) query.Measure {
	m := query.Measure{Fn: rapid.SampledFrom([]query.Fn{query.Count, query.Sum, query.Avg, query.Min, query.Max, query.Distinct, query.First, query.Last, query.Days, query.Median, query.P95, "p10"}).Draw(t, "fn")}
	odd := rapid.IntRange(0, 29).Draw(t, "odd") == 0
	usable := fields
	switch m.Fn {
	case query.First, query.Last, query.Days:
		if q.From != "" && !odd {
			m.Fn = query.Count
		}
		usable = nil
	case query.Count:
		if rapid.Bool().Draw(t, "all") {
			usable = nil
		}
	case query.Distinct:
	default:
		usable = slices.DeleteFunc(slices.Clone(fields), func(f event.Field) bool {
			numeric := f.Kind == event.Int || f.Kind == event.Float || f.Kind == 0
			ordered := f.Kind == event.Time || f.Kind == event.String
			return !numeric && (!ordered || m.Fn != query.Min && m.Fn != query.Max)
		})
		if len(usable) == 0 {
			m.Fn = query.Count
		}
	}
	if odd {
		usable = fields
	}
	if len(usable) > 0 {
		m.Field = rapid.SampledFrom(usable).Draw(t, "measured").Name
	}
	return m
}

func randomExpr(t *rapid.T, fields []event.Field, depth int) query.Expr {
	if depth < 3 {
		switch rapid.IntRange(0, 6).Draw(t, "form") {
		case 0:
			return query.Expr{And: []query.Expr{randomExpr(t, fields, depth+1), randomExpr(t, fields, depth+1)}}
		case 1:
			return query.Expr{Or: []query.Expr{randomExpr(t, fields, depth+1), randomExpr(t, fields, depth+1)}}
		case 2:
			e := randomExpr(t, fields, depth+1)
			return query.Expr{Not: &e}
		}
	}
	f := rapid.SampledFrom(fields).Draw(t, "field")
	e := query.Expr{Field: f.Name, Op: rapid.SampledFrom(opsOf(f)).Draw(t, "op")}
	switch e.Op {
	case query.Exists:
	case query.CIDR:
		e.Value = rapid.SampledFrom([]string{"10.0.0.0/8", "10.0.0.0/24", "::/0", "::/64", "0.0.0.0/0", "fe80::/10", "10.0.0.10/32"}).Draw(t, "subnet")
	case query.In:
		var list []any
		for range rapid.IntRange(1, 3).Draw(t, "in") {
			list = append(list, drawValue(t, f))
		}
		e.Value = list
	case query.Contains, query.StartsWith, query.EndsWith:
		e.Value = rapid.SampledFrom([]string{"t", "P", "1", "a/", "", "ä", "."}).Draw(t, "part")
	default:
		e.Value = drawValue(t, f)
	}
	return e
}

func opsOf(f event.Field) []query.Op {
	ops := []query.Op{query.Eq, query.Ne, query.In, query.Exists}
	order := []query.Op{query.Lt, query.Le, query.Gt, query.Ge}
	parts := []query.Op{query.Contains, query.StartsWith, query.EndsWith}
	switch f.Kind {
	case event.Bool:
		return ops
	case event.List:
		return append(ops, parts...)
	case event.Int, event.Float, event.Time:
		return append(ops, order...)
	case event.IP:
		if f.Store == event.InDocument {
			return append(ops, parts...)
		}
		return append(append(append(ops, order...), parts...), query.CIDR)
	default:
		return append(append(ops, order...), parts...)
	}
}

func drawValue(t *rapid.T, f event.Field) any {
	switch f.Kind {
	case event.Int:
		return rapid.OneOf(rapid.Map(rapid.Int64Range(-2, 12), func(n int64) any { return n }), rapid.SampledFrom([]any{1.5, 3.0, int64(event.NetworkActivity)})).Draw(t, "int")
	case event.Float:
		return float64(rapid.IntRange(-8, 8).Draw(t, "quarters")) / 4
	case event.Bool:
		return rapid.Bool().Draw(t, "bool")
	case event.Time:
		return drawTime(t)
	case event.IP:
		return drawAddress(t)
	case event.String, event.List:
		return drawWord(t)
	default: // an extra: text or number
		return rapid.OneOf(rapid.Map(rapid.Custom(drawWord), func(w string) any { return w }), rapid.SampledFrom([]any{int64(9), 1.5})).Draw(t, "value")
	}
}
