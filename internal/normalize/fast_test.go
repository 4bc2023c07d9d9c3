package normalize

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests here hold what is written out by hand for speed against the plain
// way of saying the same.

// slowISO is what package time says of the spellings of isoTime.
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
		if got, ok := isoTime(s, l); ok {
			if want, good := slowISO(s, l); !good || !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("isoTime(%q, %v) = %v, not %v (%v)", s, l, got, want, good)
			}
		}
		if l == nil {
			continue
		}
		if got, ok := bsdTime(s, ref, l); ok {
			if want := slowTime(s, ref, l); !got.Equal(want) {
				t.Errorf("bsdTime(%q, %v) = %v, not %v", s, l, got, want)
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
		_, iso := isoTime(s, time.UTC)
		_, bsd := bsdTime(s, time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC), time.UTC)
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

// The heads of syslog lines as expressions.
var (
	bsdShape = regexp.MustCompile(`^(?:<(\d{1,3})>)?([A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)?) (\S+) `)
	isoShape = regexp.MustCompile(`^(?:<(\d{1,3})>)?(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?) (\S+) `)
	tagShape = regexp.MustCompile(`^([A-Za-z0-9_./-]{1,64})(?:\(([A-Za-z0-9_.:-]+)\))?(?: ([0-9.]+))?(?:\[(\d+)\])?:? ?`)
)

var pamShape = regexp.MustCompile(`(logname|uid|euid|tty|ruser|rhost|user)=(\S*)`)

func headByShape(s string) (head, bool) {
	m := bsdShape.FindStringSubmatch(s)
	if m == nil {
		m = isoShape.FindStringSubmatch(s)
	}
	if m == nil {
		return head{}, false
	}
	return head{pri: m[1], when: m[2], host: m[3], rest: s[len(m[0]):]}, true
}

func tagByShape(s string) (tag, bool) {
	m := tagShape.FindStringSubmatch(s)
	if m == nil || !strings.Contains(m[0], ":") {
		return tag{}, false
	}
	return tag{program: m[1], module: m[2], version: m[3], pid: m[4], rest: s[len(m[0]):]}, true
}

// FuzzSyslogParts compares the parts of a line, cut by hand, with what the
// expressions say, and checks that no recogniser is passed over that fits.
func FuzzSyslogParts(f *testing.F) {
	for _, name := range []string{"ssh.log", "linux.log", "rfc5424.log"} {
		data, err := os.ReadFile(filepath.Join("testdata", "syslog", name))
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			f.Add(strings.TrimRight(line, "\n"))
		}
	}
	for _, s := range []string{
		"", "<", "<1", "<1>", "<1234>May 20 10:00:01 h x", "<13>May 20 10:00:01.5 h ", "May 20 10:00:01 h", "May 20 10:00:01  x ", "May 20 10:00:01 h\tx ", "May 20 10:00:01 é\v ", "2025-05-20T12:00:00,5+0200 h x",
		"2025-05-20T12:00:00+02:000 h x", "2025-05-20T12:00:00. h x", "2025-05-20T12:00:00Z+ h x", "<13>1 2025-05-20T12:00:00Z h a - - - x", "<13>12 - - - - - - x", "<13>123 - - - - - - x",
		"sshd[1]: x", "sshd(pam_unix)[1]: x", "a 1.2[3]:x", "a 1.2[3x]:x", "a(b:c) x", "a(:)", "a():x", strings.Repeat("a", 65) + ":", "a [1]: x", "a: : x",
		"logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root", "xuid=1=uid=2\tuser=a=b\vruser=", "=uid==user==", "useruser=uid",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = text(s)
		got, ok := cutHead(s)
		if want, good := headByShape(s); got != want || ok != good {
			t.Errorf("cutHead(%q) = %+v, %v, not %+v, %v", s, got, ok, want, good)
		}
		for _, s := range []string{s, got.rest} {
			tagged, ok := cutTag(s)
			want, good := tagByShape(s)
			if !ok {
				tagged = tag{}
			}
			if tagged != want || ok != good {
				t.Errorf("cutTag(%q) = %+v, %v, not %+v, %v", s, tagged, ok, want, good)
			}
			checkBegins(t, tagged.rest)
		}
		checkBegins(t, s)
		checkPAM(t, s)
		if (&syslog{}).cut5424(s) == nil && rfc5424.MatchString(s) {
			t.Errorf("%q is passed over", s)
		}
	})
}

func checkPAM(t *testing.T, s string) {
	t.Helper()
	var got [][2]string
	for rest, ok := s, true; ok; {
		var name, v string
		if name, v, rest, ok = nextPAM(rest); ok {
			got = append(got, [2]string{name, v})
		}
	}
	var want [][2]string
	for _, m := range pamShape.FindAllStringSubmatch(s, -1) {
		want = append(want, [2]string{m[1], m[2]})
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q has the fields %q, not %q", s, got, want)
	}
}

func checkBegins(t *testing.T, s string) {
	t.Helper()
	for i := range recognisers {
		r := &recognisers[i]
		l := line{text: s}
		if r.programs != nil {
			l.program = r.programs[0]
		}
		if r.shape.MatchString(s) && !r.mayFit(&l) {
			t.Errorf("%q fits %v, but does not begin as any of %q", s, r.shape, r.begins)
		}
	}
	if repeated.MatchString(s) && repetition(s) == nil {
		t.Errorf("%q is a repetition", s)
	}
}
