package reading

import (
	"slices"
	"strings"
	"time"

	"vedette/internal/query"
)

// DefaultTop is how many groups a plural ranking shows; MaxGroups how many a
// plain list of values shows.
const (
	DefaultTop = 10
	MaxGroups  = 1000
)

// finish turns the frame into a reading with its plan.
func (r *reader) finish() *Reading {
	out := &Reading{Question: r.question, Shape: r.f.Shape, Notes: r.notes, Missing: r.missing, Frame: r.f}
	out.Subject = "events"
	if r.f.Subject != nil {
		out.Subject = r.f.Subject.attrs["words"]
	}
	for _, s := range r.spans {
		if !s.used && (s.unknown || s.num != nil && len(s.entries) == 0 && r.toks[s.from].kind == tokNumber && !r.named(s)) {
			out.Unknown = append(out.Unknown, s.text)
		}
	}
	out.Status = r.status(out.Unknown)
	if out.Status == NotUnderstood {
		return out
	}
	out.Steps = r.steps()
	out.ReadAs = r.readAs(out)
	return out
}

// named tells a number that is part of a name before it, as in "TLS 1".
func (r *reader) named(s *span) bool {
	i := slices.Index(r.spans, s)
	return i > 0 && r.spans[i-1].used && (r.spans[i-1].is(kValue) || len(r.spans[i-1].values) > 0)
}

// status weighs what was understood. A question whose head ("what is the X")
// is unknown is not understood, however much of the rest is.
func (r *reader) status(unknown []string) Status {
	empty := r.f.Subject == nil && len(r.f.Targets) == 0 && len(r.f.Conds) == 0 && r.f.Measure.Field == "" && len(r.f.Measures) == 0
	special := r.f.Shape == UnusualShape || r.f.Shape == DevicesShape || r.f.Shape == WhenShape || r.f.Bucket != "" || r.f.Shape == OverviewShape && len(r.f.Times) > 0
	if empty && (!special || len(unknown) > 0) && r.f.Shape != UnusualShape {
		return NotUnderstood
	}
	if len(unknown) == 0 && !r.headUnknown() {
		return Understood
	}
	known := 0
	for _, s := range r.spans {
		if s.addr != "" || s.num != nil || s.name != "" || len(s.values) > 0 || len(s.entries) > 0 && !s.only(kStop, kIs, kRole, kWh, kShape, kLink, kGroup, kFn) {
			known++
		}
	}
	if r.headUnknown() || len(unknown) > known {
		return NotUnderstood
	}
	return Partly
}

// headUnknown tells whether the first word with content after "which", "what
// is", "how many", "list" or the start is one that is not known.
func (r *reader) headUnknown() bool {
	for i, s := range r.spans {
		if (i > 0 || r.tellsFirst()) && !s.is(kWh) && !s.is(kFn) {
			continue
		}
		for k := i; k < len(r.spans); k++ {
			n := r.spans[k]
			if k == i && !n.unknown || n.only(kStop, kIs, kEach, kWh, kShape, kRole, kGroup, kLink, kFn) {
				continue
			}
			if n.unknown {
				return r.unknownHeads(k)
			}
			return n.only(kValue) && s.is(kWh) && k == i+1 && r.standsAlone(k)

		}
	}
	return false
}

// tellsFirst tells a question that begins with a sentence that asks nothing.
func (r *reader) tellsFirst() bool {
	stop := strings.Index(r.question, ". ")
	return stop > 0 && strings.Contains(r.question[stop:], "?")
}

// standsAlone: in "which password did he use" a value is asked for as if it
// were a thing to list; in "which tcp connections" it describes the noun.
func (r *reader) standsAlone(k int) bool {
	if k+1 >= len(r.spans) {
		return true
	}
	n := r.spans[k+1]
	return !n.is(kSubject) && !n.is(kEntity) && !n.is(kQuantity) && !n.is(kValue) && !n.is(kCond) && !n.is(kLink) && n.num == nil && len(n.values) == 0
}

