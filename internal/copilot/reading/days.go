package reading

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"vedette/internal/query"
)

// month reads "in July 2005", "July 2005", "during June": without a year the last
// such month that has begun.
func (c *clock) month(i int) (when, int) {
	j := c.skip(i, "in", "during", "of", "throughout", "for", "the", "month")
	m, ok := months[c.word(j)]
	if !ok {
		return when{}, 0
	}
	end := j + 1
	year := c.now.Year()
	if k := c.skip(end, "of", ","); c.isYear(k) {
		n, _ := c.number(k)
		year, end = int(n), k+1
	} else if !c.is(j-1, "in", "during", "throughout", "month") {
		return when{}, 0 // "may", "mar" and "dec" are other words too
	} else if time.Date(year, m, 1, 0, 0, 0, 0, time.UTC).After(c.now) {
		year--
	}
	from := time.Date(year, m, 1, 0, 0, 0, 0, time.UTC)
	w := c.range2(from, from.AddDate(0, 1, 0))
	w.text = from.Format("January 2006")
	return w, end - i
}

func (c *clock) isYear(i int) bool {
	n, ok := c.number(i)
	return ok && len(c.word(i)) == 4 && n >= 1970 && n <= 2200
}

// dayRange reads "3 to 5 July 2019" and "between 3 and 5 July": the month that
// follows is that of both, and both days belong to it.
func (c *clock) dayRange(i int) (when, int) {
	j := c.skip(i, "from", "between", "on", "the")
	first, ok := c.ordinal(j)
	if !ok {
		return when{}, 0
	}
	between := c.is(i, "between")
	k := c.skip(j+1, "to", "until", "till", "through", "-", "–", "up")
	if between {
		k = c.skip(k, "and")
	}
	if k == j+1 {
		return when{}, 0
	}
	last, n := c.day(k)
	if n == 0 || !last.day || last.t.Day() <= first || c.toks[k].kind == tokDate {
		return when{}, 0
	}
	if _, named := months[c.word(k)]; named {
		return when{}, 0 // "3 to July 5"
	}
	from := last.t.AddDate(0, 0, first-last.t.Day())
	return c.range2(from, last.t.AddDate(0, 0, 1)), k + n - i
}

// On how many days something happened: a condition on those asked for, or what
// is asked itself.
var (
	onDaysForm  = regexp.MustCompile(`(?i)\bon (?:(more than|over|at least|no fewer than|exactly|only|just|at most|no more than|fewer than|less than) )?(?:an? )?(one|two|three|four|five|six|seven|\d{1,3}|several|multiple|many|single)(?: or more)?(?: (?:different|separate|distinct|single|calendar))* days?\b`)
	howManyDays = regexp.MustCompile(`(?i)\bon how many (?:(?:different|separate|distinct|calendar) )*days\b`)
)

// takeDays reads "on more than one day".
func (r *reader) takeDays() {
	if m := howManyDays.FindStringIndex(r.question); m != nil {
		r.f.Days = true
		r.question = blank(r.question, m[0], m[1])
		r.question = r.question[:m[0]] + "how many" + r.question[m[0]+len("how many"):]
		return
	}
	m := onDaysForm.FindStringSubmatchIndex(r.question)
	if m == nil {
		return
	}
	word, number := strings.ToLower(group(r.question, m, 1)), strings.ToLower(group(r.question, m, 2))
	op := map[string]query.Op{"more than": query.Gt, "over": query.Gt, "at least": query.Ge, "no fewer than": query.Ge, "at most": query.Le, "no more than": query.Le, "fewer than": query.Lt, "less than": query.Lt}[word]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		n = smallNumbers[number]
	}
	switch {
	case number == "several" || number == "multiple" || number == "many":
		op, n = query.Ge, 2
	case strings.Contains(strings.ToLower(r.question[m[0]:m[1]]), "or more"):
		op = query.Ge
	case op == "" && word == "":
		return // "on one day" may be any
	case op == "":
		op = query.Eq
	}
	r.f.Having = append(r.f.Having, query.Having{Op: op, Value: n})
	r.f.Measures = append(r.f.Measures, query.Measure{Fn: query.Days})
	r.question = blank(r.question, m[0], m[1])
}
