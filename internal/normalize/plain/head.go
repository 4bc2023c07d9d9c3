package plain

import (
	"regexp"
	"strings"
	"time"

	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/pairs"
)

// head is what the frameworks for logging put before the words of a message.
type head struct {
	when                              time.Time
	origin, pid, level, component, id string
	thread, line                      string // where in the program
	uptime                            string // seconds since the machine started
	named                             [][2]string
	text                              string // the words
}

// The ways a line of text may begin with a time, by its first byte behind a
// bracket: a digit or a capital.
var numberTimes = []*regexp.Regexp{
	regexp.MustCompile(`^\[?(\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?: ?[+-]\d{2}:?\d{2}\b|Z)?)\]?`),
	regexp.MustCompile(`^(\d{6} \d{6})\b`),
	regexp.MustCompile(`^\[?(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]?`),
	regexp.MustCompile(`^\[?(\d{10}(?:\.\d{1,9}|\d{3})?)\b\]?`),
	regexp.MustCompile(`^\[?(\d{2}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}(?:[.,]\d+)?)\b\]?`),
	regexp.MustCompile(`^\[?(\d{1,2}\.\d{1,2}\.\d{4},? \d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?)\b\]?`),
	regexp.MustCompile(`^\[?(\d{1,2}/\d{1,2}/\d{4},? \d{1,2}:\d{2}:\d{2}(?: [AP]M)?)\b\]?`),
	regexp.MustCompile(`^(\d{8}[- ]\d{1,2}:\d{1,2}:\d{1,2}[:.,]\d{1,3})\b`),
	regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}-\d{2}\.\d{2}\.\d{2}\.\d+)\b`),
	regexp.MustCompile(`^\[?(\d{4}\.\d{2}\.\d{2} \d{2}:\d{2}:\d{2}(?:[.,]\d+)?)\b\]?`),
	regexp.MustCompile(`^\[(\d{2}\.\d{2} \d{2}:\d{2}:\d{2})\]`),
}

var wordTimes = []*regexp.Regexp{
	regexp.MustCompile(`^\[?((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)? (?:[A-Z]{3,4} )?\d{4})\]?`),
	regexp.MustCompile(`^([A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)?)\b`),
}

// The ways a line may begin of which the time is only a part.
var (
	// I0501 10:00:00.123456   12345 controller.go:114] words: glog and klog
	glogShape = regexp.MustCompile(`^([IWEF])(\d{4} \d{2}:\d{2}:\d{2}\.\d+)\s+(\d+) ([^:\s\]]+):(\d+)\] `)
	// 03-17 16:13:38.811  1702  2395 D WindowManager: words: logcat -v threadtime
	logcatShape = regexp.MustCompile(`^(\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3})\s+(\d+)\s+(\d+) ([VDIWEFA]) ([^:]{0,80}?)\s*: `)
	// WARNING:plant.scada:words: Python's logging, as it comes
	pythonShape = regexp.MustCompile(`^(DEBUG|INFO|WARNING|ERROR|CRITICAL):([\w.]+):`)
	// [   12.345678] words: the kernel, by seconds since it started
	kernelShape = regexp.MustCompile(`^\[ *(\d+\.\d{6})\] `)
	// time="2024-05-01T10:00:00Z" level=info msg="words": logfmt
	logfmtShape = regexp.MustCompile(`^(?:time|ts|t|timestamp|level|lvl)=`)
)

// letters are the levels that glog and logcat write.
var letters = map[string]string{"V": "VERBOSE", "D": "DEBUG", "I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL", "A": "ALERT"}

var (
	// 148 INFO, - [ERROR], , Info: after the time, perhaps behind a process id
	levelShape = regexp.MustCompile(`^(?: UTC| GMT)?[\s,:|-]*(?:\[?(\d{1,10})\]?[\s|]+)?(?:[\w.-]+@[\w.-]+ )?[\[(<]?((?i)trace\d?|debug|dbg|verbose|info|information|notice|warn|warning|err|error|severe|crit|critical|alert|emerg|fatal|panic)[\])>]?(?:[\s:,|]+|$)(?:- )?`)
	//  - a.dotted.name - WARNING - words; [thread] WARN  a.dotted.name - words
	namedShape    = regexp.MustCompile(`^ - ([A-Za-z_][\w.]*) - ((?i)debug|info|warning|error|critical) - `)
	threadedShape = regexp.MustCompile(`^ \[([^\]]{1,80})\] (TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +([A-Za-z_][\w.$]*) - `)
	// 1 --- [thread] a.dotted.name : words; [thread] a.dotted.name: words
	springShape = regexp.MustCompile(`^(\d+) --- (?:\[[^\]]*\] )?\[ *([^\]]*)\] (\S+) +: `)
	hadoopShape = regexp.MustCompile(`^\[((?:[^\[\]]|\[[^\[\]]*\])*)\] ([A-Za-z_][\w.$]*): `)
	// program.exe - words
	programShape = regexp.MustCompile(`^ ([\w.-]+\.exe)(?: \*\d\d)? - `)
	// |component|pid|words
	pipedShape = regexp.MustCompile(`^\|([^|\s]{1,64})\|(\d{1,10})\|`)
	// words of a machine's own, and then COMPONENT LEVEL words, or what syslog writes
	gradedShape = regexp.MustCompile(`^ (?:\S+ ){0,5}(\S+) (DEBUG|INFO|NOTICE|WARNING|ERROR|SEVERE|FAILURE|FATAL|CRITICAL) `)
	carriedLine = regexp.MustCompile(`^ (?:\S+ ){0,3}[A-Z][a-z]{2} [ \d]?\d \d{2}:\d{2}:\d{2} ([\w.:/-]+) ([\w./-]+(?:\([\w.:-]+\))?)(?:\[(\d+)\])?: `)
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

// cutHead cuts off what stands before the words of a line.
func cutHead(line string, frame moment.Frame) head {
	if h, ok := cutWhole(line, frame); ok {
		return h
	}
	h := head{text: line}
	rest, when := cutTime(line, frame)
	if when.IsZero() {
		return cutOrigin(line, frame)
	}
	h.when, h.text = when, strings.TrimLeft(rest, " \t,:-|")
	h.cutRest(rest)
	return h
}

// cutWhole reads the heads of which the time is only a part.
func cutWhole(line string, frame moment.Frame) (head, bool) {
	if line == "" {
		return head{}, false
	}
	switch c := line[0]; {
	case c >= 'A' && c <= 'Z':
		if m := glogShape.FindStringSubmatch(line); m != nil {
			return head{when: frame.Any(m[2]), level: letters[m[1]], pid: m[3], component: m[4], line: m[5], text: line[len(m[0]):]}, true
		}
		if m := pythonShape.FindStringSubmatch(line); m != nil {
			return head{level: m[1], component: m[2], text: line[len(m[0]):]}, true
		}
	case c >= '0' && c <= '9':
		if m := logcatShape.FindStringSubmatch(line); m != nil {
			return head{when: frame.Any(m[1]), pid: m[2], thread: m[3], level: letters[m[4]], component: m[5], text: line[len(m[0]):]}, true
		}
	case c == '[':
		if m := kernelShape.FindStringSubmatch(line); m != nil {
			return head{uptime: m[1], text: line[len(m[0]):]}, true
		}
	case logfmtShape.MatchString(line):
		return cutPairs(line, frame)
	}
	return head{}, false
}

// maxNamed is how many pairs of a line of logfmt are kept; all stay in the raw record.
const maxNamed = 16

// cutPairs reads a line of logfmt.
func cutPairs(line string, frame moment.Frame) (head, bool) {
	h := head{text: line}
	pairs.Each(line, func(key, value string) {
		switch key {
		case "time", "ts", "t", "timestamp":
			h.when = frame.Any(value)
		case "level", "lvl":
			h.level = value
		case "logger", "component", "caller", "module":
			h.component = value
		case "msg", "message":
			h.text = value
		default:
			if len(h.named) < maxNamed {
				h.named = append(h.named, [2]string{key, value})
			}
		}
	})
	return h, !h.when.IsZero() || h.level != ""
}

// maxBefore is how many words may stand before the time.
const maxBefore = 5

// cutOrigin reads a line of which words without spaces stand before the time, such as
// the name of a file, a label or a node: one if a level follows, and more, none of them
// a plain word, before a time in seconds.
func cutOrigin(line string, frame moment.Frame) head {
	word, after, ok := strings.Cut(line, " ")
	if !ok || len(word) > 128 {
		return head{text: line}
	}
	if rest, when := cutTime(after, frame); !when.IsZero() && levelShape.MatchString(rest) {
		h := head{origin: word, when: when, text: strings.TrimLeft(rest, " \t,:-|")}
		h.cutRest(rest)
		return h
	}
	at := 0
	for range maxBefore {
		next := strings.IndexByte(line[at:], ' ')
		if next < 0 || strings.Trim(line[at:at+next], "abcdefghijklmnopqrstuvwxyz") == "" {
			break // words of a sentence
		}
		at += next + 1
		word, rest, _ := strings.Cut(line[at:], " ")
		if when := seconds(word, frame); !when.IsZero() {
			h := head{origin: strings.TrimSpace(strings.TrimPrefix(line[:at], "- ")), when: when, text: rest}
			h.cutCarried(" " + rest)
			return h
		}
	}
	return head{text: line}
}

// seconds reads a word that is a time in seconds since 1970 of the last decades.
func seconds(word string, frame moment.Frame) time.Time {
	if len(word) != 10 || word[0] == '0' || strings.Trim(word, "0123456789") != "" {
		return time.Time{}
	}
	if when := moment.Epoch(word); frame.Ref.IsZero() || when.Before(frame.Ref.Add(moment.AheadLimit)) {
		return when
	}
	return time.Time{}
}

// cutCarried cuts what follows a time that is not the first word: a line of syslog
// that is carried, or words with a level among the first.
func (h *head) cutCarried(rest string) {
	if m := carriedLine.FindStringSubmatch(rest); m != nil {
		h.origin, h.component, h.pid, h.text = m[1], m[2], m[3], rest[len(m[0]):]
	} else if m := gradedShape.FindStringSubmatch(rest); m != nil {
		h.component, h.level, h.text = m[1], m[2], rest[len(m[0]):]
	}
}

// cutRest cuts what stands between the time and the words.
func (h *head) cutRest(rest string) {
	if m := pipedShape.FindStringSubmatch(rest); m != nil {
		h.component, h.pid, h.text = m[1], m[2], rest[len(m[0]):]
	} else if m := programShape.FindStringSubmatch(rest); m != nil {
		h.component, h.text = m[1], rest[len(m[0]):]
	} else if m := namedShape.FindStringSubmatch(rest); m != nil {
		h.component, h.level, h.text = m[1], m[2], rest[len(m[0]):]
	} else if m := threadedShape.FindStringSubmatch(rest); m != nil {
		h.thread, h.level, h.component, h.text = m[1], m[2], m[3], rest[len(m[0]):]
	} else if m := levelShape.FindStringSubmatch(rest); m != nil {
		h.pid, h.level, h.text = m[1], m[2], rest[len(m[0]):]
		h.cutComponent()
	} else if m := syslogShape.FindStringSubmatch(rest); m != nil {
		h.origin, h.component, h.pid, h.text = m[1], m[2], m[3], rest[len(m[0]):]
	}
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
	if m := springShape.FindStringSubmatch(h.text); m != nil {
		h.pid, h.thread, h.component, h.text = m[1], m[2], m[3], h.text[len(m[0]):]
		return
	}
	if m := hadoopShape.FindStringSubmatch(h.text); m != nil {
		h.thread, h.component, h.text = m[1], m[2], strings.TrimLeft(h.text[len(m[0]):], " ")
		return
	}
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