// unknownHeads: an unknown adjective before a known noun ("malicious
// connections") does not make the head unknown, an unknown noun does.
func (r *reader) unknownHeads(k int) bool {
	if k+1 >= len(r.spans) {
		return true
	}
	n := r.spans[k+1]
	known := n.is(kSubject) || n.is(kEntity) || n.is(kQuantity) || n.is(kCond) || n.is(kValue) || len(n.values) > 0
	return !known
}

func (r *reader) steps() []Step {
	switch r.f.Shape {
	case UnusualShape:
		q := r.base()
		if q.Time.IsZero() {
			q.Time = query.TimeRange{Last: "24h"}
		}
		return []Step{{Tool: "unusual", Query: q}, {Tool: "query", Query: conversations(q), Why: "their conversations in that time, newest kind first"}}
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
		var conds []query.Expr
		if !rng.From.IsZero() {
			conds = append(conds, query.Expr{Field: "time", Op: query.Ge, Value: rng.From.Format(time.RFC3339Nano)})
		}
		if !rng.To.IsZero() {
			conds = append(conds, query.Expr{Field: "time", Op: query.Lt, Value: rng.To.Format(time.RFC3339Nano)})
		}
		m := r.f.Measure
		m.Where, m.As = &query.Expr{And: conds}, w.text
		out = append(out, m)
	}
	return out
}

func (r *reader) countSteps() []Step {
	q := r.base()
	for key := range r.f.On {
		if field, ok := strings.CutPrefix(key, "exists:"); ok {
			q.Where = and(q.Where, query.Expr{Field: field, Op: query.Exists})
		}
	}
	for _, t := range r.f.Targets {
		if r.f.Shape == ExistsShape {
			q.Where = and(q.Where, query.Expr{Field: strings.TrimPrefix(t, groupMark), Op: query.Exists})
		}
	}
	main := q
	main.Measures = r.measures()
	steps := []Step{{Tool: "query", Query: main}}
	if r.f.Measure.Fn == query.Distinct {
		main.Measures = []query.Measure{{Fn: query.Count}}
		main.Group = []string{r.f.Measure.Field}
		main.Sort = []query.Sort{{By: "count", Desc: true}}
		main.Limit = DefaultTop
		return append(steps, Step{Tool: "query", Query: main, Why: "the most frequent of them"})
	}
	rows := q
	rows.Limit = 5
	if r.f.Measure.Fn == query.Count && len(main.Measures) == 1 {
		steps = append(steps, Step{Tool: "query", Query: rows, Why: "the newest of them"})
	}
	return steps
}

func and(w *query.Expr, e query.Expr) *query.Expr {
	switch {
	case w == nil:
		return &e
	case len(w.And) > 0:
		return &query.Expr{And: append(slices.Clone(w.And), e)}
	}
	return &query.Expr{And: []query.Expr{*w, e}}
}

func (r *reader) tableSteps() []Step {
	q := r.base()
	for _, t := range r.f.Targets {
		field := strings.TrimPrefix(t, groupMark)
		q.Group = append(q.Group, field)
		q.Where = and(q.Where, query.Expr{Field: field, Op: query.Exists})
	}
	q.Group = r.namesBeside(q.Group)
	q.Bucket = r.bucket()
	q.Measures = r.measures()
	r.applyHaving(&q)
	r.applyPick(&q)
	if len(q.Measures) > 0 && len(q.Sort) == 0 && len(q.Group)+len(q.Bucket) > 0 {
		q.Sort = []query.Sort{{By: q.Measures[0].Name(), Desc: !r.f.Asc}}
	}
	q.Limit = r.limit()
	steps := []Step{{Tool: "query", Query: q}}
	if q.Limit == 1 {
		top := q
		top.Limit = 5
		steps = append(steps, Step{Tool: "query", Query: top, Why: "those next in rank"})
	}
	return steps
}

// limit: a number that was said; one for "which host ... most"; ten for
// "which hosts ... most"; else all groups up to a cap.
func (r *reader) limit() int {
	switch {
	case r.f.Limit > 0:
		return r.f.Limit
	case r.f.Ordered && !r.f.Plural:
		return 1
	case r.f.Ordered:
		return DefaultTop
	}
	return MaxGroups
}

