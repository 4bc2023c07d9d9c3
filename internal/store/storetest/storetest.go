// Package storetest is the conformance suite of the store: what every engine
// of events and of records must do. An engine's tests call [Run] and [Random],
// or [RunRecords], with a function that opens an empty store.
//
// It must not know any engine but the in-memory one, which is the reference.
package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
)

// Open opens an empty store; the suite closes it.
type Open func(t testing.TB) store.Events

// day is the day that the suite's events happen on.
func day() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }

// Run runs the fixed cases on an engine.
func Run(t *testing.T, open Open) {
	t.Helper()
	cases := []struct {
		name string
		run  func(*testing.T, store.Events)
	}{
		{"empty store", emptyStore},
		{"duplicates", duplicates},
		{"batch is all or none", allOrNone},
		{"loads", loads},
		{"forgotten loads", forgottenLoads},
		{"load of a closed store", closedLoad},
		{"bounds", bounds},
		{"missing values", missingValues},
		{"addresses", addresses},
		{"lists", lists},
		{"extras", extras},
		{"addresses or names", either},
		{"case", ignoresCase},
		{"devices", devices},
		{"measures", measures},
		{"derived measures", derived},
		{"sequences", sequences},
		{"buckets", buckets},
		{"suspect clocks", suspectClocks},
		{"order and limit", orderAndLimit},
		{"default columns", defaultColumns},
		{"hostile text", hostileText},
		{"refused queries", refusedQueries},
		{"cancelled", cancelled},
		{"closed", closedStore},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			c.run(t, s)
		})
	}
}

// New makes an event with a time, a uid and then what set does.
func New(n int, at time.Time, set func(*event.Event)) *event.Event {
	e := &event.Event{}
	e.SetMetadataUID(fmt.Sprintf("%032x", n))
	e.SetTimeField(at)
	e.SetClassUID(int64(event.NetworkActivity))
	if set != nil {
		set(e)
	}
	return e
}

func put(t testing.TB, s store.Events, batch ...*event.Event) store.Appended {
	t.Helper()
	done, err := s.Append(context.Background(), batch)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return done
}

func ask(t testing.TB, s store.Events, q query.Query) *store.Result {
	t.Helper()
	res, err := s.Query(context.Background(), q)
	if err != nil {
		t.Fatalf("Query: %v", err)
	}
	return res
}

// want runs a query and compares the rows.
func want(t testing.TB, s store.Events, q query.Query, rows ...[]any) {
	t.Helper()
	if rows == nil {
		rows = [][]any{}
	}
	if diff := cmp.Diff(rows, ask(t, s, q).Rows, approx()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// approx lets engines add up fractions in another order.
func approx() cmp.Option { return cmpopts.EquateApprox(1e-9, 1e-9) }

func row(cells ...any) []any { return cells }

func where(field string, op query.Op, v any) *query.Expr {
	return &query.Expr{Field: field, Op: op, Value: v}
}

func not(e *query.Expr) *query.Expr { return &query.Expr{Not: e} }

// uids asks which of the events hold a condition, by the number given to New.
func uids(t testing.TB, s store.Events, e *query.Expr) string {
	t.Helper()
	res := ask(t, s, query.Query{Where: e, Select: []string{"metadata.uid"}, Sort: []query.Sort{{By: "metadata.uid"}}, Limit: query.MaxLimit})
	var out strings.Builder
	for _, r := range res.Rows {
		var n int
		if _, err := fmt.Sscanf(r[0].(string), "%x", &n); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(&out, n, " ")
	}
	return out.String()
}

func holds(t testing.TB, s store.Events, e *query.Expr, wanted string) {
	t.Helper()
	if got := uids(t, s, e); got != wanted {
		t.Errorf("%+v holds for %q, want %q", *e, got, wanted)
	}
}

func emptyStore(t *testing.T, s store.Events) {
	want(t, s, query.Query{})
	want(t, s, query.Query{Group: []string{"status"}, Measures: []query.Measure{{Fn: query.Count}}})
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Count}, {Fn: query.Sum, Field: "duration"}, {Fn: query.Distinct, Field: "answers"}, {Fn: query.Last}}},
		row(int64(0), nil, int64(0), nil))
	want(t, s, query.Query{From: "devices"})
	b, err := s.Bounds(context.Background())
	if err != nil || !cmp.Equal(b, store.Bounds{}, cmpopts.EquateEmpty()) {
		t.Errorf("Bounds = %+v, %v", b, err)
	}
}

