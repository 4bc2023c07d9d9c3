package reading

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/query"
)

// earlier is the period that a question puts beside the one it asks about.
type earlier struct {
	shift time.Duration // how much earlier; 0: the period just before, as long as the asked one
	asked time.Duration // the asked period where the question names none
	grow  int           // 1: what became more is asked for, -1: what became less
	twice bool          // at least doubled
}

// The words that put two periods side by side. The first group of each is what
// is compared with.
var (
	comparing   = `(?:compared (?:to|with|against)|in comparison (?:to|with)|relative to|versus|vs\.?|against|than)(?: (?:in|during|on|for|it was|they did))*`
	periodUnit  = `(hour|day|week|month|period|window|time frame|timeframe)s?`
	sameTime    = `(?:(?:the )?(?:same|corresponding) (?:period|time|hours?|window|days?|weekday)(?: (?:of|in|on|the))* )?`
	earlierForm = []*regexp.Regexp{
		regexp.MustCompile(`(?i)\b` + comparing + ` ` + sameTime + `(?:the )?(?:previous|preceding|prior|last|past|earlier) (\d+ )?` + periodUnit + `\b`),
		regexp.MustCompile(`(?i)\b` + comparing + ` ` + sameTime + `(?:the |a |an |one )?(\d+ )?` + periodUnit + ` (?:before that|before|earlier|prior|previously|ago)\b`),
		regexp.MustCompile(`(?i)\b(?:from|over|since|with) ` + sameTime + `the (?:previous|preceding|prior) (\d+ )?` + periodUnit + `\b`),
	}
	overForm      = regexp.MustCompile(`(?i)\b(hour|day|week|month)[- ](?:over|on|by|to)[- ](hour|day|week|month)\b`)
	yesterdayForm = regexp.MustCompile(`(?i)\b` + comparing + ` (yesterday)\b`)
	growWords     = regexp.MustCompile(`(?i)\b(increas(?:e|es|ed|ing)|grew|grown|rose|risen|went up|gone up|go up|jumped|surged|doubled|tripled|more|higher|larger|bigger|greater)\b`)
	shrinkWords   = regexp.MustCompile(`(?i)\b(decreas(?:e|es|ed|ing)|dropped|declin(?:e|ed|ing)|fell|fallen|went down|gone down|go down|shrank|less|fewer|lower|smaller)\b`)
	changeWords   = regexp.MustCompile(`(?i)\b(?:did|do|does|has|have)?\s*(?:the )?(?:chang(?:e|es|ed|ing)|differ(?:s|ed|ence)?|develop(?:ed)?|evolve[d]?)(?: (?:in|of))?\b`)
	verbGrow      = regexp.MustCompile(`(?i)\b(increased?|grew|grown|rose|risen|went up|gone up|jumped|surged|doubled|tripled|decreased?|declined|fell|fallen|went down|gone down|shrank)\b`)
)

// takeEarlier finds such words and takes them out of the question.
func takeEarlier(question string) (string, *earlier) {
	rest, e := "", (*earlier)(nil)
	for _, form := range earlierForm {
		if m := form.FindStringSubmatchIndex(question); m != nil && !strings.Contains(strings.ToLower(question[m[0]:]), "before yesterday") {
			n, unit := group(question, m, 1), strings.ToLower(group(question, m, 2))
			e = &earlier{shift: shiftOf(n, unit)}
			rest = blank(question, m[0], m[1])
			break
		}
	}
	if m := overForm.FindStringSubmatchIndex(question); e == nil && m != nil && strings.EqualFold(group(question, m, 1), group(question, m, 2)) {
		e, rest = &earlier{shift: shiftOf("", strings.ToLower(group(question, m, 1)))}, blank(question, m[0], m[1])
	}
	if m := yesterdayForm.FindStringIndex(question); e == nil && m != nil {
		e, rest = &earlier{shift: 24 * time.Hour}, blank(question, m[0], m[1])
	}
	if e == nil {
		if !verbGrow.MatchString(question) || strings.Contains(strings.ToLower(question), "over time") {
			return question, nil
		}
		e, rest = &earlier{}, question
	}
	e.asked = e.shift
	if e.asked == 0 {
		e.asked = 24 * time.Hour
	}
	return e.takeDirection(rest), e
}