func (r *reader) bucket() string {
	if r.f.Bucket != "auto" {
		return r.f.Bucket
	}
	span := r.data[1].Sub(r.data[0])
	if len(r.f.Times) == 1 {
		if rng, err := r.f.Times[0].rng.Resolve(r.now); err == nil && !rng.From.IsZero() && !rng.To.IsZero() {
			span = rng.To.Sub(rng.From)
		}
	}
	switch {
	case span > 7*24*time.Hour:
		return "24h"
	case span > 3*time.Hour:
		return "1h"
	case span > 10*time.Minute:
		return "5m"
	}
	return "1m"
}

func (r *reader) applyHaving(q *query.Query) {
	for i, h := range r.f.Having {
		m := r.f.Measures[i]
		if m.Fn == query.Sum && r.f.Measure.Field == m.Field {
			m = r.f.Measure
		}
		if !slices.ContainsFunc(q.Measures, func(x query.Measure) bool { return x.Name() == m.Name() }) {
			if m.Fn == query.Distinct || m.Fn == query.Sum {
				q.Measures = append([]query.Measure{m}, q.Measures...)
			} else {
				q.Measures = append(q.Measures, m)
			}
		}
		h.By = m.Name()
		q.Having = append(q.Having, h)
	}
}

// applyPick: "new" keeps groups first seen in the asked time; "never" keeps
// groups for which nothing meets the conditions.
func (r *reader) applyPick(q *query.Query) {
	switch r.f.Pick { //nolint:exhaustive // only these two pick
	case "new":
		q.Measures = []query.Measure{{Fn: query.First}, {Fn: query.Count}}
		q.Sort = []query.Sort{{By: "first", Desc: true}}
		if rng, err := q.Time.Resolve(r.now); err == nil && !rng.From.IsZero() {
			q.Having = append(q.Having, query.Having{By: "first", Op: query.Ge, Value: rng.From.Format(time.RFC3339Nano)})
			q.Time = query.TimeRange{To: rng.To}
		}
	case "never":
		keep := r.f
		var heads, others []Cond
		for _, c := range keep.Conds {
			if c.Head {
				heads = append(heads, c)
			} else {
				others = append(others, c)
			}
		}
		r.f.Conds = others
		cond := r.f.where()
		r.f.Conds = heads
		base := r.base()
		r.f = keep
		q.Where, q.Classes = base.Where, base.Classes
		for _, g := range q.Group {
			if !strings.HasSuffix(g, "_endpoint.name") {
				q.Where = and(q.Where, query.Expr{Field: g, Op: query.Exists})
			}
		}
		if cond != nil {
			q.Measures = []query.Measure{{Fn: query.Count, Where: cond, As: "matching"}, {Fn: query.Count, As: "all"}}
			q.Having = []query.Having{{By: "matching", Op: query.Eq, Value: 0.0}}
			q.Sort = []query.Sort{{By: "all", Desc: true}}
		}
	}
}

func (r *reader) rowSteps() []Step {
	q := r.base()
	q.Limit = 20
	if r.f.Limit > 0 {
		q.Limit = r.f.Limit
	}
	one := r.f.Limit == 0 && !r.f.Plural && !r.pluralSubject()
	switch {
	case r.f.Measure.Field != "":
		q.Where = and(q.Where, query.Expr{Field: r.f.Measure.Field, Op: query.Exists})
		q.Sort = []query.Sort{{By: r.f.Measure.Field, Desc: !r.f.Asc}}
		q.Select = r.columns(r.f.Measure.Field)
		if one {
			q.Limit = 1
		}
	case r.f.Pick == "first":
		q.Sort = []query.Sort{{By: "time"}}
	}
	if r.f.Pick != "" && one {
		q.Limit = 1
	}
	return []Step{{Tool: "query", Query: q}}
}

func (r *reader) pluralSubject() bool {
	for _, s := range r.spans {
		if e := s.entry(kSubject); e != nil && e == r.f.Subject {
			return r.plural(s)
		}
	}
	return false
}

