package toolbox

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"vedette/internal/query"
)

// UnusualColumns are the columns of [Box.Unusual].
var unusualColumns = []string{
	"src_endpoint.ip", "src_endpoint.name", "src_endpoint.type", "score", "reasons",
	"new_peers", "new_ports", "peers", "failed", "events", "bytes_out",
}

// behaviour is what one source did in the asked time and before it.
type behaviour struct {
	ip, name, kind             string
	now, past                  activity
	newPeers, newPorts         int
	peerNames, portNames       []string
	score                      float64
	reasons                    []string
	typicalPeers, typicalBytes float64 // medians over sources of the same type
	hasPast, typeKnown         bool
	anomaly                    float64 // highest anomaly.score of its events in the asked time
	anomalyReasons             []string
}

type activity struct {
	events, failed, peers int64
	bytes                 float64
}

// Unusual ranks the sources of the events that q selects in its time range by
// what was learnt of them when their events passed (anomaly.score, see package
// detect/behave) and by what the store can compute: peers and ports seen for
// the first time, fan-out, failed connections, and volume, each against the
// source's own past and against others of its device type. Scores run from 0
// to 1 and add up independent reasons as 1-(1-a)(1-b)...; a source below 0.1 is
// left out. Where q selects nothing the table is empty. In a large store what
// is new is known from the scores alone.
//
// Without any events before the range there is no past to compare with; then
// only fan-out and failures count, and the reasons say so.
func (b *Box) Unusual(ctx context.Context, q query.Query, now time.Time) (*Table, error) {
	rng, err := q.Time.Resolve(now)
	if err != nil {
		return nil, err
	}
	bounds, err := b.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	all, err := b.behaviours(ctx, q, rng, now, bounds.Events)
	if err != nil {
		return nil, err
	}
	compareWithType(all)
	var list []*behaviour
	for _, x := range all {
		if x.now.events > 0 {
			x.judge(pastSpans(rng, bounds.Oldest))
			if x.score >= 0.1 {
				list = append(list, x)
			}
		}
	}
	slices.SortFunc(list, func(a, b *behaviour) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.now.events, a.now.events), cmp.Compare(a.ip, b.ip))
	})
	out := &Table{Columns: slices.Clone(unusualColumns), Total: int64(len(list))}
	limit := q.Limit
	if limit <= 0 || limit > 100 {
		limit = 20
	}
	for _, x := range list[:min(limit, len(list))] {
		out.Rows = append(out.Rows, []any{
			x.ip, orNil(x.name), orNil(x.kind), math.Round(x.score*100) / 100, x.reasons,
			int64(x.newPeers), int64(x.newPorts), x.now.peers, x.now.failed, x.now.events, int64(x.now.bytes),
		})
	}
	return out, nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// pastSpans is how many spans as long as the asked one lie before it; 0 means
// no past.
func pastSpans(rng query.TimeRange, oldest time.Time) float64 {
	if oldest.IsZero() || rng.From.IsZero() || !oldest.Before(rng.From) || rng.To.IsZero() {
		return 0
	}
	return float64(rng.From.Sub(oldest)) / float64(rng.To.Sub(rng.From))
}

// firstSeenEvents is how many events may be stored for what is new in the
// asked time to be looked for in all of the past; beyond that the scores know.
const firstSeenEvents = 3_000_000

func (b *Box) behaviours(ctx context.Context, q query.Query, rng query.TimeRange, now time.Time, stored int64) (map[string]*behaviour, error) {
	all := map[string]*behaviour{}
	get := func(row []any) *behaviour {
		ip, _ := row[0].(string)
		if all[ip] == nil {
			all[ip] = &behaviour{ip: ip}
		}
		return all[ip]
	}
	base := q
	base.Time, base.Limit, base.Select = query.TimeRange{To: rng.To}, query.MaxLimit, nil
	base.Where = andExists(q.Where, "src_endpoint.ip")

	sums := base
	sums.Group = []string{"src_endpoint.ip", "src_endpoint.name", "src_endpoint.type"}
	sums.Measures = activityMeasures(rng)
	sums.Sort = []query.Sort{{By: "events", Desc: true}}
	err := b.each(ctx, sums, now, func(row []any) {
		x := get(row)
		x.name, _ = row[1].(string)
		x.kind, _ = row[2].(string)
		x.now = activity{toInt(row[3]), toInt(row[4]), toInt(row[5]), toFloat(row[6])}
		x.past = activity{toInt(row[7]), toInt(row[8]), toInt(row[9]), toFloat(row[10])}
	})
	if err != nil {
		return nil, err
	}
	scored, err := b.scores(ctx, q, rng, now, get)
	if err != nil || scored && stored > firstSeenEvents {
		return all, err
	}
	first := func(field string, note func(x *behaviour, what string)) error {
		fresh := base
		fresh.Where = andExists(base.Where, field)
		fresh.Group = []string{"src_endpoint.ip", field}
		fresh.Measures = []query.Measure{{Fn: query.First}, {Fn: query.Count}}
		if !rng.From.IsZero() {
			fresh.Having = []query.Having{{By: "first", Op: query.Ge, Value: rng.From}}
		}
		fresh.Sort = []query.Sort{{By: "count", Desc: true}}
		return b.each(ctx, fresh, now, func(row []any) { note(get(row), fmt.Sprint(row[1])) })
	}
	err = first("dst_endpoint.ip", func(x *behaviour, what string) {
		x.newPeers++
		x.peerNames = append(x.peerNames, what)
	})
	if err != nil {
		return nil, err
	}
	return all, first("dst_endpoint.port", func(x *behaviour, what string) {
		x.newPorts++
		x.portNames = append(x.portNames, what)
	})
}

