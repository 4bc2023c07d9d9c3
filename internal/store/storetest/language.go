package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
)

// derived holds measures that are computed of others.
func derived(t *testing.T, s store.Events) {
	var batch []*event.Event
	for i := range 10 {
		batch = append(batch, New(i, day().Add(time.Duration(i)*time.Hour), func(e *event.Event) {
			e.SetUserName([]string{"root", "admin", "guest"}[min(i/4, 2)])
			e.SetTrafficBytes(int64(i) * 100)
			if i%2 == 0 {
				e.SetStatus(event.Failure)
			}
		}))
	}
	put(t, s, batch...)
	failed := query.Measure{Fn: query.Count, Where: where("status", query.Eq, event.Failure), As: "failed"}
	all := query.Measure{Fn: query.Count}
	of := func(fn query.Fn, names ...string) query.Measure { return query.Measure{Fn: fn, Of: names} }
	q := query.Query{Group: []string{"user.name"}, Measures: []query.Measure{failed, all, of(query.Ratio, "failed", "count"), of(query.Share, "count"), of(query.Diff, "count", "failed"), of(query.Change, "failed", "count")}}
	want(t, s, q,
		row("admin", int64(2), int64(4), 0.5, 0.4, 2.0, -0.5),
		row("guest", int64(1), int64(2), 0.5, 0.2, 1.0, -0.5),
		row("root", int64(2), int64(4), 0.5, 0.4, 2.0, -0.5))
	q.Having = []query.Having{{By: "share(count)", Op: query.Gt, Value: 0.3}} // the share is of all groups, kept or not
	q.Sort = []query.Sort{{By: "share(count)"}, {By: "user.name", Desc: true}}
	want(t, s, q, row("root", int64(2), int64(4), 0.5, 0.4, 2.0, -0.5), row("admin", int64(2), int64(4), 0.5, 0.4, 2.0, -0.5))
	over := query.Query{Group: []string{"user.name"}, Measures: []query.Measure{all, of("median_of", "count"), of("p50_of", "count"), of("min_of", "count"), of("max_of", "count"), of("avg_of", "count")}, Sort: []query.Sort{{By: "user.name"}}, Limit: 1}
	over.Having = []query.Having{{By: "count", Op: query.Gt, Value: 2.0}} // over all groups, kept or not
	want(t, s, over, row("admin", int64(4), 4.0, 4.0, 2.0, 4.0, 10.0/3))
	want(t, s, query.Query{Measures: []query.Measure{{Fn: "p90", Field: "traffic.bytes"}, {Fn: "p99.9", Field: "traffic.bytes"}, {Fn: query.Median, Field: "traffic.bytes"}}}, row(810.0, 899.1, 450.0))
	want(t, s, query.Query{Measures: []query.Measure{{Fn: query.Days}, {Fn: query.Days, Where: where("status", query.Eq, "never"), As: "none"}}}, row(int64(1), int64(0)))
	none := query.Measure{Fn: query.Count, Where: where("status", query.Eq, "never"), As: "none"}
	want(t, s, query.Query{Measures: []query.Measure{failed, none, of(query.Ratio, "failed", "none"), of(query.Change, "none", "failed"), of(query.Diff, "none", "failed")}},
		row(int64(5), int64(0), nil, -1.0, -5.0))
	now := day().Add(10 * time.Hour)
	q, err := query.Query{Time: query.TimeRange{Last: "4h"}, Compare: query.Previous, Group: []string{"user.name"}, Measures: []query.Measure{all}}.Resolve(now)
	if err != nil {
		t.Fatal(err)
	}
	want(t, s, q, row("admin", int64(2), int64(2), 0.0, 0.0), row("guest", int64(2), int64(0), 2.0, nil), row("root", int64(0), int64(2), -2.0, -1.0))
	for _, bad := range []query.Measure{of(query.Ratio, "count"), of(query.Ratio, "count", "later"), of(query.Share), {Fn: query.Ratio, Field: "duration"}, {Fn: "p100", Field: "duration"}, {Fn: "p0", Field: "duration"}} {
		_, err := s.Query(context.Background(), query.Query{Measures: []query.Measure{all, bad}})
		if err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// sequences holds events that follow each other.
func sequences(t *testing.T, s store.Events) {
	at := func(minutes float64) time.Time { return day().Add(time.Duration(minutes * float64(time.Minute))) }
	login := func(n int, minute float64, src, dst, status string) *event.Event {
		return New(n, at(minute), func(e *event.Event) {
			e.SetClassUID(int64(event.Authentication))
			e.SetSrcEndpointIP(src)
			e.SetDstEndpointIP(dst)
			e.SetStatus(status)
		})
	}
	write := func(n int, minute float64, src string) *event.Event {
		return New(n, at(minute), func(e *event.Event) { e.SetSrcEndpointIP(src); e.SetICSWrite(true) })
	}
	suspect := write(20, 2.5, "10.0.0.1")
	suspect.SetMetadataClockSuspect(true)
	put(t, s,
		login(1, 0, "10.0.0.1", "10.0.0.9", event.Failure), login(2, 1, "10.0.0.1", "10.0.0.9", event.Failure), login(3, 2, "10.0.0.1", "10.0.0.9", event.Failure),
		write(4, 4, "10.0.0.1"), write(5, 4.5, "10.0.0.1"),
		login(6, 10, "10.0.0.2", "10.0.0.8", event.Failure), write(7, 16, "10.0.0.2"), // too late
		login(8, 20, "10.0.0.3", "10.0.0.2", event.Success), write(9, 21, "10.0.0.2"), // from the host that was logged in to
		login(10, 30, "10.0.0.4", "10.0.0.9", event.Failure), write(11, 30, "10.0.0.4"), // at the same time is not after
		suspect)
	failed := query.Step{Classes: []string{"authentication"}, Where: where("status", query.Eq, event.Failure)}
	wrote := query.Step{Where: where("ics.write", query.Eq, true)}
	seq := func(within string, by string, steps ...query.Step) query.Query {
		return query.Query{Sequence: &query.Sequence{By: []string{by}, Within: within, Steps: steps}}
	}
	uid := func(n int) string { return fmt.Sprintf("%032x", n) }
	q := seq("5m", "src_endpoint.ip", failed, wrote)
	if got := ask(t, s, q); fmt.Sprint(got.Columns) != "[src_endpoint.ip count step1.time step1.uid step2.time step2.uid]" || got.Total != 2 {
		t.Errorf("columns %v, total %d", got.Columns, got.Total)
	}
	want(t, s, q, row("10.0.0.1", int64(3), at(2), uid(3), at(4.5), uid(5)), row("10.0.0.1", int64(3), at(2), uid(3), at(4), uid(4)))
	want(t, s, seq("3m", "src_endpoint.ip", failed, wrote), row("10.0.0.1", int64(1), at(2), uid(3), at(4.5), uid(5)), row("10.0.0.1", int64(2), at(2), uid(3), at(4), uid(4)))
	want(t, s, seq("1h", "src_endpoint.ip", failed, wrote), row("10.0.0.2", int64(1), at(10), uid(6), at(21), uid(9)), row("10.0.0.2", int64(1), at(10), uid(6), at(16), uid(7)),
		row("10.0.0.1", int64(3), at(2), uid(3), at(4.5), uid(5)), row("10.0.0.1", int64(3), at(2), uid(3), at(4), uid(4)))
	want(t, s, seq("3m", "src_endpoint.ip", failed, failed, wrote), row("10.0.0.1", int64(1), at(1), uid(2), at(2), uid(3), at(4), uid(4)))
	counted := seq("1h", "src_endpoint.ip", failed, wrote)
	counted.Measures = []query.Measure{{Fn: query.Count}}
	want(t, s, counted, row(int64(4)))
	counted.Group = []string{"src_endpoint.ip"}
	want(t, s, counted, row("10.0.0.1", int64(2)), row("10.0.0.2", int64(2)))
	in := query.Step{Classes: []string{"authentication"}, Where: where("status", query.Eq, event.Success), By: []string{"dst_endpoint.ip"}}
	want(t, s, seq("5m", "src_endpoint.ip", in, wrote), row("10.0.0.2", int64(1), at(20), uid(8), at(21), uid(9)))
	no := wrote
	no.Not = true
	want(t, s, seq("5m", "src_endpoint.ip", failed, no), row("10.0.0.4", int64(1), at(30), uid(10)), row("10.0.0.2", int64(1), at(10), uid(6)))
	until := seq("5m", "src_endpoint.ip", failed, no)
	until.Time.To = at(33) // the one at 30 is too young to tell
	want(t, s, until, row("10.0.0.2", int64(1), at(10), uid(6)))
	limited := seq("1h", "src_endpoint.ip", failed, wrote)
	limited.Limit = 1
	if got := ask(t, s, limited); len(got.Rows) != 1 || got.Total != 4 {
		t.Errorf("%d rows of %d, want 1 of 4", len(got.Rows), got.Total)
	}
	want(t, s, seq("1h", "device.name", failed, wrote)) // no event has one
	for _, bad := range []query.Query{seq("5m", "src_endpoint.ip", failed), seq("5m", "answers", failed, wrote), seq("5x", "src_endpoint.ip", failed, wrote), seq("5m", "src_endpoint.ip", no, wrote), seq("99d", "src_endpoint.ip", failed, wrote)} {
		if _, err := s.Query(context.Background(), bad); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// randomDerived adds measures that are computed of the drawn ones.
func randomDerived(t *rapid.T, q *query.Query) {
	var numbers []string
	for _, m := range q.Measures {
		if m.Fn == query.Count || m.Fn == query.Distinct {
			numbers = append(numbers, m.As)
		}
	}
	if len(numbers) == 0 || rapid.IntRange(0, 2).Draw(t, "derived") > 0 {
		return
	}
	fn := rapid.SampledFrom([]query.Fn{query.Ratio, query.Diff, query.Change, query.Share, "median_of", "avg_of", "min_of", "max_of", "p90_of"}).Draw(t, "derivation")
	n, _ := fn.Derived()
	of := rapid.SliceOfN(rapid.SampledFrom(numbers), n, n).Draw(t, "of")
	q.Measures = append(q.Measures, query.Measure{Fn: fn, Of: of, As: "derived"})
}

// randomSequence is a query for a sequence in one of three.
func randomSequence(t *rapid.T, q query.Query) query.Query {
	if q.From != "" || rapid.IntRange(0, 2).Draw(t, "sequence") > 0 {
		return q
	}
	fields := fieldsOf(false)
	seq := &query.Sequence{Within: rapid.SampledFrom([]string{"3h", "9h", "1d", "5d"}).Draw(t, "within")}
	by := func() string {
		return rapid.SampledFrom([]string{"src_endpoint.ip", "dst_endpoint.ip", "user.name", "device.type", "dst_endpoint.port"}).Draw(t, "by")
	}
	seq.By = []string{by()}
	steps := rapid.IntRange(2, 3).Draw(t, "steps")
	for i := range steps {
		var step query.Step
		if rapid.Bool().Draw(t, "conditioned") {
			e := randomExpr(t, fields, 2)
			step.Where = &e
		}
		if rapid.IntRange(0, 3).Draw(t, "own key") == 0 {
			step.By = []string{by()}
		}
		step.Not = i == steps-1 && rapid.IntRange(0, 2).Draw(t, "not") == 0
		seq.Steps = append(seq.Steps, step)
	}
	out := query.Query{Time: q.Time, Limit: q.Limit, Sequence: seq}
	switch rapid.IntRange(0, 4).Draw(t, "counted") {
	case 0:
		out.Measures = []query.Measure{{Fn: query.Count}}
	case 1:
		out.Measures, out.Group = []query.Measure{{Fn: query.Count}}, seq.By
	}
	return out
}
