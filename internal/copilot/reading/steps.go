package reading

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"vedette/internal/query"
)

// The words between which the whole of a share stands.
var (
	shareForm = regexp.MustCompile(`\b(?:share|percentage|percent|proportion|fraction|part|rate|%) of (?:all |the |its |their |those |these )*`)
	ofForm    = regexp.MustCompile(`^\W*(?:out )?of (?:all |the |these |those )*(.+?), ?(?:what|which|how)\b`)
	shareVerb = regexp.MustCompile(`\b(?:were|was|are|is|got|gets?|have|has|had|failed|fail|succeeded|used?|ended|end|did|does|do|went|goes|came|carry|carried|asked|ask|use|uses|contain|belong|made|lasted|returned|resulted|received|shows?|showed)\b`)
)

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
	r.twoValues(&main)
	r.difference(&main)
	main = r.compared(main)
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
	r.orName(&q)
	q.Group = r.namesBeside(q.Group)
	q.Bucket = r.bucket()
	q.Measures = r.measures()
	r.applyHaving(&q)
	r.applyPick(&q)
	if len(q.Measures) > 0 && len(q.Sort) == 0 && len(q.Group)+len(q.Bucket) > 0 {
		q.Sort = []query.Sort{{By: q.Measures[0].Name(), Desc: !r.f.Asc}}
	}
	q.Limit = r.limit()
	r.onlyOnce(&q)
	if r.f.More {
		r.twoValues(&q)
	}
	r.difference(&q)
	r.moreThanOther(&q)
	r.moreThanBefore(&q)
	q = r.compared(q)
	steps := []Step{{Tool: "query", Query: q}}
	if r.overGroups() {
		one := q
		over := query.Measure{Fn: query.Fn(r.uncomputed().entry(kFn).key + "_of"), Of: []string{q.Measures[0].Name()}}
		one.Measures, one.Limit = append(slices.Clone(q.Measures), over), 1
		q.Limit = DefaultTop
		return []Step{{Tool: "query", Query: one}, {Tool: "query", Query: q, Why: "the groups with the most"}}
	}
	if q.Limit == 1 {
		top := q
		top.Limit = 5
		steps = append(steps, Step{Tool: "query", Query: top, Why: NextInRank})
	}
	return steps
}

// NextInRank is why a table of the first has a further step.
const NextInRank = "those next in rank"

// The address of a source, and its address or name.
const (
	sourceAddress = "src_endpoint.ip"
	sourceHost    = "src_endpoint.host"
)

// knownByName tells a question about logins, of which a log may give the source by
// name alone.
func (r *reader) knownByName() bool {
	return r.f.Subject != nil && r.f.Subject.key == "login" && r.vals.any("src_endpoint.hostname")
}

// orName counts the sources of logins by host name where they have no address: a
// log that resolves names writes those alone.
func (r *reader) orName(q *query.Query) {
	at := slices.Index(q.Group, sourceAddress)
	if at < 0 || q.Where == nil || !r.knownByName() {
		return
	}
	has := query.Expr{Field: sourceAddress, Op: query.Exists}
	conds := slices.DeleteFunc(flatten([]query.Expr{*q.Where}), func(e query.Expr) bool { return e.String() == has.String() })
	q.Where = joined(append(conds, query.Expr{Field: sourceHost, Op: query.Exists}))
	q.Group[at] = sourceHost
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
	steps := []Step{{Tool: "query", Query: q}}
	if before, shift := r.earlierTrend(q); shift > 0 {
		steps = append(steps, Step{Tool: "query", Query: before, Why: "the same for the earlier period", Earlier: shift})
	}
	return steps
}

// shareSteps counts the part and the whole in one row.
func (r *reader) shareSteps() []Step {
	keep := r.f
	of, were := r.splitShare()
	r.f.Conds = were
	part := r.f.where()
	r.f.Conds = of
	q := r.base()
	r.f = keep
	q.Measures = []query.Measure{{Fn: query.Count, Where: part, As: "part"}, {Fn: query.Count, As: "whole"}}
	if part == nil {
		q.Measures = []query.Measure{r.f.Measure, {Fn: query.Share, Of: []string{r.f.Measure.Name()}, As: "share"}}
	}
	if len(r.f.Targets) == 0 {
		return []Step{{Tool: "query", Query: q}}
	}
	for _, t := range r.f.Targets {
		field := strings.TrimPrefix(t, groupMark)
		q.Group = append(q.Group, field)
		q.Where = and(q.Where, query.Expr{Field: field, Op: query.Exists})
	}
	q.Group = r.namesBeside(q.Group)
	if part != nil {
		q.Measures = append(q.Measures, query.Measure{Fn: query.Ratio, Of: []string{"part", "whole"}, As: "share"})
	}
	q.Sort = []query.Sort{{By: "share", Desc: !r.f.Asc}, {By: q.Measures[1].Name(), Desc: true}}
	if part == nil {
		q.Sort = q.Sort[:1]
	}
	q.Limit = r.limit()
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

// wholeOf finds where the whole of a share stands in a question.
func wholeOf(low string) (from, to int, ok bool) {
	if m := ofForm.FindStringSubmatchIndex(low); m != nil {
		return m[2], m[3], true
	}
	m := shareForm.FindStringIndex(low)
	if m == nil {
		return 0, 0, false
	}
	verb := shareVerb.FindStringIndex(low[m[1]:])
	if verb == nil {
		return 0, 0, false
	}
	return m[1], m[1] + verb[0], true
}

// splitShare tells the conditions of the whole from those of the part: "what
// share of the tcp connections of 10.0.0.5 | were rejected". Without a verb
// after "of" all are of the part.
func (r *reader) splitShare() (whole, part []Cond) {
	low := strings.ToLower(r.question)
	from, to, ok := wholeOf(low)
	if !ok {
		return nil, r.f.Conds
	}
	for _, c := range r.f.Conds {
		at := strings.Index(low[from:], strings.ToLower(c.Text))
		if c.Text != "" && at >= 0 && from+at < to {
			whole = append(whole, c)
		} else {
			part = append(part, c)
		}
	}
	if len(part) == 0 && len(r.f.Targets) == 0 {
		return nil, r.f.Conds
	}
	return whole, part
}
