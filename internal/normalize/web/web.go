// Package web reads the logs of web servers: the access logs of Apache, nginx
// and what writes like them (common and combined), their error logs, and the
// W3C extended format of IIS.
//
// It must not judge a request. A request is what a client sent: its text is
// taken as it stands.
package web

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/parameter"
	"vedette/internal/normalize/record"
)

// Access is common and combined log format, with a virtual host before it or
// fields after it.
func Access() record.Dialect {
	return record.Dialect{Name: "access", Detect: detector(85, func(line string) bool { return accessShape.MatchString(line) }), New: func(src record.Source) record.Parser {
		return &lines{src: src, log: "web/access", read: ReadAccess, not: "not a line of an access log"}
	}}
}

// Error is the error log of Apache (2.2 and 2.4) and nginx.
func Error() record.Dialect {
	return record.Dialect{Name: "weberror", Detect: detector(85, func(line string) bool {
		return apacheError.MatchString(line) || nginxError.MatchString(line)
	}), New: func(src record.Source) record.Parser {
		return &lines{src: src, log: "web/error", read: readError, not: "not a line of an error log"}
	}}
}

// detector is sure if most of the first lines fit.
func detector(sure int, fits func(line string) bool) func([]byte, string) int {
	return func(head []byte, _ string) int {
		if end := bytes.LastIndexByte(head, '\n'); end > 0 {
			head = head[:end] // the last record may be cut off
		}
		lines, hits := 0, 0
		for _, line := range bytes.SplitN(head, []byte("\n"), 32) {
			line = bytes.TrimSpace(line)
			if len(line) == 0 || lines == 30 {
				continue
			}
			lines++
			if fits(string(line[:min(len(line), 4096)])) {
				hits++
			}
		}
		if hits == 0 || hits*10 < lines*6 {
			return 0
		}
		return sure
	}
}

// lines is a parser of one event a line.
type lines struct {
	src  record.Source
	e    event.Event
	log  string
	read func(e *event.Event, line string, frame moment.Frame) (time.Time, bool)
	not  string
	says parameter.Reader // for what has no class
}

// Parse implements [record.Parser].
func (p *lines) Parse(rec record.Record, emit func(*event.Event)) error {
	p.e.Reset()
	raw := record.Text(p.src.Keep(rec.Raw))
	when, ok := p.read(&p.e, raw, p.src.Frame())
	if !ok {
		return fault.New(fault.Invalid, "%s", p.not)
	}
	p.e.SetMetadataLogName(p.log)
	if p.e.ClassUID() == int64(event.BaseEvent) {
		p.says.Read(&p.e, p.e.Message())
	}
	record.Finish(&p.e, &p.src, rec, raw, 0, when)
	emit(&p.e)
	return nil
}

// accessShape is "[vhost ]host ident user [time] "request" status bytes" and what
// follows. Quotes in the request are escaped. With a virtual host nobody has an
// ident, so that a user name with spaces is not taken for one.
var accessShape = regexp.MustCompile(`^(?:(\S+) (\S+) (-)|(\S+) (\S+)) (.+?) \[(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3}|-) (\d+|-)(.*)$`)

// afterwards are the quoted and the plain fields behind.
var afterwards = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|(\S+)`)

const maxAfterwards = 30

// ReadAccess reads a line of an access log, everything but what
// [record.Finish] sets; ok is false if it is none.
func ReadAccess(e *event.Event, line string, frame moment.Frame) (when time.Time, ok bool) {
	m := accessShape.FindStringSubmatch(line)
	if m == nil {
		return time.Time{}, false
	}
	e.SetClassUID(int64(event.HTTPActivity))
	e.SetMetadataProduct("web server")
	e.SetMetadataLogName("web/access")
	e.SetAppName("http")
	if vhost, port, found := strings.Cut(m[1], ":"); found {
		e.SetHTTPRequestURLHostname(vhost)
		record.Set(e, event.SlotDstEndpointPort, "port", port)
	} else {
		e.SetHTTPRequestURLHostname(m[1])
	}
	client(e, m[2]+m[4])
	if m[5] != "-" {
		record.Keep(e, "ident", m[5])
	}
	if m[6] != "-" {
		e.SetUserName(unquote(m[6]))
	}
	request(e, unquote(m[8]))
	status(e, m[9])
	if m[10] != "-" {
		record.Set(e, event.SlotHTTPResponseLength, "bytes", m[10])
	}
	for i, f := range afterwards.FindAllStringSubmatch(m[11], maxAfterwards) {
		v := unquote(f[1] + f[2])
		switch {
		case v == "-" || v == "":
		case i == 0 && f[2] == "":
			e.SetHTTPRequestReferrer(v)
		case i == 1 && f[2] == "":
			e.SetHTTPRequestUserAgent(v)
		default:
			record.Keep(e, "field"+strconv.Itoa(i+1), v)
		}
	}
	return frame.Any(m[7]), true
}

func client(e *event.Event, host string) {
	if host != "-" && !e.SetIP(event.SlotSrcEndpointIP, host) {
		e.SetSrcEndpointHostname(host)
	}
}

// methods are the words that a request line begins with (RFC 9110 and WebDAV);
// another first word may be anything that was sent to the port.
var methods = regexp.MustCompile(`^[A-Z][A-Z_-]{1,20}$`)

// request cuts a request line; what is none is kept as a whole.
func request(e *event.Event, line string) {
	method, rest, ok := strings.Cut(line, " ")
	if !ok || !methods.MatchString(method) {
		record.Keep(e, "request", line)
		e.SetMessage(line)
		return
	}
	e.SetHTTPRequestHTTPMethod(method)
	e.SetActivityName(method)
	if at := strings.LastIndex(rest, " HTTP/"); at >= 0 {
		e.SetHTTPRequestVersion(rest[at+len(" HTTP/"):])
		rest = rest[:at]
	}
	e.SetHTTPRequestURLPath(rest)
	e.SetMessage(line)
}

// status says how it ended: below 400 is a success.
func status(e *event.Event, code string) {
	n, err := strconv.ParseInt(code, 10, 64)
	if err != nil {
		return
	}
	e.SetHTTPResponseCode(n)
	switch {
	case n >= 400:
		e.SetStatus(event.Failure)
	case n >= 100:
		e.SetStatus(event.Success)
	}
}

// unquote undoes \" and \\; \xNN, which Apache and nginx write for bytes that
// are no plain text, stays.
func unquote(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s)
}