func duplicates(t *testing.T, s store.Events) {
	a, b, c := New(1, day(), nil), New(2, day().Add(time.Hour), nil), New(3, day().Add(-48*time.Hour), nil)
	noTime := New(4, time.Time{}, nil)
	noTime.Unset(event.SlotTime)
	suspect := New(5, day().AddDate(-30, 0, 0), func(e *event.Event) { e.SetMetadataClockSuspect(true) })
	all := []*event.Event{a, b, c, noTime, suspect}
	wantKnown(t, s, all)
	if got := put(t, s, a, b, a, noTime, suspect); got != (store.Appended{Stored: 4, Duplicates: 1}) {
		t.Errorf("first batch: %+v", got)
	}
	wantKnown(t, s, all, a, b, noTime, suspect)
	wantKnown(t, s, []*event.Event{New(6, day().Add(2*time.Hour), nil), c})
	if got := put(t, s, b, c, noTime, suspect); got != (store.Appended{Stored: 1, Duplicates: 3}) {
		t.Errorf("second batch: %+v", got)
	}
	if got := put(t, s, c, a); got != (store.Appended{Duplicates: 2}) {
		t.Errorf("third batch: %+v", got)
	}
	if got := put(t, s); got != (store.Appended{}) {
		t.Errorf("empty batch: %+v", got)
	}
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Count}}}, row(int64(5)))
}

// wantKnown asks which of the events are stored.
func wantKnown(t testing.TB, s store.Events, batch []*event.Event, stored ...*event.Event) {
	t.Helper()
	got, err := s.Known(context.Background(), batch)
	if err != nil {
		t.Fatalf("Known: %v", err)
	}
	want := map[string]bool{}
	for _, e := range stored {
		want[e.MetadataUID()] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
}

func allOrNone(t *testing.T, s store.Events) {
	for _, bad := range []*event.Event{nil, {}} {
		_, err := s.Append(context.Background(), []*event.Event{New(1, day(), nil), bad})
		if fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("Append = %v", err)
		}
	}
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Count}}}, row(int64(0)))
	e := New(1, day(), func(e *event.Event) { e.SetMessage("before") })
	put(t, s, e)
	e.Reset() // the store keeps no reference
	want(t, s, query.Query{Select: []string{"message"}}, row("before"))
}

