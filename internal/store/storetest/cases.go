package storetest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
)

func devices(t *testing.T, s store.Events) {
	ctx := context.Background()
	list := []store.Device{
		{UID: "d1", Name: "old name", Type: "plc"},
		{UID: "d2", Name: "HMI 2", Type: "hmi", Zone: "control", IPs: []string{"10.0.0.2", "10.0.0.3"}, FirstSeen: day().AddDate(0, 0, -9), LastSeen: day()},
		{UID: "d1", Name: "PLC 1", Type: "plc", Level: "1", FirstSeen: day().AddDate(0, 0, -1), LastSeen: day().Add(time.Hour)},
	}
	if err := s.PutDevices(ctx, list); err != nil {
		t.Fatal(err)
	}
	put(t, s,
		New(1, day(), func(e *event.Event) { e.SetDeviceUID("d1"); e.SetSrcEndpointUID("d2"); e.SetDstEndpointUID("d1") }),
		New(2, day(), func(e *event.Event) { e.SetDeviceUID("d2"); e.SetSrcEndpointUID("d2"); e.SetDstEndpointUID("gone") }),
		New(3, day(), nil))
	holds(t, s, where("device.type", query.Eq, "plc"), "1 ")
	holds(t, s, not(where("device.type", query.Eq, "plc")), "2 3 ")
	holds(t, s, where("src_endpoint.zone", query.Eq, "control"), "1 2 ")
	holds(t, s, where("dst_endpoint.level", query.Exists, nil), "1 ")
	want(t, s, query.Query{Group: []string{"device.name", "src_endpoint.type", "dst_endpoint.name"}, Measures: []query.Measure{{Fn: query.Count}}, Sort: []query.Sort{{By: "device.name", Desc: true}}},
		row("PLC 1", "hmi", "PLC 1", int64(1)), row("HMI 2", "hmi", nil, int64(1)), row(nil, nil, nil, int64(1)))
	if err := s.PutDevices(ctx, []store.Device{{UID: "d1", Name: "PLC 1b", Type: "plc"}}); err != nil {
		t.Fatal(err)
	}
	want(t, s, query.Query{Select: []string{"device.name"}, Where: where("metadata.uid", query.EndsWith, "1")}, row("PLC 1b"))
	want(t, s, query.Query{From: "devices", Select: []string{"uid", "ips", "last_seen"}, Sort: []query.Sort{{By: "uid", Desc: true}}},
		row("d2", []string{"10.0.0.2", "10.0.0.3"}, day()), row("d1", nil, nil))
	want(t, s, query.Query{From: "devices", Group: []string{"type"}, Measures: []query.Measure{{Fn: query.Count}, {Fn: query.Distinct, Field: "ips"}, {Fn: query.Max, Field: "last_seen"}}},
		row("hmi", int64(1), int64(2), day()), row("plc", int64(1), int64(0), nil))
	want(t, s, query.Query{From: "devices", Select: []string{"uid"}, Where: where("ips", query.Eq, "10.0.0.3")}, row("d2"))
	want(t, s, query.Query{From: "devices", Select: []string{"uid"}, Time: query.TimeRange{From: day().AddDate(0, 0, -5), To: day().AddDate(0, 0, -4)}}, row("d2"))
	want(t, s, query.Query{From: "devices", Select: []string{"uid"}, Time: query.TimeRange{From: day().Add(1)}})
	if got := ask(t, s, query.Query{From: "devices"}); len(got.Columns) != len(store.DeviceFields()) {
		t.Errorf("columns of devices: %v", got.Columns)
	}
	merged := store.Device{UID: "d1", Name: "PLC 1c", Type: "plc", Serial: "S1", OS: "VxWorks", State: "known", Location: "hall", Evidence: 3}
	older := merged
	older.UID, older.AliasOf = "gone", "d1"
	if err := s.PutDevices(ctx, []store.Device{merged, older}); err != nil {
		t.Fatal(err)
	}
	want(t, s, query.Query{From: "devices", Select: []string{"uid", "serial", "os", "state", "location", "evidence"}, Where: where("state", query.Eq, "known")},
		row("d1", "S1", "VxWorks", "known", "hall", int64(3)))
	want(t, s, query.Query{From: "devices", Measures: []query.Measure{{Fn: query.Count}}}, row(int64(2)))
	holds(t, s, where("dst_endpoint.name", query.Eq, "PLC 1c"), "1 2 ")
	if err := s.PutDevices(ctx, []store.Device{{Name: "nameless"}}); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Errorf("a device without uid: %v", err)
	}
	groupsOfDevices(t, s)
}

