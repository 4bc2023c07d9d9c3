package reading

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/query"
)

// Phrases whose words would mean something else one by one. They are read and
// taken out of the question before it is cut.
var (
	onceForm  = regexp.MustCompile(`(?i)\b(?:only|just|exactly|merely) (?:only |just |exactly )?(?:one |a )?(?:single |one )?(?:time|once|occurrence|record|line|entry|event)\b(?: only)?|\b(?:in |by )?(?:just|only|exactly|merely) (?:one(?: single)?|a single)\b|\bone (?:time|single (?:time|record|line|entry|event)) only\b|\b(?:seen|appears?|occurs?|shows? up) once\b|\bone single (?:time|record|line|entry|event)\b(?: only)?`)
	blockForm = regexp.MustCompile(`(?i)\b(?:in |into |per |every |for each |by |each |which )?(?:(?:the )?(?:blocks?|intervals?|windows?|bins?|buckets?|slots?|chunks?|steps?|periods?) of (` + spokenForm + `)|(\d+|one|two|five|ten|fifteen|twenty|thirty|sixty)[ -](second|minute|hour|day)s? ?(?:blocks?|intervals?|windows?|bins?|buckets?|slots?|chunks?|steps?|periods?))\b`)
	everyForm = regexp.MustCompile(`(?i)\b(?:every|per|each) (\d+|five|ten|fifteen|twenty|thirty) (second|minute|hour|day)s?\b`)
	fillForm  = regexp.MustCompile(`(?i)[,;(]?\s*\b(?:(?:to|with|at|rounded to) )?(?:\d|one|two|three) (?:decimals?|decimal places?|digits)\b(?: after the (?:point|comma))?[)]?|\bclock hour\b|\b(?:biggest|largest|highest|most|worst|fewest|lowest|smallest)(?: \w+){0,2} first\b|\bin descending order\b|\bone (?:line|row) (?:per|for each)\b`)
	moreForm  = regexp.MustCompile(`(?i)\bhow (?:many|much) (?:more|fewer|less)\b|\b(?:difference|what is the difference) (?:between|in)\b|\bby how (?:many|much)\b[^?]*\b(?:more|less|fewer|increase|drop|change|exceed)`)
)

// takePhrases finds such phrases.
func (r *reader) takePhrases() {
	q := r.question
	if moreForm.MatchString(q) {
		r.f.Difference = true
	}
	if m := onceForm.FindStringIndex(q); m != nil {
		r.f.Once, q = true, blank(q, m[0], m[1])
	}
	if m := blockForm.FindStringSubmatchIndex(q); m != nil {
		r.f.Bucket = blockWidth(group(q, m, 1), group(q, m, 2), group(q, m, 3))
		q = blank(q, m[0], m[1])
	} else if m := everyForm.FindStringSubmatchIndex(q); m != nil {
		r.f.Bucket = blockWidth("", group(q, m, 1), group(q, m, 2))
		q = blank(q, m[0], m[1])
	}
	for _, m := range fillForm.FindAllStringIndex(q, -1) {
		keep := strings.ToLower(q[m[0]:m[1]])
		switch {
		case strings.Contains(keep, "clock hour"):
			q = q[:m[0]] + strings.Repeat(" ", 6) + "hour" + q[m[1]:]
		case strings.Contains(keep, "one line") || strings.Contains(keep, "one row"):
			q = q[:m[1]-len("per")] + "per" + q[m[1]:]
			if strings.HasSuffix(keep, "each") {
				q = q[:m[1]-len("per")] + "per" + q[m[1]:]
			}
			q = blank(q, m[0], m[1]-len("per"))
		case strings.Contains(keep, "first"):
			r.f.Sorted = true
			q = blank(q, m[0], m[1])
		default:
			q = blank(q, m[0], m[1])
		}
	}
	r.question = q
	r.takeDays()
}

func blockWidth(spoken, count, unit string) string {
	if spoken == "" {
		spoken = count + " " + unit
	}
	d, ok := spokenSpan(spoken)
	if !ok {
		return ""
	}
	return query.FormatDuration(d)
}

// onlyOnce keeps the groups that happened once.
func (r *reader) onlyOnce(q *query.Query) {
	if !r.f.Once || len(q.Measures) == 0 || len(q.Group) == 0 {
		return
	}
	for _, m := range q.Measures {
		if m.Fn == query.Count && m.Where == nil {
			q.Having = append(q.Having, query.Having{By: m.Name(), Op: query.Eq, Value: 1.0})
			q.Limit = MaxGroups
			return
		}
	}
}

