package toolbox

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"vedette/internal/query"
)

// past is the time before the asked one that it is compared with.
type past struct {
	from  time.Time // zero: all that is stored
	spans float64   // how many times the asked span fits into it; 0: there is none
}

// pastEvents is about how many events are looked at before the asked time.
const pastEvents = 20_000_000

// pastOf chooses the past of a time of which so much is stored.
func pastOf(rng query.TimeRange, bounds Bounds) past {
	if bounds.Oldest.IsZero() || rng.From.IsZero() || !bounds.Oldest.Before(rng.From) || rng.To.IsZero() {
		return past{}
	}
	all, span := rng.From.Sub(bounds.Oldest), rng.To.Sub(rng.From)
	p := past{spans: float64(all) / float64(span)}
	perSpan := float64(bounds.Events) / float64(max(bounds.Newest.Sub(bounds.Oldest), 1)) * float64(span)
	if most := math.Max(1, math.Floor(pastEvents/math.Max(perSpan, 1))); p.spans > most {
		p.spans, p.from = most, rng.From.Add(-time.Duration(most)*span)
	}
	return p
}

// since tells from when on there is a past, if that is not all that is stored.
func (p past) since() string {
	if p.from.IsZero() {
		return ""
	}
	return " since " + p.from.UTC().Format("2006-01-02 15:04") + " UTC"
}

// look is one look for what is unusual.
type look struct {
	box    *Box
	query  query.Query // of the past and the asked time
	asked  query.Query // of the asked time
	rng    query.TimeRange
	now    time.Time
	past   past
	stored int64
	all    map[string]*behaviour
}

func (b *Box) look(ctx context.Context, q query.Query, now time.Time) (*look, error) {
	rng, err := q.Time.Resolve(now)
	if err != nil {
		return nil, err
	}
	bounds, err := b.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	l := &look{box: b, rng: rng, now: now, past: pastOf(rng, bounds), stored: bounds.Events, all: map[string]*behaviour{}}
	q.Where, q.Limit, q.Select = andExists(q.Where, "src_endpoint.ip"), query.MaxLimit, nil
	l.query, l.asked = q, q
	l.query.Time, l.asked.Time = query.TimeRange{From: l.past.from, To: rng.To}, rng
	return l, nil
}

func (l *look) get(row []any) *behaviour {
	ip, _ := row[0].(string)
	if l.all[ip] == nil {
		l.all[ip] = &behaviour{ip: ip}
	}
	return l.all[ip]
}

// firstSeenEvents is how many events may be stored for what is new in the
// asked time to be looked for where there are scores; beyond that they know.
const firstSeenEvents = 3_000_000

func (l *look) behaviours(ctx context.Context) error {
	best, err := l.scores(ctx)
	if err != nil {
		return err
	}
	if len(best) == 0 || l.stored <= firstSeenEvents {
		peers, err := l.news(ctx, "dst_endpoint.ip", func(x *behaviour, n int64) { x.newPeers = n })
		if err != nil {
			return err
		}
		ports, err := l.news(ctx, "dst_endpoint.port", func(x *behaviour, n int64) { x.newPorts = n })
		if err != nil {
			return err
		}
		best = slices.Concat(best, peers, ports)
	}
	total, err := l.activities(ctx, l.query.Where)
	if err != nil || total <= query.MaxLimit {
		return err
	}
	slices.Sort(best)
	best = slices.DeleteFunc(slices.Compact(best), func(ip string) bool { return l.all[ip].now.events > 0 })
	if len(best) > 0 {
		_, err = l.activities(ctx, and(l.query.Where, oneOf(best)))
	}
	return err
}

// activities reads what the sources did that fit a condition, and tells how many
// there are. It goes by address, whose past may be that of another device.
func (l *look) activities(ctx context.Context, where *query.Expr) (total int64, err error) {
	q := l.query
	q.Where, q.Group = where, []string{"src_endpoint.ip"}
	q.Measures = activityMeasures(l.rng)
	q.Having = []query.Having{{By: "events", Op: query.Gt, Value: int64(0)}}
	q.Sort = []query.Sort{{By: "failed", Desc: true}, {By: "events", Desc: true}}
	t, err := l.box.QueryLoose(ctx, q, l.now)
	if err != nil {
		return 0, err
	}
	for _, row := range t.Rows {
		x := l.get(row)
		x.now = activity{toInt(row[1]), toInt(row[2]), toInt(row[3]), toFloat(row[4])}
		x.past = activity{toInt(row[5]), toInt(row[6]), toInt(row[7]), toFloat(row[8])}
	}
	return t.Total, l.names(ctx, where)
}

// names reads which device each source was in the asked time; of several the one
// with most failures, then most events, which is the order of the activities.
func (l *look) names(ctx context.Context, where *query.Expr) error {
	q := l.asked
	q.Where, q.Group = where, []string{"src_endpoint.ip", "src_endpoint.name", "src_endpoint.type"}
	q.Measures = []query.Measure{{Fn: query.Count, Where: &query.Expr{Field: "status", Op: query.Eq, Value: "Failure"}, As: "failed"}, {Fn: query.Count, As: "events"}}
	q.Sort = []query.Sort{{By: "failed", Desc: true}, {By: "events", Desc: true}}
	return l.box.each(ctx, q, l.now, func(row []any) {
		if x := l.get(row); x.name == "" && x.kind == "" {
			x.name, _ = row[1].(string)
			x.kind, _ = row[2].(string)
		}
	})
}

