package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// maxCrossings is how many crossings are told of each direction.
const maxCrossings = 5000

// Crossings tells what the devices of zones exchange with other zones: it looks at
// events of which a confined context sees nothing, and tells of their other end the
// zone alone. Zones that the context does not see are left out.
func (a *App) Crossings(ctx context.Context, wish api.CrossingWish) (api.Crossings, error) {
	zones := wish.Zones
	if own, ok := query.Confined(ctx); ok {
		if len(zones) == 0 {
			zones = own
		}
		zones = left(zones, func(z string) bool { return !slices.Contains(own, z) })
	}
	if len(zones) == 0 {
		return api.Crossings{List: []api.Crossing{}}, nil
	}
	if len(zones) > 1000 {
		return api.Crossings{}, fault.New(fault.Limited, "crossings of %d zones are asked for", len(zones)).WithHint("1000 at most")
	}
	ctx = query.Unconfined(ctx)
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return api.Crossings{}, err
	}
	out := api.Crossings{List: []api.Crossing{}}
	for _, way := range []struct{ mine, other, begun string }{{"src_endpoint", "dst_endpoint", "here"}, {"dst_endpoint", "src_endpoint", "there"}} {
		q := crossingQuery(way.mine, way.other, zones)
		if wish.Span > 0 {
			q.Time = query.TimeRange{From: now.Add(-wish.Span), To: now.Add(time.Nanosecond)}
		}
		table, err := a.tools.QueryLoose(ctx, q, now)
		if err != nil {
			return out, err
		}
		out.Total += int(table.Total)
		for _, r := range table.Rows {
			c := api.Crossing{Device: wordOf(r[0]), Name: cmp.Or(wordOf(r[1]), wordOf(r[0])), Zone: wordOf(r[2]), Other: wordOf(r[3]), Begun: way.begun}
			c.Events, _ = r[4].(int64)
			c.Bytes, _ = r[5].(int64)
			c.Last, _ = r[6].(time.Time)
			c.Writes, _ = r[7].(int64)
			out.List = append(out.List, c)
		}
	}
	slices.SortStableFunc(out.List, func(x, y api.Crossing) int {
		return cmp.Or(cmp.Compare(y.Events, x.Events), cmp.Compare(x.Device, y.Device), cmp.Compare(x.Other, y.Other))
	})
	return out, nil
}

// crossingQuery asks for events with one end in the zones and the other at a device
// that is not.
func crossingQuery(mine, other string, zones []string) query.Query {
	in := make([]any, len(zones))
	for i, z := range zones {
		in[i] = z
	}
	writes := query.Expr{Field: "ics.write", Op: query.Eq, Value: true}
	return query.Query{
		Where: &query.Expr{And: []query.Expr{
			{Field: mine + ".zone", Op: query.In, Value: in},
			{Field: other + ".uid", Op: query.Exists},
			{Not: &query.Expr{Field: other + ".zone", Op: query.In, Value: in}},
			{Field: "class_uid", Op: query.Ne, Value: int64(2004)},
		}},
		Group: []string{mine + ".uid", mine + ".name", mine + ".zone", other + ".zone"},
		Measures: []query.Measure{
			{Fn: query.Count, As: "events"}, {Fn: query.Sum, Field: "traffic.bytes", As: "bytes"}, {Fn: query.Last, As: "last"}, {Fn: query.Count, Where: &writes, As: "writes"},
		},
		Sort: []query.Sort{{By: "events", Desc: true}}, Limit: maxCrossings,
	}
}
