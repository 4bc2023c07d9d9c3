package normalize

import (
	"strconv"
	"strings"
	"time"
)

// head is how a line of BSD syslog begins, or one with an ISO time.
type head struct {
	pri, when, host string
	rest            string
}

// cutHead cuts the head off: an optional "<PRI>", a time, a host and a space.
// The time is "Jan _2 15:04:05" or "2006-01-02T15:04:05", with decimals or not,
// the latter with a zone or not.
func cutHead(line string) (h head, ok bool) {
	h.pri, line = cutPriority(line)
	n := bsdTimeLen(line)
	if n == 0 {
		n = isoTimeLen(line)
	}
	if n == 0 || n >= len(line) || line[n] != ' ' {
		return head{}, false
	}
	h.when, line = line[:n], line[n+1:]
	end := strings.IndexAny(line, " \t\n\f\r")
	if end <= 0 || line[end] != ' ' {
		return head{}, false
	}
	h.host, h.rest = line[:end], line[end+1:]
	return h, true
}

// cutPriority cuts "<PRI>" off, if it is there.
func cutPriority(line string) (pri, rest string) {
	if line == "" || line[0] != '<' {
		return "", line
	}
	n := digitsAt(line, 1)
	if n < 1 || n > 3 || n+1 >= len(line) || line[n+1] != '>' {
		return "", line
	}
	return line[1 : n+1], line[n+2:]
}

// bsdTimeLen is how long the BSD time is that s begins with, or 0.
func bsdTimeLen(s string) int {
	const length = len("Jan _2 15:04:05")
	if len(s) < length || !shaped(s, "Aaa _0 00:00:00") {
		return 0
	}
	return length + decimalsAt(s, length, ".")
}

// isoTimeLen is how long the ISO time is that s begins with, or 0.
func isoTimeLen(s string) int {
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
	n := digitsAt(s, i+1)
	if n == 0 {
		return 0
	}
	return 1 + n
}

func digitsAt(s string, i int) int {
	n := 0
	for i+n < len(s) && s[i+n] >= '0' && s[i+n] <= '9' {
		n++
	}
	return n
}

// bsdTime reads "Jan _2 15:04:05" with up to nine decimals as the last such
// time that is not more than a day after ref: in its year or up to four before,
// as 29 February is only in a leap year. ok is false for another spelling.
func bsdTime(s string, ref time.Time, loc *time.Location) (t time.Time, ok bool) {
	const length = len("Jan _2 15:04:05")
	if n := bsdTimeLen(s); n == 0 || n != len(s) {
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
		if t.Sub(ref) <= aheadLimit {
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

// tag is who wrote a line: "sshd(pam_unix)[2101]: ".
type tag struct {
	program, module, version, pid string
	rest                          string
}

const maxProgram = 64

// cutTag cuts a tag off; each part but the program may be absent.
func cutTag(text string) (t tag, ok bool) {
	n := 0
	for n < len(text) && n < maxProgram && nameByte(text[n], "_./-") {
		n++
	}
	if n == 0 {
		return tag{}, false
	}
	t.program, t.rest = text[:n], text[n:]
	t.module, t.rest = cutIn(t.rest, "(", ")", func(c byte) bool { return nameByte(c, "_.:-") })
	t.version, t.rest = cutIn(t.rest, " ", "", func(c byte) bool { return c == '.' || c >= '0' && c <= '9' })
	t.pid, t.rest = cutIn(t.rest, "[", "]", func(c byte) bool { return c >= '0' && c <= '9' })
	t.rest = strings.TrimPrefix(strings.TrimPrefix(t.rest, ":"), " ")
	return t, strings.Contains(text[:len(text)-len(t.rest)], ":")
}

// cutIn cuts off bytes of one kind, at least one, between two marks.
func cutIn(s, open, end string, kind func(byte) bool) (in, rest string) {
	after, ok := strings.CutPrefix(s, open)
	if !ok {
		return "", s
	}
	n := 0
	for n < len(after) && kind(after[n]) {
		n++
	}
	if rest, ok = strings.CutPrefix(after[n:], end); !ok || n == 0 {
		return "", s
	}
	return after[:n], rest
}

// nameByte tells whether c is a letter, a digit or one of more.
func nameByte(c byte, more string) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(more, c) >= 0
}
