package ground

import (
	"strings"
	"time"
)

// momentFact is a time as code gives it.
func momentFact(t time.Time, grain time.Duration) fact {
	return fact{kind: moment, key: t.Format(time.RFC3339Nano), at: t, grain: grain}
}

// momentAt reads a date with a time of day that begins at from: in one token
// ("2026-03-10T12:00:00Z") or in two ("2026-03-10 12:00:00 UTC").
func momentAt(text string, from, end int) (fact, int, bool) {
	token := strings.TrimRight(text[from:end], ".:-'’/")
	if len(token) < 10 || !isDate(token[:10]) {
		return fact{}, 0, false
	}
	stop := from + len(token)
	day, rest := token[:10], token[10:]
	switch {
	case rest == "" && stop < len(text) && text[stop] == ' ':
		next, nextEnd := nextToken(text, stop)
		if next != stop+1 {
			return fact{}, 0, false
		}
		rest = strings.TrimRight(text[next:nextEnd], ".:-'’/")
		stop = next + len(rest)
	case len(rest) > 1 && (rest[0] == 'T' || rest[0] == 't'):
		rest = rest[1:]
	default:
		return fact{}, 0, false
	}
	rest = strings.TrimRight(rest, "Zz")
	if stop < len(text) && text[stop] == '+' { // an offset
		if off, offEnd := nextToken(text, stop+1); off == stop+1 && isClock(text[off:offEnd]) {
			rest, stop = rest+"+"+text[off:offEnd], offEnd
		}
	}
	t, grain, ok := parseMoment(day + " " + rest)
	if !ok {
		return fact{}, 0, false
	}
	if after := text[stop:]; strings.HasPrefix(after, " UTC") || strings.HasPrefix(after, " GMT") {
		stop += 4
	}
	f := momentFact(t, grain)
	f.text, f.from, f.end = text[from:stop], from, stop
	return f, stop, true
}

func parseMoment(s string) (time.Time, time.Duration, bool) {
	for _, l := range []struct {
		layout string
		grain  time.Duration
	}{
		{"2006-01-02 15:04:05", time.Second},
		{"2006-01-02 15:04:05-07:00", time.Second},
		{"2006-01-02 15:04", time.Minute},
		{"2006-01-02 15:04-07:00", time.Minute},
	} {
		t, err := time.Parse(l.layout, s)
		if err != nil {
			continue
		}
		grain := l.grain
		if _, frac, ok := strings.Cut(s, "."); ok && grain == time.Second {
			digits, _, _ := strings.Cut(strings.ReplaceAll(frac, "+", "-"), "-")
			for range digits {
				grain = max(1, grain/10)
			}
		}
		return t.UTC(), grain, true
	}
	return time.Time{}, 0, false
}

func isDate(s string) bool {
	if len(s) != 10 {
		return false
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// isClock recognises 12:00 and 12:00:30, with a fraction or not.
func isClock(s string) bool {
	whole, frac, hasFrac := strings.Cut(s, ".")
	if hasFrac && !allDigits(frac) || len(whole) != 5 && len(whole) != 8 {
		return false
	}
	for i := range len(whole) {
		if i%3 == 2 && whole[i] != ':' || i%3 != 2 && !digit(whole[i]) {
			return false
		}
	}
	return whole[:2] < "24" && whole[3:5] < "60"
}
