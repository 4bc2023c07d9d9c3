package reading

import (
	"slices"
	"strings"
	"time"

	"vedette/internal/query"
)

func (r *reader) steps() []Step {
	switch r.f.Shape {
	case UnusualShape:
		q := r.base()
		if q.Time.IsZero() {
			q.Time = query.TimeRange{Last: "24h"}
		}
		return []Step{{Tool: "unusual", Query: q}, {Tool: "query", Query: conversations(q), Why: "their conversations in that time, newest kind first", Theirs: true}}
	case DevicesShape:
		return r.deviceSteps()
	case OverviewShape:
		return r.overviewSteps()
	case RowsShape:
		return r.rowSteps()
	case ExistsShape, CountShape:
		return r.countSteps()
	case TableShape:
		return r.tableSteps()
	case WhenShape:
		return r.whenSteps()
	case TrendShape:
		return r.trendSteps()
	case ShareShape:
		return r.shareSteps()
	case SequenceShape: // has a reading of its own
	}
	return nil
}

// conversations lists who talked to whom in the events of q, with what was
// seen for the first time on top.
func conversations(q query.Query) query.Query {
	q.Group = []string{"src_endpoint.ip", "src_endpoint.name", "dst_endpoint.ip", "dst_endpoint.port"}
	q.Where = and(q.Where, query.Expr{Field: "dst_endpoint.ip", Op: query.Exists})
	q.Measures = []query.Measure{{Fn: query.First}, {Fn: query.Last}, {Fn: query.Count}, {Fn: query.Sum, Field: "traffic.bytes_out"}}
	q.Sort = []query.Sort{{By: "first", Desc: true}}
	q.Limit = 20
	return q
}

// base is the query that selects the events the question is about.
func (r *reader) base() query.Query {
	classes, subject := r.subjectExpr(r.f.Subject)
	var conds []query.Expr
	if subject != nil {
		conds = append(conds, *subject)
	}
	if logs := r.narrowed(); len(logs) > 0 {
		conds = append(conds, logsExpr(logs))
	}
	if w := r.f.where(); w != nil {
		conds = append(conds, *w)
	}
	q := query.Query{Classes: classes}
	switch len(conds) {
	case 0:
	case 1:
		q.Where = &conds[0]
	default:
		q.Where = &query.Expr{And: flatten(conds)}
	}
	if len(r.f.Times) == 1 {
		q.Time = r.f.Times[0].rng
	} else if len(r.f.Times) > 1 && !r.comparesTimes() {
		q.Time = intersect(r.f.Times)
	}
	return q
}

func flatten(conds []query.Expr) []query.Expr {
	var out []query.Expr
	for _, c := range conds {
		if len(c.And) > 0 {
			out = append(out, flatten(c.And)...)
			continue
		}
		out = append(out, c)
	}
	return out
}

// narrowed keeps operations of one OT protocol to its main log, so that one
// operation that two logs describe counts once.
func (r *reader) narrowed() []string {
	if r.f.Subject == nil || r.f.Subject.key != "ot" {
		return nil
	}
	if slices.ContainsFunc(r.f.Targets, func(t string) bool { return r.besideMain(strings.TrimPrefix(t, groupMark)) }) {
		return nil // objects stand in the logs beside the main one
	}
	for _, c := range r.f.Conds {
		if slices.Contains(r.extras, c.Expr.Field) {
			return nil // a field that may stand in another log of the protocol
		}
	}
	for _, c := range r.f.Conds {
		if c.Expr.Field == "ics.protocol" && !c.Not {
			if p, ok := c.Expr.Value.(string); ok {
				return r.mainLogs(p)
			}
		}
	}
	if protocols := r.vals.fields["ics.protocol"]; len(protocols) == 1 {
		for p := range protocols {
			return r.mainLogs(p)
		}
	}
	return nil
}

// besideMain tells a field that the main log of an OT protocol commonly lacks.
func (r *reader) besideMain(field string) bool {
	return field == "ics.object" || strings.HasPrefix(field, "file.") || slices.Contains(r.extras, field)
}

// intersect reads two times that bound each other: "since 7:00 until 9:00".
func intersect(ws []when) query.TimeRange {
	out := ws[0].rng
	for _, w := range ws[1:] {
		if w.rng.Last != "" {
			continue
		}
		if out.Last != "" {
			out = w.rng
			continue
		}
		if out.From.IsZero() || w.rng.From.After(out.From) {
			out.From = w.rng.From
		}
		if out.To.IsZero() || !w.rng.To.IsZero() && w.rng.To.Before(out.To) {
			out.To = w.rng.To
		}
	}
	return out
}

// comparesTimes: two spans of time that do not overlap are compared.
func (r *reader) comparesTimes() bool {
	if len(r.f.Times) != 2 {
		return false
	}
	a, errA := r.f.Times[0].rng.Resolve(r.now)
	b, errB := r.f.Times[1].rng.Resolve(r.now)
	if errA != nil || errB != nil || a.To.IsZero() && b.To.IsZero() || a.From.IsZero() && b.From.IsZero() {
		return false
	}
	before := func(x, y query.TimeRange) bool { return !x.To.IsZero() && !y.From.IsZero() && !x.To.After(y.From) }
	return before(a, b) || before(b, a)
}

// measures are what is computed side by side, the main one first.
func (r *reader) measures() []query.Measure {
	if r.comparesTimes() {
		return r.periodMeasures()
	}
	if len(r.f.Having) == 0 && len(r.f.Measures) > 0 {
		return r.f.Measures
	}
	return []query.Measure{r.f.Measure}
}

func (r *reader) periodMeasures() []query.Measure {
	var out []query.Measure
	for _, w := range r.f.Times {
		rng, err := w.rng.Resolve(r.now)
		if err != nil {
			continue
		}
		m := r.f.Measure
		m.Where, m.As = &query.Expr{And: timeConds(rng)}, w.text
		out = append(out, m)
	}
	return out
}

// timeConds is a resolved span of time as conditions.
func timeConds(rng query.TimeRange) []query.Expr {
	var conds []query.Expr
	if !rng.From.IsZero() {
		conds = append(conds, query.Expr{Field: "time", Op: query.Ge, Value: rng.From.Format(time.RFC3339Nano)})
	}
	if !rng.To.IsZero() {
		conds = append(conds, query.Expr{Field: "time", Op: query.Lt, Value: rng.To.Format(time.RFC3339Nano)})
	}
	return conds
}

// dropOuterDay: of "on 7 June, between 6 and 12 and between 0 and 6" the day
// only says which day the hours belong to.
func (r *reader) dropOuterDay() {
	if len(r.f.Times) < 3 {
		return
	}
	for i, w := range r.f.Times {
		day := w.rng.Last == "" && w.rng.To.Sub(w.rng.From) == 24*time.Hour && w.rng.From.Equal(w.rng.From.Truncate(24*time.Hour))
		inside := func(o when) bool {
			return o.rng.Last == "" && !o.rng.From.Before(w.rng.From) && !o.rng.To.After(w.rng.To) && !o.rng.To.IsZero()
		}
		if day && !slices.ContainsFunc(r.f.Times, func(o when) bool { return !inside(o) }) {
			r.f.Times = slices.Delete(slices.Clone(r.f.Times), i, i+1)
			return
		}
	}
}
