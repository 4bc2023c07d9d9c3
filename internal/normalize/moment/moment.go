// Package moment reads points in time as logs spell them, quickly.
//
// It must not guess a zone: who calls it says which one times without a zone
// are in.
package moment

import "time"

// ISO reads "2006-01-02T15:04:05" with up to nine decimals and a zone ("Z",
// "+0100" or "+01:00"), the spelling of nearly all records, and gives UTC.
// Without a zone it is in loc; a nil loc asks for one. It says exactly what
// time.Parse says, at a tenth of the cost, or ok is false, and time.Parse must
// be asked.
func ISO(s string, loc *time.Location) (t time.Time, ok bool) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	century, ok1 := twoDigits(s[0:2])
	year, ok2 := twoDigits(s[2:4])
	month, ok3 := twoDigits(s[5:7])
	day, ok4 := twoDigits(s[8:10])
	clock, ok5 := dayTime(s[11:19])
	nano, rest, ok6 := fraction(s[19:])
	year += 100 * century
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || month < 1 || month > 12 || day < 1 || day > daysIn(time.Month(month), year) {
		return time.Time{}, false
	}
	east, zoned := zoneOffset(rest)
	if zoned {
		loc = time.UTC
	} else if rest != "" || loc == nil {
		return time.Time{}, false
	}
	t = time.Date(year, time.Month(month), day, clock.hour, clock.minute, clock.second, nano, loc)
	return t.Add(-east).UTC(), true
}

// clockTime is a time of the day.
type clockTime struct{ hour, minute, second int }

// dayTime reads "15:04:05".
func dayTime(s string) (c clockTime, ok bool) {
	if len(s) != 8 || s[2] != ':' || s[5] != ':' {
		return c, false
	}
	h, ok1 := twoDigits(s[0:2])
	m, ok2 := twoDigits(s[3:5])
	sec, ok3 := twoDigits(s[6:8])
	return clockTime{h, m, sec}, ok1 && ok2 && ok3 && h < 24 && m < 60 && sec < 60
}

func twoDigits(s string) (int, bool) {
	a, b := s[0]-'0', s[1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// fraction reads ".000000000" of one to nine digits off s, or nothing.
func fraction(s string) (nano int, rest string, ok bool) {
	if s == "" || s[0] != '.' {
		return 0, s, true
	}
	i := 1
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if i > 9 {
			return 0, "", false
		}
		nano = nano*10 + int(s[i]-'0')
	}
	for n := i; n < 10; n++ {
		nano *= 10
	}
	return nano, s[i:], i > 1
}

// zoneOffset reads a zone, how far it is east of UTC; ok is false for none.
func zoneOffset(s string) (east time.Duration, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) == 6 && s[3] == ':' {
		s = s[:3] + s[4:]
	}
	if len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, ok1 := twoDigits(s[1:3])
	m, ok2 := twoDigits(s[3:5])
	east = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[0] == '-' {
		east = -east
	}
	return east, ok1 && ok2 && h < 24 && m < 60
}

func daysIn(m time.Month, year int) int {
	switch m {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}