// news counts for each source the different values of a field that it had in the
// asked time and not before: those of the whole time less those of the past. It tells
// which sources have most. An address may have been another device's before: that
// makes nothing new.
func (l *look) news(ctx context.Context, field string, note func(x *behaviour, n int64)) (most []string, err error) {
	q := l.query
	q.Where, q.Group = andExists(q.Where, field), []string{"src_endpoint.ip"}
	before := query.Expr{Field: "time", Op: query.Lt, Value: l.rng.From.Format(time.RFC3339Nano)}
	q.Measures = []query.Measure{{Fn: query.Distinct, Field: field, As: "all"}, {Fn: query.Distinct, Field: field, Where: &before, As: "past"}, {Fn: query.Diff, Of: []string{"all", "past"}, As: "new"}}
	q.Having = []query.Having{{By: "new", Op: query.Gt, Value: int64(0)}}
	q.Sort = []query.Sort{{By: "new", Desc: true}}
	err = l.box.each(ctx, q, l.now, func(row []any) {
		x := l.get(row)
		note(x, int64(toFloat(row[3])))
		if len(most) < maxBest {
			most = append(most, x.ip)
		}
	})
	return most, err
}

// maxBest is how many sources are looked at in any case: with the highest scores, most
// new peers and most new ports.
const maxBest = 100

// scores reads the highest score of each source, and tells which have the highest.
func (l *look) scores(ctx context.Context) (best []string, err error) {
	q := l.asked
	q.Where = andExists(q.Where, "anomaly.score")
	q.Group = []string{"src_endpoint.ip"}
	q.Measures = []query.Measure{{Fn: query.Max, Field: "anomaly.score", As: "top"}}
	q.Sort = []query.Sort{{By: "top", Desc: true}}
	err = l.box.each(ctx, q, l.now, func(row []any) {
		x := l.get(row)
		x.anomaly = toFloat(row[1])
		if len(best) < maxBest {
			best = append(best, x.ip)
		}
	})
	return best, err
}

// details reads what is told of the sources that are shown: the reasons of their
// highest scores and the names of what is new.
func (l *look) details(ctx context.Context, list []*behaviour) error {
	var tops []query.Expr
	var peers, ports []string
	for _, x := range list {
		if x.anomaly > 0 {
			tops = append(tops, query.Expr{And: []query.Expr{*oneOf([]string{x.ip}), {Field: "anomaly.score", Op: query.Ge, Value: x.anomaly}}})
		}
		if x.newPeers > 0 {
			peers = append(peers, x.ip)
		}
		if x.newPorts > 0 {
			ports = append(ports, x.ip)
		}
	}
	if len(tops) > 0 {
		q := l.asked
		q.Where = and(q.Where, &query.Expr{Or: tops})
		q.Select = []string{"src_endpoint.ip", "anomaly.reasons"}
		q.Sort = []query.Sort{{By: "anomaly.score", Desc: true}, {By: "time"}, {By: "metadata.uid"}}
		err := l.box.each(ctx, q, l.now, func(row []any) {
			if x := l.get(row); x.anomalyReasons == nil {
				x.anomalyReasons, _ = row[1].([]string)
			}
		})
		if err != nil {
			return err
		}
	}
	err := l.fresh(ctx, "dst_endpoint.ip", peers, func(x *behaviour, what string) { x.peerNames = append(x.peerNames, what) })
	if err != nil {
		return err
	}
	return l.fresh(ctx, "dst_endpoint.port", ports, func(x *behaviour, what string) { x.portNames = append(x.portNames, what) })
}

// fresh names the values of a field that sources have for the first time.
func (l *look) fresh(ctx context.Context, field string, sources []string, note func(x *behaviour, what string)) error {
	if len(sources) == 0 {
		return nil
	}
	q := l.query
	q.Where = andExists(and(q.Where, oneOf(sources)), field)
	q.Group = []string{"src_endpoint.ip", field}
	q.Measures = []query.Measure{{Fn: query.First}, {Fn: query.Count}}
	q.Having = []query.Having{{By: "first", Op: query.Ge, Value: l.rng.From}}
	q.Sort = []query.Sort{{By: "count", Desc: true}}
	return l.box.each(ctx, q, l.now, func(row []any) { note(l.get(row), fmt.Sprint(row[1])) })
}

func andExists(w *query.Expr, field string) *query.Expr {
	return and(w, &query.Expr{Field: field, Op: query.Exists})
}

func and(w, more *query.Expr) *query.Expr {
	if w == nil {
		return more
	}
	return &query.Expr{And: []query.Expr{*w, *more}}
}

func oneOf(sources []string) *query.Expr {
	list := make([]any, len(sources))
	for i, ip := range sources {
		list[i] = ip
	}
	return &query.Expr{Field: "src_endpoint.ip", Op: query.In, Value: list}
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