// groupsOfDevices asks by what is known of devices, of which several may be alike, and
// of no device, for different values under conditions, and for what sums up.
func groupsOfDevices(t *testing.T, s store.Events) {
	for i, uid := range []string{"d8", "d8", "d9", "d9", ""} {
		put(t, s, New(80+i, day().Add(time.Duration(i)*time.Hour), func(e *event.Event) {
			if uid != "" {
				e.SetDeviceUID(uid)
			}
			e.SetDstEndpointPort(int64(80 + i%3)) // 80 81 82 80 81
			e.SetTrafficBytesOut(10)
			e.SetMetadataLogName("alike")
		}))
	}
	if err := s.PutDevices(t.Context(), []store.Device{{UID: "d8", Name: "twin"}, {UID: "d9", Name: "twin"}}); err != nil {
		t.Fatal(err)
	}
	late := where("time", query.Ge, day().Add(2*time.Hour))
	q := query.Query{Where: where("metadata.log_name", query.Eq, "alike"), Measures: []query.Measure{
		{Fn: query.Count},
		{Fn: query.Sum, Field: "traffic.bytes_out"},
		{Fn: query.Distinct, Field: "dst_endpoint.port"},
		{Fn: query.Distinct, Field: "dst_endpoint.port", Where: late, As: "late"},
		{Fn: query.Distinct, Field: "dst_endpoint.port", Where: not(late), As: "early"},
		{Fn: query.First},
		{Fn: query.Last},
		{Fn: query.Ratio, Of: []string{"late", "early"}},
	}}
	all := row(int64(5), int64(50), int64(3), int64(3), int64(2), day(), day().Add(4*time.Hour), 1.5)
	twin := row("twin", int64(4), int64(40), int64(3), int64(2), int64(2), day(), day().Add(3*time.Hour), 1.0)
	none := row(nil, int64(1), int64(10), int64(1), int64(1), int64(0), day().Add(4*time.Hour), day().Add(4*time.Hour), nil)
	want(t, s, q, all)
	q.Group = []string{"device.name"}
	want(t, s, q, twin, none)
	q.Having = []query.Having{{By: "early", Op: query.Gt, Value: int64(0)}}
	want(t, s, q, twin)
	q.Having, q.Where = nil, &query.Expr{And: []query.Expr{*q.Where, *where("device.name", query.Exists, nil)}}
	want(t, s, q, twin)
	want(t, s, query.Query{Where: q.Where, Group: []string{"device.name"}, Measures: []query.Measure{{Fn: query.Count}}}, row("twin", int64(4)))
}

func measures(t *testing.T, s store.Events) {
	var batch []*event.Event
	for i := 1; i <= 5; i++ {
		batch = append(batch, New(i, day().Add(time.Duration(i)*time.Minute), func(e *event.Event) {
			e.SetUserName([]string{"root", "admin"}[i%2])
			e.SetTrafficBytesOut(int64(i) * 100)
			e.SetDuration(float64(i) / 4)
			if i == 2 {
				e.SetCountField(3)
			}
			if i > 3 {
				e.SetStatus(event.Failure)
			}
		}))
	}
	put(t, s, batch...)
	failed := where("status", query.Eq, event.Failure)
	want(t, s, query.Query{Group: []string{"user.name"}, Measures: []query.Measure{
		{Fn: query.Count},
		{Fn: query.Count, Where: failed, As: "failed"},
		{Fn: query.Count, Field: "status"},
		{Fn: query.Sum, Field: "traffic.bytes_out"},
		{Fn: query.Avg, Field: "traffic.bytes_out"},
		{Fn: query.Min, Field: "duration"},
		{Fn: query.Max, Field: "user.name"},
		{Fn: query.Median, Field: "traffic.bytes_out"},
		{Fn: query.P95, Field: "duration"},
		{Fn: query.First},
		{Fn: query.Last, Where: failed, As: "last_failed"},
		{Fn: query.Distinct, Field: "status"},
	}},
		row("admin", int64(3), int64(1), int64(1), int64(900), 300.0, 0.25, "admin", 300.0, 1.2, day().Add(time.Minute), day().Add(5*time.Minute), int64(1)),
		row("root", int64(4), int64(1), int64(1), int64(600), 300.0, 0.5, "root", 300.0, 0.975, day().Add(2*time.Minute), day().Add(4*time.Minute), int64(1)))
	count := []query.Measure{{Fn: query.Count}, {Fn: query.First}}
	want(t, s, query.Query{Group: []string{"user.name"}, Measures: count, Having: []query.Having{{By: "count", Op: query.Gt, Value: 3.0}}}, row("root", int64(4), day().Add(2*time.Minute)))
	want(t, s, query.Query{Group: []string{"user.name"}, Measures: count, Having: []query.Having{{By: "first", Op: query.Lt, Value: "2026-03-01T00:02:00Z"}}}, row("admin", int64(3), day().Add(time.Minute)))
	want(t, s, query.Query{Measures: count, Having: []query.Having{{By: "count", Op: query.Ne, Value: int64(7)}}})
	res := ask(t, s, query.Query{Group: []string{"traffic.bytes_out"}, Measures: count, Having: []query.Having{{By: "count", Op: query.Eq, Value: int64(1)}}, Limit: 2})
	if len(res.Rows) != 2 || res.Total != 4 {
		t.Errorf("%d rows of %d, want 2 of 4", len(res.Rows), res.Total)
	}
	put(t, s, New(6, day(), func(e *event.Event) { e.SetTrafficBytes(math.MaxInt64); e.SetCountField(math.MaxInt64) }),
		New(7, day(), func(e *event.Event) { e.SetTrafficBytes(math.MaxInt64); e.SetCountField(math.MinInt64) }))
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Count}, {Fn: query.Sum, Field: "traffic.bytes"}}}, row(int64(math.MaxInt64), int64(math.MaxInt64)))
}