// scores reads the highest score of each source and its reasons. It reports
// whether there are any.
func (b *Box) scores(ctx context.Context, q query.Query, rng query.TimeRange, now time.Time, get func([]any) *behaviour) (bool, error) {
	top := q
	top.Time, top.Limit, top.Select = rng, query.MaxLimit, nil
	top.Where = andExists(andExists(q.Where, "src_endpoint.ip"), "anomaly.score")
	top.Group = []string{"src_endpoint.ip"}
	top.Measures = []query.Measure{{Fn: query.Max, Field: "anomaly.score", As: "top"}}
	top.Sort = []query.Sort{{By: "top", Desc: true}}
	found := false
	err := b.each(ctx, top, now, func(row []any) {
		found = true
		get(row).anomaly = toFloat(row[1])
	})
	if err != nil || !found {
		return found, err
	}
	rows := q
	rows.Time, rows.Limit, rows.Group, rows.Measures = rng, maxReasonRows, nil, nil
	rows.Where = top.Where
	rows.Select = []string{"src_endpoint.ip", "anomaly.score", "anomaly.reasons"}
	rows.Sort = []query.Sort{{By: "anomaly.score", Desc: true}}
	return true, b.each(ctx, rows, now, func(row []any) {
		if x := get(row); x.anomalyReasons == nil {
			x.anomalyReasons, _ = row[2].([]string)
		}
	})
}

// maxReasonRows is how many of the highest scores the reasons are read of.
const maxReasonRows = 500

func andExists(w *query.Expr, field string) *query.Expr {
	exists := query.Expr{Field: field, Op: query.Exists}
	if w == nil {
		return &exists
	}
	return &query.Expr{And: []query.Expr{*w, exists}}
}

// activityMeasures computes the same four figures for the asked time and for
// the time before.
func activityMeasures(rng query.TimeRange) []query.Measure {
	in := query.Expr{Field: "time", Op: query.Ge, Value: rng.From.Format(time.RFC3339Nano)}
	before := query.Expr{Field: "time", Op: query.Lt, Value: rng.From.Format(time.RFC3339Nano)}
	failed := query.Expr{Field: "status", Op: query.Eq, Value: "Failure"}
	var out []query.Measure
	for _, p := range []struct {
		prefix string
		when   query.Expr
	}{{"", in}, {"past_", before}} {
		when, both := p.when, query.Expr{And: []query.Expr{p.when, failed}}
		out = append(out,
			query.Measure{Fn: query.Count, Where: &when, As: p.prefix + "events"},
			query.Measure{Fn: query.Count, Where: &both, As: p.prefix + "failed"},
			query.Measure{Fn: query.Distinct, Field: "dst_endpoint.ip", Where: &when, As: p.prefix + "peers"},
			query.Measure{Fn: query.Sum, Field: "traffic.bytes_out", Where: &when, As: p.prefix + "bytes"})
	}
	return out
}

func (b *Box) each(ctx context.Context, q query.Query, now time.Time, row func([]any)) error {
	t, err := b.QueryLoose(ctx, q, now)
	if err != nil {
		return err
	}
	for _, r := range t.Rows {
		row(r)
	}
	return nil
}