// difference adds by how much the first of two measures is more than the
// second, where that is asked.
func (r *reader) difference(q *query.Query) {
	if r.f.Ratio && len(q.Measures) == 2 {
		q.Measures = append(q.Measures, query.Measure{Fn: query.Ratio, Of: []string{q.Measures[0].Name(), q.Measures[1].Name()}, As: "times as many"})
		return
	}
	if r.f.Difference && len(q.Measures) == 2 {
		q.Measures = append(q.Measures, query.Measure{Fn: query.Diff, Of: []string{q.Measures[0].Name(), q.Measures[1].Name()}, As: "difference"})
	}
}

// year reads "in 2018", "of 2018", "the year 2018".
func (c *clock) year(i int) (when, int) {
	j := c.skip(i, "in", "of", "during", "for", "from", "the", "year", "only", "days")
	n, ok := c.number(j)
	if !ok || j == i || len(c.word(j)) != 4 || n < 1990 || n > float64(c.now.Year()) || strings.Contains(c.word(j), ".") {
		return when{}, 0
	}
	if !c.data[0].IsZero() && (int(n) < c.data[0].Year() || int(n) > c.data[1].Year()) {
		return when{}, 0
	}
	from, err := c.dayOf(strconv.Itoa(int(n)) + "-01-01")
	if err != nil {
		return when{}, 0
	}
	w := c.range2(from, from.AddDate(1, 0, 0))
	w.text = strconv.Itoa(int(n))
	return w, j + 1 - i
}

// moreThanOther keeps the groups that had more, or fewer, of one value than of
// the other.
func (r *reader) moreThanOther(q *query.Query) {
	if !r.f.More || len(q.Measures) != 3 || q.Measures[2].Fn != query.Diff {
		return
	}
	for _, g := range q.Group {
		if !strings.HasSuffix(g, "_endpoint.name") {
			q.Where = and(q.Where, query.Expr{Field: g, Op: query.Exists})
		}
	}
	h := query.Having{By: q.Measures[2].Name(), Op: query.Gt, Value: 0.0}
	if strings.Contains(strings.ToLower(r.question), "fewer ") {
		h.Op = query.Lt
	}
	q.Having, q.Sort, q.Limit = append(q.Having, h), []query.Sort{{By: h.By, Desc: h.Op == query.Gt}}, MaxGroups
}

// moreThanBefore keeps the groups that had more, or less, in the first of two
// periods than in the second.
func (r *reader) moreThanBefore(q *query.Query) {
	if !r.comparesTimes() || !r.saidMore() || len(q.Group) == 0 || len(q.Measures) != 2 {
		return
	}
	m := query.Measure{Fn: query.Diff, Of: []string{q.Measures[0].Name(), q.Measures[1].Name()}, As: "difference"}
	h := query.Having{By: m.As, Op: query.Gt, Value: 0.0}
	if strings.Contains(strings.ToLower(r.question), "fewer") || strings.Contains(strings.ToLower(r.question), "less") {
		h.Op = query.Lt
	}
	q.Measures, q.Having = append(q.Measures, m), append(q.Having, h)
	q.Sort = []query.Sort{{By: m.As, Desc: h.Op == query.Gt}}
}

// twoValues puts the counts of two values of one field side by side, for "how
// many more READ than WRITE operations".
func (r *reader) twoValues(q *query.Query) {
	if !r.f.Difference && !r.f.Ratio || len(q.Measures) != 1 || q.Measures[0].Where != nil {
		return
	}
	for i, a := range r.f.Conds {
		for j := i + 1; j < len(r.f.Conds); j++ {
			b := r.f.Conds[j]
			if a.Not || b.Not || !joinable(a.Expr, b.Expr) || a.Expr.Op != query.Eq || a.Expr.Value == b.Expr.Value {
				continue
			}
			keep := r.f
			r.f.Conds = slices.Delete(slices.Delete(slices.Clone(r.f.Conds), j, j+1), i, i+1)
			base := r.base()
			r.f = keep
			q.Classes, q.Where = base.Classes, base.Where
			one, two := q.Measures[0], q.Measures[0]
			one.Where, one.As = &a.Expr, fmt.Sprint(a.Expr.Value)
			two.Where, two.As = &b.Expr, fmt.Sprint(b.Expr.Value)
			q.Measures = []query.Measure{one, two}
			return
		}
	}
}
