// Package syslog reads lines of syslog and understands what the usual programs
// say in them.
//
// It must not guess: a line that no pattern fits is kept as its words.
package syslog

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/appliance"
	"vedette/internal/normalize/cef"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/parameter"
	"vedette/internal/normalize/record"
)

// Dialect is RFC 3164 and RFC 5424, with or without priority, also with ISO
// time stamps as rsyslog and journald write them. What sshd, PAM, sudo, su,
// login and ftpd say is understood; see auth.go for how attempts are counted.
//
// A time without a year is given the source's (the year in which the file last
// changed, else the clock's), one less if it would lie more than a day after
// that; a time without a zone is in the source's location or UTC.
func Dialect() record.Dialect {
	return record.Dialect{Name: "syslog", Detect: detectSyslog, New: func(src record.Source) record.Parser { return &syslog{src: src, frame: src.Frame()} }}
}

var (
	rfc5424 = regexp.MustCompile(`(?s)^<(\d{1,3})>\d{1,2} (\S+) (\S+) (\S+) (\S+) (\S+)(?: (-|(?:` + element + `)+)(?: |$))?(.*)$`)
	sdPart  = regexp.MustCompile(`^` + element)
	sdParam = regexp.MustCompile(param)
)

// Structured data of RFC 5424: elements that have an id and parameters.
const (
	param   = `([^ =\]"]+)="((?:[^"\\]|\\.)*)"`
	element = `\[([^ =\]"]+)((?: +[^ =\]"]+="(?:[^"\\]|\\.)*")*) *\]`
)

func detectSyslog(head []byte, _ string) int {
	lines, hits := 0, 0
	if end := bytes.LastIndexByte(head, '\n'); end > 0 {
		head = head[:end] // the last record may be cut off
	}
	for _, line := range bytes.SplitN(head, []byte("\n"), 52) {
		line = bytes.TrimRight(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), "\r")
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		lines++
		if _, ok := cutHead(string(line)); ok || rfc5424.Match(line) || isOdd(string(line)) {
			hits++
		}
	}
	if hits == 0 || hits*10 < lines*6 {
		return 0
	}
	return 70
}

type syslog struct {
	src   record.Source
	frame moment.Frame
	e     event.Event
	open  sessions
	logs  record.Memo[string] // metadata.log_name, by program
	says  parameter.Reader    // for what no program's words are known of
}

// line is a syslog line cut into its parts.
type line struct {
	pri, host, program, module, pid, text string
	when                                  time.Time
}

// Parse implements [Parser].
func (p *syslog) Parse(rec record.Record, emit func(*event.Event)) error {
	p.e.Reset()
	raw := record.Text(p.src.Keep(rec.Raw))
	l, ok := p.cut(strings.TrimPrefix(raw, "\xef\xbb\xbf"))
	if !ok {
		return fault.New(fault.Invalid, "not a syslog line")
	}
	e := &p.e
	e.SetDeviceHostname(l.host)
	e.SetIP(event.SlotDeviceIP, l.host)
	e.SetProcessName(l.program)
	record.Set(e, event.SlotProcessPid, "pid", l.pid)
	e.SetExtra("module", l.module)
	e.SetMessage(l.text)
	e.SetMetadataProduct("syslog")
	e.SetMetadataLogName(p.logs.Of(l.program, syslogName)) // process.name has the program as it is
	e.SetClassUID(int64(event.BaseEvent))
	priority(e, l.pri)
	if when := guest(e, &l, p.frame); !when.IsZero() {
		l.when = when
	}
	if e.ClassUID() == int64(event.BaseEvent) {
		understand(e, l)
	}
	if e.ClassUID() == int64(event.BaseEvent) {
		p.says.Read(e, l.text)
	}
	p.open.note(e, l.when)
	record.Finish(e, &p.src, rec, raw, 0, l.when)
	emit(e)
	return nil
}

func syslogName(program string) string { return "syslog/" + record.LogWord(program) }

func (p *syslog) cut(text string) (line, bool) {
	if m := p.cut5424(text); m != nil {
		l := line{pri: m[1], host: dash(m[3]), program: dash(m[4]), pid: dash(m[5]), text: strings.TrimPrefix(strings.TrimPrefix(m[len(m)-1], " "), "\xef\xbb\xbf"), when: p.frame.Syslog(m[2])}
		p.e.SetExtra("msgid", dash(m[6]))
		structured(&p.e, m[7])
		return l, true
	}
	h, ok := cutHead(text)
	if !ok {
		return p.cutOdd(text)
	}
	l := line{pri: h.pri, host: h.host, when: p.frame.Syslog(h.when), text: h.rest}
	p.cutProgram(&l)
	return l, true
}

// cutProgram cuts off who wrote a line, unless it is the record of another
// format that only looks as if it began with a program.
func (p *syslog) cutProgram(l *line) {
	if cef.Is(l.text) {
		return
	}
	if at := appliance.CiscoAt(l.text); at >= 0 {
		record.Keep(&p.e, "device_head", strings.Trim(l.text[:at], " :*"))
		l.text = l.text[at:]
		return
	}
	if t, ok := cutTag(l.text); ok {
		l.program, l.module, l.pid, l.text = t.program, t.module, t.pid, t.rest
		p.e.SetProductVersion(t.version)
	}
}

// cut5424 is the parts of a line of RFC 5424, or nil.
func (p *syslog) cut5424(text string) []string {
	pri, rest := cutPriority(text)
	if n := moment.DigitsAt(rest, 0); pri == "" || n < 1 || n > 2 || !strings.HasPrefix(rest[n:], " ") { // saves most lines the expression
		return nil
	}
	return rfc5424.FindStringSubmatch(text)
}

// maxParams is how many parameters of structured data are kept by name; all of
// them stay in the raw record.
const maxParams = 500

// structured keeps each parameter as an extra named after its element and
// itself: two elements may have parameters of the same name.
func structured(e *event.Event, sd string) {
	n := 0
	for sd != "" && sd != "-" && n < maxParams {
		m := sdPart.FindStringSubmatch(sd)
		if m == nil {
			return
		}
		if m[2] == "" {
			record.Keep(e, "structured_data", m[1])
			n++
		}
		for _, kv := range sdParam.FindAllStringSubmatch(m[2], maxParams-n) {
			record.Keep(e, m[1]+"."+kv[1], strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\]`, `]`).Replace(kv[2]))
			n++
		}
		sd = sd[len(m[0]):]
	}
}

func dash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// severities are OCSF's by the numbers of RFC 5424, table 2.
var severities = [...]event.Severity{event.Fatal, event.Critical, event.Critical, event.High, event.Medium, event.Low, event.Informational, event.Informational}

// priority splits PRI into facility (kept as extra) and severity (RFC 5424,
// table 2): emergency and alert become fatal and critical, and so on down.
func priority(e *event.Event, pri string) {
	if pri == "" {
		return
	}
	n, err := strconv.Atoi(pri)
	if err != nil || n > 191 {
		e.SetExtra("pri", pri)
		return
	}
	e.SetExtra("facility", strconv.Itoa(n/8))
	e.SetSeverityId(int64(severities[n%8]))
}
