package syslog

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vedette/internal/normalize/record"
)

// The tests here hold what is written out by hand for speed against the plain
// way of saying the same.

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
		data, err := os.ReadFile(filepath.Join("..", "testdata", "syslog", name))
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
		s = record.Text(s)
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