// takeDirection finds whether more or less is asked for, and takes the words
// of change out: they are no condition here.
func (e *earlier) takeDirection(rest string) string {
	up, down := growWords.FindStringIndex(rest), shrinkWords.FindStringIndex(rest)
	low := strings.ToLower(rest)
	e.twice = strings.Contains(low, "doubled") || strings.Contains(low, "twice")
	switch {
	case up != nil && down == nil:
		e.grow = 1
	case down != nil && up == nil:
		e.grow = -1
	}
	if up != nil {
		rest = blank(rest, up[0], up[1])
	}
	if down != nil {
		rest = blank(rest, down[0], down[1])
	}
	for _, m := range changeWords.FindAllStringIndex(rest, -1) {
		rest = blank(rest, m[0], m[1])
	}
	return rest
}

func group(s string, m []int, n int) string {
	if m[2*n] < 0 {
		return ""
	}
	return strings.TrimSpace(s[m[2*n]:m[2*n+1]])
}

func shiftOf(count, unit string) time.Duration {
	n := 1
	if v, err := strconv.Atoi(count); err == nil && v > 0 && v < 1000 {
		n = v
	}
	return time.Duration(n) * unitWords[unit] // 0 for "period"
}

// blank puts spaces in place of a part, so that offsets stay.
func blank(s string, from, to int) string {
	return s[:from] + strings.Repeat(" ", to-from) + s[to:]
}

// compared puts the earlier period beside the asked one in a query.
func (r *reader) compared(q query.Query) query.Query {
	e := r.f.Earlier
	if e == nil || q.Bucket != "" || q.From == "devices" || len(q.Measures) == 0 {
		return q
	}
	if q.Time.IsZero() {
		q.Time = query.TimeRange{Last: query.FormatDuration(e.asked)}
	}
	if q.Time.Last == "" && q.Time.To.IsZero() {
		q.Time.To = r.now.Add(time.Nanosecond)
	}
	q.Compare = query.Previous
	if e.shift > 0 {
		q.Compare = query.FormatDuration(e.shift)
	}
	name := q.Measures[0].Name()
	done, err := q.Resolve(r.now)
	if err != nil {
		q.Compare = ""
		return q
	}
	by := query.DifferenceOf(name)
	if !slices.ContainsFunc(done.Measures, func(m query.Measure) bool { return m.Name() == by }) {
		return done
	}
	if e.grow != 0 && len(q.Group) > 0 {
		done.Sort = []query.Sort{{By: by, Desc: e.grow > 0}}
		op, than := query.Gt, by
		if e.grow < 0 {
			op = query.Lt
		}
		done.Having = append(done.Having, query.Having{By: than, Op: op, Value: 0.0})
		if e.twice {
			done.Having = append(done.Having, query.Having{By: query.ChangeOf(name), Op: query.Ge, Value: 1.0})
		}
	}
	return done
}

// earlierTrend is the same trend over the earlier period, and how long before it
// lies; zero if there is none.
func (r *reader) earlierTrend(q query.Query) (query.Query, time.Duration) {
	e := r.f.Earlier
	if e == nil {
		return q, 0
	}
	if q.Time.IsZero() {
		q.Time = query.TimeRange{Last: query.FormatDuration(e.asked)}
	}
	rng, err := q.Time.Resolve(r.now)
	if err != nil || rng.From.IsZero() {
		return q, 0
	}
	if rng.To.IsZero() {
		rng.To = r.now.Add(time.Nanosecond)
	}
	shift := e.shift
	if shift == 0 {
		shift = rng.To.Sub(rng.From)
	}
	q.Time = query.TimeRange{From: rng.From.Add(-shift), To: rng.To.Add(-shift)}
	return q, shift
}

// earlierWords say how the earlier period was read.
func (r *reader) earlierWords() string {
	e := r.f.Earlier
	switch {
	case e == nil:
		return ""
	case e.shift == 0:
		return ", beside the period just before"
	}
	return ", beside the same period " + humanSpan(e.shift) + " earlier"
}
