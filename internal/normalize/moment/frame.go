package moment

import (
	"strconv"
	"strings"
	"time"
)

// Frame is what a time that does not say all is read by: one without a year is
// the last such time that is not more than a day after Ref, one without a zone
// is in Loc.
type Frame struct {
	Ref time.Time
	Loc *time.Location // nil means UTC
}

// Zone is the location of times that name none.
func (f Frame) Zone() *time.Location {
	if f.Loc == nil {
		return time.UTC
	}
	return f.Loc
}

// Syslog reads the forms of time that lines of syslog begin with; the zero time
// if it is none.
func (f Frame) Syslog(s string) time.Time {
	s = strings.Replace(s, ",", ".", 1)
	if t, ok := ISO(s, f.Zone()); ok {
		return t
	}
	if t, ok := BSD(s, f.Ref, f.Zone()); ok {
		return t
	}
	return Slow(s, f.Ref, f.Zone())
}

// spellings are how tools write times besides those of [Frame.Syslog]. A comma
// in a time is read as its point.
var spellings = []string{
	"2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999Z07:00",
	"02/Jan/2006:15:04:05 -0700",
	"Jan _2 2006 15:04:05.999999999",
	"Jan _2 2006 15:04:05.999999999 MST",
	"Jan _2 15:04:05.999999999 MST 2006",
	"Mon Jan _2 15:04:05.999999999 2006",
	"Mon Jan _2 15:04:05 MST 2006",
	"2006/01/02 15:04:05.999999999",
	"060102 150405",
	"1/2/2006 3:04:05 PM",
	"01/02/2006 15:04:05",
	"06/01/02 15:04:05.999999999", // log4j's short form
	"2.1.2006 15:04:05.999999999",
	"2.1.2006. 15:04:05.999999999", // a comma before the time
	"2006.01.02 15:04:05.999999999",
	"20060102-15:4:5.999999999",
	"20060102 15:4:5.999999999",
	"2006-01-02-15.04.05.999999999",
}

// yearless are spellings of months and days without a year.
var yearless = []string{"01-02 15:04:05.999999999", "0102 15:04:05.999999999", "01.02 15:04:05.999999999"}

// maxSpelling is the longest text that is tried for a time.
const maxSpelling = 64

// Any reads a time in any of the spellings that logs use; the zero time if it
// is none.
func (f Frame) Any(s string) time.Time {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxSpelling {
		return time.Time{}
	}
	if len(s) >= 19 && s[10] == ' ' && s[4] == '-' { // as most write it
		if t, ok := ISO(s[:10]+"T"+strings.Replace(s[11:], ",", ".", 1), f.Zone()); ok {
			return t
		}
	}
	if t := Epoch(s); !t.IsZero() {
		return t
	}
	if t := f.Syslog(s); !t.IsZero() {
		return t
	}
	s = strings.Replace(s, ",", ".", 1)
	for _, layout := range spellings {
		if t, err := time.ParseInLocation(layout, s, f.Zone()); err == nil {
			return t.UTC()
		}
	}
	if head, last, ok := cutLast(s, ':'); ok && strings.Count(head, ":") == 2 { // 22:15:29:606
		if t, err := time.ParseInLocation("20060102-15:4:5.999999999", head+"."+last, f.Zone()); err == nil {
			return t.UTC()
		}
	}
	return f.withoutYear(s)
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	at := strings.LastIndexByte(s, sep)
	if at < 0 {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

// withoutYear reads a month, a day and a time of day as the last such time that is not
// more than a day after Ref.
func (f Frame) withoutYear(s string) time.Time {
	for _, layout := range yearless {
		digits := s[min(2, len(s)-1)] >= '0' && s[min(2, len(s)-1)] <= '9'
		if len(s) < len("0102 15:04:05") || digits != (layout[2] == '0') {
			continue
		}
		for back := range 5 { // 29 February is only in a leap year
			year := strconv.Itoa(f.Ref.In(f.Zone()).Year() - back)
			t, err := time.ParseInLocation("2006 "+layout, year+" "+s, f.Zone())
			if err == nil && t.Sub(f.Ref) <= AheadLimit {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}
