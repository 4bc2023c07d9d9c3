package moment

import (
	"testing"
	"time"
)

// The tests here hold what is written out by hand for speed against the plain
// way of saying the same.

// slowISO is what package time says of the spellings of ISO.
func slowISO(s string, loc *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	if loc == nil {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", s, loc)
	return t.UTC(), err == nil
}

// checkTimes compares each quick way to read a time that takes s with its slow
// one.
func checkTimes(t *testing.T, s string, loc *time.Location) {
	t.Helper()
	ref := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, l := range []*time.Location{nil, time.UTC, loc} {
		if got, ok := ISO(s, l); ok {
			if want, good := slowISO(s, l); !good || !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("ISO(%q, %v) = %v, not %v (%v)", s, l, got, want, good)
			}
		}
		if l == nil {
			continue
		}
		if got, ok := BSD(s, ref, l); ok {
			if want := Slow(s, ref, l); !got.Equal(want) {
				t.Errorf("BSD(%q, %v) = %v, not %v", s, l, got, want)
			}
		}
	}
	if got, ok := plainEpoch(s); ok {
		if want := anyEpoch(s); !got.Equal(want) || got.IsZero() {
			t.Errorf("plainEpoch(%q) = %v, not %v", s, got, want)
		}
	}
}

func berlin(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// timesToTry maps spellings to whether a quick way must take them.
var timesToTry = map[string]bool{
	"2025-05-20T12:00:00Z": true, "2025-05-20T12:00:00.5Z": true, "2025-05-20T12:00:00.123456789+02:00": true, "2025-05-20T12:00:00.000001-0330": true, "2025-05-20T12:00:00": true,
	"2024-02-29T00:00:00Z": true, "2025-02-29T00:00:00Z": false, "2100-02-29T00:00:00Z": false, "2000-02-29T23:59:59Z": true, "2025-04-31T00:00:00Z": false, "0000-01-01T00:00:00Z": true, "9999-12-31T23:59:59Z": true,
	"2025-13-01T00:00:00Z": false, "2025-00-01T00:00:00Z": false, "2025-01-00T00:00:00Z": false, "2025-01-01T24:00:00Z": false, "2025-01-01T00:60:00Z": false, "2025-01-01T00:00:60Z": false,
	"2025-05-20T12:00:00.Z": false, "2025-05-20T12:00:00.1234567890Z": false, "2025-05-20T12:00:00+2:00": false, "2025-05-20T12:00:00+24:00": false, "2025-05-20T12:00:00z": false, "2025-05-20 12:00:00Z": false, "2025-05-20T12:00:0:Z": false,
	"2025-03-30T02:30:00": true, "2025-10-26T02:30:00": true,
	"May 20 10:00:01": true, "May  2 10:00:01.5": true, "May 02 10:00:01": true, "Feb 29 10:00:00": true, "Feb 30 10:00:00": true, "Mar  2 13:00:01": true, "Mar  1 10:00:01": true, "Dec 31 23:59:59": true, "Mar 30 02:30:00": true, "Oct 26 02:30:00": true,
	"May 00 10:00:01": false, "Mai 20 10:00:01": false, "anF 20 10:00:01": false, "Jan 20 25:00:01": false, "may 20 10:00:01": false, "May 20 10:00:01.1234567890": false,
	"0": true, "1747735200": true, "1747735200.5": true, "1747735200.123456789": true, "99999999999": true, "00000000001.5": true,
	"1747735202345": false, "-1.5": false, "1.": false, ".5": false, "1.5.5": false, "1e9": false, "1.1234567890": false, "": false, "x": false,
}

func TestQuickTimes(t *testing.T) {
	loc := berlin(t)
	for s, want := range timesToTry {
		checkTimes(t, s, loc)
		_, iso := ISO(s, time.UTC)
		_, bsd := BSD(s, time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC), time.UTC)
		_, plain := plainEpoch(s)
		if got := iso || bsd || plain; got != want {
			t.Errorf("%q is read quickly: %v", s, got)
		}
	}
}

func FuzzTimes(f *testing.F) {
	for s := range timesToTry {
		f.Add(s)
	}
	loc := berlin(f)
	f.Fuzz(func(t *testing.T, s string) { checkTimes(t, s, loc) })
}