func buckets(t *testing.T, s store.Events) {
	put(t, s, New(1, day().Add(59*time.Minute), nil), New(2, day().Add(time.Hour), nil), New(3, day().Add(time.Hour+1), nil),
		New(4, time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), nil), New(5, time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), nil))
	noTime := New(6, day(), nil)
	noTime.Unset(event.SlotTime)
	put(t, s, noTime)
	count := []query.Measure{{Fn: query.Count}}
	want(t, s, query.Query{Bucket: "1h", Measures: count, Time: query.TimeRange{From: day().Add(-time.Hour)}},
		row(day(), int64(1)), row(day().Add(time.Hour), int64(2)))
	want(t, s, query.Query{Bucket: "36500d", Measures: count, Sort: []query.Sort{{By: "time", Desc: true}}},
		row(time.Unix(0, 0).UTC(), int64(3)), row(time.Unix(-36500*24*3600, 0).UTC(), int64(1)), row(query.EarliestTime(), int64(1)), row(nil, int64(1)))
	want(t, s, query.Query{Bucket: "1d", Group: []string{"class_uid"}, Sort: []query.Sort{{By: "time", Desc: true}}, Limit: 1}, row(day(), int64(event.NetworkActivity)))
}

func suspectClocks(t *testing.T, s store.Events) {
	put(t, s, New(1, day(), nil), New(2, day(), func(e *event.Event) { e.SetMetadataClockSuspect(true) }),
		New(3, day(), func(e *event.Event) { e.SetMetadataClockSuspect(false) }))
	count := []query.Measure{{Fn: query.Count}}
	want(t, s, query.Query{Measures: count}, row(int64(3)))
	want(t, s, query.Query{Measures: count, Time: query.TimeRange{From: day()}}, row(int64(2)))
	want(t, s, query.Query{Measures: count, Time: query.TimeRange{To: day().Add(1)}}, row(int64(2)))
	want(t, s, query.Query{Measures: count, Time: query.TimeRange{To: day()}}, row(int64(0)))
	want(t, s, query.Query{Measures: count, Time: query.TimeRange{From: time.Date(1, 1, 1, 1, 0, 0, 0, time.UTC), To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}}, row(int64(2)))
}

func orderAndLimit(t *testing.T, s store.Events) {
	var batch []*event.Event
	for i := range 300 {
		batch = append(batch, New(i, day().Add(time.Duration(i%7)*time.Second), func(e *event.Event) {
			e.SetDstEndpointPort(int64(i % 3))
			if i%2 == 0 {
				e.SetUserName(strings.Repeat("x", i%5))
			}
		}))
	}
	put(t, s, batch...)
	res := ask(t, s, query.Query{Select: []string{"metadata.uid", "time"}})
	if len(res.Rows) != query.DefaultLimit || res.Total != 300 {
		t.Fatalf("%d rows of %d", len(res.Rows), res.Total)
	}
	sorted := slices.IsSortedFunc(res.Rows, func(a, b []any) int {
		if c := b[1].(time.Time).Compare(a[1].(time.Time)); c != 0 {
			return c
		}
		return strings.Compare(a[0].(string), b[0].(string))
	})
	if !sorted {
		t.Error("rows are not newest first, ties by uid")
	}
	res = ask(t, s, query.Query{Select: []string{"user.name", "metadata.uid"}, Sort: []query.Sort{{By: "user.name", Desc: true}, {By: "dst_endpoint.port"}}, Limit: 300})
	if res.Rows[0][0] != "xxxx" || res.Rows[299][0] != nil {
		t.Errorf("missing values must come last: first %v, last %v", res.Rows[0], res.Rows[299])
	}
	want(t, s, query.Query{Group: []string{"dst_endpoint.port"}, Measures: []query.Measure{{Fn: query.Count}}, Sort: []query.Sort{{By: "count", Desc: true}}, Limit: 2},
		row(int64(0), int64(100)), row(int64(1), int64(100)))
}

