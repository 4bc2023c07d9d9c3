package web

import (
	"regexp"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

var (
	// [Sun Dec 04 04:47:44.123456 2005] [core:error] [pid 35708:tid 4328] [client 192.0.2.7:4242] AH00124: text
	apacheError = regexp.MustCompile(`^\[((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)? \d{4})\] \[(?:([\w-]*):)?(\w+)\] ?(?:\[pid (\d+)(?::tid (\d+))?\] )?(.*)$`)
	apacheFrom  = regexp.MustCompile(`\[(?:client|remote) ([^\]\s]+)\] ?`)
	apacheCode  = regexp.MustCompile(`^(AH\d{5}): `)

	// 2025/05/20 12:00:00 [error] 31#31: *17 open() "/x" failed (2: No such file or directory), client: 192.0.2.7, server: _, request: "GET /x HTTP/1.1", host: "h"
	nginxError = regexp.MustCompile(`^(\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}) \[(\w+)\] (\d+)#(\d+): (?:\*(\d+) )?(.*)$`)
	nginxPair  = regexp.MustCompile(`, (client|server|request|upstream|host|referrer|subrequest): ("(?:[^"\\]|\\.)*"|[^,\s]+)`)
)

func readError(e *event.Event, line string, frame moment.Frame) (time.Time, bool) {
	if m := apacheError.FindStringSubmatch(line); m != nil {
		return apache(e, m, frame), true
	}
	if m := nginxError.FindStringSubmatch(line); m != nil {
		return nginx(e, m, frame), true
	}
	return time.Time{}, false
}

func apache(e *event.Event, m []string, frame moment.Frame) time.Time {
	e.SetClassUID(int64(event.BaseEvent))
	e.SetMetadataProduct("Apache")
	record.Keep(e, "module", m[2])
	serverLevel(e, m[3])
	record.Set(e, event.SlotProcessPid, "pid", m[4])
	record.Keep(e, "tid", m[5])
	text := m[6]
	if from := apacheFrom.FindStringSubmatchIndex(text); from != nil && from[0] < 64 {
		address := text[from[2]:from[3]]
		// 2.4, which names its process, writes the port behind any address.
		if at := strings.LastIndexByte(address, ':'); at > 0 && (m[4] != "" || strings.Count(address, ":") == 1) {
			record.Set(e, event.SlotSrcEndpointPort, "port", address[at+1:])
			address = address[:at]
		}
		client(e, strings.Trim(address, "[]"))
		text = text[:from[0]] + text[from[1]:]
	}
	if code := apacheCode.FindStringSubmatch(text); code != nil {
		e.SetMetadataEventCode(code[1])
		text = text[len(code[0]):]
	}
	e.SetMessage(text)
	return frame.Any(m[1])
}

func nginx(e *event.Event, m []string, frame moment.Frame) time.Time {
	e.SetClassUID(int64(event.BaseEvent))
	e.SetMetadataProduct("nginx")
	serverLevel(e, m[2])
	record.Set(e, event.SlotProcessPid, "pid", m[3])
	record.Keep(e, "tid", m[4])
	record.Keep(e, "connection", m[5])
	e.SetMessage(m[6])
	for _, pair := range nginxPair.FindAllStringSubmatch(m[6], 10) {
		v := unquote(strings.Trim(pair[2], `"`))
		switch pair[1] {
		case "client":
			client(e, v)
		case "request":
			msg := e.Message()
			request(e, v)
			e.SetMessage(msg)
			e.SetClassUID(int64(event.HTTPActivity))
			e.SetStatus(event.Failure)
		case "host":
			e.SetHTTPRequestURLHostname(v)
		case "referrer":
			e.SetHTTPRequestReferrer(v)
		default:
			record.Keep(e, pair[1], v)
		}
	}
	return frame.Any(m[1])
}

// serverLevel maps the words of both servers, which are those of syslog, and
// keeps the word.
func serverLevel(e *event.Event, word string) {
	record.Keep(e, "level", word)
	if s := record.Level(word); s != 0 {
		e.SetSeverityId(int64(s))
	}
}
