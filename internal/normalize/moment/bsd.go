package moment

import (
	"strconv"
	"strings"
	"time"
)

// AheadLimit is how far a record may be ahead of the clock.
const AheadLimit = 24 * time.Hour

// BSDLen is how long the BSD time is that s begins with, or 0.
func BSDLen(s string) int {
	const length = len("Jan _2 15:04:05")
	if len(s) < length || !shaped(s, "Aaa _0 00:00:00") {
		return 0
	}
	return length + decimalsAt(s, length, ".")
}

// ISOLen is how long the ISO time is that s begins with, or 0.
func ISOLen(s string) int {
	const length = len("2006-01-02T15:04:05")
	if len(s) < length || !shaped(s, "0000-00-00T00:00:00") {
		return 0
	}
	n := length + decimalsAt(s, length, ".,")
	switch zone := s[n:]; {
	case strings.HasPrefix(zone, "Z"):
		return n + 1
	case zone == "" || zone[0] != '+' && zone[0] != '-':
	case len(zone) >= 6 && shaped(zone[1:], "00:00"):
		return n + 6
	case len(zone) >= 5 && shaped(zone[1:], "0000"):
		return n + 5
	}
	return n
}

// shaped tells whether s begins like shape: A and a are a letter, 0 is a
// digit, _ a digit or a space, all else is itself. s is not shorter.
func shaped(s, shape string) bool {
	for i := range len(shape) {
		c := s[i]
		ok := c == shape[i]
		switch shape[i] {
		case 'A':
			ok = c >= 'A' && c <= 'Z'
		case 'a':
			ok = c >= 'a' && c <= 'z'
		case '0':
			ok = c >= '0' && c <= '9'
		case '_':
			ok = c == ' ' || c >= '0' && c <= '9'
		}
		if !ok {
			return false
		}
	}
	return true
}

// decimalsAt is how long the decimals are at i, with one of points before them.
func decimalsAt(s string, i int, points string) int {
	if i >= len(s) || strings.IndexByte(points, s[i]) < 0 {
		return 0
	}
	n := DigitsAt(s, i+1)
	if n == 0 {
		return 0
	}
	return 1 + n
}

// DigitsAt is how many digits stand at i.
func DigitsAt(s string, i int) int {
	n := 0
	for i+n < len(s) && s[i+n] >= '0' && s[i+n] <= '9' {
		n++
	}
	return n
}

// BSD reads "Jan _2 15:04:05" with up to nine decimals as the last such
// time that is not more than a day after ref: in its year or up to four before,
// as 29 February is only in a leap year. ok is false for another spelling.
func BSD(s string, ref time.Time, loc *time.Location) (t time.Time, ok bool) {
	const length = len("Jan _2 15:04:05")
	if n := BSDLen(s); n == 0 || n != len(s) {
		return time.Time{}, false
	}
	nano, _, fits := fraction(s[length:])
	month := monthOf(s[:3])
	clock, valid := dayTime(s[7:length])
	day, err := strconv.Atoi(strings.TrimPrefix(s[4:6], " "))
	if !fits || !valid || month == 0 || err != nil || day < 1 {
		return time.Time{}, false
	}
	year := ref.In(loc).Year()
	for y := year; y > year-5; y-- {
		if y < 1000 || y > 9999 || day > daysIn(month, y) {
			continue
		}
		t := time.Date(y, month, day, clock.hour, clock.minute, clock.second, nano, loc)
		if t.Sub(ref) <= AheadLimit {
			return t.UTC(), true
		}
	}
	return time.Time{}, true
}

func monthOf(s string) time.Month {
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	if i := strings.Index(months, s); i >= 0 && i%3 == 0 {
		return time.Month(i/3 + 1)
	}
	return 0
}

// Slow is what package time says of the spellings that are seldom met.
func Slow(s string, ref time.Time, loc *time.Location) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	if t, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", s, loc); err == nil {
		return t.UTC()
	}
	// 29 February parses only with a leap year in front of it.
	for back := range 5 {
		t, err := time.ParseInLocation("2006 Jan _2 15:04:05.999999999", strconv.Itoa(ref.In(loc).Year()-back)+" "+s, loc)
		if err == nil && t.Sub(ref) <= AheadLimit {
			return t.UTC()
		}
	}
	return time.Time{}
}