func defaultColumns(t *testing.T, s store.Events) {
	put(t, s, New(1, day(), nil))
	schema := event.NewSchema()
	for _, class := range append(event.ClassNames(), "") {
		q := query.Query{Classes: []string{class}}
		if class == "" {
			q.Classes = nil
		}
		if diff := cmp.Diff(query.DefaultSelect(q.Classes), ask(t, s, q).Columns); diff != "" {
			t.Error(diff)
		}
		for _, name := range query.DefaultSelect(q.Classes) {
			if f, ok := schema.Lookup(name); !ok || f.Name != name {
				t.Errorf("%s: the default column %q is not in the schema", class, name)
			}
		}
	}
}

// hostile are texts that break quoting, paths, patterns and encodings.
func hostile() []string {
	return []string{
		`'; DROP TABLE events; --`, `" OR 1=1 --`, `x" AS y, (SELECT 1) AS "z`, `\`, `\'`, `%`, `_`, `$`, `$.a`, `$1`, `?`, `:a`, `/`, `~`, `~1`, `a/b`, `*`, `**`, `[0]`, `0`,
		"\x00", "a\x00b", "\xff\xfe", "é\u0301", "\u202e", "\n\r\t", `{"a":"b"}`, `null`, "c0", "e", "m", "%s", "%!s(MISSING)", "'' || ''", "🦊", strings.Repeat("x", 100000),
	}
}

func hostileText(t *testing.T, s store.Events) {
	var batch []*event.Event
	for i, h := range hostile() {
		batch = append(batch, New(i+1, day(), func(e *event.Event) {
			e.SetMessage(h)
			e.SetTLSCipher(h)
			e.SetAnswers([]string{h, "other"})
			e.SetExtra(h, h)
			e.SetExtra("k", h)
		}))
	}
	put(t, s, batch...)
	for i, h := range hostile() {
		only := []query.Expr{*where("metadata.uid", query.Eq, batch[i].MetadataUID())}
		for _, field := range []string{"message", "tls.cipher", "answers", h, "k"} {
			for _, op := range []query.Op{query.Eq, query.Contains, query.StartsWith, query.EndsWith, query.In} {
				var v any = h
				if op == query.In {
					v = []any{"no", h}
				}
				q := query.Query{Where: &query.Expr{And: append(only, *where(field, op, v))}, Select: []string{"message"}}
				if res := ask(t, s, q); len(res.Rows) != 1 || res.Rows[0][0] != query.Clean(h) {
					t.Errorf("%.40q %s %.40q: %.100q", field, op, h, res.Rows)
				}
			}
		}
		res := ask(t, s, query.Query{Group: []string{h}, Measures: []query.Measure{{Fn: query.Count, As: h + " "}, {Fn: query.Distinct, Field: h, As: h + "\"'"}}, Sort: []query.Sort{{By: query.Clean(h + " ")}}, Having: []query.Having{{By: query.Clean(h + " "), Op: query.Gt, Value: int64(0)}}})
		if len(res.Rows) != 2 || res.Rows[0][0] != query.Clean(h) || res.Columns[1] != query.Clean(h+" ") {
			t.Errorf("grouping by %.40q: %.200q", h, res.Rows)
		}
	}
	if got := ask(t, s, query.Query{Measures: []query.Measure{{Fn: query.Count}}}); got.Rows[0][0] != int64(len(batch)) {
		t.Errorf("after hostile queries %v events are left", got.Rows)
	}
}