func bounds(t *testing.T, s store.Events) {
	put(t, s,
		New(1, day(), func(e *event.Event) { e.SetExtra("b", "1"); e.SetExtra("a", "1") }),
		New(2, day().Add(time.Hour), func(e *event.Event) { e.SetExtra("b", "1"); e.SetExtra("c", "1") }),
		New(3, day().AddDate(100, 0, 0), func(e *event.Event) { e.SetMetadataClockSuspect(true) }))
	put(t, s, New(1, day(), func(e *event.Event) { e.SetExtra("a", "1"); e.SetExtra("c", "1") }),
		New(4, day().Add(time.Minute+1), func(e *event.Event) { e.SetExtra("b", "1"); e.SetExtra("message", "1") }))
	got, err := s.Bounds(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	expect := store.Bounds{Events: 4, Suspect: 1, Oldest: day(), Newest: day().Add(time.Hour), Extras: []string{"b", "a", "c", "unmapped.message"}}
	if diff := cmp.Diff(expect, got); diff != "" {
		t.Error(diff)
	}
}

func missingValues(t *testing.T, s store.Events) {
	put(t, s,
		New(1, day(), func(e *event.Event) {
			e.SetConnectionInfoProtocolName("tcp")
			e.SetDstEndpointPort(502)
			e.SetICSWrite(true)
		}),
		New(2, day(), func(e *event.Event) { e.SetConnectionInfoProtocolName("udp"); e.SetICSWrite(false) }),
		New(3, day(), nil))
	holds(t, s, where("connection_info.protocol_name", query.Eq, "tcp"), "1 ")
	holds(t, s, where("connection_info.protocol_name", query.Ne, "tcp"), "2 ")
	holds(t, s, not(where("connection_info.protocol_name", query.Eq, "tcp")), "2 3 ")
	holds(t, s, not(not(where("connection_info.protocol_name", query.Eq, "tcp"))), "1 ")
	holds(t, s, where("dst_endpoint.port", query.Exists, nil), "1 ")
	holds(t, s, not(where("dst_endpoint.port", query.Exists, nil)), "2 3 ")
	holds(t, s, where("dst_endpoint.port", query.Lt, int64(1024)), "1 ")
	holds(t, s, where("dst_endpoint.port", query.In, []any{int64(80), int64(502)}), "1 ")
	holds(t, s, where("dst_endpoint.port", query.Gt, 501.5), "1 ")
	holds(t, s, not(where("dst_endpoint.port", query.In, []any{int64(80), int64(502)})), "2 3 ")
	holds(t, s, where("ics.write", query.Eq, false), "2 ")
	holds(t, s, where("ics.write", query.Ne, false), "1 ")
	both := &query.Expr{Or: []query.Expr{*where("ics.write", query.Eq, true), *not(where("dst_endpoint.port", query.Eq, int64(502)))}}
	holds(t, s, both, "1 2 3 ")
	holds(t, s, not(both), "")
	holds(t, s, &query.Expr{And: []query.Expr{*both, *where("time", query.Ge, day())}}, "1 2 3 ")
	want(t, s, query.Query{Group: []string{"ics.write"}, Measures: []query.Measure{{Fn: query.Count}}},
		row(false, int64(1)), row(true, int64(1)), row(nil, int64(1)))
}

func addresses(t *testing.T, s store.Events) {
	list := []string{"10.0.0.9", "10.0.0.10", "10.1.0.1", "2001:db8::1", "::1", "fe80::1", "192.168.1.255"}
	var batch []*event.Event
	for i, a := range list {
		batch = append(batch, New(i+1, day(), func(e *event.Event) { e.SetSrcEndpointIP(a) }))
	}
	put(t, s, append(batch, New(8, day(), func(e *event.Event) { e.SetStr(event.SlotSrcEndpointIP, "printer") }))...)
	for _, c := range []struct {
		op    query.Op
		value any
		want  string
	}{
		{query.CIDR, "10.0.0.0/24", "1 2 "},
		{query.CIDR, "10.0.0.0/8", "1 2 3 "},
		{query.CIDR, "0.0.0.0/0", "1 2 3 7 "},
		{query.CIDR, "2001:db8::/32", "4 "},
		{query.CIDR, "::/0", "4 5 6 "},
		{query.CIDR, "::/64", "5 "},
		{query.CIDR, "fe80::/10", "6 "},
		{query.CIDR, "10.0.0.10/32", "2 "},
		{query.CIDR, "::1/128", "5 "},
		{query.CIDR, "::ffff:10.0.0.0/120", "1 2 "},
		{query.Lt, "10.0.0.10", "1 5 "},
		{query.Ge, "10.1.0.1", "3 4 6 7 "},
		{query.Le, "10.0.0.9", "1 5 "},
		{query.Gt, "2001:db8::", "4 6 "},
		{query.Eq, "2001:DB8:0::1", "4 "},
		{query.Ne, "::1", "1 2 3 4 6 7 "},
		{query.In, []any{"::1", "10.0.0.9"}, "1 5 "},
		{query.Contains, "DB8", "4 "},
	} {
		holds(t, s, where("src_endpoint.ip", c.op, c.value), c.want)
	}
	holds(t, s, where("unmapped.src_endpoint.ip", query.Eq, "printer"), "8 ")
	holds(t, s, not(where("src_endpoint.ip", query.Exists, nil)), "8 ")
	want(t, s, query.Query{Group: []string{"src_endpoint.ip"}, Sort: []query.Sort{{By: "src_endpoint.ip", Desc: true}}, Limit: 4},
		row("fe80::1"), row("2001:db8::1"), row("192.168.1.255"), row("10.1.0.1"))
	want(t, s, query.Query{Select: []string{"src_endpoint.ip"}, Sort: []query.Sort{{By: "src_endpoint.ip"}}, Limit: 3}, row("::1"), row("10.0.0.9"), row("10.0.0.10"))
}

func lists(t *testing.T, s store.Events) {
	put(t, s,
		New(1, day(), func(e *event.Event) {
			e.SetAnswers([]string{"a.Example", "b", "b"})
			e.SetDHCPMessageType([]string{"DISCOVER", "x\"y"})
		}),
		New(2, day(), func(e *event.Event) { e.SetAnswers([]string{"b", "c"}); e.SetCountField(5) }),
		New(3, day(), nil))
	for _, c := range []struct {
		field string
		op    query.Op
		value any
		want  string
	}{
		{"answers", query.Eq, "b", "1 2 "},
		{"answers", query.Ne, "c", "1 "},
		{"answers", query.Contains, "EXAM", "1 "},
		{"answers", query.StartsWith, "A.", "1 "},
		{"answers", query.EndsWith, "ple", "1 "},
		{"answers", query.In, []any{"c", "z"}, "2 "},
		{"answers", query.Exists, nil, "1 2 "},
		{"dhcp.message_type", query.Eq, "x\"y", "1 "},
		{"dhcp.message_type", query.Contains, "disc", "1 "},
		{"dhcp.message_type", query.Exists, nil, "1 "},
	} {
		holds(t, s, where(c.field, c.op, c.value), c.want)
	}
	holds(t, s, not(where("answers", query.Eq, "c")), "1 3 ")
	want(t, s, query.Query{Group: []string{"answers"}, Measures: []query.Measure{{Fn: query.Count}}},
		row("a.Example", int64(1)), row("b", int64(6)), row("c", int64(5)), row(nil, int64(1)))
	want(t, s, query.Query{Group: []string{"dhcp.message_type"}, Measures: []query.Measure{{Fn: query.Count}}},
		row("DISCOVER", int64(1)), row("x\"y", int64(1)), row(nil, int64(6)))
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Distinct, Field: "answers"}, {Fn: query.Distinct, Field: "dhcp.message_type"}}}, row(int64(3), int64(2)))
	want(t, s, query.Query{Select: []string{"answers", "dhcp.message_type"}, Sort: []query.Sort{{By: "answers", Desc: true}}},
		row([]string{"b", "c"}, nil), row([]string{"a.Example", "b", "b"}, []string{"DISCOVER", "x\"y"}), row(nil, nil))
}