// compareWithType gives each source the medians of its device type, where at
// least three sources have that type.
func compareWithType(all map[string]*behaviour) {
	byType := map[string][]*behaviour{}
	for _, x := range all {
		if x.kind != "" && x.now.events > 0 {
			byType[x.kind] = append(byType[x.kind], x)
		}
	}
	for _, group := range byType {
		if len(group) < 3 {
			continue
		}
		peers, bytes := make([]float64, len(group)), make([]float64, len(group))
		for i, x := range group {
			peers[i], bytes[i] = float64(x.now.peers), x.now.bytes
		}
		for _, x := range group {
			x.typeKnown, x.typicalPeers, x.typicalBytes = true, median(peers), median(bytes)
		}
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// judge adds up the reasons. spans is how many times the asked span fits into
// the past.
func (x *behaviour) judge(spans float64) {
	x.hasPast = spans > 0 && x.past.events > 0
	keep := 1.0
	add := func(weight float64, format string, args ...any) {
		if weight > 0.02 {
			keep *= 1 - math.Min(weight, 0.95)
			x.reasons = append(x.reasons, fmt.Sprintf(format, args...))
		}
	}
	if w := x.surprise(); len(x.anomalyReasons) > 0 {
		add(w*0.9, "%s", strings.Join(x.anomalyReasons[:min(2, len(x.anomalyReasons))], "; "))
	}
	per := math.Max(spans, 1)
	if x.hasPast && x.newPeers > 0 {
		add(saturate(float64(x.newPeers), 3)*0.8, "%s seen for the first time (%s)", plural(x.newPeers, "peer"), some(x.peerNames))
	}
	if x.hasPast && x.newPorts > 0 {
		add(saturate(float64(x.newPorts), 3)*0.7, "%s used for the first time (%s)", plural(x.newPorts, "port"), some(x.portNames))
	}
	if !x.hasPast && spans > 0 {
		add(0.3, "first seen in this time, no past to compare with")
	}
	if usual := x.usual(float64(x.past.peers), x.typicalPeers, spans); x.now.peers > 5 {
		add(saturate(float64(x.now.peers)/math.Max(usual, 1)-1, 6)*0.7, "%d different peers, usually about %.0f", x.now.peers, usual)
	}
	if x.now.failed > 2 {
		rate, before := float64(x.now.failed)/float64(x.now.events), 0.0
		if x.past.events > 0 {
			before = float64(x.past.failed) / float64(x.past.events)
		}
		add(math.Max(0, rate-before)*saturate(float64(x.now.failed), 10), "%d of %d connections failed (%.0f %%, before %.0f %%)", x.now.failed, x.now.events, rate*100, before*100)
	}
	if x.hasPast && x.past.bytes > 0 {
		usual := x.past.bytes / per
		add(saturate(x.now.bytes/math.Max(usual, 1000)-2, 10)*0.6, "%s sent, usually about %s in such a time", bytes(x.now.bytes), bytes(usual))
	} else if x.typeKnown && x.typicalBytes > 0 {
		add(saturate(x.now.bytes/math.Max(x.typicalBytes, 1000)-4, 20)*0.4, "%s sent, others of its type about %s", bytes(x.now.bytes), bytes(x.typicalBytes))
	}
	x.score = 1 - keep
}

// surprise is what the highest score of the time is worth, 0 to 1. A score says
// which share of devices stays below it on a day (docs/behaviour.md): what one
// of ten devices reaches is worth nothing, one of a hundred 0.33, one of ten
// thousand 0.6.
func (x *behaviour) surprise() float64 {
	return saturate(-math.Log10(math.Max(1-x.anomaly, 1e-9))-1, 2)
}

// usual is what a source's own past says, else its type, else one.
func (x *behaviour) usual(past, typical, spans float64) float64 {
	switch {
	case x.hasPast && spans >= 1:
		return past
	case x.typeKnown:
		return typical
	}
	return 1
}

// saturate maps 0.. to 0..1, reaching one half at half.
func saturate(v, half float64) float64 {
	if v <= 0 {
		return 0
	}
	return v / (v + half)
}

// bytes writes an amount with three digits and a decimal unit.
func bytes(n float64) string {
	unit := "bytes"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if n < 1000 {
			break
		}
		n, unit = n/1000, u
	}
	if unit == "bytes" {
		return fmt.Sprintf("%.0f bytes", n)
	}
	return fmt.Sprintf("%.3g %s", n, unit)
}

// plural counts a thing in words.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// some lists up to three names.
func some(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

func toInt(v any) int64 {
	n, _ := v.(int64)
	return n
}

func toFloat(v any) float64 {
	switch x := v.(type) {
	case int64:
		return float64(x)
	case float64:
		return x
	}
	return 0
}