func refusedQueries(t *testing.T, s store.Events) {
	put(t, s, New(1, day(), nil))
	deep := where("message", query.Eq, "x")
	for range 1000 {
		deep = not(deep)
	}
	count := []query.Measure{{Fn: query.Count}}
	for name, q := range map[string]query.Query{
		"from":             {From: "users; DROP TABLE events"},
		"class":            {Classes: []string{"nope"}},
		"unresolved last":  {Time: query.TimeRange{Last: "24h"}},
		"limit":            {Limit: query.MaxLimit + 1},
		"negative limit":   {Limit: -1},
		"device field":     {From: "devices", Select: []string{"uid; --"}},
		"device class":     {From: "devices", Classes: []string{"network_activity"}},
		"device bucket":    {From: "devices", Bucket: "1h", Measures: count},
		"device first":     {From: "devices", Measures: []query.Measure{{Fn: query.First}}},
		"bucket":           {Bucket: "1; DROP", Measures: count},
		"fn":               {Measures: []query.Measure{{Fn: "evil("}}},
		"no field":         {Measures: []query.Measure{{Fn: query.Sum}}},
		"sum of text":      {Measures: []query.Measure{{Fn: query.Sum, Field: "message"}}},
		"min of list":      {Measures: []query.Measure{{Fn: query.Min, Field: "answers"}}},
		"select and group": {Select: []string{"time"}, Measures: count},
		"twice":            {Select: []string{"time", "time"}},
		"two lists":        {Group: []string{"answers", "email.to"}},
		"sort":             {Group: []string{"status"}, Sort: []query.Sort{{By: "c0; DROP"}}},
		"having field":     {Measures: count, Having: []query.Having{{By: "nope", Op: query.Gt, Value: 1.0}}},
		"having op":        {Measures: count, Having: []query.Having{{By: "count", Op: "> 0 OR", Value: 1.0}}},
		"having value":     {Measures: count, Having: []query.Having{{By: "count", Op: query.Gt, Value: "1 OR 1"}}},
		"having in rows":   {Having: []query.Having{{By: "count", Op: query.Gt, Value: 1.0}}},
		"op":               {Where: where("message", "LIKE", "x")},
		"kind":             {Where: where("dst_endpoint.port", query.Eq, "x")},
		"nil value":        {Where: where("message", query.Eq, nil)},
		"odd value":        {Where: where("message", query.Eq, struct{}{})},
		"NaN":              {Where: where("duration", query.Gt, math.NaN())},
		"order of bool":    {Where: where("ics.write", query.Lt, true)},
		"order of list":    {Where: where("answers", query.Lt, "x")},
		"part of number":   {Where: where("dst_endpoint.port", query.Contains, "5")},
		"cidr":             {Where: where("src_endpoint.ip", query.CIDR, "10.0.0.0/99")},
		"cidr of text":     {Where: where("message", query.CIDR, "10.0.0.0/8")},
		"cidr of document": {Where: where("dhcp.assigned_ip", query.CIDR, "10.0.0.0/8")},
		"address":          {Where: where("src_endpoint.ip", query.Eq, "printer")},
		"empty in":         {Where: where("message", query.In, []any{})},
		"in no list":       {Where: where("message", query.In, "x")},
		"exists value":     {Where: where("message", query.Exists, false)},
		"empty condition":  {Where: &query.Expr{}},
		"two forms":        {Where: &query.Expr{Field: "message", Op: query.Exists, Not: deep}},
		"empty and":        {Where: &query.Expr{And: []query.Expr{}}},
		"empty name":       {Select: []string{""}},
		"deep":             {Where: deep},
	} {
		_, err := s.Query(context.Background(), q)
		if kind := fault.KindOf(err); err == nil || kind != fault.Invalid && kind != fault.Limited {
			t.Errorf("%s: %v (%v)", name, err, kind)
		}
	}
}

func cancelled(t *testing.T, s store.Events) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	put(t, s, New(1, day(), nil))
	if _, err := s.Query(ctx, query.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Query = %v", err)
	}
	if _, err := s.Append(ctx, []*event.Event{New(2, day(), nil)}); !errors.Is(err, context.Canceled) {
		t.Errorf("Append = %v", err)
	}
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Count}}}, row(int64(1)))
}

func closedStore(t *testing.T, s store.Events) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, appended := s.Append(context.Background(), []*event.Event{New(1, day(), nil)})
	_, asked := s.Query(context.Background(), query.Query{})
	_, bounded := s.Bounds(context.Background())
	_, known := s.Known(context.Background(), []*event.Event{New(1, day(), nil)})
	for _, err := range []error{appended, asked, bounded, known, s.PutDevices(context.Background(), []store.Device{{UID: "x"}})} {
		if fault.KindOf(err) != fault.Unavailable || err == nil {
			t.Errorf("after Close: %v", err)
		}
	}
}
