package reading

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/query"
)

// span of time that a question names.
type when struct {
	rng  query.TimeRange // From and To only
	text string          // how it was read
}

var unitWords = map[string]time.Duration{
	"ms": time.Millisecond, "millisecond": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hour": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "wk": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
	"month": 30 * 24 * time.Hour, "year": 365 * 24 * time.Hour, "fortnight": 14 * 24 * time.Hour,
}

var byteUnits = map[string]float64{
	"b": 1, "byte": 1, "kb": 1e3, "kbyte": 1e3, "kilobyte": 1e3, "kib": 1 << 10, "k": 1e3,
	"mb": 1e6, "mbyte": 1e6, "megabyte": 1e6, "meg": 1e6, "mib": 1 << 20,
	"gb": 1e9, "gbyte": 1e9, "gigabyte": 1e9, "gig": 1e9, "gib": 1 << 30, "tb": 1e12, "terabyte": 1e12, "tib": 1 << 40,
}

func durationUnit(w string) (time.Duration, bool) {
	if d, ok := unitWords[w]; ok {
		return d, true
	}
	d, ok := unitWords[strings.TrimSuffix(w, "s")]
	return d, ok
}

func byteUnit(w string) (float64, bool) {
	if f, ok := byteUnits[w]; ok {
		return f, true
	}
	f, ok := byteUnits[strings.TrimSuffix(w, "s")]
	return f, ok
}

func isUnit(w string) bool {
	_, a := durationUnit(w)
	_, b := byteUnit(w)
	return a || b
}

var smallNumbers = map[string]float64{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
	"thousand": 1000, "once": 1, "twice": 2, "dozen": 12, "half": 0.5, "single": 1, "couple": 2,
}

// numberOf reads a number token or number word; "10k" style suffixes are units.
func numberOf(t token) (float64, bool) {
	switch t.kind {
	case tokNumber:
		s := strings.ReplaceAll(t.text, ",", "")
		if hex, ok := strings.CutPrefix(s, "0x"); ok {
			n, err := strconv.ParseUint(hex, 16, 64)
			return float64(n), err == nil
		}
		n, err := strconv.ParseFloat(s, 64)
		return n, err == nil
	case tokWord:
		n, ok := smallNumbers[t.lower]
		return n, ok
	case tokAddr, tokCIDR, tokMAC, tokQuoted, tokDate, tokClock, tokSymbol:
	}
	return 0, false
}

// clock reads moments and spans of time out of tokens.
type clock struct {
	now  time.Time
	toks []token
	data [2]time.Time // oldest and newest stored event, zero if unknown
	base time.Time    // the day of hours that name none; zero: see baseDay
}

func (c *clock) word(i int) string {
	if i < 0 || i >= len(c.toks) {
		return ""
	}
	return c.toks[i].lower
}

func (c *clock) is(i int, words ...string) bool {
	return slices.Contains(words, c.word(i))
}

// at reads a span of time that starts at token i. It returns how many tokens
// it took, 0 if there is none.
func (c *clock) at(i int) (when, int) {
	for _, try := range []func(int) (when, int){c.dayRange, c.dayHours, c.between, c.bound, c.back, c.ago, c.named, c.month, c.year, c.point} {
		if w, n := try(i); n > 0 {
			return w, n
		}
	}
	return when{}, 0
}

func (c *clock) skip(i int, words ...string) int {
	for c.is(i, words...) {
		i++
	}
	return i
}