func extras(t *testing.T, s store.Events) {
	put(t, s,
		New(1, day(), func(e *event.Event) { e.SetExtra("missed_bytes", "100"); e.SetExtra("message", "taken") }),
		New(2, day(), func(e *event.Event) { e.SetExtra("missed_bytes", "9"); e.SetMessage("own") }),
		New(3, day(), func(e *event.Event) { e.SetExtra("missed_bytes", "0x10"); e.SetExtra("seen", "true") }),
		New(4, day(), func(e *event.Event) { e.SetExtra("missed_bytes", "1e400"); e.SetTLSCipher("AES") }))
	holds(t, s, where("missed_bytes", query.Gt, int64(9)), "1 ")
	holds(t, s, where("missed_bytes", query.Ge, 8.5), "1 2 ")
	holds(t, s, where("missed_bytes", query.Eq, "9"), "2 ")
	holds(t, s, where("missed_bytes", query.Gt, "1"), "1 2 4 ")
	holds(t, s, where("missed_bytes", query.In, []any{"0x10", int64(100)}), "1 3 ")
	holds(t, s, where("seen", query.Eq, true), "3 ")
	holds(t, s, where("unmapped.message", query.Eq, "taken"), "1 ")
	holds(t, s, where("message", query.Exists, nil), "2 ")
	holds(t, s, where("tls.cipher", query.Eq, "AES"), "4 ")
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Sum, Field: "missed_bytes"}, {Fn: query.Max, Field: "missed_bytes"}, {Fn: query.Distinct, Field: "missed_bytes"}}},
		row(109.0, 100.0, int64(4)))
}

func either(t *testing.T, s store.Events) {
	const host = "src_endpoint.host"
	put(t, s,
		New(1, day(), func(e *event.Event) { e.SetSrcEndpointIP("10.0.0.1"); e.SetSrcEndpointHostname("a.example") }),
		New(2, day(), func(e *event.Event) { e.SetSrcEndpointIP("10.0.0.1") }),
		New(3, day(), func(e *event.Event) { e.SetSrcEndpointHostname("b.example"); e.SetDstEndpointHostname("c.example") }),
		New(4, day(), func(e *event.Event) { e.SetMessage("neither") }))
	want(t, s, query.Query{Group: []string{host}, Measures: []query.Measure{{Fn: query.Count}}},
		row("10.0.0.1", int64(2)), row("b.example", int64(1)), row(nil, int64(1)))
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Distinct, Field: host}, {Fn: query.Distinct, Field: "dst_endpoint.host"}}}, row(int64(2), int64(1)))
	holds(t, s, where(host, query.Eq, "10.0.0.1"), "1 2 ")
	holds(t, s, where(host, query.Eq, "a.example"), "")
	holds(t, s, where(host, query.EndsWith, ".EXAMPLE"), "3 ")
	holds(t, s, where(host, query.Exists, nil), "1 2 3 ")
	holds(t, s, where("dst_endpoint.host", query.Eq, "c.example"), "3 ")
	want(t, s, query.Query{Select: []string{host}, Sort: []query.Sort{{By: host, Desc: true}}, Limit: 1}, row("b.example"))
}

func ignoresCase(t *testing.T, s store.Events) {
	put(t, s,
		New(1, day(), func(e *event.Event) { e.SetMessage("Failed PASSWORD für Jörg") }),
		New(2, day(), func(e *event.Event) { e.SetMessage("failed password FÜR JÖRG 100%_") }))
	holds(t, s, where("message", query.Contains, "password f"), "1 2 ")
	holds(t, s, where("message", query.StartsWith, "FAILED"), "1 2 ")
	holds(t, s, where("message", query.EndsWith, "JÖRG"), "1 ")
	holds(t, s, where("message", query.Contains, "0%_"), "2 ")
	holds(t, s, where("message", query.Contains, "%"), "2 ")
	holds(t, s, where("message", query.Eq, "failed password für jörg"), "")
}
