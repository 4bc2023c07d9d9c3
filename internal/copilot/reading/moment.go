package reading

import (
	"strings"
	"time"
)

// moment is a point that a question names: a day, a time of day, or both.
type moment struct {
	t        time.Time
	grain    time.Duration // how long "at" it lasts
	day      bool          // only a day was said
	clock    bool          // a time of day was said
	pm       bool
	hourOnly bool // a bare hour, "9"
	dated    bool // with the time of day a day was said
}

var months = map[string]time.Month{
	"jan": 1, "january": 1, "feb": 2, "february": 2, "mar": 3, "march": 3, "apr": 4, "april": 4, "may": 5, "jun": 6, "june": 6,
	"jul": 7, "july": 7, "aug": 8, "august": 8, "sep": 9, "sept": 9, "september": 9, "oct": 10, "october": 10,
	"nov": 11, "november": 11, "dec": 12, "december": 12,
}

var weekdays = map[string]time.Weekday{
	"sunday": 0, "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6,
}

// moment reads a day, optionally with a time of day, or a time of day alone.
func (c *clock) moment(i int) (moment, int) {
	if day, n := c.day(i); n > 0 {
		j := c.skip(i+n, "at", "around", "about")
		if tod, m := c.timeOfDay(j, false); m > 0 && day.day {
			tod.t, tod.dated = day.t.Add(tod.t.Sub(tod.t.Truncate(24*time.Hour))), true
			return tod, j + m - i
		}
		return day, n
	}
	j := c.skip(i, "about", "around")
	tod, n := c.timeOfDay(j, c.is(i-1, "between", "after", "before", "since", "until", "from", "at", "till"))
	if n == 0 {
		return moment{}, 0
	}
	k := c.skip(j+n, "on", "of")
	if day, m := c.day(k); m > 0 && day.day {
		tod.t, tod.dated = day.t.Add(tod.t.Sub(tod.t.Truncate(24*time.Hour))), true
		return tod, k + m - i
	}
	return tod, j + n - i
}

// momentAfter reads the end of a range; a bare number is an hour there.
func (c *clock) momentAfter(i int, start moment) (moment, int) {
	if start.clock {
		if tod, n := c.timeOfDay(i, true); n > 0 {
			day := start.t.Truncate(24 * time.Hour)
			k := c.skip(i+n, "on", "of")
			if d, m := c.day(k); m > 0 && d.day {
				day, n, tod.dated = d.t, k+m-i, true
			}
			tod.t = day.Add(tod.t.Sub(tod.t.Truncate(24 * time.Hour)))
			return tod, n
		}
	}
	return c.moment(i)
}

// day reads a date: 2025-12-10, 10 December 2025, Dec 10, the 10th, monday.
func (c *clock) day(i int) (moment, int) {
	if i >= len(c.toks) {
		return moment{}, 0
	}
	whole := func(t time.Time) moment { return moment{t: t, grain: 24 * time.Hour, day: true} }
	if c.toks[i].kind == tokDate {
		return isoMoment(c.toks[i].text)
	}
	switch c.word(i) {
	case "today":
		return whole(c.now.UTC().Truncate(24 * time.Hour)), 1
	case "yesterday":
		return whole(c.now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)), 1
	}
	if wd, ok := weekdays[c.word(i)]; ok {
		t := c.now.UTC().Truncate(24 * time.Hour)
		for t.Weekday() != wd {
			t = t.AddDate(0, 0, -1)
		}
		return whole(t), 1
	}
	month, dayNum, n := c.monthDay(i)
	if n == 0 {
		return moment{}, 0
	}
	if y, ok := c.number(i + n); ok && y >= 1970 && y <= 2200 {
		return whole(time.Date(int(y), month, dayNum, 0, 0, 0, 0, time.UTC)), n + 1
	}
	t := time.Date(c.now.Year(), month, dayNum, 0, 0, 0, 0, time.UTC)
	if t.After(c.now) {
		t = t.AddDate(-1, 0, 0) // without a year the day lies in the past
	}
	return whole(t), n
}

func (c *clock) monthDay(i int) (time.Month, int, int) {
	if m, ok := months[c.word(i)]; ok {
		j := c.skip(i+1, "the")
		if d, ok := c.ordinal(j); ok {
			return m, d, j + 1 - i
		}
		return 0, 0, 0
	}
	j := c.skip(i, "the")
	if d, ok := c.ordinal(j); ok {
		k := c.skip(j+1, "of")
		if m, ok := months[c.word(k)]; ok {
			return m, d, k + 1 - i
		}
	}
	return 0, 0, 0
}

func (c *clock) ordinal(i int) (int, bool) {
	w := strings.TrimRight(c.word(i), "stndrh")
	n, ok := numberOf(token{kind: tokNumber, text: w})
	return int(n), ok && n >= 1 && n <= 31 && n == float64(int(n))
}