// between: "between 9 and 10 am", "from 06:00 to 07:00", "9:00-10:00".
func (c *clock) between(i int) (when, int) {
	j := i
	opened := c.is(j, "between", "from", "betwen") //nolint:misspell // people write it so
	if opened {
		j++
	}
	a, n := c.moment(j)
	if n == 0 {
		return when{}, 0
	}
	j += n
	if c.is(j, "and", "to", "until", "till", "through", "up") {
		j = c.skip(j, "and", "to", "until", "till", "through", "up")
	} else if opened || j-1 < 0 || j >= len(c.toks) || c.toks[j].from-c.toks[j-1].to > 3 {
		return when{}, 0
	}
	b, m := c.momentAfter(j, a)
	if m == 0 {
		return when{}, 0
	}
	if day := b.t.Truncate(24 * time.Hour); a.clock && b.dated && !a.dated {
		a.t = day.Add(a.t.Sub(a.t.Truncate(24 * time.Hour))) // "from 05:00 to 11:00 on 7 June"
	}
	if a.hourOnly && b.pm && !a.pm && a.t.Hour() < 12 && a.t.Add(12*time.Hour).Before(b.t) {
		a.t = a.t.Add(12 * time.Hour) // "between 1 and 3 pm"
	}
	if c.is(j, "midnight") && !a.t.Before(b.t) {
		b.t = a.t.Truncate(24 * time.Hour).Add(24 * time.Hour) // the end of that day
	}
	if !a.t.Before(b.t) {
		return when{}, 0
	}
	to := b.t
	if b.day {
		to = to.Add(24 * time.Hour) // "from Dec 1 to Dec 3" includes the 3rd
	}
	return c.range2(a.t, to), j + m - i
}

// dayHours: "on 7 June between 05:00 and 11:00": the day is that of the hours.
func (c *clock) dayHours(i int) (when, int) {
	j := c.skip(i, "on", "at")
	day, n := c.day(j)
	if n == 0 || !day.day {
		return when{}, 0
	}
	k := c.skip(j+n, ",", "utc")
	if !c.is(k, "between", "from") {
		return when{}, 0
	}
	own := &clock{now: c.now, toks: c.toks, data: [2]time.Time{c.data[0], day.t.Add(time.Second)}, base: day.t}
	w, m := own.between(k)
	if m == 0 || w.rng.From.Truncate(24*time.Hour) != day.t {
		return when{}, 0
	}
	return w, k + m - i
}

func (c *clock) range2(from, to time.Time) when {
	if from.Equal(from.Truncate(24*time.Hour)) && to.Equal(from.Add(24*time.Hour)) {
		return when{rng: query.TimeRange{From: from, To: to}, text: from.Format(time.DateOnly)}
	}
	return when{rng: query.TimeRange{From: from, To: to}, text: "from " + stamp(from) + " to " + stamp(to)}
}

// bound: "since 07:00", "after 8am", "before 2025-12-10", "until noon".
func (c *clock) bound(i int) (when, int) {
	after := c.is(i, "since", "after", "starting", "following", "from")
	before := c.is(i, "before", "until", "till", "prior", "by", "ahead")
	if !after && !before {
		return when{}, 0
	}
	j := c.skip(i+1, "to", "of", "from", "at", "about", "the", "onwards", "on")
	m, n := c.moment(j)
	if n == 0 || (c.is(i, "by", "from") && !m.day && !m.clock) {
		return when{}, 0
	}
	end := j + n
	if c.is(end, "onwards", "onward", "on") && after {
		end++
	}
	if before {
		return when{rng: query.TimeRange{To: m.t}, text: "before " + stamp(m.t)}, end - i
	}
	from := m.t
	if c.is(i, "after") && m.day {
		from = from.Add(24 * time.Hour)
	}
	return when{rng: query.TimeRange{From: from}, text: "since " + stamp(from)}, end - i
}

// back: "last 24 hours", "past hour", "in the previous 2 days", "first 10 minutes".
func (c *clock) back(i int) (when, int) {
	j := c.skip(i, "in", "over", "within", "during", "for", "the", "of")
	first := c.is(j, "first", "initial", "opening")
	if !first && !c.is(j, "last", "past", "previous", "preceding", "recent", "latest", "final", "these") {
		return when{}, 0
	}
	fromEnd := c.is(j, "final")
	n, k := 1.0, j+1
	if v, ok := c.number(k); ok {
		n, k = v, k+1
		if c.is(k, "of") {
			k++
		}
	}
	d, ok := durationUnit(c.word(k))
	if !ok || len(c.word(k)) == 1 && c.word(k) != "h" && c.word(k) != "d" {
		return when{}, 0
	}
	span := time.Duration(n * float64(d))
	if (first || fromEnd) && !c.data[0].IsZero() {
		if first {
			return c.range2(c.data[0], c.data[0].Add(span)), k + 1 - i
		}
		return c.range2(c.data[1].Add(-span), c.data[1].Add(time.Nanosecond)), k + 1 - i
	}
	return when{rng: query.TimeRange{Last: query.FormatDuration(span)}, text: "the " + humanSpan(span) + " before " + stamp(c.now)}, k + 1 - i
}

