package query_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/query"
)

func tables() query.Tables {
	return query.Tables{Events: "events", Devices: "devices", DeviceFields: []event.Field{
		{Name: "uid", Kind: event.String}, {Name: "name", Kind: event.String}, {Name: "type", Kind: event.String}, {Name: "zone", Kind: event.String},
	}}
}

func compile(t *testing.T, q query.Query) *query.Compiled {
	t.Helper()
	plan, err := query.NewPlan(q, tables().DeviceFields)
	if err != nil {
		t.Fatal(err)
	}
	c, err := query.Compile(plan, query.DuckDB(), tables())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNothingTypedReachesTheText puts a mark into everything that a person can
// type and looks for it in the SQL.
func TestNothingTypedReachesTheText(t *testing.T) {
	const mark = `Xq7'"; DROP TABLE events; -- %s %d ?`
	mine := func(op query.Op, v any) query.Expr { return query.Expr{Field: mark, Op: op, Value: v} }
	known := func(field string, op query.Op, v any) query.Expr { return query.Expr{Field: field, Op: op, Value: v} }
	where := &query.Expr{Or: []query.Expr{
		mine(query.Eq, mark), mine(query.Ne, 1.5), mine(query.Lt, mark), mine(query.In, []any{mark, int64(7)}), mine(query.Contains, mark),
		mine(query.StartsWith, mark), mine(query.EndsWith, mark), mine(query.Exists, nil),
		known("message", query.Eq, mark), known("answers", query.Contains, mark), known("answers", query.In, []any{mark}), known("email.to", query.Eq, mark),
		known("tls.cipher", query.Ge, mark), known("device.type", query.Eq, mark), known("src_endpoint.ip", query.Contains, mark),
		{Not: &query.Expr{And: []query.Expr{known("src_endpoint.ip", query.CIDR, "10.0.0.0/8"), known("dst_endpoint.ip", query.Gt, "::1"), known("time", query.Lt, time.Unix(1, 0))}}},
	}}
	ranged := query.TimeRange{From: time.Unix(0, 0), To: time.Unix(99, 0)}
	for name, q := range map[string]query.Query{
		"rows":  {Where: where, Time: ranged, Classes: []string{"network_activity"}, Select: []string{"time", mark, "device.name"}, Sort: []query.Sort{{By: mark + "2", Desc: true}, {By: "src_endpoint.ip"}}},
		"other": {Where: where, Sort: []query.Sort{{By: mark}}},
		"groups": {
			Where: where, Time: ranged, Bucket: "1h", Group: []string{mark, "src_endpoint.ip", "answers"}, Sort: []query.Sort{{By: mark + "m"}},
			Measures: []query.Measure{{Fn: query.Count, As: mark + "m", Where: where}, {Fn: query.Sum, Field: mark, As: mark + "s"}, {Fn: query.Min, Field: "message", As: mark + "t"}},
			Having:   []query.Having{{By: mark + "m", Op: query.Gt, Value: 1.5}, {By: mark + "t", Op: query.Eq, Value: mark}},
		},
	} {
		c := compile(t, q)
		for text, args := range map[string][]any{c.SQL: c.Args, c.Count: c.CountArgs} {
			if strings.Contains(text, "Xq7") || strings.Contains(text, "%!") {
				t.Errorf("%s: what was typed is in %s", name, text)
			}
			if strings.Count(text, "?") != len(args) {
				t.Errorf("%s: %d parameters for %s", name, len(args), text)
			}
		}
	}
}

func TestCompiledText(t *testing.T) {
	c := compile(t, query.Query{
		Classes:  []string{"network_activity"},
		Where:    &query.Expr{Not: &query.Expr{Field: "device.type", Op: query.Eq, Value: "plc"}},
		Group:    []string{"src_endpoint.zone"},
		Measures: []query.Measure{{Fn: query.Max, Field: "duration"}},
		Sort:     []query.Sort{{By: "max(duration)", Desc: true}},
		Having:   []query.Having{{By: "max(duration)", Op: query.Ge, Value: 2.0}},
		Limit:    7,
	})
	want := `WITH g AS MATERIALIZED (` +
		`SELECT c0, max(v1) AS c1 FROM (SELECT p.*, d0."zone" AS c0 FROM (SELECT u32, max(v1) AS v1 FROM (` +
		`SELECT e."src_endpoint.uid" AS u32, e."duration" AS v1 FROM events AS e LEFT JOIN devices AS d0 ON d0."uid" = e."device.uid"` +
		` WHERE e."class_uid" IN (?) AND ((d0."type" = CAST(? AS VARCHAR))) IS NOT TRUE) AS i GROUP BY u32)` +
		` AS p LEFT JOIN devices AS d0 ON d0."uid" = p.u32) AS i GROUP BY c0)` +
		` SELECT c0, c1, (SELECT count(*) FROM g WHERE (CAST(c1 AS DOUBLE) >= CAST(? AS DOUBLE))) AS total FROM g` +
		` WHERE (CAST(c1 AS DOUBLE) >= CAST(? AS DOUBLE)) ORDER BY c1 DESC NULLS LAST, c0 ASC NULLS LAST LIMIT 7`
	if diff := cmp.Diff(want, c.SQL); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{int64(4001), "plc", 2.0, 2.0}, c.Args); diff != "" {
		t.Error(diff)
	}
}

// A list of the newest events is found in two steps: how many there are and how
// old the last one shown is, with the tables of the condition alone, then the rows.
func TestEdge(t *testing.T) {
	q := query.Query{Select: []string{"time", "src_endpoint.name", "device.name"}, Where: &query.Expr{Field: "dst_endpoint.zone", Op: query.Eq, Value: "Cell 1"}, Sort: []query.Sort{{By: "time", Desc: true}}, Limit: 7}
	c := compile(t, q)
	want := `SELECT count(*), CASE WHEN count(e."time") = count(*) THEN epoch_ns(list_min(max(e."time", 7))) END FROM events AS e` +
		` LEFT JOIN devices AS d0 ON d0."uid" = e."dst_endpoint.uid" WHERE (d0."zone" = CAST(? AS VARCHAR))`
	if diff := cmp.Diff(want, c.Edge); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"Cell 1"}, c.EdgeArgs); diff != "" {
		t.Error(diff)
	}
	plan, err := query.NewPlan(q, tables().DeviceFields)
	if err != nil {
		t.Fatal(err)
	}
	plan.Since = time.Unix(5, 0)
	c, err = query.Compile(plan, query.DuckDB(), tables())
	if err != nil || c.Edge != "" || !strings.Contains(c.SQL, `WHERE e."time" >= make_timestamp_ns(CAST(? AS BIGINT)) AND`) {
		t.Error(c, err)
	}
	for _, other := range []query.Query{
		{Select: []string{"time"}, Sort: []query.Sort{{By: "time"}}, Limit: 7},
		{Select: []string{"time", "status"}, Sort: []query.Sort{{By: "status", Desc: true}, {By: "time", Desc: true}}, Limit: 7},
		{From: "devices", Select: []string{"uid"}, Limit: 7},
		{Measures: []query.Measure{{Fn: query.Count}}, Limit: 7},
	} {
		if c := compile(t, other); c.Edge != "" {
			t.Errorf("%+v: %s", other, c.Edge)
		}
	}
}
