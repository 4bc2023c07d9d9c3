package plain

import (
	"regexp"
	"strings"
	"time"

	"vedette/internal/normalize/moment"
)

// head is what the frameworks for logging put before the words of a message.
type head struct {
	when                              time.Time
	origin, pid, level, component, id string
	thread, line                      string // where in the program
	text                              string // the words
}

// The ways a line of text may begin with a time, by its first byte behind a
// bracket: a digit or a capital.
var numberTimes = []*regexp.Regexp{
	regexp.MustCompile(`^\[?(\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?: ?[+-]\d{2}:?\d{2}\b|Z)?)\]?`),
	regexp.MustCompile(`^(\d{6} \d{6})\b`),
	regexp.MustCompile(`^\[?(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]?`),
	regexp.MustCompile(`^\[?(\d{10}(?:\.\d{1,9}|\d{3})?)\b\]?`),
}

var wordTimes = []*regexp.Regexp{
	regexp.MustCompile(`^\[?((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)? (?:[A-Z]{3,4} )?\d{4})\]?`),
	regexp.MustCompile(`^([A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)?)\b`),
}

var (
	// 148 INFO, - [ERROR], , Info: after the time, perhaps behind a process id
	levelShape = regexp.MustCompile(`^[\s,:|-]*(?:\[?(\d{1,10})\]?[\s|]+)?[\[(<]?((?i)trace\d?|debug|dbg|verbose|info|information|notice|warn|warning|err|error|severe|crit|critical|alert|emerg|fatal|panic)[\])>]?(?:[\s:,|]+|$)(?:- )?`)
	// [thread or class] - words; name: words; a.dotted.name words; CBS    words
	componentShapes = []*regexp.Regexp{
		regexp.MustCompile(`^\[((?:[^\[\]]|\[[^\[\]]*\])*)\] [-:] `),
		regexp.MustCompile(`^([A-Za-z][\w.$/-]*): `),
		regexp.MustCompile(`^([A-Za-z]\w*(?:\.\w+)+) `),
		regexp.MustCompile(`^([A-Z][A-Z0-9]{1,9})\s{2,}`),
	}
	// thread:Class@line, as log4j writes %t:%C{1}@%L
	classShape = regexp.MustCompile(`^(?:(.+):)?([A-Za-z_][\w$.]*)@(\d+)$`)
	// [req-38101a0b 113d3a99 - - -] words: what a message belongs to
	contextShape = regexp.MustCompile(`^\[([^\[\]]*)\] `)
	// host program[pid]: words, behind a time of syslog
	syslogShape = regexp.MustCompile(`^ ([\w.:-]+) ([\w./-]+(?:\([\w.:-]+\))?)(?:\[(\d+)\])?: `)
)

// cutHead cuts off what stands before the words of a line. A word without spaces
// may stand before the time, such as the name of a file.
func cutHead(line string, frame moment.Frame) head {
	h := head{text: line}
	rest, when := cutTime(line, frame)
	if when.IsZero() {
		word, after, ok := strings.Cut(line, " ")
		if !ok || len(word) > 128 {
			return h
		}
		if rest, when = cutTime(after, frame); when.IsZero() || !levelShape.MatchString(rest) {
			return h
		}
		h.origin = word
	}
	h.when, h.text = when, strings.TrimLeft(rest, " \t,:-|")
	if m := levelShape.FindStringSubmatch(rest); m != nil {
		h.pid, h.level, h.text = m[1], m[2], rest[len(m[0]):]
		h.cutComponent()
	} else if m := syslogShape.FindStringSubmatch(rest); m != nil {
		h.origin, h.component, h.pid, h.text = m[1], m[2], m[3], rest[len(m[0]):]
	}
	return h
}

// cutTime cuts the time off that a line begins with.
func cutTime(s string, frame moment.Frame) (rest string, when time.Time) {
	first := strings.TrimPrefix(s[:min(len(s), 2)], "[")
	shapes := wordTimes
	switch {
	case first == "" || first[0] > 'Z':
		return s, time.Time{}
	case first[0] <= '9':
		shapes = numberTimes
	}
	for _, shape := range shapes {
		m := shape.FindStringSubmatchIndex(s)
		if m == nil {
			continue
		}
		if when = frame.Any(s[m[2]:m[3]]); !when.IsZero() {
			return s[m[1]:], when
		}
	}
	return s, time.Time{}
}

func (h *head) cutComponent() {
	for _, shape := range componentShapes {
		m := shape.FindStringSubmatch(h.text)
		if m == nil {
			continue
		}
		h.component, h.text = m[1], strings.TrimLeft(h.text[len(m[0]):], " ")
		break
	}
	if h.component == "" {
		return
	}
	if m := classShape.FindStringSubmatch(h.component); m != nil {
		h.thread, h.component, h.line = m[1], m[2], m[3]
	}
	if m := contextShape.FindStringSubmatch(h.text); m != nil && (m[1] == "-" || strings.Contains(m[1], "req-") || strings.Contains(m[1], " - ")) {
		h.id, h.text = m[1], h.text[len(m[0]):]
	}
}