// ago: "2 hours ago" is taken as since then.
func (c *clock) ago(i int) (when, int) {
	j := c.skip(i, "since", "from")
	n, ok := c.number(j)
	if !ok {
		return when{}, 0
	}
	d, ok := durationUnit(c.word(j + 1))
	if !ok || !c.is(j+2, "ago") {
		return when{}, 0
	}
	span := time.Duration(n * float64(d))
	return when{rng: query.TimeRange{Last: query.FormatDuration(span)}, text: "since " + stamp(c.now.Add(-span))}, j + 3 - i
}

// named: today, yesterday, this week, this morning, ...
func (c *clock) named(i int) (when, int) {
	day := 24 * time.Hour
	today := c.now.UTC().Truncate(day)
	monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	month := time.Date(c.now.Year(), c.now.Month(), 1, 0, 0, 0, 0, time.UTC)
	end := c.now.Add(time.Nanosecond)
	two := c.word(i) + " " + c.word(i+1)
	switch {
	case c.is(i, "today"):
		return c.range2(today, end), 1
	case two == "day before" && c.is(i+2, "yesterday"):
		return c.range2(today.Add(-2*day), today.Add(-day)), 3
	case c.is(i, "yesterday"):
		return c.range2(today.Add(-day), today), 1
	case two == "this week":
		return c.range2(monday, end), 2
	case two == "this month":
		return c.range2(month, end), 2
	case two == "this year":
		return c.range2(time.Date(c.now.Year(), 1, 1, 0, 0, 0, 0, time.UTC), end), 2
	case two == "this morning":
		return c.range2(today.Add(5*time.Hour), today.Add(12*time.Hour)), 2
	case two == "this afternoon":
		return c.range2(today.Add(12*time.Hour), today.Add(18*time.Hour)), 2
	case two == "this evening":
		return c.range2(today.Add(18*time.Hour), today.Add(day)), 2
	case c.is(i, "tonight"):
		return c.range2(today.Add(18*time.Hour), today.Add(30*time.Hour)), 1
	case two == "last night":
		return c.range2(today.Add(-6*time.Hour), today.Add(6*time.Hour)), 2
	case two == "this hour":
		return c.range2(c.now.Truncate(time.Hour), end), 2
	}
	return when{}, 0
}

// point: "at 07:13", "on 2025-12-10", "in the 9 o'clock hour", "during 10 December".
func (c *clock) point(i int) (when, int) {
	j := c.skip(i, "at", "on", "during", "around", "in", "the", "of", "exactly", "within")
	m, n := c.moment(j)
	if n == 0 || j == i && !m.day && c.toks[j].kind != tokClock {
		return when{}, 0
	}
	size := m.grain
	if c.is(j+n, "hour") {
		size, n = time.Hour, n+1
	}
	return c.range2(m.t, m.t.Add(size)), j + n - i
}

func (c *clock) number(i int) (float64, bool) {
	if i < 0 {
		return 0, false
	}
	if i >= len(c.toks) {
		return 0, false
	}
	return numberOf(c.toks[i])
}

func stamp(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Truncate(time.Second).Format("2006-01-02 15:04:05")
}

func humanSpan(d time.Duration) string {
	type unit struct {
		d    time.Duration
		name string
	}
	for _, u := range []unit{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d >= u.d && d%u.d == 0 && (u.d != 24*time.Hour || d > 48*time.Hour) {
			if n := int(d / u.d); n > 1 {
				return strconv.Itoa(n) + " " + u.name + "s"
			}
			return u.name
		}
	}
	return d.String()
}