func isoMoment(s string) (moment, int) {
	s = strings.Replace(s, " ", "T", 1)
	if len(s) > 12 && s[12] == ':' {
		s = s[:11] + "0" + s[11:]
	}
	layouts := []struct {
		layout string
		grain  time.Duration
	}{
		{time.RFC3339Nano, time.Second},
		{"2006-01-02T15:04Z07:00", time.Minute},
		{"2006-01-02T15:04:05.999999999", time.Second},
		{"2006-01-02T15:04", time.Minute},
	}
	for _, l := range layouts {
		if t, err := time.Parse(l.layout, s); err == nil {
			return moment{t: t.UTC(), grain: l.grain, clock: true}, 1
		}
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return moment{t: t, grain: 24 * time.Hour, day: true}, 1
	}
	return moment{}, 0
}

// timeOfDay reads 07:05, 07:05:10, 7am, 7 pm, noon, midnight, "9 o'clock"; a
// bare hour only where bare allows it. The day is that of the newest stored
// event not later than now, else today.
func (c *clock) timeOfDay(i int, bare bool) (moment, int) {
	if i >= len(c.toks) {
		return moment{}, 0
	}
	base := c.baseDay()
	switch c.word(i) {
	case "noon", "midday":
		return moment{t: base.Add(12 * time.Hour), grain: time.Minute, clock: true}, 1
	case "midnight":
		return moment{t: base, grain: time.Minute, clock: true}, 1
	}
	if c.toks[i].kind == tokClock {
		return c.clockTime(i, base)
	}
	h, ok := c.number(i)
	if !ok || c.toks[i].kind != tokNumber || h != float64(int(h)) || h < 0 || h > 24 {
		return moment{}, 0
	}
	m := moment{t: base.Add(time.Duration(h) * time.Hour), grain: time.Hour, clock: true}
	switch next := strings.ReplaceAll(c.word(i+1), ".", ""); {
	case next == "am", next == "pm":
		if h > 12 {
			return moment{}, 0
		}
		m.pm = next == "pm"
		m.t = base.Add(time.Duration(int(h)%12) * time.Hour)
		if m.pm {
			m.t = m.t.Add(12 * time.Hour)
		}
		return m, 2
	case next == "o'clock", next == "oclock", next == "h" && h < 24:
		return m, 2
	case bare && !isUnit(next) && (c.is(i+1, "and", "to", "") || next == "until" || next == "till" || bareEnd(c, i)):
		m.hourOnly = true
		return m, 1
	}
	return moment{}, 0
}

// bareEnd tells whether a bare number ends a range of hours: "between 9 and 10".
func bareEnd(c *clock, i int) bool {
	prev, ok := c.number(i - 2)
	return ok && prev <= 24 && c.is(i-1, "and", "to", "until", "till")
}

func (c *clock) clockTime(i int, base time.Time) (moment, int) {
	layout, grain := "15:04", time.Minute
	if strings.Count(c.toks[i].text, ":") == 2 {
		layout, grain = "15:04:05", time.Second
	}
	text := c.toks[i].text
	if strings.Index(text, ":") == 1 {
		text = "0" + text
	}
	t, err := time.Parse(layout, text)
	if err != nil {
		return moment{}, 0
	}
	off := t.Sub(t.Truncate(24 * time.Hour))
	n := 1
	switch next := strings.ReplaceAll(c.word(i+1), ".", ""); next {
	case "am":
		if off >= 12*time.Hour {
			off -= 12 * time.Hour
		}
		n = 2
	case "pm":
		if off < 12*time.Hour {
			off += 12 * time.Hour
		}
		n = 2
	case "utc", "gmt", "z":
		n = 2
	}
	return moment{t: base.Add(off), grain: grain, clock: true, pm: off >= 12*time.Hour}, n
}

// baseDay is the day that a time of day without a date belongs to.
func (c *clock) baseDay() time.Time {
	if !c.base.IsZero() {
		return c.base
	}
	for i, t := range c.toks {
		if day, n := c.day(i); n > 1 {
			return day.t.Truncate(24 * time.Hour) // "7 June 2021"
		}
		if t.kind == tokDate {
			if m, n := isoMoment(t.text); n > 0 {
				return m.t.Truncate(24 * time.Hour)
			}
		}
		if t.lower == "yesterday" {
			return c.now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
		}
	}
	if newest := c.data[1]; !newest.IsZero() && newest.Before(c.now) {
		return newest.UTC().Truncate(24 * time.Hour)
	}
	return c.now.UTC().Truncate(24 * time.Hour)
}

func (*clock) dayOf(iso string) (time.Time, error) { return time.Parse(time.DateOnly, iso) }