// columns puts the measured field first.
func (r *reader) columns(field string) []string {
	cols := []string{field}
	for _, c := range query.DefaultSelect(r.base().Classes) {
		if c != field {
			cols = append(cols, c)
		}
	}
	return cols
}

func (r *reader) whenSteps() []Step {
	q := r.base()
	for _, t := range r.f.Targets {
		q.Group = append(q.Group, strings.TrimPrefix(t, groupMark))
	}
	first, last, count := query.Measure{Fn: query.First}, query.Measure{Fn: query.Last}, query.Measure{Fn: query.Count}
	switch r.f.Pick {
	case "first":
		q.Measures = []query.Measure{first, count}
	case "last":
		q.Measures = []query.Measure{last, count}
	default:
		q.Measures = []query.Measure{first, last, count}
	}
	row := r.base()
	row.Limit = 1
	if r.f.Pick != "last" {
		row.Sort = []query.Sort{{By: "time"}}
	}
	return []Step{{Tool: "query", Query: q}, {Tool: "query", Query: row, Why: "the record itself"}}
}

func (r *reader) trendSteps() []Step {
	q := r.base()
	q.Bucket = r.bucket()
	for _, t := range r.f.Targets {
		q.Group = append(q.Group, strings.TrimPrefix(t, groupMark))
	}
	q.Measures = r.measures()
	q.Sort = []query.Sort{{By: "time"}}
	q.Limit = MaxGroups
	return []Step{{Tool: "query", Query: q}}
}

// shareSteps counts the part and the whole in one row.
func (r *reader) shareSteps() []Step {
	part := r.f.where()
	keep := r.f
	r.f.Conds = nil
	q := r.base()
	r.f = keep
	q.Measures = []query.Measure{{Fn: query.Count, Where: part, As: "part"}, {Fn: query.Count, As: "whole"}}
	return []Step{{Tool: "query", Query: q}}
}

// overviewSteps describe one host: what it did, what was done to it.
func (r *reader) overviewSteps() []Step {
	q := r.base()
	logs, ports := q, q
	logs.Group = []string{"metadata.log_name"}
	logs.Measures = []query.Measure{{Fn: query.Count}, {Fn: query.First}, {Fn: query.Last}}
	logs.Sort = []query.Sort{{By: "count", Desc: true}}
	logs.Limit = DefaultTop
	ports.Group = []string{"src_endpoint.ip", "dst_endpoint.ip", "dst_endpoint.port"}
	ports.Measures = []query.Measure{{Fn: query.Count}}
	ports.Sort = []query.Sort{{By: "count", Desc: true}}
	ports.Limit = DefaultTop
	q.Limit = 10
	return []Step{{Tool: "query", Query: logs}, {Tool: "query", Query: ports, Why: "its most frequent conversations"}, {Tool: "query", Query: q, Why: "the newest events"}}
}

func (r *reader) deviceSteps() []Step {
	q := query.Query{From: "devices", Limit: MaxGroups}
	for _, c := range r.f.Conds {
		e, ok := deviceCond(c.Expr)
		if !ok {
			continue
		}
		if c.Not {
			inner := e
			e = query.Expr{Not: &inner}
		}
		q.Where = and(q.Where, e)
	}
	if r.f.Pick == "new" {
		q.Where = r.seenWithin(q.Where)
	}
	var groups []string
	for _, t := range r.f.Targets {
		if g, ok := strings.CutPrefix(strings.TrimPrefix(t, groupMark), "device."); ok {
			groups = append(groups, g)
		}
	}
	switch {
	case len(groups) > 0:
		q.Group = groups
		for _, g := range groups {
			q.Where = and(q.Where, query.Expr{Field: g, Op: query.Exists})
		}
		q.Measures = []query.Measure{{Fn: query.Count}}
		q.Sort = []query.Sort{{By: "count", Desc: true}}
	case r.f.On["fn:count"]:
		q.Measures = []query.Measure{{Fn: query.Count}}
		q.Limit = 1
	default:
		q.Sort = []query.Sort{{By: "name"}}
	}
	return []Step{{Tool: "query", Query: q}}
}
