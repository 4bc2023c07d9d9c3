package syslog

import (
	"strings"

	"vedette/internal/normalize/moment"
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
	n := moment.BSDLen(line)
	if n == 0 {
		n = moment.ISOLen(line)
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
	n := moment.DigitsAt(line, 1)
	if n < 1 || n > 3 || n+1 >= len(line) || line[n+1] != '>' {
		return "", line
	}
	return line[1 : n+1], line[n+2:]
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
